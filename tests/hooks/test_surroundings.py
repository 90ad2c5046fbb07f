"""Every way that git calls hooks: its variables, its commands, its kinds of repositories. Real git, one table.

Each case works in a repository whose hooks are installed, gets one good change of a task through and has one broken
one refused, wherever its commits go.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gittasks.app.hooking.installing import install_hooks
from gittasks.repo.git import parse_version
from tests.app.desk import at, copy_of, planned, start
from tests.conftest import git
from tests.hooks.conftest import edit

pytestmark = pytest.mark.long

REFUSED = "gittasks: commit refused"
GIT_VERSION = parse_version(git(Path("/"), "version"))


class Desk:
    """A repository and a way to call git in it; what git says is kept."""

    def __init__(
        self, repo: Path, *, env: dict[str, str] | None = None, options: tuple[str, ...] = ()
    ) -> None:
        self.repo = repo
        self.env = env or {}
        self.options = options

    def git(self, *args: str, code: int | None = 0, stdin: str = "", **more: str) -> str:
        """Call git; both its outputs."""
        done = subprocess.run(
            ("git", *self.options, *args),
            cwd=self.repo,
            env={**os.environ, **self.env, **more},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, (args, done.returncode, said)
        assert "Traceback" not in said and "was left out" not in said, said
        return said

    def change(self, old: str, new: str) -> None:
        """Change #1 in the worktree, unstaged."""
        path = self.repo / ".tasks" / "1.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def judge(self, *commit: str) -> None:
        """A good change goes through `git commit *commit`, a broken one does not."""
        args = commit or ("-am", "change")
        self.change("priority: 2", "priority: 1")
        assert REFUSED not in self.git("commit", *args)
        self.change("status: pending", "status: running")
        assert REFUSED in self.git("commit", *args, code=1)
        self.change("status: running", "status: pending")
        self.change("priority: 1", "priority: 2")
        self.git("commit", *args)


@pytest.fixture
def desk(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("GITTASKS_HOOK_LIMIT_S", "60")
    planned(repo)
    install_hooks(at(repo))
    return Desk(repo)


def made(folder: Path, *init: str) -> Desk:
    """A planned repository with hooks, made by `git init *init`."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", *init)
    (folder / "README").write_text("hello\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    planned(folder)
    install_hooks(at(folder))
    return Desk(folder)


def commit_all(desk: Desk) -> None:
    desk.judge("-am", "all")


def commit_path(desk: Desk) -> None:
    desk.judge("-m", "a path", ".tasks/1.yaml")


def commit_include(desk: Desk) -> None:
    desk.judge("-m", "with it", "--include", ".tasks/1.yaml")


def commit_amend(desk: Desk) -> None:
    desk.git("commit", "--allow-empty", "-m", "to be amended")
    desk.judge("--amend", "--allow-empty", "-am", "amended")


def commit_patch(desk: Desk) -> None:
    desk.change("priority: 2", "priority: 1")
    desk.git("commit", "-p", "-m", "a hunk", stdin="y\n")
    desk.change("status: pending", "status: running")
    assert REFUSED in desk.git("commit", "-p", "-m", "a hunk", stdin="y\n", code=1)


def from_below(desk: Desk) -> None:
    """GIT_PREFIX: a folder below, and an alias that is a shell."""
    below = Desk(desk.repo / "below")
    below.repo.mkdir()
    desk.git("config", "alias.ci", "!git commit")
    desk.change("status: pending", "status: running")
    assert REFUSED in below.git("commit", "-am", "x", code=1)
    assert REFUSED in below.git("ci", "-am", "x", code=1)
    desk.change("status: running", "status: completed")
    below.git("ci", "-am", "x")


def stash(desk: Desk) -> None:
    desk.change("priority: 2", "priority: 1")
    (desk.repo / "new").write_text("x")
    for action in (("push", "-u"), ("pop",), ("push", "-u", "-m", "again"), ("apply",)):
        assert "gittasks" not in desk.git("stash", *action)
    assert copy_of(desk.repo).priority == 1


def rebase_interactive(desk: Desk) -> None:
    """Reorder, reword, squash, fixup, edit, exec: nothing is said before the end, no trailer is doubled."""
    folder = start(at(desk.repo))
    tree = Desk(folder)
    tree.git("commit", "-m", "start")
    for number in range(5):
        (folder / f"file-{number}").write_text("x")
        tree.git("add", "-A")
        tree.git("commit", "-m", f"change {number}")
    script = (
        "sed -i -e '2s/pick/reword/;3s/pick/squash/;4s/pick/fixup/;5s/pick/edit/;6s/$/\\nexec git status/'"
    )
    said = tree.git("rebase", "-i", "main", GIT_SEQUENCE_EDITOR=script, GIT_EDITOR="true")
    (folder / "file-5").write_text("x")
    tree.git("add", "-A")
    tree.git("commit", "--amend", "--no-edit")
    said += tree.git("rebase", "--continue")
    assert "gittasks:" not in said
    for body in tree.git("log", "-z", "--format=%B", "main..").split("\0"):
        assert body.count("Task: #1") <= 3 and body.count("Task: #1\nTask: #1") == 0
    other = tree.git("rebase", "--apply", "--force-rebase", "main")
    assert "gittasks:" not in other


def rebase_with_a_broken_task(desk: Desk) -> None:
    """A rebase that stops is concluded by `git commit`, which is judged like any other."""
    desk.git("switch", "-c", "side")
    desk.change("priority: 2", "priority: 1")
    desk.git("commit", "-am", "one")
    desk.git("switch", "main")
    desk.git("config", "merge.gittasks.driver", "false")
    desk.change("priority: 2", "priority: 3")
    desk.git("commit", "-am", "two")
    desk.git("switch", "side")
    desk.git("rebase", "main", code=1)
    desk.git("add", "-A")
    text = (desk.repo / ".tasks" / "1.yaml").read_text()
    (desk.repo / ".tasks" / "1.yaml").write_text(text.replace("status: pending", "status: running"))
    desk.git("add", "-A")
    assert REFUSED in desk.git("commit", "-m", "x", code=1)
    desk.git("rebase", "--abort")


def mailbox(desk: Desk) -> None:
    desk.git("switch", "-c", "side")
    desk.change("priority: 2", "priority: 1")
    desk.git("commit", "-am", "one")
    patch = desk.git("format-patch", "--stdout", "main")
    desk.git("switch", "main")
    assert "gittasks" not in desk.git("am", stdin=patch)
    assert copy_of(desk.repo).priority == 1


def bisect(desk: Desk) -> None:
    folder = start(at(desk.repo))
    tree = Desk(folder)
    tree.git("commit", "-m", "start")
    for number in range(6):
        (folder / "file").write_text(f"{number}\n")
        tree.git("add", "-A")
        tree.git("commit", "-m", f"change {number}")
    said = tree.git("bisect", "start", "HEAD", "HEAD~6") + tree.git(
        "bisect", "run", "sh", "-c", "! grep -q 3 file"
    )
    assert "gittasks" not in said


def cherry_pick_and_revert(desk: Desk) -> None:
    desk.git("switch", "-c", "side")
    desk.change("priority: 2", "priority: 1")
    desk.git("commit", "-am", "one")
    desk.git("switch", "main")
    desk.git("cherry-pick", "side")
    desk.git("revert", "--no-edit", "HEAD")
    assert copy_of(desk.repo).priority == 2


def linked_worktree(desk: Desk) -> None:
    desk.git("worktree", "add", "../side", "-b", "side")
    Desk(desk.repo.parent / "side").judge()


def moved_worktree(desk: Desk) -> None:
    desk.git("worktree", "add", "../side", "-b", "side")
    desk.git("worktree", "move", "../side", "../elsewhere")
    Desk(desk.repo.parent / "elsewhere").judge()


def submodule(desk: Desk) -> None:
    outer = desk.repo.parent / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "submodule", "add", "-q", str(desk.repo), "inner")
    git(outer, "commit", "-q", "-m", "first")
    inner = Desk(outer / "inner")
    install_hooks(at(inner.repo))
    inner.judge()
    assert "gittasks" not in Desk(outer).git("commit", "-am", "the inner one moved")
    assert "gittasks" not in Desk(outer).git("submodule", "update", "--init")


def sparse_checkout(desk: Desk) -> None:
    """`.tasks` is not checked out: what counts is the index."""
    (desk.repo / "src").mkdir()
    (desk.repo / "src" / "a").write_text("a\n")
    desk.git("add", "-A")
    desk.git("commit", "-m", "source")
    desk.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    assert not (desk.repo / ".tasks").exists()
    (desk.repo / "src" / "a").write_text("b\n")
    assert "gittasks" not in desk.git("commit", "-am", "source")
    oid = desk.git("hash-object", "-w", "--stdin", stdin="id: 9\n").strip()
    desk.git("update-index", "--add", "--cacheinfo", f"100644,{oid},.tasks/3.yaml")
    assert REFUSED in desk.git("commit", "-m", "broken", code=1)


def partial_clone(desk: Desk) -> None:
    desk.git("config", "uploadpack.allowFilter", "true")
    copy = desk.repo.parent / "copy"
    git(desk.repo.parent, "clone", "-q", "--filter=blob:none", desk.repo.as_uri(), str(copy))
    install_hooks(at(copy))
    # Whatever a hook needs is here already: nothing may be fetched for it.
    git(copy, "remote", "set-url", "origin", str(desk.repo.parent / "gone"))
    Desk(copy).judge()


def shallow_clone(desk: Desk) -> None:
    copy = desk.repo.parent / "copy"
    git(desk.repo.parent, "clone", "-q", "--depth=1", desk.repo.as_uri(), str(copy))
    install_hooks(at(copy))
    tree = Desk(copy)
    tree.judge()
    tree.git("push", "origin", "HEAD:refs/heads/from-copy")
    tree.change("status: pending", "status: running")
    tree.git("commit", "-am", "bad", "--no-verify")
    assert "push refused" in tree.git("push", "origin", "HEAD:refs/heads/from-copy", code=1)


def dot_files(desk: Desk) -> None:
    """GIT_DIR and GIT_WORK_TREE: a worktree without `.git`, as people keep their dot files."""
    home = desk.repo.parent / "dots"
    home.mkdir()
    git_dir = desk.repo.parent / "dots.git"
    (desk.repo / ".git").rename(git_dir)
    git(desk.repo.parent, "--git-dir", str(git_dir), "config", "core.bare", "false")
    (desk.repo / ".tasks").rename(home / ".tasks")
    (desk.repo / "README").rename(home / "README")
    named = ("--git-dir", str(git_dir), "--work-tree", str(home))
    Desk(home, options=named).judge()
    Desk(home, env={"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(home)}).judge()
    below = home / "below"
    below.mkdir()
    env = {"GIT_DIR": os.path.relpath(git_dir, below), "GIT_WORK_TREE": ".."}
    tree = Desk(home)
    tree.change("status: pending", "status: running")
    assert REFUSED in Desk(below, env=env).git("commit", "-am", "bad", code=1)


def another_index(desk: Desk) -> None:
    index = str(desk.repo.parent / "other-index")
    other = Desk(desk.repo, env={"GIT_INDEX_FILE": index})
    other.git("read-tree", "HEAD")
    edit(desk.repo, 1, "status: pending", "status: running")
    other.git("commit", "--allow-empty", "-m", "the broken one is in another index")
    other.git("add", "-A")
    assert REFUSED in other.git("commit", "-m", "here it is in", code=1)
    relative = Desk(desk.repo, env={"GIT_INDEX_FILE": "../other-index"})
    assert REFUSED in relative.git("commit", "-m", "here it is in", code=1)


def other_objects(desk: Desk) -> None:
    """Objects in a place of their own, as they are in quarantine."""
    place = desk.repo.parent / "objects"
    place.mkdir()
    env = {
        "GIT_OBJECT_DIRECTORY": str(place),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(desk.repo / ".git" / "objects"),
        "GIT_QUARANTINE_PATH": str(place),
    }
    tree = Desk(desk.repo, env=env)
    tree.change("status: pending", "status: running")
    assert REFUSED in tree.git("commit", "-am", "bad", code=1)
    assert any(place.iterdir())


def strange_settings(desk: Desk) -> None:
    settings = {
        "diff.external": "false",
        "diff.noprefix": "true",
        "diff.renames": "copies",
        "color.ui": "always",
        "log.showSignature": "true",
        "core.quotePath": "false",
        "core.commentChar": ";",
        "status.relativePaths": "false",
        "trailer.separators": "#",
        "core.abbrev": "4",
    }
    for name, value in settings.items():
        desk.git("config", name, value)
    env = {
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_DIFF_OPTS": "-u0",
        "GIT_TRACE": "0",
    }
    Desk(desk.repo, env=env).judge()
    folder = start(at(desk.repo))
    git(folder, "commit", "-q", "-m", "start")
    assert git(folder, "log", "-1", "--no-show-signature", "--format=%B") == "start\n\nTask: #1"


def pull_with_rebase_and_autostash(desk: Desk) -> None:
    copy = desk.repo.parent / "copy"
    git(desk.repo.parent, "clone", "-q", str(desk.repo), str(copy))
    install_hooks(at(copy))
    at(desk.repo).complete(1)
    desk.git("commit", "-m", "done")
    tree = Desk(copy)
    (copy / "README").write_text("dirty\n")
    assert "landed on main: #1" in tree.git("pull", "--rebase", "--autostash")
    assert (copy / "README").read_text() == "dirty\n"


def receive_into_a_checkout(desk: Desk) -> None:
    """A push into a repository that updates its checkout: none of its hooks of ours is in the way."""
    desk.git("config", "receive.denyCurrentBranch", "updateInstead")
    copy = desk.repo.parent / "copy"
    git(desk.repo.parent, "clone", "-q", str(desk.repo), str(copy))
    at(copy).complete(1)
    git(copy, "commit", "-q", "-m", "done")
    assert "gittasks" not in Desk(copy).git("push", "origin", "main")
    assert copy_of(desk.repo).status == "completed"


CASES = (
    commit_all,
    commit_path,
    commit_include,
    commit_amend,
    commit_patch,
    from_below,
    stash,
    rebase_interactive,
    rebase_with_a_broken_task,
    mailbox,
    bisect,
    cherry_pick_and_revert,
    linked_worktree,
    moved_worktree,
    submodule,
    sparse_checkout,
    partial_clone,
    shallow_clone,
    dot_files,
    another_index,
    other_objects,
    strange_settings,
    pull_with_rebase_and_autostash,
    receive_into_a_checkout,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_hooks_work_in(desk: Desk, case: Callable[[Desk], None]) -> None:
    case(desk)


def test_hooks_work_in_a_repository_of_sha256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITTASKS_HOOK_LIMIT_S", "60")
    desk = made(tmp_path / "repo", "--object-format=sha256")
    desk.judge()
    linked_worktree(desk)
    desk.git("switch", "-q", "--orphan", "fresh")
    (desk.repo / ".tasks").mkdir(exist_ok=True)
    (desk.repo / ".tasks" / "1.yaml").write_text("id: 2\n")
    desk.git("add", "-A")
    assert REFUSED in desk.git("commit", "-m", "first", code=1)


@pytest.mark.skipif(GIT_VERSION < (2, 45), reason="this git has no reftable")
def test_hooks_work_in_a_repository_of_reftable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITTASKS_HOOK_LIMIT_S", "60")
    desk = made(tmp_path / "repo", "--ref-format=reftable")
    desk.judge()
    said = desk.git("worktree", "add", "../side", "-b", "1-fix")
    assert "on #1, in progress: Fix the login" in said
    side = Desk(tmp_path / "side")
    side.git("commit", "-m", "begin")
    at(side.repo).complete(1)
    side.git("commit", "-m", "done")
    assert "landed on main: #1" in desk.git("merge", "1-fix")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
def test_hooks_work_where_somebody_elses_repository_is_called_safe(desk: Desk) -> None:
    for folder, names, files in os.walk(desk.repo):
        for name in (*names, *files):
            os.chown(os.path.join(folder, name), 12345, 12345, follow_symlinks=False)
    os.chown(desk.repo, 12345, 12345)
    assert "dubious ownership" in desk.git("status", code=128)
    desk.change("status: pending", "status: running")
    safe = Desk(desk.repo, options=("-c", f"safe.directory={desk.repo}"))
    assert REFUSED in safe.git("commit", "-am", "bad", code=1)
    env = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": str(desk.repo),
    }
    assert REFUSED in Desk(desk.repo, env=env).git("commit", "-am", "bad", code=1)
