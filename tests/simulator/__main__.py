"""`python -m tests.simulator`: simulate, and answer 1 where a law was broken."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.simulator.simulation import simulate


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--clones", type=int, default=5, help="how many clones (default: %(default)s)")
    parser.add_argument(
        "--steps", type=int, default=500, help="steps of each simulation (default: %(default)s)"
    )
    parser.add_argument(
        "--every", type=int, default=50, help="steps between two meetings (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=1, help="simulations, a seed each (default: %(default)s)"
    )
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it there")
    args = parser.parse_args(argv)
    total: Counter[str] = Counter()
    failed = []
    began = time.monotonic()
    for seed in range(args.seed, args.seed + args.rounds):
        with tempfile.TemporaryDirectory(prefix="gittasks-simulator-") as scratch:
            folder = args.keep / str(seed) if args.keep else Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            outcome = simulate(folder, seed=seed, clones=args.clones, steps=args.steps, every=args.every)
        total += outcome.counts
        if outcome.failure:
            failed.append(seed)
            _say("\n".join((f"seed {seed}:", *outcome.log[-12:], outcome.failure)))
    _say(f"{args.rounds} simulations of {args.clones} clones, {time.monotonic() - began:.0f} s")
    _say(", ".join(f"{total[name]} {name}" for name in sorted({*total, "losses"})))
    if failed:
        _say("broken: " + ", ".join(f"--seed {seed}" for seed in failed))
    return 1 if failed else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
