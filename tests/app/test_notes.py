"""Notes: one file each, staged, and nothing strange among them is followed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from gittasks.app import notes
from gittasks.app.notes import LongNoteError, add_note, list_notes, read_notes
from gittasks.app.project import Project, open_project
from gittasks.workgraph.codec import format_task
from gittasks.workgraph.fields import FieldError
from gittasks.workgraph.record import MAX_FILE_BYTES, Task, TaskId
from gittasks.workgraph.store import UnknownTaskError
from tests.conftest import git

TWELVE = TaskId(12)


@pytest.fixture
def project(repo: Path) -> Project:
    (repo / ".tasks").mkdir()
    task = Task(TWELVE, uid="9f3c1a7be2d04c55", subject="x", created="2026-11-23T10:00:00Z")
    (repo / ".tasks/12.yaml").write_bytes(format_task(task))
    git(repo, "add", ".tasks")
    git(repo, "commit", "-q", "-m", "add")
    return open_project(str(repo), env=os.environ)


@pytest.fixture
def folder(project: Project) -> Path:
    path = Path(project.tasks_folder, "12")
    path.mkdir()
    return path


def test_a_note_is_a_file_of_its_own_and_staged(project: Project, repo: Path) -> None:
    written = add_note(project, TWELVE, "first\n\nsecond", author="Alice Árbol")
    (path,) = written.changed
    assert re.fullmatch(r"\.tasks/12/\d{8}T\d{6}Z-alice-rbol-[0-9a-f]{4}\.md", path)
    assert written.commit is None
    assert git(repo, "status", "--porcelain") == f"A  {path}"
    (note,) = list_notes(project, TWELVE)
    assert (note.author, note.text, note.path) == ("Alice Árbol", "first\n\nsecond", path)


def test_a_note_can_be_committed_alone(project: Project, repo: Path) -> None:
    (repo / "README").write_text("changed\n")
    git(repo, "add", "README")
    written = add_note(project, TWELVE, "x", commit=True)
    assert written.commit == git(repo, "rev-parse", "HEAD")
    assert git(repo, "show", "--name-only", "--format=%s", "HEAD").split("\n") == [
        "Add a note to task #12",
        "",
        *written.changed,
    ]
    assert git(repo, "status", "--porcelain") == "M  README"


def test_the_author_is_who_git_says_unless_told(project: Project) -> None:
    add_note(project, TWELVE, "x")
    assert list_notes(project, TWELVE)[0].author == "Ada Tester"


def test_two_notes_on_two_branches_merge(project: Project, repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "side")
    add_note(project, TWELVE, "from the side", commit=True)
    git(repo, "checkout", "-q", "main")
    add_note(project, TWELVE, "from main", commit=True)
    git(repo, "merge", "-q", "--no-edit", "side")
    assert sorted(note.text for note in list_notes(project, TWELVE)) == ["from main", "from the side"]


@pytest.mark.parametrize("text", ["", " \n\t\n", "\udc80"])
def test_a_note_without_words_or_of_broken_text_is_refused(project: Project, repo: Path, text: str) -> None:
    with pytest.raises(FieldError):
        add_note(project, TWELVE, text)
    assert git(repo, "status", "--porcelain") == ""


def test_a_note_that_could_not_be_read_again_is_refused(project: Project, repo: Path) -> None:
    with pytest.raises(LongNoteError, match="at most"):
        add_note(project, TWELVE, "x" * MAX_FILE_BYTES)
    assert git(repo, "status", "--porcelain") == ""


def test_only_a_task_that_is_there_has_notes(project: Project, repo: Path) -> None:
    with pytest.raises(UnknownTaskError):
        add_note(project, TaskId(13), "x")
    assert not (repo / ".tasks/13").exists()
    assert read_notes(project, TaskId(13)) == ([], [])


def test_they_are_sorted_by_time_whatever_their_names(project: Project, folder: Path) -> None:
    (folder / "a.md").write_text("---\ncreated: 2026-01-02T00:00:00Z\n---\n\nsecond\n")
    (folder / "20260103T000000Z-x-0001.md").write_text("third\n")
    (folder / "z.md").write_text("---\ncreated: 2026-01-01T00:00:00Z\n---\n\nfirst\n")
    assert [note.text for note in list_notes(project, TWELVE)] == ["first", "second", "third"]


def test_what_is_no_note_is_reported_and_never_followed(project: Project, folder: Path) -> None:
    (folder / "link.md").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.md")
    (folder / "sub.md").mkdir()
    (folder / "huge.md").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (folder / "picture.png").write_bytes(b"x")
    (folder / ".x.md.gittasks-tmp").write_bytes(b"x")
    (folder / "good.md").write_text("good\n")
    found, problems = read_notes(project, TWELVE)
    assert [note.text for note in found] == ["good"]
    said = {problem.path: problem.message for problem in problems}
    assert list(said) == [
        f".tasks/12/{name}" for name in ("huge.md", "link.md", "picture.png", "pipe.md", "sub.md")
    ]
    assert said[".tasks/12/link.md"] == "is a symbolic link"
    assert said[".tasks/12/picture.png"] == "is no note"


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_folder_that_is_none_is_reported_and_not_written_through(
    project: Project, repo: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.md").write_text("secret\n")
    if kind == "link":
        (repo / ".tasks/12").symlink_to(tmp_path / "elsewhere")
    else:
        (repo / ".tasks/12").write_text("no folder\n")
    found, (problem,) = read_notes(project, TWELVE)
    assert found == []
    assert problem.path == ".tasks/12" and "folder of notes" in problem.expected
    with pytest.raises(Exception, match="expected a folder for notes"):
        add_note(project, TWELVE, "x")
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["secret.md"]


def test_more_notes_than_anyone_writes_do_not_stall_a_reader(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MAX_NOTES", 3)
    for number in range(5):
        (folder / f"{number}.md").write_text("x\n")
    found, problems = read_notes(project, TWELVE)
    assert len(found) == 3
    assert "holds 5 files" in problems[0].message
