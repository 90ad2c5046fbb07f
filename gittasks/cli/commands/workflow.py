"""`gittasks workflow`: list, graph, run, resume."""

from __future__ import annotations

import argparse

from gittasks.base.errors import NotFoundError, UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count, printable
from gittasks.cli import parser as cli_parser
from gittasks.cli.durations import duration
from gittasks.cli.tables import tell_problems

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.workflows.starting import Request
    from gittasks.app.workflows.views import View
    from gittasks.cli.context import Context
    from gittasks.runtime.launcher import Started

HELP = "run a graph of steps from .tasks/workflows, and go on where it stopped"
EXAMPLE = """
gittasks workflow list
gittasks workflow graph ci
gittasks workflow run ci --input level=full
gittasks workflow resume w8k2m1qz
"""
_FORMATS = ("text", "mermaid", "dot")


def configure(parser: ArgumentParser) -> None:
    """One parser for each thing that can be done."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    cli_parser.add_action(actions, "list", "all workflows, and whether they may run here")
    graph = cli_parser.add_action(actions, "graph", "the steps of a workflow, or how those of a run stand")
    graph.add_argument("name", metavar="NAME|RUN", help="a workflow, or a run of one")
    graph.add_argument("--format", choices=_FORMATS, default="text", help="default: text")
    run = cli_parser.add_action(actions, "run", "start it in the background")
    run.add_argument("name", metavar="NAME", help="the name of its file, without .yaml")
    run.add_argument(
        "--input",
        action="append",
        default=[],
        type=_input,
        metavar="NAME=VALUE",
        help="a value for one of its inputs; it is kept in the record of the run",
    )
    resume = cli_parser.add_action(actions, "resume", "go on with one that failed, was killed or lost")
    resume.add_argument("run", metavar="RUN", help="the run of the workflow")
    for action in (run, resume):
        action.add_argument(
            "--task",
            type=cli_parser.task_id,
            metavar="N",
            help="the task it is for (default: this worktree's)",
        )
        action.add_argument("--wait", action="store_true", help="show its output and end with its exit code")
        action.add_argument("--timeout", type=duration, metavar="TIME", help="stop it after so long: 90, 10m")
        action.add_argument("--owner", metavar="NAME", help="whose run it is")


def run(args: Namespace, ctx: Context) -> int:
    """Do one of them."""
    return int(_ACTIONS[args.action](args, ctx))


def _list(args: Namespace, ctx: Context) -> int:
    from gittasks.app.workflows.files import list_workflows

    found = list_workflows(ctx.project())
    problems = [problem for one in found for problem in one.problems]
    if ctx.json:
        rows = [
            {
                "name": one.name,
                "description": one.workflow.description if one.workflow else "",
                "state": one.state,
                "steps": len(one.workflow.steps) if one.workflow else 0,
                "inputs": dict(one.workflow.inputs) if one.workflow else {},
            }
            for one in found
        ]
        ctx.document({"workflows": rows, "problems": [problem.as_json() for problem in problems]})
    else:
        width = max((len(one.name) for one in found), default=0)
        for one in found:
            what = f"{count(len(one.workflow.steps), 'step')}, {one.state}" if one.workflow else "broken"
            about = (
                f"  {printable(one.workflow.description)}"
                if one.workflow and one.workflow.description
                else ""
            )
            ctx.out(f"{one.name:<{width}}  {what}{about}")
    if not found:
        ctx.say("no workflows: each is a file in .tasks/workflows/")
    return tell_problems(ctx, problems)


def _graph(args: Namespace, ctx: Context) -> int:
    from gittasks.cli import workflow_drawing

    view = _view(args.name, ctx)
    if ctx.json:
        run = view.run.as_json() if view.run else None
        steps = [step.as_json() for step in view.steps]
        ctx.document({"workflow": view.workflow.name, "run": run, "steps": steps})
    elif args.format == "text":
        ctx.out("\n".join(workflow_drawing.text_lines(view)))
    else:
        ctx.out((workflow_drawing.mermaid if args.format == "mermaid" else workflow_drawing.dot)(view))
    return 0


def _view(name: str, ctx: Context) -> View:
    """The workflow of that name, else the run whose id starts so."""
    from gittasks.app import runs
    from gittasks.app.workflows import files, views

    project = ctx.project()
    try:
        return views.view_workflow(project, name)
    except files.UnknownWorkflowError as unknown:
        try:
            run = runs.find_run(project, name)
        except NotFoundError:
            raise unknown from None
    return views.view_run(project, run)


def _run(args: Namespace, ctx: Context) -> int:
    from gittasks.app.workflows import starting

    given = dict(args.input)
    if len(given) < len(args.input):
        raise UsageError("--input names one input twice")
    return _answer(args, ctx, starting.start_workflow(ctx.project(), args.name, given, _request(args)))


def _resume(args: Namespace, ctx: Context) -> int:
    from gittasks.app import runs
    from gittasks.app.workflows import starting

    project = ctx.project()
    run = runs.find_run(project, args.run)
    return _answer(args, ctx, starting.resume_workflow(project, run, _request(args)))


def _request(args: Namespace) -> Request:
    from gittasks.app.workflows.starting import Request

    return Request(args.task, args.owner, args.timeout)


def _answer(args: Namespace, ctx: Context, started: Started) -> int:
    from gittasks.cli.commands.run import answer_started

    return answer_started(ctx, started, wait=args.wait)


def _input(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {printable(text)[:40]!r}")
    return name, value


_ACTIONS = {"list": _list, "graph": _graph, "run": _run, "resume": _resume}
