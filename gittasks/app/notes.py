"""Notes: what people wrote about a task, one Markdown file each under `.tasks/<id>/`.

Reading is on the path of `show` and `search`. Links, devices and huge files are reported, never followed.
"""

from __future__ import annotations

import os

from gittasks.base import files
from gittasks.base.errors import InvalidError
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import notes_format, store
from gittasks.workgraph.record import MAX_FILE_BYTES, Problem

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.app.writing import Written
    from gittasks.workgraph.notes_format import Note
    from gittasks.workgraph.record import TaskId

# A task with more notes than this is somebody's mistake; reading them all would stall every search.
MAX_NOTES = 10_000


class LongNoteError(InvalidError):
    """A note that is larger than a file under `.tasks` may be."""


def add_note(
    project: Project, task_id: TaskId, text: str, *, author: str | None = None, commit: bool = False
) -> Written:
    """Add one note to a task (open, completed or deleted) and stage it.

    Raises `FieldError` (empty, or no Unicode), `LongNoteError`, `UnknownTaskError`, `LockHeldError`, `DiskError`.
    """
    from gittasks.app import writing
    from gittasks.base import clock
    from gittasks.base.ids import new_uid

    writer = project.actor(author)
    now_s = clock.now_s()
    name = notes_format.note_name(clock.format_compact(now_s), writer, new_uid()[:4])
    data = notes_format.format_note(writer, clock.format_utc(now_s), text)
    if len(data) > MAX_FILE_BYTES:
        raise LongNoteError(
            f"the note has {len(data)} bytes: expected at most {MAX_FILE_BYTES}",
            hint="commit it as a file of the project, and name that in the note",
        )
    with project.lock("note"):
        store.read_file(project.require_tasks(), task_id)
        write = store.FileWrite(f"{task_id}/{name}", data, True)
        message = f"Add a note to task #{task_id}"
        return writing.apply(project, [write], ids=(task_id,), message=message, commit=commit)


def list_notes(project: Project, task_id: TaskId) -> list[Note]:
    """The notes of one task, oldest first; what cannot be read is left out (`read_notes` says what)."""
    return read_notes(project, task_id)[0]


def read_notes(project: Project, task_id: TaskId) -> tuple[list[Note], list[Problem]]:
    """The notes of one task, oldest first by time and file name, and what stands among them that is no note."""
    folder = os.path.join(project.tasks_folder, str(task_id))
    return read_folder(folder, f"{store.FOLDER}/{task_id}")


def read_folder(folder: str, shown: str) -> tuple[list[Note], list[Problem]]:
    """The notes in a folder, which people know as `shown`, oldest first; and what stands among them that is none."""
    if os.path.islink(folder):
        return [], [_problem(shown, "is a symbolic link", "a folder of notes")]
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return [], []
    except NotADirectoryError:
        return [], [_problem(shown, "is no folder", "a folder of notes")]
    notes, problems = [], []
    for name in names[:MAX_NOTES]:
        path = f"{shown}/{name}"
        full = os.path.join(folder, name)
        try:
            data = files.read_regular(full, limit_bytes=MAX_FILE_BYTES)
        except files.UnsafeFileError as error:
            what = error.message.removeprefix(f"{full}: ").partition(": ")[0]
            problems.append(_problem(path, what, "a Markdown file"))
            continue
        except FileNotFoundError:  # removed while we read
            continue
        if name.endswith(".md"):
            notes.append(notes_format.parse_note(data, path))
        elif not name.endswith(files.TEMP_SUFFIX):
            problems.append(_problem(path, "is no note", "a name that ends in .md"))
    if len(names) > MAX_NOTES:
        problems.append(_problem(shown, f"holds {len(names)} files", f"at most {MAX_NOTES}"))
    return sorted(notes, key=lambda note: (note.created, note.path)), problems


def _problem(path: str, message: str, expected: str) -> Problem:
    return Problem(path, 0, "", message, f"expected {expected}", kind="file")
