"""`gittasks deinit`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "take away everything that gittasks put into this clone outside .tasks/, and say what is left"
EXAMPLE = """
gittasks deinit --dry-run   # what would go, what would stay
gittasks deinit
"""


def configure(parser: ArgumentParser) -> None:
    """How far to go."""
    parser.add_argument("--dry-run", action="store_true", help="only show what would go, and what would stay")
    parser.add_argument(
        "--force",
        action="store_true",
        help="also give up texts that exist nowhere else: drafts, uncommitted edits of worktrees that are gone",
    )


def run(args: Namespace, ctx: Context) -> int:
    """Name each thing that goes (stdout) and what stays (stderr)."""
    from gittasks.app import uninstalling

    done = uninstalling.deinit(ctx.project(), force=args.force, dry_run=args.dry_run)
    if ctx.json:
        ctx.document({**uninstalling.as_json(done), "dryRun": args.dry_run})
        return 0
    for thing in done.removed:
        ctx.out(f"{thing.kind:<8} {printable(thing.name)}")
    would = "would stay" if args.dry_run else "stays"
    for text in done.left:
        ctx.say(f"{would}: {text}")
    return 0
