"""Commands of the settings run only after consent, to the very bytes that were shown."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from gittasks.app import trust
from gittasks.app.project import Project, open_project
from gittasks.app.trust import ChangedMeanwhileError, UntrustedError
from gittasks.workgraph.config import BadConfigError
from gittasks.workgraph.store import NoTasksError
from tests.conftest import git

CHECKS = "checks:\n  tests: [pytest, -q]\n"


@pytest.fixture
def project(repo: Path) -> Project:
    (repo / ".tasks").mkdir()
    return open_project(str(repo), env=os.environ)


def _write(project: Project, text: str) -> None:
    Path(project.tasks_folder, "config.yaml").write_text(text)


def _trust(project: Project) -> None:
    trust.grant(project, trust.trust_state(project).sha256)


def test_without_commands_there_is_nothing_to_trust(project: Project) -> None:
    assert trust.trust_state(project).state == trust.NOTHING
    _write(project, "commit: auto\n")
    assert trust.require_trusted(project).commit == "auto"
    assert not os.path.exists(os.path.join(project.checkout.private_dir, "trust.json"))


def test_commands_do_not_run_until_they_are_trusted(project: Project) -> None:
    _write(project, CHECKS)
    with pytest.raises(UntrustedError, match="is not trusted in this clone") as caught:
        trust.require_trusted(project)
    assert "gittasks trust" in str(caught.value.hint)
    _trust(project)
    assert trust.require_trusted(project).checks == {"tests": ("pytest", "-q")}
    assert trust.trust_state(project).since is not None


def test_any_change_asks_again_and_what_was_trusted_once_stays_so(project: Project) -> None:
    _write(project, CHECKS)
    _trust(project)
    _write(project, CHECKS + "# a comment\n")
    assert trust.trust_state(project).state == trust.CHANGED
    with pytest.raises(UntrustedError, match="was changed since"):
        trust.require_trusted(project)
    _write(project, CHECKS)
    assert trust.trust_state(project).state == trust.TRUSTED


def test_the_record_is_private_to_the_clone_and_to_its_owner(project: Project, repo: Path) -> None:
    _write(project, CHECKS)
    _trust(project)
    path = repo / ".git/gittasks/trust.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    git(repo, "add", ".tasks")
    git(repo, "commit", "-q", "-m", "settings")
    git(repo.parent, "clone", "-q", str(repo), "clone")
    clone = open_project(str(repo.parent / "clone"), env=os.environ)
    assert trust.trust_state(clone).state == trust.UNTRUSTED


def test_worktrees_of_a_clone_share_it(project: Project, repo: Path) -> None:
    _write(project, CHECKS)
    git(repo, "add", ".tasks")
    git(repo, "commit", "-q", "-m", "settings")
    git(repo, "worktree", "add", "-q", "-b", "side", str(repo.parent / "side"))
    _trust(project)
    side = open_project(str(repo.parent / "side"), env=os.environ)
    assert trust.trust_state(side).state == trust.TRUSTED


def test_nothing_is_trusted_that_was_not_shown(project: Project) -> None:
    _write(project, CHECKS)
    shown = trust.trust_state(project)
    _write(project, CHECKS.replace("pytest", "evil"))
    with pytest.raises(ChangedMeanwhileError):
        trust.grant(project, shown.sha256)
    assert trust.trust_state(project).state == trust.UNTRUSTED


def test_revoking_forgets_every_version(project: Project) -> None:
    assert not trust.revoke(project)
    _write(project, CHECKS)
    _trust(project)
    assert trust.revoke(project)
    assert trust.trust_state(project).state == trust.UNTRUSTED


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"trusted": []}', b'{"trusted": 1}', b"\xff", b"[" * 100_000]
)
def test_a_damaged_record_trusts_nothing(project: Project, content: bytes) -> None:
    _write(project, CHECKS)
    Path(project.private_folder(), "trust.json").write_bytes(content)
    assert trust.trust_state(project).state == trust.UNTRUSTED
    _trust(project)
    assert trust.trust_state(project).state == trust.TRUSTED


def test_a_record_that_is_a_link_trusts_nothing(project: Project, tmp_path: Path) -> None:
    _write(project, CHECKS)
    _trust(project)
    record = Path(project.private_folder(), "trust.json")
    record.rename(tmp_path / "planted.json")
    record.symlink_to(tmp_path / "planted.json")
    assert trust.trust_state(project).state == trust.UNTRUSTED


def test_the_record_stays_small(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_KEPT", 3)
    for number in range(5):
        _write(project, f"{CHECKS}# {number}\n")
        _trust(project)
    record = json.loads(Path(project.private_folder(), "trust.json").read_text())
    assert len(record["trusted"]) == 3
    assert trust.trust_state(project).state == trust.TRUSTED


def test_bad_settings_and_no_project_are_refused(project: Project, repo: Path) -> None:
    _write(project, "checks: 3\n")
    with pytest.raises(BadConfigError):
        trust.require_trusted(project)
    (repo / ".tasks/config.yaml").unlink()
    (repo / ".tasks").rmdir()
    with pytest.raises(NoTasksError):
        trust.require_trusted(project)
