"""Power fails at any moment of a write: files are old or new, and the next write finds all of it or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gittasks.app import writing
from gittasks.app.project import Project, open_project
from gittasks.workgraph.drafts import Draft
from tests.app.test_kill_points import (
    WHOLE,
    add_one,
    add_three_with_edges,
    edit_one,
    edit_two,
    subjects,
    tasks,
    touch,
)
from tests.breaking.power import EAGER, LAZY, Recorder, after_cut, contents, cuts, put
from tests.conftest import git


@pytest.fixture
def project(repo: Path) -> Project:
    (repo / ".tasks").mkdir()
    made = open_project(str(repo))
    writing.add_tasks(made, [Draft("first", description="words"), Draft("second")])
    git(repo, "commit", "-qm", "tasks")
    return made


@pytest.mark.long
@pytest.mark.parametrize("action", [add_one, add_three_with_edges, edit_one, edit_two])
def test_power_fails_at_every_moment(
    project: Project, repo: Path, action: Callable[[Project], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = WHOLE[action]
    roots = (repo / ".tasks", repo / ".git" / "gittasks")
    before = contents(*roots)
    recorder = Recorder(roots)
    with monkeypatch.context() as patch:
        recorder.install(patch)
        action(project)
    index = repo / ".git" / "index"
    after_index = index.read_bytes()
    tried, seen = 0, set()
    for number, model in cuts(recorder.events, before, roots):
        index.write_bytes(after_index)
        tasks(project)  # every file is whole
        touch(project)
        found = subjects(project)
        assert found in (old, new), (number, model, found)
        seen.add(tuple(found))
        tried += 1
    assert tried > 3
    assert seen == {tuple(old), tuple(new)}


def test_an_id_is_not_issued_again_after_a_cut(
    project: Project, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the answer was given, the number is used: whatever the disk kept of the rest."""
    roots = (repo / ".tasks", repo / ".git" / "gittasks")
    before = contents(*roots)
    recorder = Recorder(roots)
    with monkeypatch.context() as patch:
        recorder.install(patch)
        given = writing.add_tasks(project, [Draft("new")]).ids[0]
    for model in (EAGER, LAZY):
        put(after_cut(recorder.events, before, model), roots)
        assert (repo / ".tasks" / f"{given}.yaml").exists(), model
        assert writing.add_tasks(project, [Draft("later")]).ids[0] > given, model
