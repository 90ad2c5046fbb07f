"""`gittasks agent`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser
from gittasks.cli import run_options
from gittasks.cli.commands.run import answer_started

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.agents.starting import Described
    from gittasks.cli.context import Context

HELP = "let a coding agent work on a task, in the task's worktree"
EXAMPLE = """
gittasks agent 12 --with claude
gittasks agent 12 --with codex -m "keep the public API as it is" --timeout 1h --wait
gittasks agent 12 --resume -m "the tests fail on macOS"
gittasks agent 12 --with aider --dry-run -- --model sonnet
"""
TAKES_COMMAND = True


def configure(parser: ArgumentParser) -> None:
    """The task, the agent, what it is told besides, and how it is run."""
    cli_parser.add_bound_task(parser)
    parser.add_argument(
        "--with",
        dest="agent",
        metavar="AGENT",
        help="claude, codex, gemini, aider, or one that .tasks/config.yaml names",
    )
    parser.add_argument("-m", "--message", metavar="TEXT", help="what to tell it besides the task")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN",
        help="go on with the session of an earlier run on this task (default: the last one)",
    )
    parser.add_argument(
        "--owner", metavar="NAME", help="for whom it works (default: $GITTASKS_OWNER, git's user.name)"
    )
    parser.add_argument("--name", metavar="TEXT", help="what lists show (default: the agent and the task)")
    checks = parser.add_mutually_exclusive_group()
    checks.add_argument(
        "--check",
        action="store_const",
        const=True,
        dest="checks",
        help="run the project's checks at its end: one that fails fails the run (default where they are trusted)",
    )
    checks.add_argument(
        "--no-check", action="store_const", const=False, dest="checks", help="do not run the checks"
    )
    run_options.add(parser)
    parser.add_argument(
        "--wait",
        action="store_true",
        help="show what it does and says (in a pipe: its output), and end with its exit code",
    )
    parser.add_argument(
        "--dry-run", "--show-prompt", action="store_true", help="print the prompt, and start nothing"
    )
    parser.add_argument_group("behind `--`", "further arguments for the agent's own program")


def run(args: Namespace, ctx: Context) -> int:
    """Start it and say the id of its run; with `--wait`, go on until its end."""
    from gittasks.app.agents import starting
    from gittasks.app.run_start import Order
    from gittasks.cli.narration import Narrator

    project = ctx.project()
    call = starting.Call(
        agent=args.agent,
        resume=args.resume,
        wish=args.message,
        arguments=tuple(ctx.command or ()),
        checks=args.checks,
    )
    task_id = args.task or cli_parser.require_bound(project)
    if args.dry_run:
        return _show(ctx, starting.describe(project, task_id, call))
    order = run_options.apply(Order(owner=args.owner, name=args.name), args, ctx)
    called = starting.start_agent(project, task_id, call, order)
    for message in called.messages:
        ctx.say(f"gittasks: {message}")
    ctx.say(f"{called.name} works on #{task_id} in {called.path}")
    # A pipe gets the bytes, as with `run --wait`.
    printer = Narrator(ctx.stdout, called.events) if called.events and ctx.stdout.isatty() else None
    return answer_started(ctx, called.started, wait=args.wait, printer=printer)


def _show(ctx: Context, described: Described) -> int:
    for message in described.messages:
        ctx.say(f"gittasks: {message}")
    if ctx.json:
        checks = {name: list(argv) for name, argv in described.checks.items()}
        ctx.document(
            {
                "agent": described.name,
                "command": list(described.argv),
                "prompt": described.prompt,
                "checks": checks,
            }
        )
        return 0
    import shlex

    ctx.say(f"{printable(described.name)} would be called as: {printable(shlex.join(described.argv))}")
    ctx.out(described.prompt.rstrip("\n"))
    return 0
