"""Hooks of ours beside those of others: put in where they may stand, and taken out byte for byte."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from gittasks.app.hooking import installing
from gittasks.app.hooking.installing import INSTALLED, LEFT, install_hooks, uninstall_hooks
from gittasks.repo.git import parse_version
from gittasks.repo.hook_text import USUAL
from tests.app.desk import at
from tests.conftest import git

Files = dict[str, tuple[int, bytes]]
HAS_CONFIG_HOOKS = parse_version(git(Path("/"), "version")) >= (2, 54)
OTHERS = {
    "a shell script": (b"#!/bin/sh\nexit 3\n", 0o755),
    "a shell script without a last line feed": (b"#!/bin/bash\necho mine", 0o755),
    "a first line alone": (b"#!/bin/sh", 0o755),
    "no first line": (b"echo mine\n", 0o755),
    "an empty file": (b"", 0o755),
    "only its owner may run it": (b"#!/bin/sh -eu\necho mine\n", 0o700),
    "Latin-1": (b"#!/bin/sh\n# caf\xe9\necho mine\n", 0o755),
}
FOREIGN = {
    "Python": (b"#!/usr/bin/env python3\nprint('mine')\n", 0o755),
    "a program": (b"\x7fELF\0\0\0", 0o755),
    "not executable": (b"#!/bin/sh\nexit 1\n", 0o644),
    "CR LF": (b"#!/bin/sh\r\nexit 0\r\n", 0o755),
}


def below(folder: Path) -> Files:
    """Everything in a folder: mode and content; links as what they lead to."""
    found: Files = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        if path.is_symlink():
            found[str(path)] = (info.st_mode, os.fsencode(os.readlink(path)))
        elif path.is_file():
            found[str(path)] = (info.st_mode, path.read_bytes())
        else:
            found[str(path)] = (info.st_mode, b"")
    return found


def everything(repo: Path) -> Files:
    """The worktree, and the hooks and settings of its clone: what installing could change.

    Not `info/exclude`: each first writer in a clone hides temporary files there, `deinit` takes that line away.
    """
    kept = (".git/hooks", ".git/config", ".husky", "scripts", "lefthook-local.yml")
    found = below(repo)
    return {
        path: facts
        for path, facts in found.items()
        if not path.startswith(f"{repo}/.git/") or path.startswith(tuple(f"{repo}/{name}" for name in kept))
    }


def states(repo: Path) -> dict[str, str]:
    return {place.event: state for place, state in installing.hook_states(at(repo))}


def write(path: Path, data: bytes, mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def test_a_clone_without_hooks_gets_all_of_them_and_loses_them_again(repo: Path) -> None:
    before = everything(repo)
    done = install_hooks(at(repo))
    assert set(states(repo).values()) == {INSTALLED}
    assert {os.path.basename(path) for path in done.changed} == set(USUAL)
    for event in USUAL:
        path = repo / ".git" / "hooks" / event
        assert stat.S_IMODE(path.stat().st_mode) & 0o111
    installed = everything(repo)
    assert install_hooks(at(repo)).changed == ()
    assert everything(repo) == installed
    gone = uninstall_hooks(at(repo))
    assert (len(gone.removed), gone.left) == (len(USUAL), ())
    assert everything(repo) == before
    assert uninstall_hooks(at(repo)).removed == ()


def test_a_folder_of_hooks_that_was_not_there_is_not_there_again(repo: Path) -> None:
    hooks = repo / ".git" / "hooks"
    for path in hooks.iterdir():
        path.unlink()
    hooks.rmdir()
    before = everything(repo)
    install_hooks(at(repo))
    assert set(states(repo).values()) == {INSTALLED}
    uninstall_hooks(at(repo))
    assert everything(repo) == before


@pytest.mark.parametrize("name", OTHERS)
def test_a_shell_script_of_the_user_gets_a_block_and_loses_it(repo: Path, name: str) -> None:
    data, mode = OTHERS[name]
    for event in USUAL:
        write(repo / ".git" / "hooks" / event, data, mode)
    before = everything(repo)
    install_hooks(at(repo))
    assert set(states(repo).values()) == {INSTALLED}
    for event in USUAL:
        path = repo / ".git" / "hooks" / event
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert path.read_bytes().endswith(data.partition(b"\n")[2])
    uninstall_hooks(at(repo))
    assert everything(repo) == before


@pytest.mark.skipif(
    HAS_CONFIG_HOOKS, reason="this git runs hooks from its configuration, so none is left alone"
)
@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_shell_script_is_left_alone_and_named(repo: Path, name: str) -> None:
    write(repo / ".git" / "hooks" / "pre-push", *FOREIGN[name])
    before = everything(repo)
    install_hooks(at(repo))
    assert states(repo) == dict.fromkeys(USUAL, INSTALLED) | {"pre-push": LEFT}
    assert (repo / ".git" / "hooks" / "pre-push").read_bytes() == FOREIGN[name][0]
    uninstall_hooks(at(repo))
    assert everything(repo) == before


@pytest.mark.skipif(
    HAS_CONFIG_HOOKS, reason="this git runs hooks from its configuration, so none is left alone"
)
def test_a_hook_that_is_a_link_is_not_written_through(repo: Path) -> None:
    write(repo / "scripts" / "check.sh", b"#!/bin/sh\nexit 0\n")
    (repo / ".git" / "hooks" / "pre-commit").symlink_to("../../scripts/check.sh")
    before = everything(repo)
    install_hooks(at(repo))
    assert states(repo)["pre-commit"] == LEFT
    assert (repo / "scripts" / "check.sh").read_bytes() == b"#!/bin/sh\nexit 0\n"
    uninstall_hooks(at(repo))
    assert everything(repo) == before


def test_a_folder_of_the_team_gets_lines_without_anything_of_this_machine(repo: Path) -> None:
    write(repo / "scripts" / "hooks" / "pre-commit", b"#!/bin/sh\nmake lint\n")
    git(repo, "config", "core.hooksPath", "scripts/hooks")
    before = everything(repo)
    done = install_hooks(at(repo))
    assert set(states(repo).values()) == {INSTALLED}
    for event in USUAL:
        data = (repo / "scripts" / "hooks" / event).read_bytes()
        assert str(repo).encode() not in data and b"python" not in data
    assert "others get these" in " ".join(done.messages)
    assert git(repo, "config", "core.hooksPath") == "scripts/hooks"
    uninstall_hooks(at(repo))
    assert everything(repo) == before


@pytest.mark.skipif(
    HAS_CONFIG_HOOKS, reason="this git runs hooks from its configuration, so none is left alone"
)
def test_a_folder_outside_of_the_repository_is_never_written_to(repo: Path, tmp_path: Path) -> None:
    write(tmp_path / "global" / "pre-commit", b"#!/bin/sh\nexit 0\n")
    git(repo, "config", "core.hooksPath", str(tmp_path / "global"))
    before = below(tmp_path / "global"), everything(repo)
    install_hooks(at(repo))
    assert set(states(repo).values()) == {LEFT}
    uninstall_hooks(at(repo))
    assert (below(tmp_path / "global"), everything(repo)) == before


def test_lines_under_another_hooks_path_are_found_again(repo: Path) -> None:
    before = everything(repo)
    install_hooks(at(repo))
    (repo / "other").mkdir()
    git(repo, "config", "core.hooksPath", "other")
    uninstall_hooks(at(repo))
    (repo / "other").rmdir()
    git(repo, "config", "--unset", "core.hooksPath")
    assert everything(repo) == before


def left_behind(repo: Path, *, husky: bool = False) -> Files:
    """Hooks in a folder that git does not look at any more, here and in another worktree; what was there before."""
    if husky:
        write(repo / ".husky" / "_" / "h", b"#!/bin/sh\n")
        write(repo / ".husky" / "pre-commit", b"make lint\n")
    else:
        write(repo / "team" / "pre-commit", b"#!/bin/sh\nmake lint\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "hooks of the team")
    before = everything(repo)
    git(repo, "config", "core.hooksPath", ".husky/_" if husky else "team")
    install_hooks(at(repo))
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-n", "-m", "ours in them")
    git(repo, "worktree", "add", "-q", "-f", "../side")
    git(repo, "config", "--unset", "core.hooksPath")
    return before


@pytest.mark.parametrize("husky", [False, True])
def test_lines_in_a_folder_that_git_forgot_are_found_and_named(repo: Path, husky: bool) -> None:
    before = left_behind(repo, husky=husky)
    folder = ".husky" if husky else "team"
    paths = {str(repo / folder / event) for event in USUAL}
    assert set(installing.files_left_behind(at(repo))) == paths
    install_hooks(at(repo))
    assert set(installing.files_left_behind(at(repo))) == paths
    done = uninstall_hooks(at(repo))
    assert paths.union(str(repo.parent / "side" / folder / event) for event in USUAL) <= set(done.removed)
    assert everything(repo) == before
    assert installing.files_left_behind(at(repo)) == []
    assert uninstall_hooks(at(repo)).removed == ()


def test_what_is_remembered_leads_nowhere_else(repo: Path, tmp_path: Path) -> None:
    install_hooks(at(repo))
    (repo / ".git" / "hooks").rename(tmp_path / "outside")
    (repo / "link").symlink_to(tmp_path / "outside")
    memory = repo / ".git" / "gittasks" / "hook-folders.json"
    memory.write_text(
        json.dumps({"worktree": ["../outside", str(tmp_path / "outside"), "link", "\0", 7], "git": []})
    )
    before = below(tmp_path / "outside")
    assert uninstall_hooks(at(repo)).removed == ()
    memory.write_text("[1]")
    assert uninstall_hooks(at(repo)).removed == ()
    assert below(tmp_path / "outside") == before


@pytest.mark.skipif(
    HAS_CONFIG_HOOKS, reason="this git runs hooks from its configuration, so none is left alone"
)
def test_settings_of_lefthook_behind_a_link_are_not_written(repo: Path, tmp_path: Path) -> None:
    write(repo / ".git" / "hooks" / "pre-commit", b"#!/bin/sh\ncall_lefthook() { :; }\n")
    write(tmp_path / "elsewhere" / "lefthook-local.yml", b"output: []\n", 0o644)
    (repo / ".config").symlink_to(tmp_path / "elsewhere")
    before = below(tmp_path / "elsewhere")
    install_hooks(at(repo))
    assert states(repo)["pre-commit"] == LEFT
    assert below(tmp_path / "elsewhere") == before


def test_an_older_block_is_brought_up_to_date(repo: Path) -> None:
    write(repo / ".git" / "hooks" / "post-merge", b"#!/bin/sh\nmake tags\n")
    install_hooks(at(repo))
    path = repo / ".git" / "hooks" / "post-merge"
    wanted = path.read_bytes()
    path.write_bytes(wanted.replace(b"-P -m gittasks", b"-m gittasks"))
    assert states(repo)["post-merge"] == "outdated"
    assert install_hooks(at(repo)).changed == (str(path),)
    assert path.read_bytes() == wanted


def test_marks_that_were_changed_keep_only_that_hook_from_being_taken_away(repo: Path) -> None:
    install_hooks(at(repo))
    path = repo / ".git" / "hooks" / "pre-commit"
    path.write_bytes(path.read_bytes().replace(b"# <<< gittasks hooks <<<\n", b""))
    gone = uninstall_hooks(at(repo))
    assert len(gone.removed) == len(USUAL) - 1
    [reason] = gone.left
    assert "pre-commit" in reason and "marks" in reason


def test_a_linked_worktree_shares_the_hooks_of_its_clone(repo: Path) -> None:
    git(repo, "worktree", "add", "-q", "../side")
    install_hooks(at(repo.parent / "side"))
    assert set(states(repo).values()) == {INSTALLED}
    uninstall_hooks(at(repo))
    assert set(states(repo.parent / "side").values()) == {"missing"}
