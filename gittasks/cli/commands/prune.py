"""`gittasks prune`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli.durations import count, duration, size
from gittasks.cli.run_tables import run_lines

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "forget old runs and delete their outputs; never a live one"
EXAMPLE = """
gittasks prune --older-than 7d --dry-run
gittasks prune --keep 100
gittasks prune --max-size 1G
"""

_OLD_S = 7 * 86400.0


def configure(parser: ArgumentParser) -> None:
    """Which runs."""
    parser.add_argument(
        "--older-than", type=duration, metavar="TIME", help="those that ended so long ago (default: 7d)"
    )
    parser.add_argument("--keep", type=count, metavar="N", help="all but the last N that ended")
    parser.add_argument(
        "--max-size", type=size, metavar="SIZE", help="the oldest, until all outputs have no more than that"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would go")


def run(args: Namespace, ctx: Context) -> int:
    """Forget them; with several bounds, only those that all of them let go."""
    from gittasks.app import forgetting

    older_than_s = args.older_than
    if older_than_s is None and args.keep is None and args.max_size is None:
        older_than_s = _OLD_S
    pruned = forgetting.forget_runs(
        ctx.project(),
        older_than_s=older_than_s,
        keep=args.keep,
        max_bytes=args.max_size,
        dry_run=args.dry_run,
    )
    if ctx.json:
        records = [run.as_json() for run in pruned.runs]
        ctx.document(
            {
                "runs": records,
                "outputBytes": pruned.output_bytes,
                "dryRun": args.dry_run,
                "notes": list(pruned.notes),
            }
        )
        return 0
    for note in pruned.notes:
        ctx.say(printable(note))
    if pruned.runs:
        ctx.out("\n".join(run_lines(pruned.runs)))
    verb = "would be forgotten" if args.dry_run else "forgotten"
    ctx.say(f"{len(pruned.runs)} runs {verb}, {pruned.output_bytes} bytes of output")
    untold = sum(not run.notified for run in pruned.runs)
    if untold:
        ctx.say(f"{untold} of them `notices` had told nobody of: see above how they ended")
    return 0
