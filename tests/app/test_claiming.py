"""Claims as use cases: who holds a task, for whom it is free, and what drops a claim."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import (
    claiming,
    doctor,
    finishing,
    holders,
    reading,
    releasing,
    run_start,
    starting,
    taking,
    writing,
)
from gittasks.app.claiming import Claimed, Options
from gittasks.app.finish_survey import Options as FinishOptions
from gittasks.app.holders import ClaimHeldError
from gittasks.app.project import Project, open_project
from gittasks.base import clock
from gittasks.repo import claim_writes
from gittasks.repo.claim_blobs import Claim, format_claim, read_claims
from gittasks.repo.claims import claim_ref, claim_refs, read_ref
from gittasks.repo.git import Git
from gittasks.workgraph import rules, store
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import Task, TaskId
from tests.app.desk import at, copy_of, start
from tests.conftest import git

ONE, TWO, THREE = TaskId(1), TaskId(2), TaskId(3)
DEAD_PROCESS = {
    "host": os.uname().nodename,
    "boot_id": "another boot",
    "pid": 1,
    "start_ticks": 1,
    "space": "",
}


@pytest.fixture
def project(repo: Path) -> Project:
    """Three tasks, committed; #3 waits for #2."""
    made = at(repo)
    os.mkdir(made.tasks_folder)
    writing.add_tasks(made, [Draft("one"), Draft("two", key="two"), Draft("three", blocked_by=["two"])])
    git(repo, "commit", "-q", "-m", "plan")
    return made


def claim(project: Project, task_id: TaskId, owner: str = "ada", **options: Any) -> Claimed:
    chosen = Options(owner=owner)._replace(**options)
    return claiming.claim(project, task_id, chosen)


def claim_on(project: Project, task_id: TaskId = ONE) -> Claim | None:
    oid = read_ref(project.checkout, project.env, claim_ref(task_id))
    return read_claims(project.checkout, project.env, [oid])[oid] if oid is not None else None


def write_claim(project: Project, data: bytes, task_id: TaskId = ONE, ref: str | None = None) -> str:
    """A claim as anybody could write it."""
    oid = project.git.output("hash-object", "-w", "--stdin", stdin=data, write=True).decode().strip()
    git(Path(project.top), "update-ref", ref or claim_ref(task_id), oid)
    return oid


def change_claim(project: Project, **changes: Any) -> None:
    found = claim_on(project)
    assert found is not None
    write_claim(project, format_claim(found._replace(**changes)))


def ready(project: Project, owner: str | None = "bob") -> list[int]:
    rows = reading.ready_rows(project, project.board(), owner=None if owner is None else lambda: owner)
    return [row.id for row in rows]


def worktree(project: Project, name: str) -> Project:
    path = os.path.join(os.path.dirname(project.top), name)
    git(Path(project.top), "worktree", "add", "-q", path, "-b", name)
    return open_project(path, env=project.env)


# --- claiming ------------------------------------------------------------------------------------------------------


def test_a_claim_says_who_when_and_where_and_changes_no_file(project: Project) -> None:
    before = clock.now_utc()
    claimed = claim(project, ONE)
    found = claim_on(project)
    assert found == claimed.acquired.claim
    assert found is not None
    assert (found.id, found.uid, found.owner) == (1, copy_of(project.top).uid, "ada")
    assert (found.host, found.worktree, found.run) == (os.uname().nodename, "main", None)
    assert before <= found.time <= clock.now_utc()
    assert len(found.nonce) == 16
    assert git(Path(project.top), "status", "--porcelain") == ""


def test_who_has_it_already_has_it_still(project: Project) -> None:
    first = claim(project, ONE)
    again = claim(worktree(project, "other"), ONE)
    assert first.acquired.created and not again.acquired.created
    assert again.acquired.oid == first.acquired.oid


def test_nobody_else_gets_it_from_any_worktree(project: Project) -> None:
    claim(project, ONE)
    for place in (project, worktree(project, "other")):
        with pytest.raises(
            ClaimHeldError, match=r"#1 is claimed by ada since 20\S+ in the worktree main"
        ) as raised:
            claim(place, ONE, "bob")
        assert raised.value.exit_code == 4
        assert "not known whether" in raised.value.message
        assert raised.value.details["claim"]["owner"] == "ada"


def test_only_open_tasks_that_are_there_can_be_claimed(project: Project) -> None:
    project.complete(1)
    with pytest.raises(rules.NotAllowedError, match="is completed"):
        claim(project, ONE)
    project.delete(2)
    with pytest.raises(rules.NotAllowedError, match="is deleted"):
        claim(project, TWO)
    with pytest.raises(store.UnknownTaskError):
        claim(project, TaskId(9))
    assert claim_refs(project.checkout, project.env) == {}


def test_a_task_that_is_another_s_by_its_file(project: Project) -> None:
    project.edit(1, owner="bob")
    with pytest.raises(rules.NotAllowedError, match="belongs to bob"):
        claim(project, ONE)
    project.edit(1, status="in_progress")
    with pytest.raises(ClaimHeldError, match="in progress, by bob"):
        claim(project, ONE)
    assert claim(project, ONE, steal="bob left").acquired.created


def test_the_copy_that_is_worked_on_counts(project: Project) -> None:
    """A task completed in the worktree that it is bound to is no longer to be had, whatever main's copy says."""
    other = worktree(project, "other")
    other.edit(1, status="completed", worktree="other")
    with pytest.raises(rules.NotAllowedError, match="is completed"):
        claim(project, ONE)


def test_a_task_that_only_another_worktree_has(project: Project) -> None:
    other = worktree(project, "other")
    added = other.add("new")
    assert claim(project, added.id).task.subject == "new"


def test_ready_offers_a_claimed_task_to_its_owner_alone(project: Project) -> None:
    assert ready(project) == [2, 1]
    claim(project, TWO)
    other = worktree(project, "other")
    for place in (project, other):
        assert ready(place, "bob") == [1]
        assert ready(place, None) == [1]
        assert ready(place, "ada") == [2, 1]
    project.delete(ONE)
    for place in (project, other):
        with pytest.raises(reading.NothingReadyError, match="1 task waits for others, 1 task is claimed"):
            reading.next_row(place, place.board(), owner=lambda: "bob")


def test_packed_claims_count_as_well(project: Project) -> None:
    claim(project, ONE)
    git(Path(project.top), "pack-refs", "--all")
    git(Path(project.top), "gc", "-q", "--prune=now")
    assert ready(project) == [2]
    assert not claim(project, ONE).acquired.created
    with pytest.raises(ClaimHeldError, match="by ada"):
        claim(project, ONE, "bob")
    assert claim(project, ONE, "bob", steal="why").acquired.created
    assert releasing.release(project, ONE, owner="bob").claim is not None
    assert claim_refs(project.checkout, project.env) == {}


# --- whose claim falls free ----------------------------------------------------------------------------------------


def test_a_time_limit_counts_only_when_asked_for(project: Project) -> None:
    found = claim(project, ONE, ttl_s=3600.0).acquired.claim
    assert found.expires is not None and found.expires > clock.now_utc()
    with pytest.raises(ClaimHeldError, match=f"until {found.expires}"):
        claim(project, ONE, "bob")
    change_claim(project, expires="2020-01-01T00:00:00Z")
    assert ready(project) == [2, 1]
    taken = claim(project, ONE, "bob")
    assert taken.acquired.created and taken.acquired.claim.expires is None
    assert "its time is up" in taken.messages[0]


def test_the_owner_can_renew_the_time_limit(project: Project) -> None:
    first = claim(project, ONE, ttl_s=60.0)
    second = claim(project, ONE, ttl_s=7200.0)
    assert not second.acquired.created
    assert str(second.acquired.claim.expires) > str(first.acquired.claim.expires)
    assert claim_on(project) == second.acquired.claim
    assert second.acquired.claim.time == first.acquired.claim.time


def test_taking_over_needs_a_reason_which_is_kept(project: Project) -> None:
    claim(project, ONE)
    stolen = claim(project, ONE, "bob", steal="ada is \x1b[31mill")
    assert (stolen.acquired.claim.reason, stolen.acquired.claim.previous) == ("ada is \x1b[31mill", "ada")
    assert "claimed by ada" in stolen.messages[0]
    with pytest.raises(ClaimHeldError) as raised:
        claim(project, ONE)
    assert r"taken over from ada: ada is \x1b[31mill" in raised.value.message
    from gittasks.app.events import load_events

    event = load_events(project.checkout.private_dir)[-1]
    assert (event["event"], event["before"]["owner"], event["after"]["owner"]) == (
        "claim_stolen",
        "ada",
        "bob",
    )


def test_the_uid_decides_whose_claim_it_is(project: Project) -> None:
    """The number was given anew: a claim on the task that had it before holds nothing."""
    claim(project, ONE)
    change_claim(project, uid="0123456789abcdef")
    assert ready(project) == [2, 1]
    holding = holders.look(project, ONE, copy_of(project.top).uid, "bob").local
    assert holding is not None and holding.is_free
    assert "for another task" in holders.describe(holding)
    assert claim(project, ONE, "bob").acquired.created


def test_claims_that_strangers_wrote_hold_and_are_shown_without_harm(project: Project) -> None:
    evil = "\x1b[31m\u202e\n" + "x" * 300
    for data in (b"not JSON", b"\x00" * (1 << 20)):
        write_claim(project, data)
        assert ready(project) == [2]
        with pytest.raises(ClaimHeldError, match="cannot be read"):
            claim(project, ONE)
        assert releasing.release(project, ONE).claim is None
        assert ready(project) == [2, 1]
    uid = copy_of(project.top).uid
    hostile = Claim(1, uid, evil, evil, "../../../etc", evil, evil, run="../x", reason=evil, previous=evil)
    write_claim(project, format_claim(hostile._replace(taker=DEAD_PROCESS | {"host": evil})))
    with pytest.raises(ClaimHeldError) as raised:
        claim(project, ONE)
    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 700
    for worktree_name in ("../../../etc", "..", "", "x\0y", "a/b"):
        write_claim(project, format_claim(hostile._replace(worktree=worktree_name, taker=DEAD_PROCESS)))
        assert ready(project) == [2]


def a_run(project: Project, *command: str) -> str:
    return run_start.start_run(project, run_start.Order(command)).run.id


def test_a_claim_of_a_run_lasts_while_it_is_not_proven_dead(project: Project) -> None:
    run_id = a_run(project, "sleep", "600")
    inside = open_project(project.top, env={**project.env, "GITTASKS_RUN_ID": run_id})
    assert claim(inside, ONE).acquired.claim.run == run_id
    with pytest.raises(ClaimHeldError, match=f"its run {run_id} is alive"):
        claim(project, ONE, "bob")
    project.kill(run_id, grace_s=0.0)
    assert ready(project) == [2, 1]
    taken = claim(project, ONE, "bob")
    assert f"its run {run_id} is dead" in taken.messages[0]
    assert taken.acquired.claim.reason is None


def test_a_run_that_is_not_known_here_may_be_alive(project: Project) -> None:
    claim(project, ONE)
    run_id = a_run(project, "true")
    project.wait(run_id)
    for changes in ({"run": "bxxxxxxx"}, {"run": run_id, "host": "elsewhere"}, {"run": "nonsense"}):
        change_claim(project, **changes)
        with pytest.raises(ClaimHeldError, match="not known whether its run"):
            claim(project, ONE, "bob")


def test_a_dead_run_s_task_in_progress_can_be_taken_over(project: Project) -> None:
    run_id = a_run(project, "true")
    project.wait(run_id)
    inside = open_project(project.top, env={**project.env, "GITTASKS_RUN_ID": run_id})
    taken = taking.take_next(inside, owner="ada")
    assert copy_of(project.top, taken.task_id).owner == "ada"
    assert claim(project, taken.task_id, "bob").acquired.created


# --- letting go ----------------------------------------------------------------------------------------------------


def test_release_drops_the_claim_of_its_owner(project: Project) -> None:
    claim(project, ONE)
    released = releasing.release(worktree(project, "other"), ONE, owner="ada")
    assert released.claim is not None and released.claim.owner == "ada"
    assert claim_refs(project.checkout, project.env) == {}
    assert releasing.release(project, ONE, owner="ada").claim is None
    with pytest.raises(store.UnknownTaskError):
        releasing.release(project, TaskId(9), owner="ada")


def test_another_s_claim_is_released_only_in_its_worktree_by_nobody_in_particular(project: Project) -> None:
    other = worktree(project, "other")
    named = open_project(project.top, env={**project.env, "GITTASKS_OWNER": "bob"})
    claim(project, ONE)
    for place, owner in ((project, "bob"), (named, None), (other, None)):
        with pytest.raises(ClaimHeldError, match="claimed by ada"):
            releasing.release(place, ONE, owner=owner)
    assert releasing.release(project, ONE).claim is not None


def test_a_claim_on_a_task_that_is_gone_can_be_released(project: Project) -> None:
    claim(project, ONE)
    (Path(project.top) / ".tasks" / "1.yaml").unlink()
    released = releasing.release(project, ONE, owner="ada")
    assert released.task is None and released.claim is not None


@pytest.mark.parametrize(
    "close",
    [
        lambda project: project.complete(1),
        lambda project: project.delete(1),
        lambda project: project.edit(1, status="completed"),
    ],
)
def test_closing_a_task_drops_its_claim(project: Project, close: Callable[[Project], object]) -> None:
    claim(project, ONE, "Ada Tester")
    claim(project, TWO, "Ada Tester")
    close(worktree(project, "other"))
    assert list(claim_refs(project.checkout, project.env)) == [2]


def test_somebody_else_s_claim_goes_with_the_task_and_that_is_said(project: Project) -> None:
    claim(project, ONE, "bob")
    assert "claimed by bob" in project.complete(1).warnings[0]
    assert project.complete(1).warnings == ()


def test_a_claim_on_a_closed_task_goes_with_the_next_change(project: Project) -> None:
    """Closed by a writer that was killed before it dropped the claim, or by a merge."""
    project.complete(1)
    found = claim(project, TWO, "Ada Tester").acquired.claim
    write_claim(project, format_claim(found._replace(id=1, uid=copy_of(project.top).uid)))
    project.reopen(1)
    assert list(claim_refs(project.checkout, project.env)) == [2]


def test_what_keeps_a_claim_is_told_and_the_task_is_done(project: Project) -> None:
    claim(project, ONE)
    hook = Path(project.top, ".git", "hooks", "reference-transaction")
    hook.write_text("#!/bin/sh\ngrep -q refs/gittasks && exit 1\nexit 0\n")
    hook.chmod(0o755)
    written = project.complete(1)
    assert "the claim on #1 stays" in written.warnings[0]
    assert copy_of(project.top).status == "completed"


def test_start_claims_and_finish_drops(project: Project) -> None:
    path = start(project, ONE, owner="ada")
    found = claim_on(project)
    assert found is not None and (found.owner, found.worktree) == ("ada", path.name)
    with pytest.raises(ClaimHeldError):
        claim(project, ONE, "bob")
    finishing.finish(project, ONE, FinishOptions("remove"))
    assert claim_refs(project.checkout, project.env) == {}


@pytest.mark.parametrize("how", ["merge", "keep"])
def test_finishing_in_the_worktree_drops_it_too(project: Project, how: str) -> None:
    start(project, ONE, owner="ada")
    finishing.finish(project, ONE, FinishOptions(how))
    assert claim_refs(project.checkout, project.env) == {}


@pytest.mark.parametrize("here", [False, True])
def test_start_leaves_a_claimed_task_to_its_owner(project: Project, here: bool) -> None:
    claim(project, ONE, "bob")
    trees = git(Path(project.top), "worktree", "list")
    with pytest.raises(ClaimHeldError, match="by bob"):
        start(project, ONE, owner="ada", here=here)
    assert git(Path(project.top), "worktree", "list") == trees
    assert git(Path(project.top), "status", "--porcelain") == ""
    started = starting.start_task(project, ONE, starting.Options(owner="ada", here=here, force=True))
    assert "claimed by bob" in started.messages[0]
    found = claim_on(project)
    assert found is not None and (found.owner, found.previous) == ("ada", "bob")


def test_start_takes_its_owner_s_claim_along(project: Project) -> None:
    claim(project, ONE, "ada")
    path = start(project, ONE, owner="ada")
    found = claim_on(project)
    assert found is not None and found.worktree == path.name


@pytest.mark.parametrize("here", [False, True])
def test_a_new_task_is_claimed_as_it_is_started(project: Project, here: bool) -> None:
    made = starting.start_new(project, "brand new", starting.Options(owner="ada", here=here)).task
    found = claim_on(project, made.id)
    assert found is not None and (found.owner, found.uid) == ("ada", made.uid)


# --- the next task -------------------------------------------------------------------------------------------------


def take(project: Project, owner: str = "ada") -> int:
    return taking.take_next(project, owner=owner).task_id


def test_each_taker_gets_another_task_also_one_of_the_same_name(project: Project) -> None:
    other = worktree(project, "other")
    assert take(project) == 2
    assert take(other) == 1
    with pytest.raises(reading.NothingReadyError):
        take(project)
    found = claim_on(project, TWO)
    assert found is not None and (found.owner, found.taker, found.via) == ("ada", None, "next")
    assert (copy_of(project.top, TWO).status, copy_of(project.top, TWO).owner) == ("in_progress", "ada")
    assert copy_of(project.top, ONE).status == "pending"
    assert copy_of(other.top, ONE).status == "in_progress"


def test_what_its_owner_claimed_before_is_taken_first_come(project: Project) -> None:
    claim(project, TWO, "ada")
    assert take(project, "bob") == 1
    assert take(worktree(project, "other"), "ada") == 2


def test_a_task_that_only_another_worktree_has_is_not_taken_here(project: Project) -> None:
    other = worktree(project, "other")
    other.add("urgent", priority=0)
    assert take(project) == 2
    assert take(other) == 4


def test_a_task_in_progress_or_done_elsewhere_is_not_taken(project: Project) -> None:
    other = worktree(project, "other")
    other.edit(2, status="in_progress")
    other.complete(1)
    with pytest.raises(reading.NothingReadyError):
        take(project)
    assert claim_refs(project.checkout, project.env) == {}


def test_a_claim_that_never_stands_still_is_no_success(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(project, ONE)
    for name in ("drop", "_update"):
        monkeypatch.setattr(claim_writes, name, lambda *args, **kwargs: False)
    for call in (
        lambda: releasing.release(project, ONE, owner="ada"),
        lambda: claim(project, ONE, "bob", steal="why"),
        lambda: claim(project, TWO),
    ):
        with pytest.raises(ClaimHeldError, match="keeps changing hands"):
            call()


def test_a_claim_on_a_file_that_cannot_be_read_is_released(project: Project) -> None:
    taken = take(project)
    Path(project.top, ".tasks", f"{taken}.yaml").write_text("nonsense\n")
    assert releasing.release(project, TaskId(taken), owner="ada").claim is not None


def test_release_puts_back_what_next_took(project: Project) -> None:
    other = worktree(project, "other")
    taken = taking.take_next(other, owner="ada").task_id
    released = releasing.release(project, taken, owner="ada")
    assert released.given_back
    task = copy_of(other.top, taken)
    assert (task.status, task.owner) == ("pending", None)
    assert take(project, "bob") == taken


def test_release_leaves_alone_what_was_started_or_assigned(project: Project) -> None:
    project.edit(2, owner="ada")
    taken = taking.take_next(project, owner="ada").task_id
    assert releasing.release(project, taken, owner="ada").given_back
    assert (copy_of(project.top, taken).status, copy_of(project.top, taken).owner) == ("pending", "ada")
    taking.take_next(project, owner="ada")
    path = start(project, taken, owner="ada")
    released = releasing.release(project, taken, owner="ada")
    assert released.claim is not None and not released.given_back
    assert copy_of(path, taken).status == "in_progress"


def a_dead_taker(project: Project, task_id: TaskId) -> None:
    """A claim as `next --claim` makes it, whose process died at once."""
    new = claiming.draft(project, copy_of(project.top, task_id), "ada")
    dead = {**DEAD_PROCESS}
    claiming.acquire(project, copy_of(project.top, task_id), new._replace(via="next", taker=dead))


def test_who_died_on_the_way_holds_nobody_up(project: Project) -> None:
    a_dead_taker(project, TWO)
    assert ready(project, "bob") == [2, 1]
    assert take(project, "bob") == 2


def test_who_died_after_writing_has_the_task(project: Project) -> None:
    """Proven dead, but in the worktree that the claim names the task is in progress: an agent may work on it."""
    other = worktree(project, "other")
    a_dead_taker(other, TWO)
    other.edit(2, status="in_progress", owner="ada")
    with pytest.raises(ClaimHeldError):
        claim(project, TWO, "bob")
    assert take(project, "bob") == 1


def test_a_dead_taker_s_worktree_that_was_removed_holds_nothing(project: Project) -> None:
    other = worktree(project, "other")
    a_dead_taker(other, TWO)
    other.edit(2, status="in_progress", owner="ada")
    git(Path(project.top), "worktree", "remove", "--force", other.top)
    assert take(project, "bob") == 2


def test_a_dead_taker_s_worktree_that_is_only_out_of_reach_may_come_back(project: Project) -> None:
    other = worktree(project, "other")
    a_dead_taker(other, TWO)
    os.rename(other.top, other.top + ".away")
    with pytest.raises(ClaimHeldError):
        claim(project, TWO, "bob")


def test_one_who_is_just_taking_keeps_others_out_also_of_the_same_name(project: Project) -> None:
    from gittasks.base import identity

    new = claiming.draft(project, copy_of(project.top, TWO), "ada")
    taker = identity.this_process().as_json()
    claiming.acquire(project, copy_of(project.top, TWO), new._replace(via="next", taker=taker))
    assert ready(project, "ada") == [1]
    with pytest.raises(ClaimHeldError, match="who was putting it in progress is alive"):
        claim(project, TWO, "ada")
    with pytest.raises(ClaimHeldError):
        claim(project, TWO, "bob")
    assert releasing.release(project, TWO, owner="ada").claim is not None


def test_a_task_that_changes_under_the_taker_is_left_and_the_next_one_taken(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody completes the candidate between the look at the board and the lock."""
    other = worktree(project, "other")
    acquire = claiming.acquire

    def and_then(*args: Any, **kwargs: Any) -> holders.Acquired:
        acquired = acquire(*args, **kwargs)
        monkeypatch.setattr(claiming, "acquire", acquire)
        other.edit(2, status="in_progress")
        return acquired

    monkeypatch.setattr(claiming, "acquire", and_then)
    assert take(project) == 1
    assert list(claim_refs(project.checkout, project.env)) == [1]
    assert copy_of(project.top, TWO).status == "pending"


@pytest.mark.parametrize("moment", ["settle", "edit_task"])
def test_a_taker_of_the_same_name_with_an_old_view_gets_the_next_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Asked before and after the task is put in progress: the first one's claim is not adopted, though it is ours."""
    other = worktree(project, "other")
    old_view = other.board()
    monkeypatch.setattr(other, "board", lambda: old_view)
    module = claiming if moment == "settle" else writing
    real = getattr(module, moment)
    got: list[int] = []

    def meanwhile(*args: object, **kwargs: object) -> object:
        monkeypatch.setattr(module, moment, real)
        got.append(take(other))
        return real(*args, **kwargs)

    monkeypatch.setattr(module, moment, meanwhile)
    assert (take(project), got) == (2, [1])
    got.clear()
    monkeypatch.setattr(module, moment, real)
    with pytest.raises(reading.NothingReadyError):
        take(other)
    found = claim_on(project, TWO)
    assert found is not None and (found.taker, found.worktree) == (None, "main")
    assert copy_of(project.top, TWO).status == "in_progress"


def test_a_disk_that_is_full_leaves_no_claim(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from gittasks.base.files import DiskError

    def fail(*args: object, **kwargs: object) -> None:
        raise DiskError("full")

    monkeypatch.setattr(store, "write", fail)
    with pytest.raises(DiskError):
        take(project)
    assert claim_refs(project.checkout, project.env) == {}


def test_waiting_ends_when_a_task_or_a_claim_moves(project: Project) -> None:
    other = worktree(project, "other")
    moves: list[Callable[[], object]] = [
        lambda: project.add("more"),
        lambda: other.edit(1, subject="ONE"),
        lambda: claim(project, ONE),
        lambda: releasing.release(project, ONE, owner="ada"),
    ]
    for move in moves:
        before = taking.look_around(project)
        move()
        assert taking.wait_for_change(project, before, timeout_s=60.0)
    before = taking.look_around(project)
    assert not taking.wait_for_change(project, before, timeout_s=0.01)


# --- in a bare repository's worktrees, and without config ----------------------------------------------------------


def test_it_works_in_the_worktrees_of_a_bare_repository(project: Project, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", project.top, str(bare))
    git(bare, "worktree", "add", "-q", str(tmp_path / "a"), "main")
    git(bare, "worktree", "add", "-q", "-b", "b", str(tmp_path / "b"))
    first, second = at(tmp_path / "a"), at(tmp_path / "b")
    assert claim(first, ONE).acquired.created
    assert ready(second) == [2]
    assert take(second) == 2
    assert Git(str(bare), os.environ).lines("for-each-ref", "--format=%(refname)", "refs/gittasks") == [
        claim_ref(1),
        claim_ref(2),
    ]


def test_a_hand_written_task_without_uid_can_be_claimed(project: Project) -> None:
    path = Path(project.top, ".tasks", "1.yaml")
    path.write_text("id: 1\n\nsubject: by hand\n")
    claim(project, ONE)
    assert ready(project) == [2]
    with pytest.raises(ClaimHeldError):
        claim(project, ONE, "bob")


def test_the_library_offers_no_claimed_task(project: Project) -> None:
    claim(project, TWO, "bob")
    tasks: list[Task] = project.ready(owner="ada")
    assert [task.id for task in tasks] == [1]


def test_the_library_claims_takes_and_releases(project: Project) -> None:
    assert project.claim(1, owner="bob").acquired.created
    task = project.take(owner="ada")
    assert (task.id, task.status, task.owner) == (2, "in_progress", "ada")
    with pytest.raises(reading.NothingReadyError):
        project.take(owner="ada")
    assert project.release(2, owner="ada").given_back
    assert project.release(1, owner="bob").claim is not None


def test_the_doctor_finds_claims_that_hold_nothing_and_drops_them(project: Project) -> None:
    found = claim(project, ONE).acquired.claim
    before = {finding.code for finding in doctor.examine(project)}
    project.complete(1)
    write_claim(project, format_claim(found))
    write_claim(project, format_claim(found._replace(id=2, uid="0" * 16)), TWO)
    write_claim(project, b"nonsense", THREE)
    write_claim(project, format_claim(found._replace(id=9, uid="")), TaskId(9))
    codes = [
        (finding.code, finding.where) for finding in doctor.examine(project) if finding.code not in before
    ]
    assert sorted(codes) == [
        ("claim-over", "#1"),
        ("claim-over", "#2"),
        ("claim-unreadable", "#3"),
        ("claim-without-task", "#9"),
    ]
    report = doctor.mend(project)
    assert [finding.where for finding in report.mended] == ["#1", "#2"]
    assert sorted(claim_refs(project.checkout, project.env)) == [3, 9]


def test_no_git_process_is_needed_to_see_a_claim(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(project, ONE)

    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError(args)

    for name in ("run", "Popen"):
        monkeypatch.setattr(subprocess, name, fail)
    monkeypatch.setattr(os, "posix_spawnp", fail)
    assert ready(project) == [2]
