"""Claims go with their tasks when a merge gives these other numbers, and count until then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.app import claim_moves, claiming, doctor, reading, releasing, taking, writing
from gittasks.app.claiming import Options
from gittasks.app.holders import ClaimHeldError
from gittasks.app.hooking import aftermath
from gittasks.app.project import Project
from gittasks.repo.claims import claim_ref, claim_refs, read_ref
from gittasks.workgraph import codec
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import Task, TaskId
from tests.app.desk import at, copy_of, start
from tests.conftest import git

ONE, TWO, SIX = TaskId(1), TaskId(2), TaskId(6)


@pytest.fixture
def project(repo: Path) -> Project:
    project = at(repo)
    os.mkdir(project.tasks_folder)
    writing.add_tasks(project, [Draft("one"), Draft("of ada")])
    git(repo, "commit", "-q", "-m", "plan")
    return project


def claim(project: Project, task_id: TaskId, owner: str = "ada") -> None:
    claiming.claim(project, task_id, Options(owner=owner))


def renumber(project: Project, *, stranger: str = "pending") -> None:
    """#2 is #6 now, and #2 is another task: what a plain `git pull` brings after somebody else's merge."""
    folder = Path(project.tasks_folder)
    (folder / "6.yaml").write_bytes(codec.format_task(copy_of(project.top, TWO)._replace(id=SIX)))
    (folder / "2.yaml").write_bytes(codec.format_task(Task(TWO, "f" * 16, "of bob", status=stranger)))
    git(Path(project.top), "add", "-A", ".tasks")
    git(Path(project.top), "commit", "-q", "-m", "merge")


def oid(project: Project, task_id: TaskId) -> str | None:
    return read_ref(project.checkout, project.env, claim_ref(task_id))


def ready(project: Project, owner: str) -> list[int]:
    return [row.id for row in reading.ready_rows(project, project.board(), owner=lambda: owner)]


@pytest.mark.parametrize("stranger", ["pending", "completed"])
def test_who_only_looks_knows_it_by_its_uid(project: Project, stranger: str) -> None:
    claim(project, TWO)
    renumber(project, stranger=stranger)
    others = [2] if stranger == "pending" else []
    assert ready(project, "bob") == [1, *others]
    assert ready(project, "ada") == [1, *others, 6]
    assert reading.find_claims(project, project.board().rows)[6].number == 2
    with pytest.raises(ClaimHeldError, match="#6 is claimed by ada"):
        claim(project, SIX, owner="bob")


def test_what_claims_anew_puts_it_where_it_belongs(project: Project) -> None:
    claim(project, TWO)
    before = oid(project, TWO)
    renumber(project)
    claim(project, SIX)
    assert (oid(project, TWO), oid(project, SIX)) == (None, before)
    claim(project, TWO, owner="bob")
    assert ready(project, "bob") == [1, 2]


def test_takers_leave_it_alone(project: Project) -> None:
    claim(project, TWO)
    renumber(project)
    assert [taking.take_next(project, owner="bob").task_id for _ in range(2)] == [1, 2]
    with pytest.raises(reading.NothingReadyError):
        taking.take_next(project, owner="bob")


@pytest.mark.parametrize("how", ["complete", "release"])
def test_what_ends_it_finds_it(project: Project, how: str) -> None:
    claim(project, TWO, owner="Ada Tester")
    renumber(project)
    if how == "complete":
        project.complete(6)
    else:
        assert releasing.release(project, SIX).claim is not None
    assert claim_refs(project.checkout, project.env) == {}


def test_what_ends_the_task_that_has_the_number_leaves_it(project: Project) -> None:
    claim(project, TWO)
    renumber(project)
    project.complete(2)
    assert oid(project, TWO) is not None


def test_a_worktree_that_knows_the_task_by_its_old_number(project: Project) -> None:
    """Its own branch has not taken in the merge: `done` there ends the claim all the same."""
    git(Path(project.top), "config", "user.name", "ada")
    site = at(start(project, TWO))
    renumber(project)
    assert claim_moves.follow(project) == ["the claim on #2 is on #6 now, as the task is"]
    site.complete(2)
    assert claim_refs(project.checkout, project.env) == {}


def test_two_that_changed_numbers_change_places(project: Project) -> None:
    claim(project, ONE)
    claim(project, TWO, owner="bob")
    before = oid(project, ONE), oid(project, TWO)
    folder = Path(project.tasks_folder)
    first, second = copy_of(project.top, ONE), copy_of(project.top, TWO)
    (folder / "1.yaml").write_bytes(codec.format_task(second._replace(id=ONE)))
    (folder / "2.yaml").write_bytes(codec.format_task(first._replace(id=TWO)))
    assert len(claim_moves.follow(project)) == 2
    assert (oid(project, TWO), oid(project, ONE)) == before
    assert claim_moves.follow(project) == []


def test_one_that_is_claimed_already_stays_and_doctor_drops_the_other(project: Project) -> None:
    claim(project, TWO)
    uid = copy_of(project.top, TWO).uid
    renumber(project)
    git(Path(project.top), "update-ref", claim_ref(SIX), str(oid(project, TWO)))
    assert uid and claim_moves.follow(project) == []
    report = doctor.mend(project)
    assert "claim-over" in {finding.code for finding in report.mended}
    assert (oid(project, TWO), oid(project, SIX) is None) == (None, False)


def test_doctor_moves_it(project: Project) -> None:
    claim(project, TWO)
    before = oid(project, TWO)
    renumber(project)
    found = {finding.code: finding for finding in doctor.examine(project)}
    assert "that is #6 now" in found["claim-astray"].what
    report = doctor.mend(project)
    assert "claim-astray" in {finding.code for finding in report.mended}
    assert (oid(project, TWO), oid(project, SIX)) == (None, before)


def test_it_moves_whole_or_not_at_all(project: Project) -> None:
    claim(project, TWO)
    claim(project, ONE)
    before = git(Path(project.top), "for-each-ref")
    assert not claim_moves.move(project, {TWO: SIX, 5: 7})
    assert git(Path(project.top), "for-each-ref") == before


def test_the_hook_after_a_merge_moves_it(project: Project) -> None:
    claim(project, TWO)
    git(Path(project.top), "update-ref", "ORIG_HEAD", "HEAD")
    renumber(project)
    assert "the claim on #2 is on #6 now, as the task is" in aftermath.after_merge(project).lines
    assert (oid(project, TWO), oid(project, SIX) is None) == (None, False)
