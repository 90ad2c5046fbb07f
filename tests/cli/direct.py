"""The program called in this very process: a tenth of the time, where no process of its own is at stake."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gittasks.app import writing
from gittasks.app.project import open_project
from gittasks.cli.main import run
from gittasks.workgraph.drafts import Draft
from tests.conftest import git


class Direct:
    """Called as `conftest.Cli` is, and answers what that answers."""

    def __init__(
        self, repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._repo = repo
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(
        self, *args: str, cwd: Path | None = None, code: int | None = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the program in `repo` (or `cwd`); `code` is the exit code that is expected (`None`: any)."""
        self._capsys.readouterr()
        with self._monkeypatch.context() as patch:
            patch.chdir(cwd or self._repo)
            for name, value in (env or {}).items():
                patch.setitem(os.environ, name, value)
            found = run(list(args))
        told = self._capsys.readouterr()
        assert code is None or found == code, (args, found, told)
        return subprocess.CompletedProcess(args, found, told.out, told.err)


def plan(repo: Path, *subjects: str) -> None:
    """Make `repo` a project with these tasks, committed."""
    project = open_project(str(repo), env=os.environ)
    os.mkdir(project.tasks_folder)
    writing.add_tasks(project, [Draft(subject) for subject in subjects])
    git(repo, "commit", "-q", "--allow-empty", "-m", "plan")
