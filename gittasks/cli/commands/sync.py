"""`gittasks sync`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count, listed, printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence
    from typing import Any

    from gittasks.app.syncing import Synced
    from gittasks.cli.context import Context

HELP = "commit changed tasks, merge what the upstream has, and push, if only tasks are to be pushed"
EXAMPLE = """
gittasks sync
gittasks sync --no-push
gittasks sync --push-code
git config branch.wt/login.gittasksPushCode true   # for this branch, always
"""
_EXIT_CODES = {"code": 1, "rejected": 1, "conflict": 4, "unreached": 4}


def configure(parser: ArgumentParser) -> None:
    """Whether to push, and what."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--no-push", action="store_true", help="keep it in this clone")
    group.add_argument(
        "--push-code",
        action="store_true",
        help="push this branch whatever its commits hold (always: branch.<name>.gittasksPushCode in git's config)",
    )


def run(args: Namespace, ctx: Context) -> int:
    """Sync, and say what came, what went, and what stands in the way."""
    from gittasks.app.syncing import OnlyClaimsError, sync

    try:
        done = sync(ctx.project(), push=not args.no_push, push_code=args.push_code)
    except OnlyClaimsError as error:
        _tell_claims(ctx, error.claims)
        raise
    _tell_claims(ctx, done.claims)
    if ctx.json:
        ctx.document({"sync": _document(done)})
    else:
        _tell(ctx, done)
    return _EXIT_CODES.get(done.outcome, 0)


def _tell_claims(ctx: Context, claims: Sequence[str]) -> None:
    for message in claims:
        ctx.say(f"gittasks: {message}")


def _document(done: Synced) -> dict[str, Any]:
    resolution = done.resolution
    return {
        "outcome": done.outcome,
        "upstream": done.upstream,
        "committed": done.committed,
        "incoming": done.incoming,
        "outgoing": done.outgoing,
        "code": [{"commit": commit.oid, "subject": commit.subject} for commit in done.code],
        "conflicts": [
            {"id": outcome.task_id, "fields": [conflict.field for conflict in outcome.conflicts]}
            for outcome in (resolution.open if resolution else ())
        ],
        "renumbered": {str(o.old): o.task_id for o in _renumbered(done)},
        "words": done.words,
        "claims": list(done.claims),
    }


def _renumbered(done: Synced) -> list[Any]:
    found = done.resolution.outcomes if done.resolution else ()
    return [outcome for outcome in found if outcome.action == "renumbered"]


def _tell(ctx: Context, done: Synced) -> None:
    name = printable(done.upstream)
    if done.committed:
        ctx.out(f"committed the changed tasks: {done.committed[:10]}")
    if done.incoming:
        ctx.out(f"took in {count(done.incoming, 'commit')} of {name}")
    for outcome in _renumbered(done):
        ctx.out(f"#{outcome.task_id} was #{outcome.old}: {printable(outcome.subject)}")
    words = printable(done.words)
    went = count(done.outgoing, "commit")
    code = f", {len(done.code)} with code, as asked" if done.code else ""
    said = {
        "pushed": f"pushed {went} to {name}{code}",
        "up_to_date": f"{name} has everything",
        "off": f"{went} not pushed, as asked",
        "rejected": f"{name} did not take {went}: {words}",
        "unreached": f"{name} was not reached, {went} kept here: {words}",
    }
    if done.outcome in said:
        ctx.out(said[done.outcome])
    elif done.outcome == "code":
        ctx.say(f"not pushed: {count(len(done.code), 'commit')} would publish code:")
        ctx.say("\n".join(listed([f"{c.oid[:10]} {printable(c.subject)}" for c in done.code])))
        ctx.say("hint: when they are ready, `git push` publishes them, or `gittasks sync --push-code`")
    elif done.resolution is not None:
        for outcome in done.resolution.open:
            fields = ", ".join(conflict.field for conflict in outcome.conflicts) or outcome.problem
            ctx.say(f"#{outcome.task_id} conflict: {fields}")
        ctx.say("hint: `gittasks resolve` settles them; then `git commit`, and `gittasks sync` again")
