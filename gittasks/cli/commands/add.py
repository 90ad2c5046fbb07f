"""`gittasks add`."""

from __future__ import annotations

import sys

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser
from gittasks.cli.answers import add_commit_option, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context
    from gittasks.workgraph.drafts import Draft

HELP = "add a task, or many from a file (all or nothing)"
EXAMPLE = """
gittasks add "Implement auth module" -d "Signed tokens." --blocked-by 7 --label security --priority 1
gittasks add --from plan.yaml
printf '{"key": "a", "subject": "One"}\\n{"subject": "Two", "blockedBy": ["a"]}\\n' | gittasks add --from -
"""
MAX_BATCH_BYTES = 1 << 28


def configure(parser: ArgumentParser) -> None:
    """A subject with its fields, or `--from`."""
    parser.add_argument("subject", nargs="?", metavar="SUBJECT", help="one line: what is to be done")
    parser.add_argument(
        "-d", "--description", default="", metavar="TEXT", help="more words; - reads them from stdin"
    )
    ids, task_id = cli_parser.task_ids, cli_parser.task_id
    parser.add_argument("--blocked-by", type=ids, default=[], metavar="3,4", help="tasks that it waits for")
    parser.add_argument("--blocks", type=ids, default=[], metavar="9", help="tasks that are to wait for it")
    parser.add_argument("--parent", type=task_id, metavar="2", help="the task that it is a part of")
    parser.add_argument("--owner", metavar="NAME", help="who is to do it")
    parser.add_argument(
        "--priority", type=cli_parser.priority, default=2, metavar="0..4", help="0 is the highest"
    )
    parser.add_argument(
        "--label", action="append", default=[], metavar="L", help="a label; may be given again"
    )
    parser.add_argument(
        "--from", dest="source", metavar="FILE", help="many tasks: YAML or JSON lines; - is stdin"
    )
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Add, and answer with the ids."""
    drafts = _batch(args, ctx) if args.source is not None else [_draft(args, ctx)]
    project = ctx.project()
    written = project.add_many(drafts, commit=wants_commit(args, ctx))
    for warning in written.warnings:
        ctx.say(f"gittasks: {warning}")
    if ctx.json:
        from gittasks.workgraph import store

        records = [store.read_task(project.tasks_folder, task_id).as_json() for task_id in written.ids]
        shape = {"tasks": records} if args.source is not None else {"task": records[0]}
        ctx.document({"ids": list(written.ids), **shape, "commit": written.commit})
    elif written.ids:
        ctx.out("\n".join(f"#{task_id}" for task_id in written.ids))
    return 0


def _draft(args: Namespace, ctx: Context) -> Draft:
    from gittasks.workgraph.drafts import Draft

    if args.subject is None:
        raise UsageError("a task needs a subject", hint='gittasks add "Implement auth module"')
    description = ctx.stdin.read() if args.description == "-" else args.description
    return Draft(
        subject=args.subject,
        owner=args.owner,
        parent=args.parent,
        priority=args.priority,
        labels=args.label,
        blocked_by=args.blocked_by,
        blocks=args.blocks,
        description=description,
    )


def _batch(args: Namespace, ctx: Context) -> list[Draft]:
    from gittasks.base.files import read_regular
    from gittasks.workgraph.batch import parse_batch

    fields = (
        args.subject,
        args.description,
        args.blocked_by,
        args.blocks,
        args.parent,
        args.owner,
        args.label,
    )
    if any(fields) or args.priority != 2:
        raise UsageError("--from takes everything from the file", hint="leave the other fields out")
    if args.source == "-":
        return parse_batch(sys.stdin.buffer.read(), "<stdin>")
    try:
        data = read_regular(ctx.path(args.source), limit_bytes=MAX_BATCH_BYTES)
    except FileNotFoundError:
        raise UsageError(f"--from {args.source}: no such file") from None
    return parse_batch(data, args.source)
