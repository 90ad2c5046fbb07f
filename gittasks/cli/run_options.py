"""When a run starts, how long it may take, how often it is tried: options of every command that starts one."""

from __future__ import annotations

import argparse

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli.durations import count, duration, time_limit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.run_start import Order
    from gittasks.cli.context import Context

_AFTER = (
    ("--after", "end", "start it once RUN has ended, however; can be given several times"),
    ("--after-success", "success", "start it once RUN has completed; it fails where RUN does not"),
    (
        "--after-failure",
        "failure",
        "start it once RUN has failed or was killed; it fails where RUN completes",
    ),
)


def add(parser: ArgumentParser) -> None:
    """`--timeout`, `--after` and its like, `--slots`, `--retry`, `--backoff`."""
    parser.add_argument(
        "--timeout",
        type=time_limit,
        metavar="TIME",
        help="stop each attempt after so long: 90, 10m, 1h30m (counts from the start of the command)",
    )
    for option, _, what in _AFTER:
        parser.add_argument(option, action="append", default=[], metavar="RUN", help=what)
    parser.add_argument(
        "--slots",
        action="append",
        default=[],
        type=_slot,
        metavar="NAME=N",
        help="start it when fewer than N runs hold the slot NAME, in all worktrees: first come, first served",
    )
    parser.add_argument(
        "--retry", type=count, default=0, metavar="N", help="start it up to N times more where it fails"
    )
    parser.add_argument(
        "--backoff",
        type=duration,
        metavar="TIME",
        help="the pause before the first retry, twice as long before each further one (default: 1s)",
    )


def apply(order: Order, args: Namespace, ctx: Context) -> Order:
    """`order` with what these options say. Raises `UsageError`, and where there is no such run."""
    order = order._replace(
        timeout_s=args.timeout, after=_after(args, ctx), slots=dict(args.slots), retries=args.retry
    )
    return order if args.backoff is None else order._replace(backoff_s=args.backoff)


def _after(args: Namespace, ctx: Context) -> dict[str, str]:
    """What to wait for, by whole ids."""
    given = {"end": args.after, "success": args.after_success, "failure": args.after_failure}
    wanted = [(prefix, condition) for condition, prefixes in given.items() for prefix in prefixes]
    if not wanted:
        return {}
    from gittasks.app import runs

    found = runs.find_runs(ctx.project(), [prefix for prefix, _ in wanted])
    after: dict[str, str] = {}
    for run, (_, condition) in zip(found, wanted, strict=True):
        if after.setdefault(run.id, condition) != condition:
            raise UsageError(
                f"{run.id} is to be waited for twice, for its {after[run.id]} and its {condition}"
            )
    return after


def _slot(text: str) -> tuple[str, int]:
    name, _, limit = text.rpartition("=")
    if not name or not limit.isascii() or not limit.isdecimal() or len(limit) > 9:
        raise argparse.ArgumentTypeError(f"expected NAME=N, got {printable(text)[:60]!r}")
    return name, int(limit)
