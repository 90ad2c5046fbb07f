"""Sync brings tasks together over a bare remote, publishes no code that nobody asked for, and forces nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import notes, writing
from gittasks.app.project import Project
from gittasks.app.syncing import StandsInTheWayError, sync
from gittasks.repo import upstream
from gittasks.repo.git import Git, GitError
from gittasks.repo.upstream import MergeImpossibleError, NoUpstreamError, Upstream
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.app.desk import ONE, TWO, at, copy_of, planned, work
from tests.conftest import Cli, git


@pytest.fixture
def hub(repo: Path, tmp_path: Path) -> Path:
    planned(repo)
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def ann(hub: Path) -> Project:
    return clone(hub, "ann")


@pytest.fixture
def bob(hub: Path) -> Project:
    return clone(hub, "bob")


def clone(hub: Path, name: str) -> Project:
    git(hub.parent, "clone", "-q", str(hub), name)
    return at(hub.parent / name)


def edit(project: Project, task_id: TaskId = ONE, **changes: Any) -> None:
    writing.edit_task(project, task_id, lambda task: changes, purpose="edit")


def tip(folder: Path | str) -> str:
    return git(Path(folder), "rev-parse", "main")


def test_edits_of_two_clones_come_together(ann: Project, bob: Project, hub: Path) -> None:
    edit(ann, owner="ann", labels=("a",))
    edit(bob, priority=0, labels=("b",))
    notes.add_note(bob, TWO, "a thought")
    assert sync(ann).outcome == "pushed"
    done = sync(bob)
    assert (done.outcome, done.incoming, done.committed is not None) == ("pushed", 1, True)
    assert sync(ann).outcome == "up_to_date"
    assert tip(ann.top) == tip(bob.top) == tip(hub)
    found = copy_of(ann.top)
    assert (found.owner, found.priority, found.labels) == ("ann", 0, ("a", "b"))
    assert len(notes.list_notes(ann, TWO)) == 1
    for project in (ann, bob):
        assert git(Path(project.top), "status", "--porcelain") == ""


def test_what_was_not_added_by_us_stays_uncommitted(ann: Project) -> None:
    (Path(ann.top) / "README").write_text("half-done\n")
    (Path(ann.top) / "new").write_text("new\n")
    git(Path(ann.top), "add", "new")
    edit(ann, owner="ann")
    assert sync(ann).outcome == "pushed"
    assert git(Path(ann.top), "status", "--porcelain").splitlines() == [" M README", "A  new"]


def test_code_is_never_published_and_named(ann: Project, bob: Project, hub: Path, cli: Cli) -> None:
    edit(bob, priority=0)
    sync(bob)
    before = tip(hub)
    work(Path(ann.top), "code")
    edit(ann, owner="ann")
    done = sync(ann)
    assert (done.outcome, [commit.subject for commit in done.code]) == ("code", ["write code"])
    assert tip(hub) == before
    assert copy_of(ann.top).priority == 0  # what came in is there
    told = cli("sync", cwd=Path(ann.top), code=1)
    assert "write code" in told.stderr
    git(Path(ann.top), "push", "-q")
    assert sync(ann).outcome == "up_to_date"


@pytest.mark.parametrize("how", ["--push-code", "true", "yes"])
def test_code_is_published_where_the_user_asks_for_it(
    ann: Project, bob: Project, hub: Path, cli: Cli, how: str
) -> None:
    edit(bob, priority=0)
    sync(bob)
    work(Path(ann.top), "code")
    edit(ann, owner="ann")
    if how != "--push-code":
        git(Path(ann.top), "config", "branch.main.gittasksPushCode", how)
    told = cli("sync", *((how,) if how == "--push-code" else ()), cwd=Path(ann.top))
    # The work, the tasks, and the merge with what Bob did.
    assert "pushed 3 commits to origin/main, 1 with code, as asked" in told.stdout
    assert tip(hub) == tip(ann.top)


def test_the_wish_of_one_branch_is_none_of_another_and_no_push_overrules_it(
    ann: Project, hub: Path, cli: Cli
) -> None:
    before = tip(hub)
    work(Path(ann.top), "code")
    git(Path(ann.top), "config", "branch.other.gittasksPushCode", "true")
    git(Path(ann.top), "config", "branch.main.gittasksPushCode", "false")
    assert "sync --push-code" in cli("sync", cwd=Path(ann.top), code=1).stderr
    git(Path(ann.top), "config", "branch.main.gittasksPushCode", "true")
    assert sync(ann, push=False).outcome == "off"
    assert tip(hub) == before


def test_a_wish_that_is_no_boolean_publishes_nothing_and_says_so(ann: Project, hub: Path) -> None:
    before = tip(hub)
    edit(ann, owner="ann")
    git(Path(ann.top), "config", "branch.main.gittasksPushCode", "maybe")
    with pytest.raises(GitError, match=r"bad boolean .*maybe.*gittaskspushcode"):
        sync(ann)
    assert (tip(hub), git(Path(ann.top), "status", "--porcelain")) == (before, "M  .tasks/1.yaml")


def test_code_is_not_forced_onto_a_branch_that_says_no(ann: Project, hub: Path) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    work(Path(ann.top), "code")
    assert sync(ann, push_code=True).outcome == "rejected"


def test_code_that_changed_a_task_in_the_same_commit_is_code(ann: Project) -> None:
    edit(ann, owner="ann")
    (Path(ann.top) / "code").write_text("x\n")
    git(Path(ann.top), "add", "-A")
    git(Path(ann.top), "commit", "-qm", "both")
    assert [commit.subject for commit in sync(ann).code] == ["both"]


def test_code_that_came_from_the_upstream_is_not_in_the_way(ann: Project, bob: Project) -> None:
    work(Path(bob.top), "code")
    git(Path(bob.top), "push", "-q")
    edit(ann, owner="ann")
    assert sync(ann).outcome == "pushed"
    assert (Path(ann.top) / "code").exists()


def test_both_made_a_task_of_one_number_and_both_are_kept(ann: Project, bob: Project) -> None:
    first = writing.add_tasks(ann, [Draft("ann's")]).ids[0]
    second = writing.add_tasks(bob, [Draft("bob's", blocked_by=[1])]).ids[0]
    assert first == second
    sync(ann)
    done = sync(bob)
    assert done.outcome == "pushed"
    sync(ann)
    subjects = {row.subject for row in ann.snapshot().rows}
    assert {"ann's", "bob's"} <= subjects
    assert ann.snapshot().problems == []


def test_what_git_merged_into_another_task_of_the_number_is_put_right(ann: Project, bob: Project) -> None:
    """Ann knows her task by the number that it had before bob's merge; git sees one file, and no conflict."""
    number = writing.add_tasks(ann, [Draft("ann's")], commit=True).ids[0]
    assert writing.add_tasks(bob, [Draft("bob's")], commit=True).ids[0] == number
    sync(ann)
    assert sync(bob).resolution is not None
    edit(ann, number, owner="ann")
    done = sync(ann)
    assert done.outcome == "pushed"
    found = {row.subject: (row.id, row.owner) for row in ann.snapshot().rows}
    assert found["bob's"] == (number, None)
    assert found["ann's"] == (number + 1, "ann")
    assert git(Path(ann.top), "status", "--porcelain") == ""
    sync(bob)
    assert {row.subject: (row.id, row.owner) for row in bob.snapshot().rows} == found


def test_a_true_conflict_waits_for_a_person(ann: Project, bob: Project, cli: Cli) -> None:
    edit(ann, owner="ann")
    edit(bob, owner="bob")
    sync(ann)
    told = cli("sync", cwd=Path(bob.top), code=4)
    assert "#1 conflict: owner" in told.stderr
    with pytest.raises(StandsInTheWayError):
        sync(bob)
    cli("resolve", "--theirs", cwd=Path(bob.top))
    git(Path(bob.top), "commit", "-q", "--no-edit")
    assert sync(bob).outcome == "pushed"
    assert copy_of(bob.top).owner == "ann"


def test_code_in_conflict_is_left_to_git_and_nothing_is_merged(ann: Project, bob: Project) -> None:
    work(Path(ann.top), "code", "one\n")
    git(Path(ann.top), "push", "-q")
    work(Path(bob.top), "code", "two\n")
    edit(bob, owner="bob")
    with pytest.raises(StandsInTheWayError, match="code"):
        sync(bob)
    assert git(Path(bob.top), "status", "--porcelain") == ""
    assert (Path(bob.top) / "code").read_text() == "two\n"


def test_staged_files_refuse_a_merge_before_anything_is_done(ann: Project, bob: Project) -> None:
    edit(ann, owner="ann")
    sync(ann)
    edit(bob, priority=0)
    (Path(bob.top) / "new").write_text("new\n")
    git(Path(bob.top), "add", "new")
    before = tip(bob.top)
    with pytest.raises(StandsInTheWayError, match="staged"):
        sync(bob)
    assert tip(bob.top) == before


def test_an_untracked_file_in_the_way_is_not_written_over(ann: Project, bob: Project) -> None:
    work(Path(ann.top), "code")
    git(Path(ann.top), "push", "-q")
    (Path(bob.top) / "code").write_text("mine\n")
    with pytest.raises(MergeImpossibleError):
        sync(bob)
    assert (Path(bob.top) / "code").read_text() == "mine\n"


def test_without_the_remote_the_work_waits_here(ann: Project, hub: Path, cli: Cli) -> None:
    os.rename(hub, hub.parent / "away")
    edit(ann, owner="ann")
    told = cli("sync", cwd=Path(ann.top), code=4)
    assert "was not reached, 1 commit kept here" in told.stdout
    os.rename(hub.parent / "away", hub)
    assert sync(ann).outcome == "pushed"


def test_no_push_keeps_it_here(ann: Project, hub: Path) -> None:
    before = tip(hub)
    edit(ann, owner="ann")
    assert sync(ann, push=False).outcome == "off"
    assert tip(hub) == before


def test_a_race_is_run_again(ann: Project, bob: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bob pushes between Ann's fetch and her push."""
    real = upstream.push
    edit(bob, priority=0)

    def late(git: Git, found: Upstream, commit: str) -> tuple[str, str]:
        monkeypatch.setattr(upstream, "push", real)
        assert sync(bob).outcome == "pushed"
        return real(git, found, commit)

    monkeypatch.setattr(upstream, "push", late)
    edit(ann, owner="ann")
    done = sync(ann)
    assert (done.outcome, done.incoming) == ("pushed", 1)
    assert (copy_of(ann.top).owner, copy_of(ann.top).priority) == ("ann", 0)


def test_a_hook_of_the_remote_that_says_no_is_told(ann: Project, hub: Path) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    edit(ann, owner="ann")
    done = sync(ann)
    assert done.outcome == "rejected" and "hook declined" in done.words


def test_a_branch_of_its_own_and_a_detached_head_are_refused(ann: Project) -> None:
    git(Path(ann.top), "switch", "-q", "-c", "own")
    with pytest.raises(NoUpstreamError, match="no upstream"):
        sync(ann)
    git(Path(ann.top), "switch", "-q", "--detach")
    with pytest.raises(NoUpstreamError):
        sync(ann)


def on_hub(hub: Path) -> str:
    return git(hub, "for-each-ref", "--format=%(refname)", "refs/gittasks")


def test_without_an_upstream_claims_are_told_all_the_same(ann: Project, hub: Path, cli: Cli) -> None:
    top = Path(ann.top)
    url = git(top, "remote", "get-url", "origin")
    git(top, "remote", "set-url", "origin", str(hub.parent / "nowhere"))
    cli("claim", "1", "--remote", "origin", cwd=top)
    git(top, "remote", "set-url", "origin", url)
    git(top, "switch", "-q", "-c", "own")
    edit(ann, TWO, owner="ann")
    assert on_hub(hub) == ""
    cli("sync", "--no-push", cwd=top, code=1)
    assert on_hub(hub) == ""
    told = cli("sync", cwd=top, code=1).stderr.splitlines()
    assert told == [
        "gittasks: own has no upstream on a remote: tasks were not committed, merged or pushed; only claims were "
        "exchanged, with origin",
        "hint: `git push -u origin own` gives it one",
    ]
    assert on_hub(hub) == "refs/gittasks/claims/1"
    assert git(top, "status", "--porcelain") == "M  .tasks/2.yaml"


def test_without_an_upstream_it_is_told_who_was_quicker(ann: Project, bob: Project, cli: Cli) -> None:
    top = Path(ann.top)
    url = git(top, "remote", "get-url", "origin")
    git(top, "remote", "set-url", "origin", str(top / "nowhere"))
    cli("claim", "1", "--remote", "origin", cwd=top)
    git(top, "remote", "set-url", "origin", url)
    cli("claim", "1", "--remote", "origin", "--owner", "bob", cwd=Path(bob.top))
    git(top, "switch", "-q", "-c", "own")
    told = cli("sync", "--json", cwd=top, code=1)
    assert "#1 is claimed by bob" in told.stderr
    error = json.loads(told.stdout)["error"]
    assert (error["kind"], len(error["claims"])) == ("OnlyClaimsError", 1)


def test_a_claim_goes_to_the_remote_that_it_names_whatever_the_upstream_is(
    ann: Project, hub: Path, cli: Cli
) -> None:
    top = Path(ann.top)
    git(hub.parent, "clone", "-q", "--bare", str(hub), "second")
    git(top, "remote", "add", "second", str(top / "nowhere"))
    cli("claim", "1", "--remote", "second", cwd=top)
    git(top, "remote", "set-url", "second", str(hub.parent / "second"))
    assert sync(ann).outcome == "up_to_date"
    assert (on_hub(hub), on_hub(hub.parent / "second")) == ("", "refs/gittasks/claims/1")


def test_the_document_of_the_command(ann: Project, bob: Project, cli: Cli) -> None:
    edit(ann, owner="ann")
    first = json.loads(cli("sync", "--json", cwd=Path(ann.top)).stdout)["sync"]
    assert (first["outcome"], first["outgoing"], first["upstream"]) == ("pushed", 1, "origin/main")
    edit(bob, owner="bob")
    second = json.loads(cli("sync", "--json", cwd=Path(bob.top), code=4).stdout)["sync"]
    assert second["conflicts"] == [{"id": 1, "fields": ["owner"]}]
