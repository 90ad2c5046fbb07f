"""The program's entry: `gittasks`, `git tasks` and `python -m gittasks` all start here."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line in `sys.argv` and answer its exit code."""
    from gittasks.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
