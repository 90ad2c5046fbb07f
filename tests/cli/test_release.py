"""`gittasks release`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.direct import Direct, plan
from tests.conftest import git


@pytest.fixture
def project(repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Direct:
    plan(repo, "one", "two")
    return Direct(repo, capsys, monkeypatch)


def test_what_is_released_can_be_claimed_by_others(project: Direct, repo: Path) -> None:
    project("claim", "1", "--owner", "ann")
    assert project("release", "1").stdout == "#1 is released: one\n"
    assert git(repo, "for-each-ref", "refs/gittasks") == ""
    assert project("release", "1").stdout == "#1 was not claimed here: one\n"
    project("claim", "1", "--owner", "bob")


def test_who_says_who_they_are_releases_only_their_own(project: Direct) -> None:
    project("claim", "1", "--owner", "ann")
    answer = project("release", "1", "--owner", "bob", code=4)
    assert "claimed by ann" in answer.stderr
    project("release", "1", code=4, env={"GITTASKS_OWNER": "bob"})
    project("release", "1", env={"GITTASKS_OWNER": "ann"})


def test_what_next_took_is_put_back(project: Direct, repo: Path) -> None:
    project("next", "--claim", "--owner", "ann")
    assert git(repo, "status", "--porcelain") == "M  .tasks/1.yaml"
    assert project("release", "1").stdout == "#1 is released, and pending again: one\n"
    assert git(repo, "status", "--porcelain") == ""
    assert project("next", "--claim").stdout.startswith("#1")


def test_the_document_of_a_release(project: Direct) -> None:
    project("claim", "1", "--owner", "ann")
    found = json.loads(project("release", "1", "--json").stdout)
    assert (found["schema"], found["task"]["id"], found["released"]["owner"]) == (1, 1, "ann")
    assert (found["givenBack"], found["remote"]) == (False, None)
    again = json.loads(project("release", "1", "--json").stdout)
    assert again["released"] is None


def test_a_task_that_never_was(project: Direct) -> None:
    assert "no task #9" in project("release", "9", code=1).stderr
    assert "no remote" in project("release", "1", "--remote", "x", code=1).stderr
