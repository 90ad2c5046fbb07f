"""The journal of edits: what each write did to which task files of which worktree, in this clone.

`undo` takes the last one of a worktree back; `rescue` finds in it what was never committed in a worktree that is
gone. It lies in `<git common dir>/gittasks/edits.jsonl` (and `edits.old.jsonl`), holds the last few MiB, and can be
deleted: that costs only those two. It holds contents, not git's names of them: nothing keeps a blob that was staged
in a worktree that is gone. Resolving a merge is not in it: git knows both sides.
"""

from __future__ import annotations

import os

from gittasks.base import clock, files, jsonlines
from gittasks.base.ids import new_base36
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import siblings
from gittasks.workgraph.record import MAX_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.repo.discover import Checkout
    from gittasks.workgraph.store import FileWrite

_NAME = "edits.jsonl"
_FORGET = "forget"
MAX_BYTES = 1 << 22
# An import of thousands of tasks would push everything else out; the file it came from is still there.
MAX_EDIT_BYTES = 1 << 20
_FEW = 20


class FileEdit(NamedTuple):
    """One file of an edit: its `name` below `.tasks`, and its bytes on both sides; `None` where it was not there."""

    name: str
    before: bytes | None
    after: bytes | None


class Edit(NamedTuple):
    """One write. `worktree` is its name, `instance` tells worktrees of one name apart, `top` is where it was,
    `branch` the ref that was checked out there (`None`: no branch, or it was not noted).

    `undoes` is the id of the edit that this one took back, empty for most. `left_out` counts the files that were too
    many to remember.
    """

    id: str
    time: str
    worktree: str
    instance: str
    top: str
    message: str
    files: tuple[FileEdit, ...]
    undoes: str = ""
    left_out: int = 0
    branch: str | None = None


def read_before(folder: str, writes: Sequence[FileWrite]) -> list[bytes | None]:
    """What stands now where `writes` will go, in their order."""
    return [None if item.create else _read(os.path.join(folder, item.name)) for item in writes]


def read_now(folder: str, writes: Sequence[FileWrite]) -> list[bytes | None]:
    """What stands there now, whether it was to be created or not."""
    return [_read(os.path.join(folder, item.name)) for item in writes]


def record_edit(project: Project, edited: Sequence[FileEdit], *, message: str, undoes: str = "") -> str:
    """Remember an edit of this worktree that is made next, and answer its id; the caller holds the writers' lock.

    Before it is made: whoever is killed in between leaves a line too many, whose files are as it found them, and not
    one too few. Never in the way: what cannot be written is not remembered.
    """
    kept: list[list[str | None]] = []
    room = MAX_EDIT_BYTES
    for item in edited:
        room -= len(item.before or b"") + len(item.after or b"")
        if room < 0:
            break
        kept.append([item.name, _text(item.before), _text(item.after)])
    checkout = project.checkout
    edit_id = new_base36(10)
    line = _dumps(
        {
            "id": edit_id,
            "time": clock.now_utc(),
            "worktree": checkout.name,
            "instance": instance_of(checkout.git_dir, checkout.common_dir),
            "top": project.top,
            "message": message,
            "undoes": undoes,
            "files": kept,
            "left_out": len(edited) - len(kept),
            "branch": branch_of(checkout),
        },
        few=len(kept) < _FEW,
    )
    _append(project, line)
    return edit_id


def forget_edit(project: Project, edit_id: str) -> None:
    """Take back the line of an edit that came to nothing."""
    _append(project, _dumps({_FORGET: edit_id}, few=True))


def _append(project: Project, line: str) -> None:
    try:
        path = os.path.join(project.private_folder(), _NAME)
        jsonlines.append(path, line.encode() + b"\n", max_bytes=MAX_BYTES)
    except OSError:
        return


def load_edits(private: str) -> list[Edit]:
    """All edits that are remembered, oldest first; what is no edit is left out."""
    lines = jsonlines.load(os.path.join(private, _NAME), max_bytes=MAX_BYTES)
    forgotten = [line.get(_FORGET) for line in lines]
    edits = [edit for line in lines if (edit := _parse(line)) is not None]
    return [edit for edit in edits if edit.id not in forgotten] if any(forgotten) else edits


def instance_of(git_dir: str, common_dir: str) -> str:
    """What tells this worktree from a later one of the same name: when git made it. Empty for the main one."""
    if git_dir == common_dir:
        return ""
    try:
        return str(os.stat(os.path.join(git_dir, "commondir")).st_mtime_ns)
    except OSError:
        return "gone"


def branch_of(checkout: Checkout) -> str | None:
    """The ref that is checked out (`refs/heads/main`), `None` where HEAD is on no branch."""
    return siblings.read_link("HEAD", checkout.git_dir)


def is_here(edit: Edit, checkout: Checkout) -> bool:
    """Whether `edit` was made in this very worktree."""
    return (edit.worktree, edit.instance) == (
        checkout.name,
        instance_of(checkout.git_dir, checkout.common_dir),
    )


def present_worktrees(checkout: Checkout) -> dict[tuple[str, str], str]:
    """(name, instance) to root of all worktrees whose files are there; of locked ones also when they are away."""
    from gittasks.repo import worktrees

    common = checkout.common_dir
    found = {}
    for sibling in siblings.find_siblings(checkout, also_gone=True):
        is_locked = os.path.lexists(os.path.join(sibling.git_dir, "locked"))
        if sibling.git_dir == common or is_locked or worktrees.holds(sibling.top, sibling.git_dir):
            found[sibling.name, instance_of(sibling.git_dir, common)] = sibling.top
    if checkout.top is not None:
        found[checkout.name, instance_of(checkout.git_dir, common)] = checkout.top
    return found


def _read(path: str) -> bytes | None:
    try:
        return files.read_regular(path, limit_bytes=MAX_FILE_BYTES)
    except (OSError, files.UnsafeFileError):
        return None


def _dumps(value: dict[str, Any], *, few: bool) -> str:
    if few:
        from gittasks.base.jsontext import dumps

        return dumps(value)
    import json  # 6 ms to import, and many times as fast

    return json.dumps(value)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "surrogateescape")


def _parse(line: dict[str, Any]) -> Edit | None:
    try:
        edit_id, time, worktree, instance, top, message, undoes = (
            _require_text(line[name])
            for name in ("id", "time", "worktree", "instance", "top", "message", "undoes")
        )
        edited = tuple(
            FileEdit(_require_text(name), _bytes(before), _bytes(after))
            for name, before, after in line["files"]
        )
        branch = line.get("branch")
        return Edit(
            *(edit_id, time, worktree, instance, top, message, edited, undoes, int(line["left_out"])),
            branch=None if branch is None else _require_text(branch),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _require_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _bytes(text: Any) -> bytes | None:
    return None if text is None else _require_text(text).encode("utf-8", "surrogateescape")
