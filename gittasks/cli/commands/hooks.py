"""`gittasks hooks`: install, uninstall, status."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping, Sequence

    from gittasks.app.hooking.installing import Installed, State
    from gittasks.app.hooking.proving import Proof
    from gittasks.cli.context import Context

HELP = "install git hooks that help, take them away again, prove that your own still run"
EXAMPLE = """
gittasks hooks install
gittasks hooks status
gittasks hooks uninstall
"""
_ACTIONS = {
    "install": "put the hooks beside whatever is there: a marked block, a line, or a setting",
    "uninstall": "take exactly that away again",
    "status": "what is installed, and whether your own hooks still run, found out by running",
}


def configure(parser: ArgumentParser) -> None:
    """What to do."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        action = cli_parser.add_action(actions, name, text)
        if name == "install":
            more = "also prepare-commit-msg and post-commit, which git runs for each commit of a rebase"
            action.add_argument("--all", action="store_true", help=more)


def run(args: Namespace, ctx: Context) -> int:
    """Do it."""
    return {"install": _install, "uninstall": _uninstall, "status": _status}[args.action](args, ctx)


def _install(args: Namespace, ctx: Context) -> int:
    from gittasks.app.hooking import installing

    done = installing.install_hooks(ctx.project(), with_optional=args.all)
    return tell_installed(ctx, done) if not ctx.json else _document(ctx, done.states, {}, done.changed)


def tell_installed(ctx: Context, done: Installed) -> int:
    """Say what `install_hooks` came to."""
    if done.changed:
        ctx.out(f"hooks written: {', '.join(printable(path) for path in done.changed)}")
    else:
        ctx.out("nothing to do: what can be installed is")
    _tell_left(ctx, done.states)
    for message in done.messages:
        ctx.say(f"gittasks: {message}")
    return 0


def _tell_left(ctx: Context, states: Sequence[State]) -> None:
    from gittasks.app.hooking import installing

    for place, state in states:
        if state == installing.LEFT:
            ctx.say(f"gittasks: {place.event} is left alone: {place.path} {place.why}")
            ctx.say(f'hint: call `gittasks hook {place.event} "$@"` from it; exit code 65 is a refusal')


def _uninstall(args: Namespace, ctx: Context) -> int:
    from gittasks.app.hooking import installing

    done = installing.uninstall_hooks(ctx.project())
    if ctx.json:
        ctx.document({"removed": list(done.removed), "left": list(done.left)})
    else:
        ctx.out(
            f"taken away: {', '.join(map(printable, done.removed))}"
            if done.removed
            else "nothing is installed"
        )
        for reason in done.left:
            ctx.say(f"gittasks: {reason}")
    return 1 if done.left else 0


def _status(args: Namespace, ctx: Context) -> int:
    from gittasks.app.hooking import installing
    from gittasks.app.hooking.proving import prove

    project = ctx.project()
    states = installing.hook_states(project)
    proofs = prove(project, states)
    wrong = [proof for proof in proofs.values() if False in (proof.ours, proof.yours)]
    is_fine = not wrong and all(state.state == installing.INSTALLED for state in states)
    if ctx.json:
        _document(ctx, states, proofs)
        return 0 if is_fine else 1
    for place, state in states:
        ctx.out(
            f"{place.event:<18}  {state:<9}  {_words(proofs.get(place.event)):<17}  {printable(place.path)}"
        )
    _tell_left(ctx, states)
    for event, proof in proofs.items():
        if proof.why:
            ctx.say(f"gittasks: {event}: {proof.why}")
    return 0 if is_fine else 1


def _words(proof: Proof | None) -> str:
    """What came of running the hook, in few words."""
    if proof is None or proof.ours is None:
        return "not run"
    if not proof.ours:
        return "is not reached"
    return {None: "runs", True: "runs, then yours", False: "HIDES YOURS"}[proof.yours]


def _document(
    ctx: Context, states: Sequence[State], proofs: Mapping[str, Proof], changed: Sequence[str] | None = None
) -> int:
    rows = []
    for place, state in states:
        proof = proofs.get(place.event)
        rows.append(
            {
                "event": place.event,
                "state": state,
                "way": place.way,
                "path": place.path,
                "why": place.why or (proof.why if proof else ""),
                "runs": proof and proof.ours,
                "yours_run": proof and proof.yours,
            }
        )
    ctx.document({"hooks": rows} | ({} if changed is None else {"changed": list(changed)}))
    return 0
