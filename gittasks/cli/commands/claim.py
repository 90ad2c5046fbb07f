"""`gittasks claim`."""

from __future__ import annotations

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser
from gittasks.cli.durations import duration

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.claiming import Claimed
    from gittasks.cli.context import Context

HELP = "take a task, for all worktrees of the clone to see (exit code 4 when somebody else has it)"
EXAMPLE = """
gittasks claim 12 --owner alice
gittasks claim 12 --remote origin --ttl 2h
gittasks claim 12 --steal --reason "bob is ill"
"""
MAX_REASON = 500


def configure(parser: ArgumentParser) -> None:
    """The task, for whom, whom to tell, for how long, and why it is taken from another."""
    parser.add_argument("task", nargs="?", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    parser.add_argument(
        "--owner", metavar="NAME", help="who takes it (default: $GITTASKS_OWNER, git's user.name)"
    )
    parser.add_argument(
        "--remote", metavar="NAME", help="tell this remote too, where one clone of all gets it"
    )
    parser.add_argument(
        "--ttl", type=duration, metavar="TIME", help="let it lapse after this time: 30m, 2h (default: never)"
    )
    parser.add_argument("--steal", action="store_true", help="take it from whoever has it; needs --reason")
    parser.add_argument("--reason", metavar="T", help="why it is taken from them; they can read it")


def run(args: Namespace, ctx: Context) -> int:
    """Claim it, and answer with the claim."""
    from gittasks.app import claiming

    options = claiming.Options(args.owner, args.remote, args.ttl, _reason(args))
    if args.ttl == 0:
        raise UsageError("--ttl 0 would lapse at once")
    project = ctx.project()
    claimed = claiming.claim(project, args.task or cli_parser.require_bound(project), options)
    return _show(ctx, claimed)


def _reason(args: Namespace) -> str | None:
    reason = (args.reason or "").strip()
    if bool(reason) != args.steal:
        raise UsageError("--steal and --reason go together", hint='--steal --reason "why"')
    if len(reason) > MAX_REASON:
        raise UsageError(f"--reason: {len(reason)} characters: expected at most {MAX_REASON}")
    return reason or None


def _show(ctx: Context, claimed: Claimed) -> int:
    for message in claimed.messages:
        ctx.say(f"gittasks: {message}")
    task, acquired, told = claimed.task, claimed.acquired, claimed.publication
    if ctx.json:
        before = acquired.before if acquired.created else None
        document = {"task": task.as_json(), "claim": acquired.claim.as_json(), "created": acquired.created}
        more = {"before": before and before.as_json(), "remote": told and told.as_json()}
        ctx.document(document | more)
        return 0
    claim = acquired.claim
    words = "is claimed by" if acquired.created else f"was claimed already, since {printable(claim.time)}, by"
    until = f" until {claim.expires}" if claim.expires else ""
    ctx.out(f"#{task.id} {words} {printable(claim.owner)}{until}: {printable(task.subject)}")
    return 0
