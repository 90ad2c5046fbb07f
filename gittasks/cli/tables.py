"""Tasks as lines on a terminal. Strangers' text is made printable here."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.workgraph.record import PENDING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _MutuallyExclusiveGroup
    from collections.abc import Container, Mapping, Sequence
    from typing import Any

    from gittasks.app.reading import Tasks
    from gittasks.cli.context import Context
    from gittasks.workgraph.overlay import Overlaid
    from gittasks.workgraph.record import Problem, Row


# Bad files: more than a screen of them is for a program to read.
_NAMED = 20


def task_lines(
    snapshot: Tasks, rows: Sequence[Row], *, status: bool = True, claimed: Container[int] = ()
) -> list[str]:
    """One line a task: id, status (unless all have the same), priority, subject, then what else is set.

    `claimed` are the ids of tasks that somebody holds: of a task in progress its owner says enough.
    """
    width = len(str(max((row.id for row in rows), default=0))) + 1
    waits, overlaid = snapshot.derived.open_blockers, snapshot.overlaid
    cyclic = frozenset(snapshot.derived.cyclic)
    # Few states, owners and sets of labels stand in thousands of rows.
    states: dict[tuple[str, int], str] = {}
    known: dict[tuple[str | None, str | None, tuple[str, ...]], str] = {}
    lines = []
    for task_id, _, subject, state, owner, worktree, _, priority, labels, _, _, _ in rows:
        if not subject.isprintable():
            subject = printable(subject)
        head = states.get((state, priority))
        if head is None:
            head = states[state, priority] = (f"{state:<11}  " if status else "") + f"P{priority}"
        more = known.get((owner, worktree, labels))
        if more is None:
            more = known[owner, worktree, labels] = _details(owner, worktree, labels)
        if task_id in waits:
            more += "  waits for #" + ", #".join(map(str, waits[task_id]))
        if task_id in cyclic:
            more += "  on a cycle"
        if task_id in claimed and state == PENDING:
            more += "  claimed"
        if task_id in overlaid:
            more += _sources(overlaid[task_id])
        lines.append(f"{'#' + str(task_id):>{width}}  {head}  {subject}{more}")
    return lines


def _details(owner: str | None, worktree: str | None, labels: tuple[str, ...]) -> str:
    parts = []
    if owner:
        parts.append(f"@{printable(owner)}")
    if worktree:
        parts.append(f"in {printable(worktree)}")
    if labels:
        parts.append(f"[{printable(', '.join(labels))}]")
    return "  " + "  ".join(parts) if parts else ""


def _sources(found: Overlaid) -> str:
    """Which worktrees the line speaks for, and what they disagree on."""
    names = dict.fromkeys(source for sources in found.origins.values() for source in sources)
    text = f"  <- {printable(', '.join(names))}" if names else ""
    fields = ", ".join(item.field for item in found.disagreements)
    return text + (f"  conflict: {printable(fields)}" if fields else "")


def add_here_option(parser: ArgumentParser) -> _MutuallyExclusiveGroup:
    """`--here` leaves the other worktrees out, `--remotes` takes remote-tracking branches in; one or the other."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--here", action="store_true", help="this checkout alone, without the other worktrees")
    group.add_argument(
        "--remotes",
        action="store_true",
        help="with what recent remote-tracking branches changed (as last fetched)",
    )
    return group


def load_tasks(args: Namespace, ctx: Context) -> Tasks:
    """The board, with or without remote branches, or with `--here` this checkout alone."""
    project = ctx.project()
    return project.snapshot() if args.here else project.board(remotes=args.remotes or None)


def show_rows(
    ctx: Context,
    snapshot: Tasks,
    rows: Sequence[Row],
    *,
    empty: str,
    status: bool = True,
    owner: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> int:
    """Answer with `rows`, as lines or as a document, name what could not be read, and answer the exit code.

    `owner` is who asks (default: who calls): for that one it is said what is ready. A document holds `more` too.
    """
    project = ctx.project()
    now = rows if snapshot.is_now else ()
    if ctx.json:
        found = reading.find_claims(project, now, owner=lambda: project.actor(owner))
        document = {"tasks": reading.as_json(snapshot, snapshot.full(list(rows)), claimed=found)}
        problems = (*snapshot.problems, *snapshot.elsewhere)
        ctx.document(document | {"problems": [problem.as_json() for problem in problems]} | dict(more or {}))
    elif rows:
        found = reading.find_claims(project, [row for row in now if row.status == PENDING])
        claimed = {task_id for task_id, one in found.items() if not one.is_free}
        ctx.out("\n".join(task_lines(snapshot, rows, status=status, claimed=claimed)))
    else:
        ctx.say(empty)
    tell_problems(ctx, snapshot.elsewhere)
    return tell_problems(ctx, snapshot.problems)


def tell_problems(ctx: Context, problems: Sequence[Problem]) -> int:
    """Name the bad files on stderr, a screen of them at most; 1 where there is one, else 0."""
    for problem in problems[:_NAMED]:
        ctx.say(f"gittasks: {printable(str(problem))}")
    if len(problems) > _NAMED:
        ctx.say(f"gittasks: and {len(problems) - _NAMED} more; `gittasks doctor --json` names them all")
    return 1 if problems else 0
