"""`python -m benchmarks`: measures, prints tables, writes docs/performance.md; fails when a limit is broken."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import board, claims, hooks, peers, reads, runs, stress, supervision, writes
from benchmarks.report import Table, as_markdown, as_text, failures, machine
from benchmarks.stores import Store, make_store

_PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
_GROUPS = (
    "reads",
    "cold",
    "writes",
    "claims",
    "board",
    "runs",
    "history",
    "supervisor",
    "hooks",
    "peers",
    "in-a-row",
    "stress",
    "race",
)
_LONG = ("board", "in-a-row", "stress", "race")
_ROUNDS = 21
_QUICK_ROUNDS = 5


class Plan(argparse.Namespace):
    """What to measure, from the command line."""

    sizes: str
    quick: bool
    only: list[str]
    seconds: float
    count: int
    race_tasks: int
    race_rounds: int
    output: Path | None

    @property
    def numbers(self) -> list[int]:
        """The sizes of the stores, in ascending order."""
        return sorted(int(size) for size in self.sizes.split(","))

    @property
    def rounds(self) -> int:
        """How often each command is measured."""
        return _QUICK_ROUNDS if self.quick else _ROUNDS

    def wants(self, group: str) -> bool:
        """Whether a group was asked for."""
        return group in self.only if self.only else not (self.quick and group in _LONG)


def main(argv: list[str]) -> int:
    """Measure what was asked for and answer 1 when a limit was broken."""
    plan = _parser().parse_args(argv, namespace=Plan())
    program = _program()
    tables: list[Table] = []
    print(machine(), flush=True)
    with _scratch() as scratch:
        for table in _measure(plan, program, scratch):
            tables.append(table)
            print("\n" + as_text(table), flush=True)
    output = plan.output or (None if plan.quick or plan.only else _PAGE)
    if output:
        output.write_text(as_markdown(tables), encoding="utf-8")
        print(f"written to {output}")
    for name in failures(tables):
        print(f"over the limit: {name}", file=sys.stderr)
    return 1 if failures(tables) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the installed program, print tables of ratios, write docs/performance.md.",
    )
    parser.add_argument("--sizes", default="100,1000,10000", help="numbers of tasks (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="few rounds, nothing that takes long, no page")
    parser.add_argument(
        "--only",
        action="append",
        choices=_GROUPS,
        default=[],
        help="only this group, no page; may be repeated",
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long 16 writers work (default: 60)")
    parser.add_argument(
        "--in-a-row", dest="count", type=int, default=1000, metavar="N", help="runs in a row (default: 1000)"
    )
    parser.add_argument(
        "--race-tasks",
        type=int,
        default=500,
        metavar="N",
        help="tasks that 16 agents race for (default: 500)",
    )
    parser.add_argument(
        "--race-rounds", type=int, default=1, metavar="N", help="how often they do (default: 1)"
    )
    parser.add_argument("-o", "--output", type=Path, help="write the page here, whatever was measured")
    return parser


def _measure(plan: Plan, program: str, scratch: Path) -> Iterator[Table]:
    """Each table as soon as it is known, small stores first."""
    env = _environment(scratch)
    store: Store | None = None
    for size in plan.numbers:
        store = make_store(scratch / f"store-{size}", size, env, program)
        if plan.wants("reads"):
            yield reads.warm(store, program, rounds=plan.rounds)
        if plan.wants("cold"):
            yield reads.cold(store, program, rounds=max(plan.rounds // 3, 3))
        if plan.wants("runs"):
            yield runs.short(store, program, rounds=plan.rounds)
        if plan.wants("writes"):
            yield writes.writes(store, program, rounds=plan.rounds)
        if plan.wants("claims") and size >= 1000:
            yield claims.claims(store, program, rounds=plan.rounds)
        if plan.wants("board") and size >= 1000:
            yield board.board(store, program, rounds=plan.rounds)
        if plan.wants("peers"):
            beside = peers.trackers(store, program, scratch, rounds=max(plan.rounds // 3, 3))
            if beside:
                yield beside
    small = make_store(scratch / "small", 100, env, program)
    if plan.wants("peers"):
        yield peers.spooler(small, program, scratch, rounds=plan.rounds)
    if plan.wants("hooks"):
        yield hooks.hooks(scratch / "hooks", env, program, rounds=plan.rounds)
        yield hooks.rebase(scratch / "rebase", env, program, rounds=max(plan.rounds // 3, 3))
    if plan.wants("history"):
        for count in (1000, 10_000):
            past = make_store(scratch / f"history-{count}", 20, env, program)
            yield supervision.history(past, program, count=count, rounds=plan.rounds)
    if plan.wants("supervisor"):
        yield supervision.supervisor(small, program)
        yield supervision.follow(small, program, rounds=plan.rounds)
        yield supervision.notices(small, program, count=plan.rounds)
    if plan.wants("in-a-row"):
        yield peers.submits(small, program, scratch, count=plan.count)
        yield runs.in_a_row(make_store(scratch / "many-runs", 20, env, program), program, count=plan.count)
    if plan.wants("stress"):
        yield stress.writers(small, program, seconds=plan.seconds)
    if plan.wants("race"):
        yield claims.race(scratch / "races", env, program, tasks=plan.race_tasks, rounds=plan.race_rounds)
        yield claims.rivals(scratch / "rivals", env, program, rounds=plan.race_rounds * 20)


def _program() -> str:
    """The console script of this environment. Exits where it is missing."""
    program = Path(sys.executable).with_name("gittasks")
    if not program.exists():
        raise SystemExit(
            "gittasks is not installed in this environment: run `make bench`, or `pip install .`"
        )
    return str(program)


def _environment(scratch: Path) -> dict[str, str]:
    """Nobody's settings: an empty home, a fixed name, this environment's programs first."""
    home = scratch / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Bench\n\temail = bench@example.com\n[gc]\n\tauto = 0\n"
    )
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return {"HOME": str(home), "PATH": path, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder that is gone afterwards, whatever happened."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="gittasks-bench-", ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder).resolve()
        finally:
            os.chdir(here)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
