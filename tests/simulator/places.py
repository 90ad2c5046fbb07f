"""Checkouts that the simulation works in: git as a person calls it, and the library on the same files."""

from __future__ import annotations

import os
import subprocess
import time
from functools import cached_property
from pathlib import Path

from gittasks.app.driver import register
from gittasks.app.project import Project, open_project
from gittasks.workgraph import store
from gittasks.workgraph.record import Task, TaskId
from tests.simulator.ledger import BrokenLawError, Facts, facts_of
from tests.simulator.seal import Seal

_PATIENCE_S = 10.0


class Place:
    """One checkout with a branch of its own."""

    def __init__(self, folder: Path, branch: str, seal: Seal) -> None:
        self.folder = folder
        self.branch = branch
        self.seal = seal

    def __repr__(self) -> str:
        return f"{self.folder.name}({self.branch})"

    @cached_property
    def project(self) -> Project:
        return open_project(str(self.folder), env=self.seal.env)

    def try_git(self, *args: str) -> subprocess.CompletedProcess[str]:
        """`git *args`, whatever comes of it. A git whose parent was killed may still hold its lock for a moment."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            done = subprocess.run(
                ("git", *args),
                cwd=self.folder,
                env=self.seal.env,
                capture_output=True,
                text=True,
                check=False,
            )
            if "index.lock" not in done.stderr or time.monotonic() > deadline:
                return done
            time.sleep(0.01)

    def ok(self, *args: str) -> bool:
        return self.try_git(*args).returncode == 0

    def git(self, *args: str) -> str:
        """What a `git *args` that must succeed prints."""
        done = self.try_git(*args)
        if done.returncode:
            raise BrokenLawError(f"{self}: git {' '.join(args)}: {done.stdout} {done.stderr}")
        return done.stdout.rstrip("\n")

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    @property
    def is_dirty(self) -> bool:
        return bool(self.git("status", "--porcelain"))

    def commit(self, message: str = "work") -> bool:
        """Commit all there is, but for what killed writers left; answer whether there was something."""
        self.git("add", "--all", "--", ".", ":(exclude)*gittasks-tmp")
        return self.ok("commit", "-q", "--no-verify", "-m", message)

    def tasks(self) -> list[Task]:
        """All tasks here; every file must be one."""
        snapshot = self.project.snapshot()
        if snapshot.problems:
            raise BrokenLawError(f"{self}: {[str(problem) for problem in snapshot.problems]}")
        return snapshot.tasks()

    def numbers(self) -> dict[str, int]:
        """Uid to number."""
        return {row.uid: row.id for row in self.project.snapshot().rows}

    def facts(self) -> Facts:
        return facts_of(self.tasks(), self._notes())

    def _notes(self) -> list[tuple[TaskId, str]]:
        found = []
        for folder in (self.folder / store.FOLDER).iterdir():
            if folder.name.isdecimal() and folder.is_dir():
                found += [(TaskId(int(folder.name)), path.read_text()) for path in folder.glob("*.md")]
        return found

    def leftovers(self) -> list[str]:
        """What killed writers left lying about."""
        return [str(path) for path in (self.folder / store.FOLDER).rglob("*gittasks-tmp*")]


class Clone:
    """A clone: its main checkout, and its worktrees."""

    def __init__(self, main: Place, *, has_driver: bool) -> None:
        self.main = main
        self.trees: list[Place] = []
        if has_driver:
            with main.project.lock("simulator"):
                register(main.project)

    @property
    def places(self) -> list[Place]:
        return [self.main, *self.trees]

    def add_tree(self, name: str) -> Place:
        folder = self.main.folder.parent / f"{self.main.folder.name}-{name}"
        self.main.git("worktree", "add", "-q", "-b", name, str(folder))
        tree = Place(folder, name, self.main.seal)
        self.trees.append(tree)
        return tree


def wait_for_git(place: Place) -> None:
    """A git process whose parent died goes on for a moment."""
    lock = os.path.join(place.project.checkout.git_dir, "index.lock")
    deadline = time.monotonic() + _PATIENCE_S
    while os.path.exists(lock) and time.monotonic() < deadline:
        time.sleep(0.002)
