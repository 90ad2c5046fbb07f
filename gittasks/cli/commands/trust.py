"""`gittasks trust`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.trust import Trust
    from gittasks.cli.context import Context

HELP = "let this clone run the commands that .tasks/config.yaml names"
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
    """Show what would run, ask where a person sits there, and remember the file's hash; 1 where it is not trusted."""
    from gittasks.app import trust

    project = ctx.project()
    if args.revoke:
        had = trust.revoke(project)
        return _answer(ctx, trust.trust_state(project), talk="revoked" if had else "nothing was trusted")
    state = trust.trust_state(project)
    if args.status or state.state in (trust.TRUSTED, trust.NOTHING):
        _answer(ctx, state)
        return 0 if state.state in (trust.TRUSTED, trust.NOTHING) else 1
    _show_commands(ctx, state)
    if not args.yes and not ctx.json and ctx.stdin.isatty() and not _consents(ctx):
        ctx.say("nothing is trusted")
        return 1
    trust.grant(project, state.sha256)
    return _answer(ctx, trust.trust_state(project), shown=True)


def _consents(ctx: Context) -> bool:
    ctx.stdout.flush()
    ctx.stderr.write("May these commands run in this clone? [y/N] ")
    ctx.stderr.flush()
    return ctx.stdin.readline().strip().lower() in ("y", "yes")


def _answer(ctx: Context, state: Trust, *, talk: str = "", shown: bool = False) -> int:
    for problem in state.config.warnings:
        ctx.say(f"gittasks: {printable(str(problem))}")
    if ctx.json:
        config = state.config
        ctx.document(
            {
                "state": state.state,
                "sha256": state.sha256,
                "since": state.since,
                "checks": {name: list(argv) for name, argv in config.checks.items()},
                "agents": {name: list(argv) for name, argv in config.agents.items()},
                "onFinish": list(config.on_finish),
            }
        )
        return 0
    if not shown:
        _show_commands(ctx, state)
    if talk:
        ctx.say(talk)
    since = f" since {printable(state.since)}" if state.since and state.state == "trusted" else ""
    ctx.out(f".tasks/config.yaml: {_WORDS[state.state]}{since}")
    return 0


def _show_commands(ctx: Context, state: Trust) -> None:
    """Every command as a shell would take it, and nothing of it raw."""
    if ctx.json:
        return
    import shlex

    for title, commands in (("check", state.config.checks), ("agent", state.config.agents)):
        for name, argv in commands.items():
            ctx.out(f"{title} {printable(name)}: {printable(shlex.join(argv))}")
    if state.config.on_finish:
        ctx.out(f"on_finish: {printable(shlex.join(state.config.on_finish))}")
