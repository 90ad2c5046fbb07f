"""The script a supervisor is started with: `python -I -S launch.py ALIVE_FD ACK_FD RUN_ID [FOLDER...]`.

`-I -S` keeps `site` and the user's variables out: the interpreter starts in half the time and memory, and finds
nothing but the standard library and, appended here, this package and the folders named last, for systems that need a
library. The id is there for whoever reads `ps`.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    sys.path += sys.argv[4:]
    from gittasks.runtime.supervisor import main

    main(alive_fd=int(sys.argv[1]), ack_fd=int(sys.argv[2]))
