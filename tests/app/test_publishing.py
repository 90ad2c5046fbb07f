"""Claims told to a remote: of two clones one wins; without network or rights the claim of the clone stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import (
    claiming,
    doctor,
    finish_survey,
    finishing,
    publishing,
    reading,
    releasing,
    starting,
    syncing,
    taking,
    writing,
)
from gittasks.app.claiming import Claimed, Options
from gittasks.app.holders import ClaimHeldError
from gittasks.app.project import Project
from gittasks.repo.claim_blobs import Claim, format_claim, read_claims
from gittasks.repo.claim_remotes import UnknownRemoteError
from gittasks.repo.claims import claim_ref, claim_refs, read_ref, tracking_ref
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.app.desk import at, copy_of
from tests.conftest import git

ONE, TWO = TaskId(1), TaskId(2)


@pytest.fixture
def remote(repo: Path, tmp_path: Path) -> Path:
    """A bare remote with twelve tasks on it."""
    project = at(repo)
    os.mkdir(project.tasks_folder)
    writing.add_tasks(project, [Draft(f"task {number}") for number in range(12)])
    git(repo, "commit", "-q", "-m", "plan")
    folder = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(folder))
    return folder


@pytest.fixture
def first(remote: Path, tmp_path: Path) -> Project:
    git(tmp_path, "clone", "-q", str(remote), "first")
    return at(tmp_path / "first")


@pytest.fixture
def second(remote: Path, tmp_path: Path) -> Project:
    git(tmp_path, "clone", "-q", str(remote), "second")
    return at(tmp_path / "second")


def claim(project: Project, task_id: TaskId = ONE, owner: str = "ada", **options: Any) -> Claimed:
    chosen = Options(owner=owner, remote="origin")._replace(**options)
    return claiming.claim(project, task_id, chosen)


def on_remote(remote: Path, task_id: int = 1) -> str | None:
    return git(remote, "for-each-ref", "--format=%(objectname)", claim_ref(task_id)) or None


def local(project: Project, task_id: int = 1) -> str | None:
    return read_ref(project.checkout, project.env, claim_ref(task_id))


def refuse_pushes(remote: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)


def cut_off(project: Project) -> None:
    git(Path(project.top), "remote", "set-url", "origin", os.path.join(project.top, "nowhere"))


def test_the_second_clone_loses_and_learns_to_whom(first: Project, second: Project, remote: Path) -> None:
    told = claim(first).publication
    assert told is not None and told.done
    assert on_remote(remote) == local(first)
    with pytest.raises(ClaimHeldError, match=r"#1 is claimed by ada .*\(seen on origin\)") as raised:
        claim(second, owner="bob")
    assert raised.value.exit_code == 4
    assert local(second) is None
    assert on_remote(remote) == local(first)
    ready = reading.ready_rows(second, second.board(), owner=lambda: "bob")
    assert 1 not in [row.id for row in ready]
    with pytest.raises(ClaimHeldError, match="seen on origin"):
        claim(second, owner="bob", remote=None)


def test_the_same_name_in_another_clone_is_somebody_else(first: Project, second: Project) -> None:
    claim(first)
    with pytest.raises(ClaimHeldError, match="by ada"):
        claim(second)
    with pytest.raises(ClaimHeldError, match="by ada"):
        claim(second, remote=None)


def test_claiming_again_changes_nothing_there(first: Project, remote: Path) -> None:
    claim(first)
    before = on_remote(remote)
    again = claim(first)
    assert not again.acquired.created and again.publication is not None and again.publication.done
    assert on_remote(remote) == before == local(first)


def test_a_claim_made_here_can_be_told_later(first: Project, remote: Path) -> None:
    claim(first, remote=None)
    assert on_remote(remote) is None
    later = claim(first)
    assert not later.acquired.created
    assert on_remote(remote) == local(first) == later.acquired.oid


def test_a_renewed_claim_is_renewed_there(first: Project, remote: Path) -> None:
    claim(first, ttl_s=60.0)
    claim(first, ttl_s=7200.0)
    assert on_remote(remote) == local(first)


def test_a_claim_that_was_only_local_is_undone_where_the_remote_knows_another(
    first: Project, second: Project
) -> None:
    claim(first)
    claim(second, owner="bob", remote=None)
    with pytest.raises(ClaimHeldError, match="by ada"):
        claim(second, owner="bob")
    assert local(second) is None


def test_release_lets_the_others_have_it(first: Project, second: Project, remote: Path) -> None:
    claim(first)
    with pytest.raises(ClaimHeldError):
        claim(second, owner="bob")
    released = releasing.release(first, ONE, owner="ada")
    assert released.publication is not None and released.publication.done
    assert on_remote(remote) is None
    assert claim_refs(first.checkout, first.env) == {}
    assert claim(second, owner="bob").acquired.created


@pytest.mark.parametrize("how", ["complete", "delete"])
def test_closing_the_task_drops_the_claim_there_too(first: Project, remote: Path, how: str) -> None:
    claim(first, owner="Ada Tester")
    assert getattr(first, how)(1).warnings == ()
    assert on_remote(remote) is None


def test_stealing_and_being_stolen_from(first: Project, second: Project, remote: Path) -> None:
    claim(first)
    stolen = claim(second, owner="bob", steal="ada is ill")
    assert stolen.acquired.claim.owner == "bob"
    assert on_remote(remote) == local(second)
    with pytest.raises(ClaimHeldError, match="taken over from ada: ada is ill"):
        claim(first)
    assert local(first) is None
    released = releasing.release(first, ONE, owner="ada")
    assert released.claim is None
    assert "claimed by bob" in released.messages[0]


def test_a_claim_whose_time_is_up_is_taken_over_there(first: Project, second: Project, remote: Path) -> None:
    claim(first, ttl_s=1.0)
    oid = local(first)
    assert oid is not None
    found = read_claims(first.checkout, first.env, [oid])[oid]
    assert found is not None
    put_on_remote(first, format_claim(found._replace(expires="2020-01-01T00:00:00Z")))
    assert claim(second, owner="bob").acquired.created
    assert on_remote(remote) == local(second)


def put_on_remote(project: Project, data: bytes, task_id: int = 1) -> None:
    oid = project.git.output("hash-object", "-w", "--stdin", stdin=data, write=True).decode().strip()
    git(Path(project.top), "push", "-q", "--force", "origin", f"{oid}:{claim_ref(task_id)}")


@pytest.mark.parametrize("break_it", [cut_off, lambda project: refuse_pushes(Path(project_url(project)))])
def test_without_network_or_rights_the_claim_here_stands(
    first: Project, remote: Path, break_it: object
) -> None:
    assert callable(break_it)
    break_it(first)
    claimed = claim(first)
    assert claimed.acquired.created
    assert claimed.publication is not None and not claimed.publication.done
    assert "origin was not told of #1" in claimed.messages[0]
    assert claimed.messages[0].isprintable()
    assert local(first) is not None
    assert on_remote(remote) is None
    released = releasing.release(first, ONE, owner="ada")
    assert local(first) is None
    assert released.publication is not None
    assert released.publication.done is (break_it is not cut_off)


def project_url(project: Project) -> str:
    return git(Path(project.top), "remote", "get-url", "origin")


def test_what_the_remote_last_had_still_holds_when_it_is_away(first: Project, second: Project) -> None:
    claim(first)
    with pytest.raises(ClaimHeldError):
        claim(second, owner="bob")
    cut_off(second)
    with pytest.raises(ClaimHeldError, match="by ada"):
        claim(second, owner="bob")
    assert local(second) is None


def test_a_release_that_did_not_get_through_can_be_sent_again(first: Project, remote: Path) -> None:
    claim(first, owner="Ada Tester")
    url = project_url(first)
    cut_off(first)
    warnings = first.complete(1).warnings
    assert "origin was not told" in warnings[0]
    assert on_remote(remote) is not None
    git(Path(first.top), "remote", "set-url", "origin", url)
    released = releasing.release(first, ONE, remote="origin")
    assert released.claim is not None
    assert on_remote(remote) is None


def test_only_its_owner_takes_a_claim_off_the_remote(first: Project, second: Project, remote: Path) -> None:
    claim(first)
    with pytest.raises(ClaimHeldError, match="by ada"):
        releasing.release(second, ONE, owner="bob", remote="origin")
    assert releasing.release(second, ONE, owner="ada", remote="origin").claim is not None
    assert on_remote(remote) is None


def test_a_push_that_arrived_though_its_answer_did_not(first: Project, remote: Path) -> None:
    claim(first)
    git(Path(first.top), "update-ref", "-d", tracking_ref("origin", 1))
    told = claim(first).publication
    assert told is not None and told.done


def test_strangers_claims_on_the_remote(first: Project, remote: Path) -> None:
    evil = "\x1b[31m\u202e\n"
    uid = copy_of(first.top).uid
    hostile = format_claim(Claim(1, uid, evil, evil, evil, evil, "0" * 16, reason=evil, expires=None))
    for data in (b"\x1b[31mnot JSON", b"x" * (1 << 20), hostile):
        put_on_remote(first, data)
        with pytest.raises(ClaimHeldError) as raised:
            claim(first)
        assert raised.value.message.isprintable()
        assert local(first) is None
    assert claim(first, steal="nonsense").acquired.created
    assert on_remote(remote) == local(first)


def test_another_task_of_the_same_number_there_is_not_overwritten(first: Project, remote: Path) -> None:
    """Two clones gave one number to two tasks: the remote has room for one of the claims."""
    put_on_remote(first, format_claim(Claim(1, "0" * 16, "bob", "box", "main", "now", "1" * 16)))
    before = on_remote(remote)
    claimed = claim(first)
    assert claimed.publication is not None
    assert claimed.publication.words == "another task of this number is claimed there"
    assert on_remote(remote) == before
    assert local(first) is not None


def test_only_a_remote_that_is_configured(first: Project) -> None:
    for name in ("nowhere", "--upload-pack=x", "/tmp"):
        with pytest.raises(UnknownRemoteError):
            claim(first, remote=name)
        with pytest.raises(UnknownRemoteError):
            releasing.release(first, ONE, remote=name)
        with pytest.raises(UnknownRemoteError):
            taking.take_next(first, owner="ada", remote=name)
    assert claim_refs(first.checkout, first.env) == {}


def test_takers_in_two_clones_get_different_tasks(first: Project, second: Project, remote: Path) -> None:
    got = [taking.take_next(place, owner="ada", remote="origin").task_id for place in (first, second) * 3]
    assert sorted(got) == [1, 2, 3, 4, 5, 6]
    assert on_remote(remote, 2) == local(second, 2)


def test_a_taker_who_loses_on_the_remote_puts_it_back(
    first: Project, second: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody claims it there between our look and our push."""
    board = second.board

    def and_then() -> object:
        claim(first)
        monkeypatch.setattr(second, "board", board)
        return board()

    monkeypatch.setattr(second, "board", and_then)
    taken = taking.take_next(second, owner="bob", remote="origin")
    assert taken.task_id == 2
    task = copy_of(second.top)
    assert (task.status, task.owner) == ("pending", None)
    assert git(Path(second.top), "status", "--porcelain") == "M  .tasks/2.yaml"
    assert local(second) is None


def test_a_taker_without_network_says_so_and_takes(first: Project) -> None:
    cut_off(first)
    taken = taking.take_next(first, owner="ada", remote="origin")
    assert taken.task_id == 1
    assert any("was not told" in message for message in taken.messages)


def test_sync_tells_the_remote_what_it_was_to_know_and_learns_what_it_has(
    first: Project, second: Project, remote: Path
) -> None:
    url = project_url(first)
    cut_off(first)
    for task_id in (ONE, TWO):
        claim(first, task_id)
    claim(first, TaskId(3), remote=None)
    git(Path(first.top), "remote", "set-url", "origin", url)
    claim(second, TWO, owner="bob")
    assert publishing.exchange(first, "origin", push=False) == []
    assert on_remote(remote) is None
    messages = syncing.sync(first).claims
    assert [message.split(" since ")[0] for message in messages] == ["#2 is claimed by bob"]
    assert messages[0].endswith("it is no longer claimed here")
    assert on_remote(remote) == local(first)
    assert on_remote(remote, 3) is None
    assert (local(first, 2), local(first, 3) is None) == (None, False)
    assert publishing.exchange(first, "origin") == []
    cut_off(first)
    assert "cannot be asked" in publishing.exchange(first, "origin")[0]


def take_up(project: Project, how: str) -> None:
    """Go on with #1, which is claimed already, and told to the remote."""
    if how == "next":
        assert taking.take_next(project, owner="Ada Tester").task_id == ONE
    else:
        starting.start_task(project, ONE, starting.Options(here=how == "here"))


def end(project: Project, how: str) -> None:
    if how == "start":
        finishing.finish(project, ONE, finish_survey.Options("keep"))
    else:
        assert project.complete(1).warnings == ()


TAKE_UP = pytest.mark.parametrize("how", ["start", "here", "next"])


@TAKE_UP
def test_what_takes_a_claim_up_tells_the_remote_as_the_claim_did(
    first: Project, second: Project, remote: Path, how: str
) -> None:
    claimed = claim(first, owner="Ada Tester", ttl_s=3600.0)
    take_up(first, how)
    oid = local(first)
    assert oid is not None
    found = read_claims(first.checkout, first.env, [oid])[oid]
    assert found is not None
    assert (found.remote, found.expires) == ("origin", claimed.acquired.claim.expires)
    assert on_remote(remote) == oid
    end(first, how)
    assert on_remote(remote) is None
    assert claim_refs(first.checkout, first.env) == {}
    assert claim(second, owner="bob").acquired.created


@TAKE_UP
def test_taken_up_without_network_the_remote_is_told_of_the_end(
    first: Project, remote: Path, how: str
) -> None:
    """What it has then is the claim as it was before: known as ours, and taken away."""
    claim(first, owner="Ada Tester")
    url = project_url(first)
    cut_off(first)
    take_up(first, how)
    assert reading.taken_ids(first, first.board().rows, owner=lambda: "Ada Tester") == frozenset()
    assert on_remote(remote) is not None
    git(Path(first.top), "remote", "set-url", "origin", url)
    end(first, how)
    assert on_remote(remote) is None


def test_a_claim_renewed_without_network_is_told_by_sync(first: Project, remote: Path) -> None:
    claim(first)
    url = project_url(first)
    cut_off(first)
    claim(first, ttl_s=3600.0, remote=None)
    git(Path(first.top), "remote", "set-url", "origin", url)
    assert on_remote(remote) != local(first)
    assert publishing.exchange(first, "origin") == []
    assert on_remote(remote) == local(first) is not None


@TAKE_UP
def test_a_claim_that_was_stolen_there_is_not_taken_up(
    first: Project, second: Project, remote: Path, how: str
) -> None:
    claim(first, owner="Ada Tester")
    claim(second, owner="bob", steal="ada is ill")
    stolen = on_remote(remote)
    if how == "next":
        assert taking.take_next(first, owner="Ada Tester").task_id == TWO
    else:
        with pytest.raises(ClaimHeldError, match="ada is ill"):
            take_up(first, how)
    assert (local(first), on_remote(remote)) == (None, stolen)
    assert copy_of(first.top).status == "pending"


def test_a_claim_taken_over_in_the_same_clone_is_taken_over_there(first: Project, remote: Path) -> None:
    claim(first)
    taken = claim(first, owner="bob", remote=None, steal="ada is ill")
    assert taken.acquired.claim.remote == "origin"
    assert on_remote(remote) == local(first)
    releasing.release(first, ONE, owner="bob")
    assert on_remote(remote) is None


def test_doctor_names_what_a_remote_was_not_told_of(first: Project, remote: Path) -> None:
    claim(first, owner="Ada Tester")
    claim(first, TWO, owner="bob")
    url = project_url(first)
    cut_off(first)
    for task_id in (1, 2):
        first.complete(task_id)
    found = [finding for finding in doctor.examine(first) if finding.code == "remote-claim-over"]
    assert [finding.where for finding in found] == ["#1"]
    assert "`gittasks release 1 --remote origin`" in found[0].cure
    git(Path(first.top), "remote", "set-url", "origin", url)
    releasing.release(first, ONE, remote="origin")
    assert on_remote(remote) is None
    assert "remote-claim-over" not in {finding.code for finding in doctor.examine(first)}


def collide(first: Project, second: Project) -> TaskId:
    """Both clones made #13, and the first claimed its own: the number that it gets when the second takes it in."""
    for project, subject in ((second, "of bob"), (first, "of ada")):
        writing.add_tasks(project, [Draft(subject)])
    claim(first, TaskId(13))
    syncing.sync(first)
    syncing.sync(second)
    (row,) = [row for row in second.snapshot().rows if row.subject == "of ada"]
    assert row.id != 13
    return row.id


def test_a_claim_goes_with_its_task_to_another_number_there_too(
    first: Project, second: Project, remote: Path
) -> None:
    new = collide(first, second)
    assert syncing.sync(first).claims == (f"the claim on #13 is on #{new} now, as the task is",)
    assert on_remote(remote, 13) is None
    assert on_remote(remote, new) == local(first, new) is not None
    assert local(first, 13) is None
    assert claim(second, TaskId(13), owner="bob").acquired.created
    syncing.sync(second)
    assert reading.taken_ids(second, second.board().rows) == {13, new}
    first.complete(new)
    assert on_remote(remote, new) is None


def test_a_claim_that_a_remote_has_under_the_old_number_counts(
    first: Project, second: Project, remote: Path
) -> None:
    new = collide(first, second)
    assert on_remote(remote, 13) == local(first, 13) is not None
    assert reading.taken_ids(second, second.board().rows) == {new}
    for told in ("origin", None):
        with pytest.raises(ClaimHeldError, match="by ada"):
            claim(second, new, owner="bob", remote=told)
    assert local(second, new) is None
    stolen = claim(second, new, owner="bob", steal="ada is ill")
    assert (on_remote(remote, 13), on_remote(remote, new)) == (None, stolen.acquired.oid)


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(12, marks=(pytest.mark.long, pytest.mark.slow))], ids=["few", "many"]
)
def test_of_two_clones_that_race_exactly_one_wins_each_time(
    first: Project, second: Project, remote: Path, rounds: int
) -> None:
    for number in range(1, rounds + 1):
        racers = [
            subprocess.Popen(
                (sys.executable, "-m", "gittasks", "claim", str(number), "--remote", "origin"),
                cwd=place.top,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for place in (first, second)
        ]
        answers = [(*racer.communicate(timeout=30), racer.returncode) for racer in racers]
        codes = [code for _, _, code in answers]
        assert sorted(codes) == [0, 4], answers
        winner, loser = (first, second) if codes[0] == 0 else (second, first)
        assert on_remote(remote, number) == local(winner, number)
        assert local(loser, number) is None
        assert "claimed by Ada Tester" in answers[codes.index(4)][1]
