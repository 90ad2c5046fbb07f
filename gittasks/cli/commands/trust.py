"""`gittasks trust`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import look_alike, printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.trust import Trust
    from gittasks.app.workflows.files import Found
    from gittasks.cli.context import Context

HELP = "let this clone run the commands that .tasks/config.yaml and workflows name"
EXAMPLE = """
gittasks trust            # shows what would run, and asks
gittasks trust --status
"""
_WORDS = {
    "trusted": "trusted in this clone",
    "untrusted": "not trusted in this clone: nothing of it runs",
    "changed": "changed since it was trusted in this clone: nothing of it runs",
    "nothing": "names no commands: there is nothing to trust",
}


def configure(parser: ArgumentParser) -> None:
    """What to do; without an option: show and trust."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--status", action="store_true", help="only say what is trusted")
    choice.add_argument("--revoke", action="store_true", help="trust no version any longer")
    choice.add_argument("-y", "--yes", action="store_true", help="do not ask on a terminal")


def run(args: Namespace, ctx: Context) -> int:
    """Show what would run, ask a person who sits there, remember the hashes; 1 where something is not trusted."""
    from gittasks.app import trust

    project = ctx.project()
    if args.revoke:
        had = trust.revoke(project)
        return _answer(ctx, talk="revoked" if had else "nothing was trusted")
    state, found = _look(ctx)
    broken = [one for one in found if one.workflow is None]
    asked = [one for one in found if one.workflow is not None and one.state != trust.TRUSTED]
    asks_for_config = state.state not in (trust.TRUSTED, trust.NOTHING)
    if args.status or not (asks_for_config or asked):
        _answer(ctx)
        return 1 if asks_for_config or asked or broken else 0
    _show_commands(ctx, state, found)
    if not args.yes and not ctx.json and ctx.stdin.isatty() and not _consents(ctx):
        ctx.say("nothing is trusted")
        return 1
    trust.grant(project, state.sha256 if asks_for_config else None, {one.name: one.sha256 for one in asked})
    _answer(ctx, shown=True)
    return 1 if broken else 0


def _look(ctx: Context) -> tuple[Trust, list[Found]]:
    from gittasks.app import trust
    from gittasks.app.workflows.files import list_workflows

    return trust.trust_state(ctx.project()), list_workflows(ctx.project())


def _consents(ctx: Context) -> bool:
    ctx.stdout.flush()
    ctx.stderr.write("May these commands run in this clone? [y/N] ")
    ctx.stderr.flush()
    return ctx.stdin.readline().strip().lower() in ("y", "yes")


def _answer(ctx: Context, *, talk: str = "", shown: bool = False) -> int:
    """Say how things stand now."""
    state, found = _look(ctx)
    for problem in (*state.config.warnings, *(problem for one in found for problem in one.problems)):
        ctx.say(f"gittasks: {printable(str(problem))}")
    if ctx.json:
        config = state.config
        ctx.document(
            {
                "state": state.state,
                "sha256": state.sha256,
                "since": state.since,
                "checks": {name: list(argv) for name, argv in config.checks.items()},
                "agents": {name: agent.as_json() for name, agent in config.agents.items()},
                "onFinish": list(config.on_finish),
                "workflows": [
                    {
                        "name": one.name,
                        "state": one.state,
                        "sha256": one.sha256,
                        "broken": one.workflow is None,
                    }
                    for one in found
                ],
            }
        )
        return 0
    if not shown:
        _show_commands(ctx, state, found)
    if talk:
        ctx.say(talk)
    since = f" since {printable(state.since)}" if state.since and state.state == "trusted" else ""
    ctx.out(f".tasks/config.yaml: {_WORDS[state.state]}{since}")
    for one in found:
        ctx.out(f"{one.path}: {'is broken' if one.workflow is None else _WORDS[one.state]}")
    return 0


def _show_commands(ctx: Context, state: Trust, found: list[Found]) -> None:
    """Every command as a shell would take it, and a letter that looks like another one as what it is."""
    if ctx.json:
        return
    import shlex

    config = state.config
    shown = [(f"check {name}", argv) for name, argv in config.checks.items()]
    for name, agent in config.agents.items():
        shown.append((f"agent {name}", agent.command))
        shown += [(f"agent {name}, resumed", agent.resume)] if agent.resume else []
    shown += [("on_finish", config.on_finish)] if config.on_finish else []
    for title, argv in shown:
        ctx.out(f"{printable(title)}: {look_alike(shlex.join(argv))}")
    for one in found:
        if one.workflow is not None:
            _show_workflow(ctx, one)


def _show_workflow(ctx: Context, one: Found) -> None:
    """The whole text: variables and conditions decide as much as the commands do."""
    ctx.out(f"{one.path}:")
    for line in one.text.split("\n"):
        ctx.out(f"    {look_alike(line.rstrip())}".rstrip())
