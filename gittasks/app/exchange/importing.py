"""Import: one transaction that adds what is new, updates what the source changed, and tells the truth about the rest.

A task that came from elsewhere carries `ref` (`beads:bd-kwro`), by which the next import finds it, and `imported`,
by which that import knows what the source said before.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from gittasks.app import ids, writing
from gittasks.app.exchange import sources
from gittasks.base import clock
from gittasks.base.errors import InvalidError, RefusedError
from gittasks.base.ids import new_uid
from gittasks.workgraph import codec, drafts, notes_format, store
from gittasks.workgraph.exchange import edges, imprint
from gittasks.workgraph.exchange.entry import key_of
from gittasks.workgraph.exchange.findings import Edge
from gittasks.workgraph.graph import cycles
from gittasks.workgraph.record import DELETED, FIELDS, MAX_FILE_BYTES, MAX_ID, STATUSES, TaskId
from gittasks.workgraph.store import FileWrite

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittasks.app.project import Project
    from gittasks.app.writing import Written
    from gittasks.workgraph.drafts import Draft
    from gittasks.workgraph.exchange.findings import Findings, Parsed
    from gittasks.workgraph.record import Row, Task


# What every tracker has a word for. Unknown fields of ours go out to some, but do not come back as they were.
_FIELDS_OF_ANY = frozenset(FIELDS) - {"created"}


class UnreadableTasksError(RefusedError):
    """Some task files cannot be read, so nobody knows what was imported before."""


class Updated(NamedTuple):
    """An existing task that the source changed: its id, its `ref`, the fields (by their names in the file)."""

    id: TaskId
    ref: str
    fields: tuple[str, ...]


class Imported(NamedTuple):
    """What an import did, or would do (`dry_run`, where `added` holds ids that may be given otherwise).

    `added` pairs the new ids with their refs. `gone` names tasks of an earlier import that the source no longer
    has; they stay. `statuses` counts the tasks of the source. `written` is empty where nothing changed.
    """

    kind: str
    dry_run: bool
    added: tuple[tuple[TaskId, str], ...]
    updated: tuple[Updated, ...]
    unchanged: int
    gone: tuple[tuple[TaskId, str], ...]
    statuses: dict[str, int]
    dangling: list[Edge]
    circular: list[Edge]
    found: Findings
    written: Written


def import_tasks(
    project: Project,
    kind: str,
    path: str,
    *,
    name: str | None = None,
    stdin: bytes | None = None,
    prefix: str | None = None,
    dry_run: bool = False,
    commit: bool = False,
) -> Imported:
    """Import everything that the source `path` of the `kind` holds, or nothing.

    `name` is how messages call it, `stdin` its content where it is standard input. `prefix` keeps its ids apart from
    those of other sources of the same kind. Raises `SourceError`, `BadSourceError`, `UnreadableTasksError`,
    `LockHeldError`, `DiskError`.
    """
    parsed = sources.read_source(kind, path, name=name or path, stdin=stdin)
    prefix = key_of(sources.default_prefix(kind, path) if prefix is None else prefix)
    project.require_tasks()
    with project.lock("import"):
        return _Import(project, parsed, f"{kind}:{prefix}/" if prefix else f"{kind}:").run(dry_run, commit)


class _Import:
    """One import under the writers' lock: what is there, what comes, and how the two belong together.

    "Key" is a foreign id as the source writes it, "ref" the form of it that a task keeps.
    """

    def __init__(self, project: Project, parsed: Parsed, namespace: str) -> None:
        self._project = project
        self._parsed = parsed
        self._namespace = namespace
        snapshot = project.snapshot()
        if snapshot.problems:
            raise UnreadableTasksError(
                f"{snapshot.problems[0]}\nsome tasks cannot be read, so it is unknown which were imported before",
                hint="mend these files first: `gittasks doctor` names them all",
            )
        self._rows: list[Row] = snapshot.rows
        self._there = {task.id: task for task in snapshot.tasks()}
        self._key_of = self._known_keys()
        self._ids: dict[str, int] = {}
        for task_id, key in self._key_of.items():
            self._ids.setdefault(key, task_id)
        self._own = frozenset(
            key
            for key, uid in parsed.uids.items()
            if key in self._ids and self._there[TaskId(self._ids[key])].uid == uid
        )
        if self._own:  # an export of this very project: ids that it names beside its own rows are ours
            rows = {draft.key for draft in parsed.drafts}
            for task_id in self._there:
                if str(task_id) not in rows:
                    self._ids.setdefault(str(task_id), task_id)

    def run(self, dry_run: bool, commit: bool) -> Imported:
        resolved = edges.resolve(self._parsed.drafts, self._ids, relations=not self._parsed.speaks_of)
        batch, circular = self._without_circles(resolved.drafts)
        new = [draft for draft in batch if draft.key not in self._ids]
        old = [draft for draft in batch if draft.key in self._ids]
        planned = self._plan(new, dry_run)
        self._ids |= {draft.key: task.id for draft, task in zip(new, planned.tasks, strict=True)}
        changes = {draft.key: self._changes(draft) for draft in old}
        updated = [
            Updated(TaskId(self._ids[key]), self._ref(key), _field_names(change))
            for key, change in changes.items()
            if change
        ]
        imported = Imported(
            kind=self._parsed.kind,
            dry_run=dry_run,
            added=tuple(
                (task.id, self._ref(draft.key)) for draft, task in zip(new, planned.tasks, strict=True)
            ),
            updated=tuple(updated),
            unchanged=len(old) - len(updated),
            gone=self._gone(batch),
            statuses=_count_statuses(batch),
            dangling=resolved.dangling,
            circular=[*resolved.circular, *circular],
            found=self._parsed.found,
            written=writing.Written(()),
        )
        if dry_run:
            return imported
        writes = [_task_write(draft, task) for draft, task in zip(new, planned.tasks, strict=True)]
        writes += _note_writes(zip(new, planned.tasks, strict=True))
        writes += self._edits(old, changes, planned.waiters)
        touched = tuple(
            TaskId(task_id) for task_id in sorted({*(i for i, _ in imported.added), *(u.id for u in updated)})
        )
        message = f"Import {len(batch)} tasks from {self._parsed.kind}"
        return imported._replace(
            written=writing.apply(self._project, writes, ids=touched, message=message, commit=commit)
        )

    def _known_keys(self) -> dict[TaskId, str]:
        """The keys of tasks that are there already: by uid, by the `ref` that the source gives, by kind and id."""
        key_of_uid = {uid: key for key, uid in self._parsed.uids.items()}
        key_of_ref = {ref: key for key, ref in self._parsed.refs.items()}
        found: dict[TaskId, str] = {}
        for task in self._there.values():
            ref = dict(task.extra).get("ref")
            if task.uid and task.uid in key_of_uid:
                found[task.id] = key_of_uid[task.uid]
            elif isinstance(ref, str) and ref in key_of_ref:
                found[task.id] = key_of_ref[ref]
            elif isinstance(ref, str) and ref.startswith(self._namespace):
                found[task.id] = ref.removeprefix(self._namespace)
        self._tell_of_doubles(found)
        return found

    def _tell_of_doubles(self, found: Mapping[TaskId, str]) -> None:
        first: dict[str, TaskId] = {}
        for task_id, key in found.items():
            if first.setdefault(key, task_id) != task_id:
                self._parsed.found.remark(
                    f"#{first[key]} and #{task_id} both stand for {key}: only the first is updated"
                )

    def _without_circles(self, batch: Sequence[Draft]) -> tuple[list[Draft], list[Edge]]:
        """Leave out edges that would close a circle together with edges that are here already."""
        circular: list[Edge] = []
        number = self._ids | {
            draft.key: self._ids.get(draft.key, MAX_ID + 1 + index) for index, draft in enumerate(batch)
        }
        waits: dict[tuple[int, int], Edge] = {}
        belongs: dict[tuple[int, int], Edge] = {}
        for draft in batch:
            blockers, parent = self._added_edges(draft) if draft.status != DELETED else ([], None)
            here = number[draft.key]
            waits |= {(here, number[key]): Edge(draft.key, "blockedBy", key) for key in blockers}
            waits |= {(number[str(key)], here): Edge(draft.key, "blocks", str(key)) for key in draft.blocks}
            belongs |= (
                {(here, number[parent]): Edge(draft.key, "parent", parent)} if parent is not None else {}
            )
        for find, wanted in ((cycles.find_cycle, waits), (cycles.find_parent_cycle, belongs)):
            while cycle := find(self._rows, sorted(wanted)):
                circular.append(wanted.pop(next(pair for pair in pairwise(cycle) if pair in wanted)))
        return edges.without(batch, circular), circular

    def _added_edges(self, draft: Draft) -> tuple[list[str], str | None]:
        """The blockers and the parent, by key, that the import would newly give to the task of `draft`."""
        task_id = self._ids.get(draft.key)
        if task_id is None or draft.key in self._own:
            blockers, parent = (
                list(map(str, draft.blocked_by)),
                None if draft.parent is None else str(draft.parent),
            )
        else:
            blockers, parent = imprint.added_edges(self._there[TaskId(task_id)], draft)
        there = self._there.get(TaskId(task_id)) if task_id is not None else None
        if there is not None:
            blockers = [key for key in blockers if self._ids.get(key) not in there.blocked_by]
            parent = None if parent is not None and self._ids.get(parent) == there.parent else parent
        return blockers, parent

    def _plan(self, new: Sequence[Draft], dry_run: bool) -> drafts.Plan:
        """The new tasks with their ids; references to tasks that are there become ids."""
        if not new:
            return drafts.Plan([], {})
        ready = [self._with_ids(draft) for draft in new]
        first = max(self._there, default=0) + 1 if dry_run else ids.reserve(self._project, len(new))
        uids = [self._uid_for(draft) for draft in new]
        return drafts.plan(ready, first_id=first, uids=uids, now=clock.now_utc(), exists=set(self._there))

    def _with_ids(self, draft: Draft) -> Draft:
        def ref(key: Any) -> Any:
            return self._ids.get(str(key), key)

        own = {"ref": self._ref(draft.key), imprint.FIELD: imprint.imprint(draft)}
        return draft._replace(
            parent=None if draft.parent is None else ref(draft.parent),
            blocked_by=[ref(key) for key in draft.blocked_by],
            blocks=[ref(key) for key in draft.blocks],
            extra=(
                ("ref", own.pop("ref")),
                *((n, v) for n, v in draft.extra if n not in own and n != "ref"),
                *own.items(),
            ),
        )

    def _ref(self, key: str) -> str:
        return self._parsed.refs.get(key) or self._namespace + key

    def _uid_for(self, draft: Draft) -> str:
        # A task of ours keeps its identity on the way through an export, so that two clones agree on it.
        return self._parsed.uids.get(draft.key) or new_uid()

    def _changes(self, draft: Draft) -> dict[str, Any]:
        task = self._there[TaskId(self._ids[draft.key])]
        about = self._parsed.speaks_of
        if draft.key in self._own:
            return imprint.own_changes(task, draft, ids=self._ids, speaks_of=about or _FIELDS_OF_ANY)
        return imprint.changes(task, draft, ids=self._ids, keys=self._key_of, speaks_of=about)

    def _edits(
        self,
        old: Sequence[Draft],
        changes: Mapping[str, dict[str, Any]],
        waiters: Mapping[TaskId, list[TaskId]],
    ) -> list[FileWrite]:
        wanted = {TaskId(self._ids[key]): dict(change) for key, change in changes.items() if change}
        more: dict[TaskId, set[int]] = {task_id: set(blockers) for task_id, blockers in waiters.items()}
        for draft in old:
            for target in draft.blocks:
                more.setdefault(TaskId(self._ids[str(target)]), set()).add(self._ids[draft.key])
        for task_id, blockers in more.items():
            change = wanted.setdefault(task_id, {})
            change["blocked_by"] = tuple(
                sorted({*change.get("blocked_by", self._there[task_id].blocked_by), *blockers})
            )
        writes = [self._edit(task_id, change) for task_id, change in sorted(wanted.items())]
        fresh = [
            (draft._replace(notes=imprint.new_notes(task, draft)), task)
            for draft in old
            if draft.key not in self._own
            for task in [self._there[TaskId(self._ids[draft.key])]]
        ]
        return [write for write in writes if write is not None] + _note_writes(fresh)

    def _edit(self, task_id: TaskId, change: Mapping[str, Any]) -> FileWrite | None:
        data = store.read_file(self._project.tasks_folder, task_id)
        path = f"{store.FOLDER}/{store.file_name(task_id)}"
        edited = codec.edit_task(data, path, task_id=task_id, changes=change)
        return FileWrite(store.file_name(task_id), edited, False) if edited != data else None

    def _gone(self, batch: Sequence[Draft]) -> tuple[tuple[TaskId, str], ...]:
        """Tasks of an earlier import from this source that it no longer has."""
        if self._parsed.speaks_of:  # a table may hold any part of a project
            return ()
        present = {draft.key for draft in batch}
        return tuple((task_id, self._ref(key)) for task_id, key in self._key_of.items() if key not in present)


def _task_write(draft: Draft, task: Task) -> FileWrite:
    try:
        return FileWrite(store.file_name(task.id), codec.format_task(task), True)
    except InvalidError as error:
        raise sources.SourceError(f"{draft.key}: {error.message}", hint=error.hint) from None


def _note_writes(pairs: Iterable[tuple[Draft, Task]]) -> list[FileWrite]:
    """A file for each note. Those of one second keep their order, by the number in the name."""
    now = clock.now_utc()
    writes: list[FileWrite] = []
    for draft, task in pairs:
        for number, note in enumerate(draft.notes):
            created = note.created or task.created or now
            stamp = created.replace("-", "").replace(":", "")
            name = notes_format.note_name(stamp, note.author, f"{number:02x}{new_uid()[:4]}")
            data = notes_format.format_note(note.author, created, note.text)
            if len(data) > MAX_FILE_BYTES:
                raise sources.SourceError(
                    f"{draft.key}: a note has {len(data)} bytes: expected at most {MAX_FILE_BYTES}"
                )
            writes.append(FileWrite(f"{task.id}/{name}", data, True))
    return writes


def _count_statuses(batch: Sequence[Draft]) -> dict[str, int]:
    return {status: sum(1 for draft in batch if draft.status == status) for status in STATUSES}


def _field_names(change: Mapping[str, Any]) -> tuple[str, ...]:
    names = {"blocked_by": "blockedBy"}
    shown = [
        names.get(name, name.removeprefix("extra:")) for name in change if name != f"extra:{imprint.FIELD}"
    ]
    return tuple(shown) or (imprint.FIELD,)
