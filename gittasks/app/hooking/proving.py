"""Running what is installed, to see that git reaches our side of each hook, and the user's own behind it.

The user's code itself is not run: outside of the moment that it was written for, it may push, deploy or delete. A
copy of the hook runs in a repository made for it, as git would run it, with a probe in the place of the user's lines:
it must get the arguments, the input and the last word on the exit code. The rest of the file is theirs byte for byte.
"""

from __future__ import annotations

import os
import tempfile

from gittasks.app.hooking.places import CONFIG, FILE, HUSKY, find_folder
from gittasks.base import proc
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.git import Git, scrub
from gittasks.workgraph import store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittasks.app.hooking.installing import State
    from gittasks.app.hooking.places import Place
    from gittasks.app.project import Project

_ARGS = {
    "prepare-commit-msg": (".git/COMMIT_EDITMSG", "message"),
    "commit-msg": (".git/COMMIT_EDITMSG",),
    "post-checkout": ("0" * 40, "1" * 40, "1"),
    "post-merge": ("0",),
    "post-rewrite": ("rebase",),
    "pre-push": ("origin", "a b $HOME"),
}
_INPUT = b"refs/heads/$HOME `id` 1 refs/heads/b 0\nrefs/heads/c 1 refs/heads/d 0\n"
# Any exit code that neither a shell nor we would give.
_CODE = 42
_OURS, _THEIRS = "ours", "theirs"


class Proof(NamedTuple):
    """What came of running a hook. `ours`: whether our side was reached; `yours`: whether the user's lines were, as
    git would reach them. `None` where there is nothing to run, or it cannot be run without running what is not ours.
    """

    ours: bool | None
    yours: bool | None
    why: str = ""


def prove(project: Project, states: Sequence[State]) -> dict[str, Proof]:
    """A proof for each hook of ours that stands in a file, or in git's configuration, by event."""
    standing = [state.place for state in states if _stands(state.place, state.state)]
    if not standing:
        return {}
    husky = find_folder(project).husky
    with tempfile.TemporaryDirectory(prefix="gittasks-hooks-") as scratch:
        scene = _Scene(scratch, project.env)
        return {place.event: _prove(project, scene, place, husky) for place in standing}


def _stands(place: Place, state: str) -> bool:
    return (
        place.block is not None
        if place.way in (FILE, HUSKY)
        else place.way == CONFIG and state == "installed"
    )


class _Scene:
    """A repository made to run hooks in, with a `.tasks` to be asked about."""

    def __init__(self, folder: str, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.repo = os.path.join(folder, "repo")
        os.makedirs(os.path.join(self.repo, store.FOLDER))
        kept = {
            name: value for name, value in scrub(env).items() if not name.startswith(("GITTASKS_", "HUSKY"))
        }
        # An editor that is one: hooks that only look behind an editor must look.
        self.env = kept | {"GIT_EDITOR": "vi", "XDG_CONFIG_HOME": folder, "LC_ALL": "C"}
        Git(self.repo, self.env).output("init", "-q", "--template=", write=True)
        with open(os.path.join(self.repo, ".git", "COMMIT_EDITMSG"), "w", encoding="ascii") as file:
            file.write("probe\n")

    def run(self, path: str, event: str) -> tuple[int, bool, list[str]]:
        """Run a hook; its exit code, whether it reached us, and the lines that a probe in it wrote."""
        ours, theirs = (os.path.join(self.folder, f"{event}.{kind}") for kind in (_OURS, _THEIRS))
        env = self.env | {"GITTASKS_HOOK_PROBE": ours, "GITTASKS_PROBE_OUT": theirs}
        argv = [path, *_ARGS.get(event, ())]
        try:
            code = proc.run(argv, cwd=self.repo, env=env, stdin=_INPUT).returncode
        except OSError:  # no first line: git has it read by sh, as every shell does
            code = proc.run(("/bin/sh", *argv), cwd=self.repo, env=env, stdin=_INPUT).returncode
        return code, _lines(ours) == [event], _lines(theirs)


# What stands in for the user's lines.
_PROBE = f"""printf '%s\\n' "$@" >"$GITTASKS_PROBE_OUT"
cat >>"$GITTASKS_PROBE_OUT"
exit {_CODE}
""".encode()


def _prove(project: Project, scene: _Scene, place: Place, husky: str | None) -> Proof:
    if place.way == CONFIG:
        return _prove_configured(project, scene, place)
    data, block = place.data, place.block
    if data is None or block is None:
        return Proof(None, None)
    if place.way == FILE and not os.access(place.path, os.X_OK):
        return Proof(False, None, "may not be executed, so git leaves it out")
    before, behind = data[: block.start], data[block.end :]
    if any(line.strip() and not line.startswith(b"#") for line in before.splitlines()):
        return Proof(None, None, "your own lines stand before ours, and are not run to look behind them")
    path = os.path.join(scene.folder, "hooks", os.path.basename(place.path))
    _write(path, before + data[block.start : block.end] + _PROBE)
    entry = path if husky is None else _copy_husky(husky, path, place.event)
    code, ours, heard = scene.run(entry, place.event)
    said = (
        _INPUT.decode().splitlines()
        if place.event == "pre-push"
        else heard[len(_ARGS.get(place.event, ())) :]
    )
    yours = code == _CODE and heard == [*_ARGS.get(place.event, ()), *said]
    why = "" if ours else "git does not reach gittasks through it"
    if not yours:
        why = "the lines of gittasks keep yours from running as before: `gittasks hooks install` mends them"
    return Proof(ours, yours if behind.strip() else None, why)


def _prove_configured(project: Project, scene: _Scene, place: Place) -> Proof:
    """git itself runs every hook that it lists, ours and the file that is none of ours."""
    listed = project.git.lines("hook", "list", place.event)
    _, ours, _ = scene.run(place.path, place.event)
    theirs = os.path.join(find_folder(project).folder, place.event)
    is_there = os.path.lexists(theirs) and os.access(theirs, os.X_OK)
    yours = any("hookdir" in line for line in listed) if is_there else None
    return Proof(ours and any("gittasks" in line for line in listed), yours)


def _copy_husky(husky: str, path: str, event: str) -> str:
    """husky's own two files for the event, beside the hook at `path` as they stand beside the real one."""
    folder = os.path.join(os.path.dirname(path), os.path.basename(husky))
    for name in ("h", event):
        with open(os.path.join(husky, name), "rb") as file:
            _write(os.path.join(folder, name), file.read())
    return os.path.join(folder, event)


def _write(path: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o700)


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []
