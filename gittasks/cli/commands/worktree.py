"""`gittasks worktree`: list, add, enter, status, run, bind, keep, remove, events."""

from __future__ import annotations

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "list, add, enter, run in, keep and remove worktrees"
EXAMPLE = """
gittasks worktree list
cd "$(gittasks worktree enter 12)"
gittasks worktree run 12-auth -- make test
gittasks worktree remove 12-auth
"""
TAKES_COMMAND = True
_EXIT_SIGNAL = 128
_NAME = "its name, or a task bound to it (12 or #12)"


def configure(parser: ArgumentParser) -> None:
    """One parser for each thing that can be done."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    every = cli_parser.add_action(actions, "list", "all worktrees, with tasks, changes and runs")
    every.add_argument("--names", action="store_true", help="only their names, one a line")
    add = cli_parser.add_action(actions, "add", "make one, with a branch of its own")
    add.add_argument("name", metavar="NAME", help="name of the worktree; its branch is wt/NAME")
    add.add_argument("--task", type=cli_parser.task_id, metavar="TASK", help="bind this task to it")
    add.add_argument("--base", metavar="REV", help="start from this commit (default: what is checked out)")
    enter = cli_parser.add_action(actions, "enter", "print its path, and nothing else")
    enter.add_argument("name", metavar="WORKTREE", help=_NAME)
    status = cli_parser.add_action(actions, "status", "what is committed, changed and alive in it")
    status.add_argument("name", nargs="?", metavar="WORKTREE", help=f"{_NAME} (default: this one)")
    run = cli_parser.add_action(actions, "run", "run a command in it, here and now (behind --)")
    run.add_argument("name", metavar="WORKTREE", help=_NAME)
    bind = cli_parser.add_action(actions, "bind", "bind a task to it")
    bind.add_argument("name", metavar="WORKTREE", help=_NAME)
    bind.add_argument("task", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    keep = cli_parser.add_action(actions, "keep", "mark it: nothing removes it without --force")
    keep.add_argument("name", metavar="WORKTREE", help=_NAME)
    keep.add_argument("--off", action="store_true", help="take the mark away")
    remove = cli_parser.add_action(actions, "remove", "remove it, where no work would be lost")
    remove.add_argument("name", metavar="WORKTREE", help=_NAME)
    remove.add_argument(
        "--force", action="store_true", help="lose changed and untracked files, and list them"
    )
    events = cli_parser.add_action(actions, "events", "what happened to worktrees, oldest first")
    events.add_argument("name", nargs="?", metavar="WORKTREE", help="only of this one")


def run(args: Namespace, ctx: Context) -> int:
    """Do one of them."""
    if (ctx.command is not None) != (args.action == "run"):
        raise UsageError("`worktree run NAME -- COMMAND` takes a command behind --, nothing else does")
    return int(_ACTIONS[args.action](args, ctx))


def _list(args: Namespace, ctx: Context) -> int:
    from gittasks.app import worktrees
    from gittasks.cli import worktree_tables

    if args.names:
        names = worktrees.list_names(ctx.project())
        ctx.out("\n".join(map(printable, names)))
        return 0
    views = worktrees.list_views(ctx.project())
    if ctx.json:
        ctx.document({"worktrees": [worktree_tables.as_json(view) for view in views]})
    else:
        ctx.out("\n".join(worktree_tables.lines(views)))
    return 0


def _add(args: Namespace, ctx: Context) -> int:
    from gittasks.app import worktrees

    name, path, messages = worktrees.add(ctx.project(), args.name, task_id=args.task, revision=args.base)
    return _answer_path(ctx, name, path, messages)


def _enter(args: Namespace, ctx: Context) -> int:
    from gittasks.app import worktrees

    tree = worktrees.find_live(ctx.project(), args.name)
    return _answer_path(ctx, str(tree.name), tree.path, [])


def _status(args: Namespace, ctx: Context) -> int:
    from gittasks.app import worktrees
    from gittasks.cli import worktree_tables

    project = ctx.project()
    view = worktrees.view(project, worktrees.find(project, args.name))
    ahead = worktrees.commits_ahead(project, view)
    if ctx.json:
        commits = (
            None if ahead is None else [{"id": commit.oid, "subject": commit.subject} for commit in ahead]
        )
        files = None if view.dirty is None else list(view.dirty)
        ctx.document({"worktree": {**worktree_tables.as_json(view), "files": files, "ahead": commits}})
    else:
        ctx.out("\n".join(worktree_tables.status_lines(view, ahead)))
    return 0


def _run(args: Namespace, ctx: Context) -> int:
    from gittasks.app import worktrees
    from gittasks.base import proc
    from gittasks.repo.git import scrub

    if not ctx.command:
        raise UsageError("no command", hint="gittasks worktree run NAME -- make test")
    tree = worktrees.find_live(ctx.project(), args.name)
    code = proc.run_attached(ctx.command, cwd=tree.path, env=scrub(ctx.env))
    return code if code >= 0 else _EXIT_SIGNAL - code


def _bind(args: Namespace, ctx: Context) -> int:
    from gittasks.app import worktrees

    _say_all(ctx, worktrees.bind(ctx.project(), args.name, args.task))
    tree = worktrees.find_live(ctx.project(), f"#{args.task}")
    if ctx.json:
        ctx.document({"worktree": {"name": tree.name, "path": tree.path}, "task": {"id": args.task}})
    else:
        ctx.out(f"#{args.task} is bound to the worktree {tree.name}")
    return 0


def _keep(args: Namespace, ctx: Context) -> int:
    from gittasks.app import worktrees

    name = worktrees.keep(ctx.project(), args.name, kept=not args.off)
    if ctx.json:
        ctx.document({"worktree": {"name": name, "kept": not args.off}})
    else:
        ctx.out(f"the worktree {name} is {'no longer ' if args.off else ''}marked as kept")
    return 0


def _remove(args: Namespace, ctx: Context) -> int:
    from gittasks.app import worktrees
    from gittasks.cli.removed import show_lost, words

    leave, left = worktrees.remove(ctx.project(), args.name, force=args.force)
    name, path = leave.memo.name, leave.tree.path if leave.tree is not None else leave.memo.path
    _say_all(ctx, left.messages)
    if ctx.json:
        place = {"name": name, "path": path, "branch": leave.branch, "base": leave.base}
        lost = {"files": list(left.lost_files), "commits": [commit.oid for commit in left.lost_commits]}
        ctx.document({"outcome": left.outcome, "worktree": place, "lost": lost})
        return 0
    ctx.out(words(left.outcome, name=name, branch=leave.branch, base=leave.base))
    show_lost(ctx, left.lost_files, left.lost_commits, path)
    return 0


def _events(args: Namespace, ctx: Context) -> int:
    from gittasks.app.events import load_events
    from gittasks.cli import worktree_tables

    events = load_events(ctx.project().checkout.private_dir, args.name)
    if ctx.json:
        ctx.document({"events": events})
        return 0
    for event in events:
        ctx.out(worktree_tables.event_line(event))
    if not events:
        ctx.say("nothing happened yet")
    return 0


def _answer_path(ctx: Context, name: str, path: str, messages: list[str]) -> int:
    _say_all(ctx, messages)
    if ctx.json:
        ctx.document({"worktree": {"name": name, "path": path}})
    else:
        # As it is: a program reads it.
        ctx.out_path(path)
    return 0


def _say_all(ctx: Context, messages: list[str] | tuple[str, ...]) -> None:
    for message in messages:
        ctx.say(f"gittasks: {printable(message)}")


_ACTIONS = {
    "list": _list,
    "add": _add,
    "enter": _enter,
    "status": _status,
    "run": _run,
    "bind": _bind,
    "keep": _keep,
    "remove": _remove,
    "events": _events,
}
