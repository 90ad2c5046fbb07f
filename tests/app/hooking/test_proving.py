"""`hooks status` runs what is installed, and nothing that is the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from gittasks.app.doctor import examine, mend
from gittasks.app.hooking.installing import hook_states, install_hooks, uninstall_hooks
from gittasks.app.hooking.proving import Proof, prove
from gittasks.repo.hook_text import EVENTS, USUAL
from tests.app.desk import at, planned
from tests.app.hooking.test_installing import write

# Each would leave a trace if it ran.
SHELLS = {
    "pre-commit": b"#!/bin/sh -eu\ntouch ran\nexit 1\n",
    "prepare-commit-msg": b"#!/bin/bash\nset -euo pipefail\ntouch ran\n",
    "commit-msg": b"touch ran\n",
    "post-commit": b"#!/usr/bin/env bash\ntouch ran\n",
    "post-checkout": b'#!/bin/sh\n[ "$3" = 1 ] && touch ran\n',
    "post-merge": b"#!/bin/dash\nexec touch ran\n",
    "post-rewrite": b"#!/bin/sh\nwhile read -r old new; do touch ran; done\n",
    "pre-push": b"#!/bin/bash\nwhile read -r one two three four; do touch ran; done\n",
}


def proofs(repo: Path) -> dict[str, Proof]:
    project = at(repo)
    return prove(project, hook_states(project))


def codes(repo: Path) -> list[str]:
    return [finding.code for finding in examine(at(repo)) if finding.code.startswith("hook-")]


@pytest.fixture
def shelled(repo: Path) -> Path:
    """`repo` with tasks, hooks of its user in several shells, and ours with them."""
    planned(repo)
    for event, data in SHELLS.items():
        write(repo / ".git" / "hooks" / event, data)
    install_hooks(at(repo), with_optional=True)
    return repo


def test_each_hook_is_reached_and_gives_way_to_the_users_own_which_does_not_run(shelled: Path) -> None:
    assert proofs(shelled) == dict.fromkeys(EVENTS, Proof(True, True))
    assert not list(shelled.rglob("ran"))
    assert codes(shelled) == []


def test_hooks_of_ours_alone_are_reached_and_nothing_is_said_of_others(repo: Path) -> None:
    planned(repo)
    assert codes(repo) == [] and proofs(repo) == {}
    install_hooks(at(repo))
    assert proofs(repo) == dict.fromkeys(USUAL, Proof(True, None))
    assert codes(repo) == []
    uninstall_hooks(at(repo))
    assert codes(repo) == []


@pytest.mark.long
def test_lines_that_keep_the_users_own_from_running_are_found_and_mended(shelled: Path) -> None:
    path = shelled / ".git" / "hooks" / "pre-push"
    whole = path.read_bytes()
    end = b"# <<< gittasks hooks <<<\n"
    path.write_bytes(whole.replace(end, b"exit 0\n" + end))
    assert proofs(shelled)["pre-push"].yours is False
    path.write_bytes(whole.replace(b"        exec <<END", b"        : <<END"))
    assert proofs(shelled)["pre-push"].yours is False, "they get no input"
    assert codes(shelled) == ["hook-hides-yours", "hook-outdated"]
    assert [finding.code for finding in mend(at(shelled)).mended] == ["hook-hides-yours", "hook-outdated"]
    assert path.read_bytes() == whole


def test_a_hook_that_does_not_reach_us_is_found(shelled: Path) -> None:
    path = shelled / ".git" / "hooks" / "post-merge"
    path.chmod(0o644)
    assert proofs(shelled)["post-merge"].ours is False
    assert codes(shelled) == ["hook-not-reached"]


@pytest.mark.long
def test_a_hook_that_somebody_deleted_is_found_and_mended(shelled: Path) -> None:
    (shelled / ".git" / "hooks" / "post-rewrite").unlink()
    assert codes(shelled) == ["hook-missing"]
    mend(at(shelled))
    assert codes(shelled) == []


def test_lines_of_the_user_before_ours_are_not_run_either(shelled: Path) -> None:
    path = shelled / ".git" / "hooks" / "post-merge"
    path.write_bytes(path.read_bytes().replace(b"# >>> gittasks", b"touch ran\n# >>> gittasks", 1))
    proof = proofs(shelled)["post-merge"]
    assert (proof.ours, proof.yours) == (None, None) and "before ours" in proof.why
    assert not list(shelled.rglob("ran"))
