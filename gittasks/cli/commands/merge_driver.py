"""`gittasks merge-driver`: what git calls to merge one task file (gitattributes(5)). Hidden: nobody types it."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "merge one task file for git"
EXAMPLE = "git config merge.gittasks.driver 'gittasks merge-driver %O %A %B %L %P'"


def configure(parser: ArgumentParser) -> None:
    """The three files, as git names them."""
    parser.add_argument("base", metavar="%O", help="the file that both sides come from")
    parser.add_argument("ours", metavar="%A", help="our file, which becomes the merged one")
    parser.add_argument("theirs", metavar="%B", help="their file")
    parser.add_argument("marker_size", metavar="%L", type=int, help="the length of conflict markers")
    parser.add_argument("path", metavar="%P", help="where the file belongs")


def run(args: Namespace, ctx: Context) -> int:
    """Merge; 1 says that there are conflicts, as git expects it."""
    from gittasks.app import driver

    is_clean = driver.merge_in_place(
        ctx.path(args.base),
        ctx.path(args.ours),
        ctx.path(args.theirs),
        path=args.path,
        marker_size=max(args.marker_size, 1),
        env=ctx.env,
    )
    return 0 if is_clean else 1
