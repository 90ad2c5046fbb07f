"""`python -m tests.fuzz [TARGET...] [--seconds N]`: with atheris where it is installed, else with mutations.

Stops at the first input that is a bug, and leaves it in a file.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.targets import TARGETS, feed, seeds

_TOKENS = (
    b"\0", b"\n", b"\r", b"\t", b"\x1b[2J", b"\xff", b"\xc2\x9b", b"\xe2\x80\xae", b"\xed\xa0\x80", b"---\n",
    b"...\n", b"[", b"]", b"{", b"}", b"&a ", b"*a", b"!!str ", b"!x ", b"|", b">", b"- ", b": ", b"? ", b"# ", b"'",
    b'"', b"\\", b"\\ud800", b"<<: ", b"%YAML 1.1\n", b"1e999", b"NaN", b"-0", b"9" * 400, b"null", b"true", b"~",
    b"<<<<<<< a\n", b"=======\n", b">>>>>>> b\n", b"id: 2\n", b"\xef\xbb\xbf", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8",
)  # fmt: skip


def mutate(chance: random.Random, pool: list[bytes]) -> bytes:
    """One of the pool, changed in a few places."""
    data = bytearray(chance.choice(pool))
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(data))
        kind = chance.randrange(6)
        if kind == 0:
            data[at:at] = chance.choice(_TOKENS)
        elif kind == 1 and data:
            data[at - 1 : at] = bytes([chance.randrange(256)])
        elif kind == 2:
            del data[at : at + chance.randint(1, 20)]
        elif kind == 3:
            start = chance.randint(0, len(data))
            data[at:at] = data[start : start + chance.randint(1, 60)]
        elif kind == 4:
            other = chance.choice(pool)
            data[at:] = other[chance.randint(0, len(other)) :]
        elif kind == 5:
            data[at:at] = chance.choice(_TOKENS) * chance.randint(2, 40)
    return bytes(data[:20_000])


def fuzz(name: str, seconds: float, seed: int) -> tuple[int, int]:
    """Feed mutations for so long; how many, and how many were taken. Raises what a bug raises."""
    chance = random.Random(f"{seed} {name}")
    pool = list(seeds(name))
    tried = taken = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        data = mutate(chance, pool)
        tried += 1
        try:
            is_taken = feed(name, data)
        except BaseException:
            keep(name, data)
            raise
        if is_taken:
            taken += 1
            if len(pool) < 500 or chance.random() < 0.05:
                pool[chance.randrange(len(pool)) : 0] = [data]
                del pool[600:]
    return tried, taken


def keep(name: str, data: bytes) -> None:
    """Leave an input where a person finds it."""
    with tempfile.NamedTemporaryFile(prefix=f"fuzz-{name}-", delete=False) as file:
        file.write(data)
    sys.stderr.write(f"{name}: the input is in {file.name}\n")


def main() -> int:
    """Fuzz all targets, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="without atheris, also where it is installed")
    args = parser.parse_args()
    names = args.targets or list(TARGETS)
    if not args.plain and len(names) == 1 and with_atheris(names[0], args.seconds):
        return 0
    for name in names:
        tried, taken = fuzz(name, args.seconds, args.seed)
        sys.stdout.write(f"{name:<12} {tried:>8} inputs, {taken:>8} taken\n")
        sys.stdout.flush()
    return 0


def with_atheris(name: str, seconds: float) -> bool:
    """Let atheris find its way by coverage (it takes one target a process); whether it is installed."""
    try:
        # Installed in few places, and without types.
        import atheris  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return False
    for module in [sys.modules[full] for full in list(sys.modules) if full.startswith("gittasks.")]:
        for value in vars(module).values():
            if (
                callable(value)
                and getattr(value, "__module__", "") == module.__name__
                and hasattr(value, "__code__")
            ):
                atheris.instrument_func(value)
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(name)):
            Path(corpus, str(number)).write_bytes(data)
        options = [
            f"-max_total_time={int(seconds)}",
            "-max_len=8000",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], lambda data: feed(name, data))
        atheris.Fuzz()
    return True


if __name__ == "__main__":
    sys.exit(main())
