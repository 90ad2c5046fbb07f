"""Every command that writes, the repository it is tried in, and what it must have come to when run again."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gittasks.app.project import open_project

# What `--wait` answers where the run's own worker was killed.
_KILLED = 128 + 9
_CSV = "subject,description\nFrom a table,words\nAnother,more\n"


class World:
    """A repository at one path (worktrees know theirs), restored for each trial from a copy."""

    def __init__(self, base: Path, program: Callable[..., int | None]) -> None:
        self.base = base
        self.repo = base / "work" / "repo"
        self.uids: dict[str, set[str]] = {}
        self._program = program

    def prepare(self, command: Command) -> None:
        """Build the repository for a command, and keep a copy."""
        shutil.rmtree(self.base / "work", ignore_errors=True)
        self.repo.mkdir(parents=True)
        git(self.repo, "init", "-q")
        (self.repo / "README").write_text("hello\n")
        git(self.repo, "add", "README")
        for call in ("init", "add One -d Words.", "add Two --blocked-by 1", "add Three", "note 1 Remember."):
            self.do(call)
        git(self.repo, "commit", "-q", "-m", "plan")
        if command.setup is not None:
            command.setup(self)
        project = open_project(str(self.repo))
        self.uids[command.name] = {task.uid for task in project.tasks()}
        shutil.copytree(self.base / "work", self.base / "kept" / command.name, symlinks=True)

    def restore(self, command: Command) -> None:
        """The repository as it was prepared."""
        shutil.rmtree(self.base / "work", ignore_errors=True)
        shutil.copytree(self.base / "kept" / command.name, self.base / "work", symlinks=True)
        if command.each is not None:
            command.each(self)

    def do(self, call: str, stdin: str = "") -> None:
        """One call that works."""
        code = self._program(shlex.split(call), stdin)
        assert code == 0, (call, code, (self.base / "err").read_text())

    def clear_locks_of_git(self) -> None:
        """What a killed git leaves is git's to tell of, and a person's to delete: "Another git process..."."""
        for path in (self.base / "work").rglob("*.lock"):
            if path.parent.name != "gittasks" and {".git", "hub"} & set(path.parts):
                with contextlib.suppress(OSError):
                    path.unlink()

    def task(self, task_id: int) -> Any:
        """One task as the board has it now."""
        project = open_project(str(self.repo))
        return project.task(task_id)

    def subjects(self) -> list[str]:
        """All subjects of this worktree."""
        return [task.subject for task in open_project(str(self.repo)).tasks()]


class Command(NamedTuple):
    """`goal` holds once the command was run again; `codes` are further exit codes that are right.

    `each` is done in each copy of the repository, for what a copy does not take along.

    `is_broken`: there are files that cannot be read before it. `half_written`: what git may leave half-written.
    `has_live_run`: until it was done, a run goes on.
    """

    name: str
    argv: tuple[str, ...]
    goal: Callable[[World], bool] | None = None
    setup: Callable[[World], None] | None = None
    each: Callable[[World], None] | None = None
    stdin: str = ""
    codes: tuple[int, ...] = ()
    is_broken: bool = False
    has_live_run: bool = False
    half_written: tuple[str, ...] = (".tasks/3.yaml",)


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(("git", *args), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout.strip()


def _started(world: World) -> None:
    world.do("start 3")


def _hub(world: World) -> None:
    git(world.base / "work", "clone", "-q", "--bare", str(world.repo), "hub")
    git(world.repo, "remote", "add", "origin", str(world.base / "work" / "hub"))
    git(world.repo, "push", "-q", "-u", "origin", "HEAD")
    world.do("edit 3 --priority 0")


def _conflict(world: World) -> None:
    git(world.repo, "switch", "-q", "-c", "other")
    world.do("edit 3 --subject Theirs --commit")
    git(world.repo, "switch", "-q", "-")
    world.do("edit 3 --subject Ours --commit")
    subprocess.run(("git", "merge", "-q", "other"), cwd=world.repo, capture_output=True, check=False)


def _gone(world: World) -> None:
    world.do("worktree add side")
    side = world.repo / ".worktrees" / "side"
    world.do(f"-C {shlex.quote(str(side))} edit 3 --subject Saved")
    git(world.repo, "worktree", "remove", "--force", str(side))


def _ended(world: World) -> None:
    from tests.breaking.__main__ import quiet

    world.do("run --wait -- echo hello")
    world.do("run --wait -- echo again")
    quiet()


def _checks(world: World) -> None:
    (world.repo / ".tasks" / "config.yaml").write_text("checks:\n  a: 'true'\n")


def _settings(world: World) -> None:
    (world.repo / ".tasks" / "config.yaml").write_text("agents:\n  quiet: ['true']\n")
    (world.repo / ".tasks" / "workflows").mkdir()
    (world.repo / ".tasks" / "workflows" / "quiet.yaml").write_text("steps: {one: {run: ['true']}}\n")
    git(world.repo, "add", ".tasks")
    git(world.repo, "commit", "-q", "-m", "settings")


def _trust(world: World) -> None:
    world.do("trust --yes")


def _side(world: World) -> None:
    world.do("worktree add side")


def _used(world: World) -> None:
    world.do("claim 3")
    world.do("hooks install")
    _ended(world)


def _sleeper(world: World) -> None:
    world.do("run -- sleep 30")


def _reader(world: World) -> None:
    world.do("run --input --shell -- 'read line && test $line = hello'")


def _all_ended(world: World) -> bool:
    return not any(run.is_live for run in open_project(str(world.repo)).runs())


def _was_read(world: World) -> bool:
    return [run.status for run in open_project(str(world.repo)).runs()] == ["completed"]


def _runs(world: World) -> int:
    index = world.repo / ".task_outputs" / "index.jsonl"
    lines = index.read_bytes().splitlines() if index.exists() else []
    return len({json.loads(line)["id"] for line in lines})


def _claimed(world: World) -> bool:
    return bool(git(world.repo, "for-each-ref", "refs/gittasks/claims/3"))


def _taken_back(world: World) -> bool:
    """Also where the last undo took back what was added after the first one was broken off."""
    if "Tres" in world.subjects():
        world.do("undo")
    return "Tres" not in world.subjects()


def _has(*subjects: str) -> Callable[[World], bool]:
    return lambda world: set(subjects) <= set(world.subjects())


def _has_tree(world: World, name: str) -> bool:
    return (world.repo / ".worktrees" / name).exists()


def _is_made(world: World, name: str) -> bool:
    """Whole, and git calls it so."""
    git_file = world.repo / ".worktrees" / name / ".git"
    is_named = git_file.is_file() and git_file.read_text().endswith(f"/worktrees/{name}\n")
    return is_named and (git_file.parent / "README").is_file()


def _completed(world: World) -> bool:
    """In the branch that is kept: the task is completed there."""
    return "status: completed" in git(world.repo, "show", "wt/3-three:.tasks/3.yaml")


def _merged(world: World) -> bool:
    task = open_project(str(world.repo)).task(3)
    return task.status == "completed" and not _has_tree(world, "3-three")


_LIST = (
    Command(
        "init", ("init",), lambda w: (w.repo / ".tasks" / "config.yaml").is_file(), lambda w: w.do("deinit")
    ),
    Command("add", ("add", "New"), _has("New")),
    Command("add-many", ("add", "--from", "-"), _has("A", "B"), stdin='{"subject": "A"}\n{"subject": "B"}\n'),
    Command("edit", ("edit", "3", "--subject", "Tres"), _has("Tres")),
    Command("edit-commit", ("edit", "3", "--subject", "Tres", "--commit"), _has("Tres")),
    Command("note", ("note", "3", "hello"), lambda w: bool(list((w.repo / ".tasks" / "3").glob("*.md")))),
    Command("block", ("block", "3", "--on", "1"), lambda w: w.task(3).blocked_by == (1,)),
    Command("unblock", ("unblock", "2", "--on", "1"), lambda w: w.task(2).blocked_by == ()),
    Command("done", ("done", "1"), lambda w: w.task(1).status == "completed"),
    Command("reopen", ("reopen", "1"), lambda w: w.task(1).status == "pending", lambda w: w.do("done 1")),
    Command("delete", ("delete", "2"), lambda w: w.task(2).status == "deleted"),
    Command("import", ("import", "csv", "-"), _has("From a table", "Another"), stdin=_CSV),
    Command("undo", ("undo",), _taken_back, lambda w: w.do("edit 3 --subject Tres")),
    Command("claim", ("claim", "3"), _claimed),
    Command("release", ("release", "3"), lambda w: not _claimed(w), lambda w: w.do("claim 3")),
    Command("next", ("next", "--claim"), None),
    Command("start", ("start", "3"), lambda w: _is_made(w, "3-three")),
    Command("finish", ("finish", "3", "--merge"), _merged, _started),
    Command("finish-keep", ("finish", "3", "--keep"), _completed, _started),
    Command("finish-remove", ("finish", "3", "--remove"), lambda w: not _has_tree(w, "3-three"), _started),
    Command(
        "worktree",
        ("worktree", "add", "side"),
        lambda w: _is_made(w, "side"),
    ),
    Command("worktree-out", ("worktree", "remove", "side"), lambda w: not _has_tree(w, "side"), _side),
    Command("rescue", ("rescue", "--all"), _has("Saved"), _gone),
    Command("resolve", ("resolve", "--theirs"), _has("Theirs"), _conflict, is_broken=True),
    Command(
        "sync",
        ("sync",),
        lambda w: git(w.repo, "rev-parse", "HEAD") == git(w.repo, "rev-parse", "@{u}"),
        _hub,
    ),
    Command("run", ("run", "--wait", "--", "true"), lambda w: _runs(w) > 0, codes=(125, 126, 127)),
    Command(
        "monitor",
        ("monitor", "--file", "README", "--until", "exists", "--wait"),
        lambda w: _runs(w) > 0,
        codes=(125, 126, 127, _KILLED),
    ),
    Command(
        "workflow",
        ("workflow", "run", "quiet", "--wait"),
        lambda w: _runs(w) > 0,
        _settings,
        codes=(125, 126, 127, _KILLED),
        each=_trust,
    ),
    Command(
        "agent",
        ("agent", "3", "--with", "quiet", "--wait"),
        lambda w: _runs(w) > 0,
        _settings,
        codes=(125, 126, 127, _KILLED),
        each=_trust,
    ),
    Command("kill", ("kill", "b"), _all_ended, each=_sleeper, has_live_run=True),
    Command("input", ("input", "b", "hello"), _was_read, each=_reader, has_live_run=True),
    Command(
        "message",
        ("message", "--leave", "ann", "hello"),
        lambda w: any(w.repo.glob(".git/gittasks/teammates/ann/inbox/*")),
    ),
    Command("notices", ("notices",), None, _ended),
    Command("prune", ("prune", "--keep", "0"), lambda w: _runs(w) == 0, _ended),
    Command("trust", ("trust", "--yes"), None, _checks),
    Command("hooks", ("hooks", "install"), lambda w: (w.repo / ".git" / "hooks" / "pre-commit").is_file()),
    Command("hooks-out", ("hooks", "uninstall"), None, lambda w: w.do("hooks install")),
    Command("deinit", ("deinit", "--force"), lambda w: not (w.repo / ".git" / "gittasks").exists(), _used),
    Command("doctor", ("doctor", "--fix"), None, lambda w: w.do("claim 3")),
)
COMMANDS = {command.name: command for command in _LIST}
