"""The program's entry: `gittasks`, `git tasks` and `python -m gittasks` all start here."""

from __future__ import annotations

import gc
import os
import sys

# A read makes tens of thousands of small tuples and no garbage: collecting at every 700th costs it a tenth.
_COLLECT_EVERY = 200_000


def main() -> int:
    """Run the command line in `sys.argv`, and end the process with its exit code."""
    if sys.argv[1:2] == ["hook"]:
        from gittasks.hooks.main import main as hook

        hook()
    gc.set_threshold(_COLLECT_EVERY, 10, 10)
    from gittasks.cli.main import run

    code = run(sys.argv[1:])
    # Everything is flushed and closed. Taking the interpreter apart piece by piece would cost 4 ms more.
    os._exit(code)


if __name__ == "__main__":
    main()
