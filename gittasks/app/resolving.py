"""Ending a merge that stopped over task files: decide, write, stage (`gittasks resolve`).

Where none has stopped, what git merged by itself is looked into, and tasks that have two files are made one.
What merge3 decides is staged; what it cannot is left with conflict markers around the fields in question, and named.
Killed at any point and run again it ends the same: the index stages say what is still to do until all is written.
"""

from __future__ import annotations

import contextlib
import os

from gittasks.app import claim_moves, ids, note_moves, numbers
from gittasks.app.doubles import read_double
from gittasks.app.halted import forget_rebase, read_halted, remember_rebase
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.repo import index, stages
from gittasks.workgraph import codec, resolution, store
from gittasks.workgraph.file_merge import write_as
from gittasks.workgraph.merge import OURS, THEIRS
from gittasks.workgraph.record import BadTaskError, TaskId
from gittasks.workgraph.resolution import OPEN, Choices, Outcome, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittasks.app.halted import Halted, Unreadable
    from gittasks.app.project import Project
    from gittasks.repo.stages import Sides


class NotInConflictError(UsageError):
    """A value was given for a field that is not in conflict."""


class Resolution(NamedTuple):
    """What became of a merge that stopped.

    `outcomes` are sorted by id; those whose action is in `resolution.OPEN` are left. `staged` are the paths that are
    settled now, `left` unmerged paths that hold no task. With `is_blocked` no task got its new number yet. Where the
    sides are two files of one task, their operation is `fold`, and their names are the numbers (`#3`). `claims` says
    which claims went along with their tasks (safe to print).
    """

    sides: Sides
    outcomes: tuple[Outcome, ...]
    is_blocked: bool
    loose: frozenset[TaskId]
    staged: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Outcome, ...]:
        """The outcomes that a person has to decide."""
        return tuple(outcome for outcome in self.outcomes if outcome.action in OPEN)


def resolve(project: Project, choices: Choices, *, dry_run: bool = False) -> Resolution:
    """Settle what can be settled, with `choices` for the rest; `dry_run` only says what would be done.

    Raises `NotInConflictError`, `NoTasksError`, `LockHeldError`, `DiskError`.
    """
    with contextlib.nullcontext() if dry_run else project.lock("resolve"):
        _check_choices(project, choices)
        done: Resolution | None = None
        for halted in _occasions(project):
            step = _settle(project, halted, choices, dry_run=dry_run)
            done = step if done is None else _joined(done, step)
            if done.open:
                break
        assert done is not None  # there always is a first one
        if done.outcomes and not dry_run:
            done = done._replace(claims=tuple(claim_moves.follow(project)))
        return done


def _occasions(project: Project) -> Iterator[Halted]:
    """What there is to settle, each read when the one before is settled: what git stopped at, else what it ended by
    itself, and then each task that has two files.
    """
    halted = read_halted(project)
    yield halted
    if halted.is_under_way:
        return
    if halted.is_remembered:
        halted = read_halted(project, is_remembered=False)
        yield halted
    known: set[tuple[TaskId, TaskId]] = set()
    while (double := read_double(project, halted, known)) is not None:
        known.add(double[1])
        yield double[0]


def _settle(project: Project, halted: Halted, choices: Choices, *, dry_run: bool) -> Resolution:
    halted, plan = _plan_at_home(project, halted, choices)
    if halted.is_over:
        plan = _without_later_edits(project, plan)
    outcomes = _all_outcomes(halted, plan, choices)
    notes = note_moves.plan_notes(halted, plan.moves, project.top)
    left = tuple(path for path in halted.other_paths if path not in notes.settles)
    answer = Resolution(halted.sides, outcomes, plan.is_blocked, halted.loose, left=left)
    if dry_run:
        return answer
    if plan.new_ids and not plan.is_blocked:
        plan = _plan(halted, choices, TaskId(ids.reserve(project, plan.new_ids)))
        answer = answer._replace(outcomes=_all_outcomes(halted, plan, choices))
    answer = _carry_out(project, halted, plan, answer)
    if halted.is_over:
        forget_rebase(project)
    elif plan.moves[2]:
        remember_rebase(project)
    return answer


def _joined(one: Resolution, other: Resolution) -> Resolution:
    """What became of one thing and then of another; the sides are those of the last that there was to settle."""
    return Resolution(
        other.sides if other.outcomes else one.sides,
        tuple(sorted(one.outcomes + other.outcomes, key=lambda outcome: outcome.task_id)),
        other.is_blocked,
        one.loose | other.loose,
        tuple(sorted({*one.staged, *other.staged})),
        one.left + other.left,
        one.warnings + other.warnings,
    )


def _plan(halted: Halted, choices: Choices, first_new: TaskId) -> Plan:
    names = (printable(halted.sides.ours.name), printable(halted.sides.theirs.name))
    return resolution.plan(halted.world, choices, first_new=first_new, names=names)


def _plan_at_home(project: Project, halted: Halted, choices: Choices) -> tuple[Halted, Plan]:
    """The plan, where tasks that need a new number get the one that they have elsewhere in this clone."""
    plan = _plan(halted, choices, _next_id(halted))
    if not plan.new_ids:
        return halted, plan
    elsewhere = numbers.free_numbers(project, plan.homeless, halted.world.rows)
    if not elsewhere:
        return halted, plan
    halted = halted._replace(world=halted.world._replace(elsewhere=elsewhere))
    return halted, _plan(halted, choices, _next_id(halted))


def _without_later_edits(project: Project, plan: Plan) -> Plan:
    """Of a merge that is over, what was edited since stays as it is, but for files with conflict markers."""
    later = [
        outcome
        for outcome in plan.outcomes
        if not outcome.settles
        and not project.git.success("diff", "--quiet", "HEAD", "--", _path(outcome.task_id))
    ]
    kept = {outcome.old for outcome in later}
    return plan._replace(
        outcomes=tuple(outcome for outcome in plan.outcomes if outcome not in later),
        removed=tuple(task_id for task_id in plan.removed if task_id not in kept),
    )


def _next_id(halted: Halted) -> TaskId:
    """A guess at the next new id, for a plan that may turn out to need none."""
    world = halted.world
    elsewhere = (number for found in world.elsewhere.values() for number in found)
    return TaskId(max((0, *world.rows, *world.base, *world.ours, *world.theirs, *elsewhere)) + 1)


def _check_choices(project: Project, choices: Choices) -> None:
    """Raise for a choice about a field that nobody has to decide."""
    if not choices.fields:
        return
    known = set()
    for halted in _occasions(project):
        _, undecided = _plan_at_home(project, halted, Choices())
        known |= {
            (outcome.task_id, conflict.field)
            for outcome in undecided.outcomes
            for conflict in outcome.conflicts
        }
        known |= {(bad.task_id, resolution.FILE) for bad in halted.unreadable}
    for task_id, field in sorted(choices.fields):
        if (task_id, field) not in known:
            raise NotInConflictError(
                f"#{task_id}: {field} is not in conflict",
                hint="`gittasks resolve --dry-run` says what is; `gittasks edit` changes everything else",
            )


def _all_outcomes(halted: Halted, plan: Plan, choices: Choices) -> tuple[Outcome, ...]:
    wanted = choices.tasks
    unreadable = [
        _unreadable_outcome(bad, choices)
        for bad in halted.unreadable
        if wanted is None or bad.task_id in wanted
    ]
    return tuple(sorted([*plan.outcomes, *unreadable], key=lambda outcome: outcome.task_id))


def _unreadable_outcome(bad: Unreadable, choices: Choices) -> Outcome:
    """Of a file that is no task on some side, one side is taken whole, when somebody says which."""
    choice = choices.of(bad.task_id, resolution.FILE)
    outcome = Outcome(bad.task_id, "", resolution.MERGED, settles=(bad.task_id,))
    if bad.finished is not None:
        return outcome._replace(action=resolution.BY_HAND, subject=bad.finished.subject)
    if choice in (OURS, THEIRS):
        data = bad.ours if choice == OURS else bad.theirs
        return outcome._replace(data=data, action=resolution.REMOVED if data is None else resolution.MERGED)
    problem = f"{_path(bad.task_id)}: one side is no task: {bad.problem}"
    return outcome._replace(action=resolution.STUCK, problem=problem)


def _carry_out(project: Project, halted: Halted, plan: Plan, answer: Resolution) -> Resolution:
    """Write the files, move the notes, take old files away, and stage last: until then the index knows it all."""
    writes = []
    settled: list[str] = []
    for outcome in answer.outcomes:
        data = _new_content(project, outcome)
        if data is not None and not _is_there(project, outcome.task_id, data):
            name = store.file_name(outcome.task_id)
            is_new = not os.path.lexists(os.path.join(project.tasks_folder, name))
            writes.append(store.FileWrite(name, data, is_new))
        if outcome.action not in OPEN and outcome.action != resolution.REMOVED:
            settled.append(_path(outcome.task_id))
    if writes:
        store.write(project.tasks_folder, writes, journal=project.journal)
    gone = [_path(task_id) for task_id in plan.removed]
    gone += [_path(o.task_id) for o in answer.outcomes if o.action == resolution.REMOVED]
    notes = note_moves.carry_out(note_moves.plan_notes(halted, plan.moves, project.top), project.top)
    for path in gone:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(project.top, path))
    settled += notes[0]
    gone += notes[1]
    warnings = (
        index.stage_paths(project.git, settled) if settled else None,
        stages.unstage_paths(project.git, gone) if gone else None,
    )
    return answer._replace(
        staged=tuple(sorted({*settled, *gone})), warnings=tuple(text for text in warnings if text)
    )


def _new_content(project: Project, outcome: Outcome) -> bytes | None:
    if not outcome.changes:
        return outcome.data
    data = store.read_file(project.tasks_folder, outcome.task_id)
    path = _path(outcome.task_id)
    task = codec.parse_task(data, path, task_id=outcome.task_id)
    return write_as(data, path, task, task._replace(**outcome.changes))


def _is_there(project: Project, task_id: TaskId, data: bytes) -> bool:
    try:
        return store.read_file(project.tasks_folder, task_id) == data
    except (store.UnknownTaskError, BadTaskError):
        return False


def _path(task_id: TaskId) -> str:
    return f"{store.FOLDER}/{store.file_name(task_id)}"
