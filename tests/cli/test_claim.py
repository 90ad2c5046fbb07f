"""`gittasks claim`, and what other commands say of claimed tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.direct import Direct, plan
from tests.conftest import git
from tests.test_imports import HEAVY, imported


@pytest.fixture
def project(repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Direct:
    plan(repo, "one", "two")
    return Direct(repo, capsys, monkeypatch)


def document(answer: Any) -> dict[str, Any]:
    found = json.loads(answer.stdout)
    assert found["schema"] == 1
    assert isinstance(found, dict)
    return found


def test_claiming_says_so_and_changes_no_file(project: Direct, repo: Path) -> None:
    assert project("claim", "1").stdout == "#1 is claimed by Ada Tester: one\n"
    again = project("claim", "#1").stdout
    assert again.startswith("#1 was claimed already, since 20") and again.endswith("by Ada Tester: one\n")
    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "for-each-ref", "--format=%(refname) %(objecttype)", "refs/gittasks") == (
        "refs/gittasks/claims/1 blob"
    )


def test_somebody_else_is_told_by_whom_and_exits_4(project: Direct) -> None:
    project("claim", "1", "--owner", "bob")
    answer = project("claim", "1", code=4)
    assert answer.stdout == ""
    assert "#1 is claimed by bob since 20" in answer.stderr
    assert "in the worktree main on " in answer.stderr
    assert "hint: " in answer.stderr and "--steal --reason" in answer.stderr
    error = document(project("claim", "1", "--json", code=4))["error"]
    assert (error["kind"], error["claim"]["owner"], error["claim"]["alive"]) == (
        "ClaimHeldError",
        "bob",
        "unknown",
    )


def test_the_document_of_a_claim(project: Direct) -> None:
    found = document(project("claim", "1", "--json", "--ttl", "1h"))
    assert (found["created"], found["before"], found["remote"]) == (True, None, None)
    assert found["task"]["subject"] == "one"
    claim = found["claim"]
    assert (claim["id"], claim["owner"], claim["uid"]) == (1, "Ada Tester", found["task"]["uid"])
    assert claim["expires"] > claim["time"]
    assert document(project("claim", "1", "--json"))["created"] is False
    stolen = document(project("claim", "1", "--json", "--owner", "bob", "--steal", "--reason", "why"))
    assert (stolen["claim"]["reason"], stolen["before"]["owner"]) == ("why", "Ada Tester")


@pytest.mark.parametrize(
    "args",
    [
        ("--steal",),
        ("--reason", "why"),
        ("--steal", "--reason", " "),
        ("--steal", "--reason", "x" * 501),
        ("--ttl", "0"),
        ("--ttl", "soon"),
        ("--ttl", "-5m"),
    ],
)
def test_calls_that_make_no_sense(project: Direct, repo: Path, args: tuple[str, ...]) -> None:
    project("claim", "1", *args, code=2)
    assert git(repo, "for-each-ref", "refs/gittasks") == ""


@pytest.mark.parametrize("owner", ["a\nb", "x" * 101, "\x1b[31m"])
def test_names_that_are_none(project: Direct, owner: str) -> None:
    answer = project("claim", "1", "--owner", owner, code=1)
    assert "owner" in answer.stderr and "\x1b" not in answer.stderr


def test_the_owner_may_come_from_the_environment(project: Direct) -> None:
    assert "by eve" in project("claim", "1", env={"GITTASKS_OWNER": "eve"}).stdout


def test_what_is_claimed_is_offered_to_nobody_else(project: Direct) -> None:
    project("claim", "1", "--owner", "bob")
    assert [line.split()[0] for line in project("ready").stdout.splitlines()] == ["#2"]
    assert [task["id"] for task in document(project("ready", "--json"))["tasks"]] == [2]
    bobs = document(project("ready", "--json", "--owner", "bob"))["tasks"]
    assert [(task["id"], task["ready"]) for task in bobs] == [(1, True), (2, True)]
    listed = document(project("list", "--json"))["tasks"]
    assert [(task["id"], task["ready"]) for task in listed] == [(1, False), (2, True)]
    assert project("list").stdout.splitlines()[0].endswith("one  claimed")
    assert project("next").stdout.startswith("#2")


def test_show_tells_of_the_claim(project: Direct) -> None:
    assert document(project("show", "1", "--json"))["task"]["claim"] is None
    project("claim", "1", "--owner", "bob")
    assert "\n  claim      claimed by bob since 20" in project("show", "1").stdout
    task = document(project("show", "1", "--json"))["task"]
    assert (task["claim"]["owner"], task["claim"]["state"], task["ready"]) == ("bob", "held", False)
    project("claim", "2")
    task = document(project("show", "2", "--json"))["task"]
    assert (task["claim"]["state"], task["ready"]) == ("own", True)


@pytest.mark.parametrize("change", [{"expires": "2020-01-01T00:00:00Z"}, {"uid": "0" * 16}])
def test_a_claim_that_holds_nothing_is_no_claim_in_tables(
    project: Direct, repo: Path, change: dict[str, str]
) -> None:
    uid = document(project("show", "1", "--json"))["task"]["uid"]
    content = dict.fromkeys(("owner", "host", "worktree", "time", "nonce"), "x")
    path = repo / "claim.json"
    path.write_text(json.dumps({"id": 1, "uid": uid, **content, **change}))
    git(repo, "update-ref", "refs/gittasks/claims/1", git(repo, "hash-object", "-w", "claim.json"))
    for args in (("list",), ("ready",), ("next",)):
        answer = project(*args).stdout
        assert answer.startswith("#1") and "claimed" not in answer
    listed, offered = (document(project(name, "--json")) for name in ("list", "next"))
    for task in (listed["tasks"][0], offered["task"]):
        assert task["ready"]
        assert task["claim"]["state"] == ("expired" if "expires" in change else "stale")


def test_lists_tell_of_claims_to_programs(project: Direct) -> None:
    assert [task["claim"] for task in document(project("list", "--json"))["tasks"]] == [None, None]
    project("claim", "1", "--owner", "bob")
    project("start", "2", "--here")
    claims = [task["claim"] for task in document(project("list", "--json"))["tasks"]]
    assert [(claim["owner"], claim["state"]) for claim in claims] == [("bob", "held"), ("Ada Tester", "own")]
    project("claim", "1", "--owner", "Ada Tester", "--steal", "--reason", "why")
    assert project("ready").stdout.splitlines()[0].endswith("one  claimed")
    assert document(project("next", "--json"))["task"]["claim"]["state"] == "own"
    assert document(project("ready", "--json", "--owner", "bob"))["tasks"] == []


def test_terminal_escapes_in_a_claim_are_never_printed_raw(project: Direct, repo: Path) -> None:
    uid = document(project("show", "1", "--json"))["task"]["uid"]
    evil = "\x1b[31m\u202e\x07"
    content = dict.fromkeys(("owner", "host", "worktree", "time", "nonce", "reason", "previous"), evil)
    path = repo / "claim.json"
    path.write_text(json.dumps({"id": 1, "uid": uid, **content}))
    git(repo, "update-ref", "refs/gittasks/claims/1", git(repo, "hash-object", "-w", "claim.json"))
    for args in (("show", "1"), ("claim", "1"), ("list",), ("ready",), ("release", "1", "--owner", "x")):
        answer = project(*args, code=None)
        for text in (answer.stdout, answer.stderr):
            assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text


def test_a_remote_that_is_away_is_a_warning(project: Direct, repo: Path) -> None:
    assert "no remote" in project("claim", "1", "--remote", "origin", code=1).stderr
    git(repo, "remote", "add", "origin", str(repo / "nowhere"))
    answer = project("claim", "1", "--remote", "origin")
    assert answer.stdout.startswith("#1 is claimed by")
    assert "origin was not told of #1" in answer.stderr
    told = document(project("claim", "1", "--remote", "origin", "--json"))["remote"]
    assert (told["name"], told["told"]) == ("origin", False)


def test_start_and_done_speak_of_claims(project: Direct) -> None:
    project("claim", "1", "--owner", "bob")
    assert "claimed by bob" in project("start", "1", code=4).stderr
    assert "claimed by bob" in project("done", "1").stderr
    assert "claim" not in project("show", "1").stdout


def test_in_a_bound_worktree_the_task_can_be_left_out(project: Direct) -> None:
    path = Path(project("start", "1").stdout.strip())
    assert "was claimed already" in project("claim", cwd=path).stdout
    assert project("release", cwd=path).stdout == "#1 is released: one\n"


def test_completion_offers_what_can_be_claimed_or_released(project: Direct, repo: Path) -> None:
    project("done", "2")
    project("claim", "1")
    git(repo, "remote", "add", "upstream", "nowhere")
    for words, offered in (
        (("claim", ""), ["1"]),
        (("release", ""), ["1"]),
        (("claim", "1", "--remote", ""), ["upstream"]),
    ):
        lines = project("complete", "--", *words).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == offered
    project("release", "1")
    assert project("complete", "--", "release", "", code=None).stdout == ""


@pytest.mark.parametrize("command", [("list",), ("ready",), ("next",), ("show", "2")])
def test_a_read_with_claims_imports_no_heavy_module(
    project: Direct, repo: Path, command: tuple[str, ...]
) -> None:
    project("claim", "1", "--owner", "bob")
    project("list")
    assert imported(repo, *command) & HEAVY == set()
