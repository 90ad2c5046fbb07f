"""Notes that other worktrees have and this checkout has not: what a merge would bring. For `show` and `search`.

Notes are files of their own, so a union is the merge, but for one that was here and was removed: that stays gone.
"""

from __future__ import annotations

import os

from gittasks.app.notes import read_folder
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import siblings
from gittasks.workgraph import store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.app.project import Project
    from gittasks.repo.siblings import Sibling
    from gittasks.workgraph.notes_format import Note
    from gittasks.workgraph.overlay import Overlaid


class OtherNotes:
    """Looks into the folders of the other worktrees; `overlaid` is what the board says of them."""

    def __init__(self, project: Project, overlaid: Mapping[int, Overlaid]) -> None:
        self._project = project
        self._overlaid = overlaid
        others = siblings.find_siblings(project.checkout)
        self._folders = {other: folder for other in others if (folder := _folders(other))}

    def of(self, task_id: int) -> list[Note]:
        """The notes of one task that are only elsewhere, oldest first; `path` names the worktree with the path."""
        others = [other for other, numbers in self._folders.items() if str(task_id) in numbers]
        if not others:
            return []
        known = set(_names(self._project.top, task_id))
        found_there = self._overlaid.get(task_id)
        strangers = {source for source, _ in found_there.strangers} if found_there else set()
        found: list[Note] = []
        for other in others:
            new = [name for name in _names(other.top, task_id) if name not in known]
            if new and other.name not in strangers:
                kept = set(new) - self._removed_here(other, task_id, new)
                known |= kept
                shown = f"{other.name}:{store.FOLDER}/{task_id}"
                notes, _ = read_folder(os.path.join(other.top, store.FOLDER, str(task_id)), shown)
                found += [note for note in notes if note.path.rpartition("/")[2] in kept]
        return sorted(found, key=lambda note: (note.created, note.path))

    def _removed_here(self, other: Sibling, task_id: int, names: list[str]) -> set[str]:
        """Those of `names` that both sides once had."""
        from gittasks.repo import differences, history

        checkout, git = self._project.checkout, self._project.git
        ours = siblings.require_head(git, checkout.git_dir, checkout.common_dir)
        theirs = siblings.require_head(git, other.git_dir, checkout.common_dir)
        if ours is None or theirs is None:
            return set()
        folder = f"{store.FOLDER}/{task_id}"
        base = differences.merge_base(git, ours, theirs)
        once = history.committed_versions(git, base, [f"{folder}/{name}" for name in names])
        return {path.rpartition("/")[2] for path in once}


def _folders(other: Sibling) -> frozenset[str]:
    """The names of the folders of notes in a worktree."""
    try:
        with os.scandir(os.path.join(other.top, store.FOLDER)) as entries:
            return frozenset(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return frozenset()


def _names(top: str, task_id: int) -> list[str]:
    try:
        return os.listdir(os.path.join(top, store.FOLDER, str(task_id)))
    except OSError:
        return []
