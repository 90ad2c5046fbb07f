"""`gittasks message`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.project import Project
    from gittasks.cli.context import Context

HELP = "leave a message for a teammate"
EXAMPLE = """
gittasks message reviewer "The parser first, please."
git diff | gittasks message reviewer -
"""


def configure(parser: ArgumentParser) -> None:
    """To whom, and what."""
    parser.add_argument("teammate", metavar="TEAMMATE", help="its name, or the id of its run")
    parser.add_argument("text", metavar="TEXT", help="what to tell it; `-` reads it from stdin")
    parser.add_argument(
        "--owner", metavar="NAME", help="who says so (default: $GITTASKS_OWNER, git's user.name)"
    )
    parser.add_argument(
        "--leave", action="store_true", help="leave it also for a teammate that never lived here before"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Put it into the inbox; a teammate that does not live now finds it when it does."""
    from gittasks.app.teammates import inbox

    project = ctx.project()
    name = _name(project, args.teammate)
    if not args.leave and not inbox.is_known(project, name):
        raise inbox.UnknownTeammateError(
            f"no teammate {args.teammate[:60]!r} here",
            hint="`gittasks runs` shows those that live; --leave leaves it for one that is yet to come",
        )
    text = ctx.stdin.read() if args.text == "-" else args.text
    message = inbox.send(project, name, text, sender=args.owner)
    is_alive = inbox.is_alive(project, name)
    if ctx.json:
        ctx.document({"teammate": name, "alive": is_alive, "message": message.as_json()})
    elif is_alive:
        ctx.say(f"left for {name}")
    else:
        ctx.say(f"left for {name}, who does not live now and finds it later")
    return 0


def _name(project: Project, text: str) -> str:
    """The name behind a name, or behind the id of a teammate's run; many a name could be an id: `reviewer`."""
    from gittasks.app import runs
    from gittasks.app.teammates import inbox
    from gittasks.runtime.record import IN_PROCESS_TEAMMATE, LETTERS, is_run_id
    from gittasks.runtime.store import UnknownRunError

    if is_run_id(text) and text[0] == LETTERS[IN_PROCESS_TEAMMATE] and not inbox.is_known(project, text):
        try:
            return runs.find_run(project, text).name or text
        except UnknownRunError:
            pass
    return inbox.check_name(text)
