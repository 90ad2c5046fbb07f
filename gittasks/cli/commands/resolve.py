"""`gittasks resolve`."""

from __future__ import annotations

import os

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten
from gittasks.cli import parser as cli_parser
from gittasks.workgraph import store
from gittasks.workgraph.merge import OURS, THEIRS, Given

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from gittasks.app.resolving import Resolution
    from gittasks.cli.context import Context
    from gittasks.workgraph.merge import Conflict
    from gittasks.workgraph.record import TaskId
    from gittasks.workgraph.resolution import Choices, Outcome

HELP = "settle the task files of a merge that stopped"
EXAMPLE = """
gittasks resolve
gittasks resolve 12 --set status=completed --theirs
"""
EXIT_CONFLICT = 4
_WIDTH = 80
_NEXT = {
    "merge": "`git commit` ends the merge",
    "squash": "`git commit` ends the squash",
    "rebase": "`git rebase --continue` goes on",
    "cherry-pick": "`git cherry-pick --continue` goes on",
    "revert": "`git revert --continue` goes on",
    "stash": "`git stash drop` when you need the stash no more",
    "fold": "`git commit` keeps that",
}


def configure(parser: ArgumentParser) -> None:
    """The tasks, and what to do about what only a person can decide."""
    parser.add_argument(
        "task", nargs="*", type=_task, metavar="TASK", help="12, #12 or its file; default: every one"
    )
    sides = parser.add_mutually_exclusive_group()
    sides.add_argument("--ours", action="store_true", help="in conflicts, take what this side has")
    sides.add_argument("--theirs", action="store_true", help="in conflicts, take what comes in")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="FIELD=VALUE",
        dest="values",
        help="in the conflict over FIELD, take VALUE",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def run(args: Namespace, ctx: Context) -> int:
    """Settle what can be settled, ask or report the rest."""
    from gittasks.app.resolving import resolve

    project = ctx.project()
    choices = _choices(args, ctx)
    if not args.dry_run and not ctx.json and ctx.stdin.isatty():
        choices = _ask(ctx, resolve(project, choices, dry_run=True), choices)
    done = resolve(project, choices, dry_run=args.dry_run)
    if ctx.json:
        ctx.document(_document(done))
    else:
        _tell(ctx, done, dry_run=args.dry_run)
    return EXIT_CONFLICT if done.open or done.warnings else 0


def _task(text: str) -> TaskId:
    """A task's id, or the path of its file, as a merge tool names it."""
    return store.parse_file_name(os.path.basename(text)) or cli_parser.task_id(text)


def _assignment(text: str) -> tuple[str, Any]:
    from argparse import ArgumentTypeError

    from gittasks.base.errors import InvalidError
    from gittasks.workgraph.fields import BY_NAME, check_value

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"{printable(text)[:60]!r}: expected FIELD=VALUE")
    field = BY_NAME.get(name)
    if field is None:
        return name, _json_value(value)
    try:
        if field.is_list and field.is_number:
            return name, check_value(field.attribute, cli_parser.task_ids(value))
        if field.is_list:
            return name, check_value(
                field.attribute, [word.strip() for word in value.split(",") if word.strip()]
            )
        if field.kind == "ref":
            return name, cli_parser.task_id(value) if value else None
        if field.kind == "priority":
            return name, cli_parser.priority(value)
        return name, check_value(field.attribute, value)
    except InvalidError as error:
        raise ArgumentTypeError(printable(error.message)) from None


def _json_value(text: str) -> Any:
    """The value of an unknown field: what it says as JSON, else the text itself."""
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text


def _choices(args: Namespace, ctx: Context) -> Choices:
    from gittasks.workgraph.resolution import Choices

    prefer = OURS if args.ours else THEIRS if args.theirs else None
    tasks = frozenset(args.task) or None
    fields = {(_task_of(field, args, ctx), field): Given(value) for field, value in args.values}
    return Choices(prefer, fields, tasks)


def _task_of(field: str, args: Namespace, ctx: Context) -> TaskId:
    """Whose field a value is for: the task that was named, or the only one in conflict over it."""
    from gittasks.app.resolving import resolve
    from gittasks.workgraph.resolution import Choices

    if len(args.task) == 1:
        found: TaskId = args.task[0]
        return found
    open_outcomes = resolve(ctx.project(), Choices(), dry_run=True).open
    candidates = [o.task_id for o in open_outcomes if any(c.field == field for c in o.conflicts)]
    if len(candidates) != 1:
        raise UsageError(
            f"--set {printable(field)}: {len(candidates)} tasks are in conflict over it",
            hint="name one task: gittasks resolve 12 --set status=completed",
        )
    return candidates[0]


def _ask(ctx: Context, drafted: Resolution, choices: Choices) -> Choices:
    """Ask a person about each open conflict; an empty answer leaves it open."""
    fields = dict(choices.fields)
    for outcome in drafted.open:
        for conflict in outcome.conflicts:
            _show_conflict(ctx, drafted, outcome, conflict)
            ctx.say(
                f"take [o]urs ({drafted.sides.ours.name}), [t]heirs ({drafted.sides.theirs.name}), or leave it open?"
            )
            answer = ctx.stdin.readline().strip().lower()
            if answer in ("o", OURS):
                fields[outcome.task_id, conflict.field] = OURS
            elif answer in ("t", THEIRS):
                fields[outcome.task_id, conflict.field] = THEIRS
    return choices._replace(fields=fields)


def _tell(ctx: Context, done: Resolution, *, dry_run: bool) -> None:
    if not done.outcomes and not done.left and not done.staged:
        ctx.say("nothing to resolve: no task file is in conflict")
        return
    for outcome in done.outcomes:
        if outcome.task_id in done.loose:
            ctx.say(f"#{outcome.task_id} was staged with conflict markers in it")
        if outcome.conflicts:
            for conflict in outcome.conflicts:
                _show_conflict(ctx, done, outcome, conflict)
        else:
            ctx.out(_line(outcome))
    if not done.outcomes:  # notes alone
        for path in done.staged:
            ctx.out(f"settled: {printable(path)}")
    moved = [outcome for outcome in done.outcomes if outcome.old is not None and outcome not in done.open]
    if moved:
        old, new = moved[0].old, moved[0].task_id
        ctx.say(f"texts are not changed: #{old} in a description or a note may mean what is #{new} now")
    for warning in done.warnings:
        ctx.say(f"gittasks: {warning}")
    for message in done.claims:
        ctx.say(message)
    for path in done.left:
        ctx.say(f"still unmerged, and no task: {path}")
    if dry_run:
        ctx.say("nothing was changed: this was a dry run")
    elif done.open:
        _say_how(ctx, done)
    elif not done.left and done.sides.operation:
        ctx.say(f"every task file is settled; {_NEXT[done.sides.operation]}")


def _line(outcome: Outcome) -> str:
    subject = printable(outcome.subject)
    words = {
        "merged": f"merged: {subject}",
        "kept": f"keeps its number: {subject}",
        "renumbered": f"was #{outcome.old} on {outcome.old_side}: {subject}",
        "folded": f"takes in #{outcome.old}, its other number: {subject}",
        "references": f"names tasks by their new numbers: {subject}",
        "by_hand": f"taken as you edited it: {subject}",
        "removed": f"removed: {subject}",
        "stuck": printable(outcome.problem),
    }
    return f"#{outcome.task_id} {words[outcome.action]}"


def _show_conflict(ctx: Context, done: Resolution, outcome: Outcome, conflict: Conflict) -> None:
    ours, theirs = printable(done.sides.ours.name), printable(done.sides.theirs.name)
    where = f"#{outcome.task_id} conflict: {printable(conflict.field)}"
    if not conflict.regions:
        was = "" if conflict.base is None else f" (was {_value(conflict.base)})"
        ctx.out(f"{where}: {_value(conflict.ours)} on {ours}, {_value(conflict.theirs)} on {theirs}{was}")
        return
    for region in conflict.regions:
        ctx.out(f"{where}, line {region.line}:")
        for name, lines in ((ours, region.ours), (theirs, region.theirs)):
            for line in lines or ("(nothing)",):
                ctx.out(f"  {name}: {shorten(printable(line), _WIDTH)}")


def _value(value: Any) -> str:
    if value is None or value in ("", ()):
        return "nothing"
    if isinstance(value, tuple):
        return shorten(printable(", ".join(map(str, value))), _WIDTH)
    return shorten(printable(str(value)), _WIDTH)


def _say_how(ctx: Context, done: Resolution) -> None:
    """The exact options that end what is open."""
    outcome = done.open[0]
    if outcome.conflicts:
        field = outcome.conflicts[0].field
        call = f"gittasks resolve {outcome.task_id}"
        ctx.say(f"hint: `{call} --ours` takes {printable(done.sides.ours.name)}")
        ctx.say(f"hint: `{call} --theirs` takes {printable(done.sides.theirs.name)}")
        if field != "file":
            ctx.say(f"hint: `{call} --set {printable(field)}=VALUE` takes another value")
    if done.sides.operation == "fold":
        ctx.say("hint: if one is a copy made by hand, delete its `uid:` line, then `gittasks doctor --fix`")
    if any(outcome.problem for outcome in done.open):
        ctx.say("hint: finish the file and `git add` it, or `git checkout -m -- FILE` to begin anew")
    if done.is_blocked:
        ctx.say("no task was given another number yet: that is done when all of these are settled")


def _document(done: Resolution) -> dict[str, Any]:
    return {
        "operation": done.sides.operation,
        "ours": done.sides.ours._asdict(),
        "theirs": done.sides.theirs._asdict(),
        "resolved": [
            {"id": o.task_id, "subject": o.subject, "action": o.action, "was": o.old}
            for o in done.outcomes
            if o not in done.open
        ],
        "conflicts": [entry for outcome in done.open for entry in _conflict_entries(outcome)],
        "staged": list(done.staged),
        "left": list(done.left),
        "warnings": list(done.warnings),
        "claims": list(done.claims),
    }


def _conflict_entries(outcome: Outcome) -> list[dict[str, Any]]:
    known = {"id": outcome.task_id, "subject": outcome.subject}
    if not outcome.conflicts:
        return [known | {"field": "file", "problem": outcome.problem}]
    return [
        known
        | {
            "field": conflict.field,
            "base": conflict.base,
            "ours": conflict.ours,
            "theirs": conflict.theirs,
            "regions": [region._asdict() for region in conflict.regions],
        }
        for conflict in outcome.conflicts
    ]
