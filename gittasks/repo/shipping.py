"""Commits that go to another machine and come back, each kept by a ref of the run they belong to.

    refs/gittasks/runs/<run>/start     what was shipped; the same on both sides
    refs/gittasks/runs/<run>/result    what the run left behind

Knows nothing of runs but their names, and nothing of how the other machine is reached: `ssh` is the command that
git is to call for that.
"""

from __future__ import annotations

from gittasks.base.errors import SetupError
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from gittasks.base.proc import Completed
    from gittasks.repo.git import Git

ROOT = "refs/gittasks/runs/"
# On the other machine: what was shipped last, so that the next push sends only what is new since.
LAST = "refs/gittasks/last"
_PUSH = ("push", "--quiet", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed")
# `git` is all that must be found there.
_THERE = ("--receive-pack=git receive-pack", "--upload-pack=git upload-pack")
# What comes from another machine is looked at before it is let in.
_CHECKED = ("-c", "fetch.fsckObjects=true")
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
_FETCH_MORE = ("--no-auto-maintenance", "--refmap=", "--update-head-ok")


class TransferError(SetupError):
    """Commits could not be sent to another machine, or brought back."""


def start_ref(run: str) -> str:
    """The ref of the commit that a run was started on."""
    return f"{ROOT}{run}/start"


def result_ref(run: str) -> str:
    """The ref of the commit that a run left behind."""
    return f"{ROOT}{run}/result"


def push(git: Git, url: str, run: str, *, ssh: str) -> None:
    """Send the commit that a run starts on, from its ref here to the same ref there. Raises `TransferError`."""
    ref = start_ref(run)
    # Forced: only the run's own client ever writes this ref.
    done = git.call(*_PUSH, _THERE[0], "--", url, f"+{ref}:{ref}", write=True, extra_env=_transport(ssh))
    _require("send the commit", done)


def fetch(git: Git, url: str, run: str, *, ssh: str) -> None:
    """Bring the result of a run back, from its ref there to the same ref here. Raises `TransferError`."""
    ref = result_ref(run)
    args = (*_CHECKED, *_FETCH, *_FETCH_MORE, _THERE[1], "--", url, f"+{ref}:{ref}")
    _require("bring the result back", git.call(*args, write=True, extra_env=_transport(ssh)))


def keep(git: Git, ref: str, commit: str) -> None:
    """Point `ref` at `commit`, whatever it was before. Raises `TransferError`."""
    _require(f"keep {commit}", git.call("update-ref", "-m", "gittasks", ref, commit, write=True))


def drop(git: Git, *names: str) -> None:
    """Delete refs, those that are there."""
    for ref in names:
        git.call("update-ref", "-d", ref, write=True)


def kept_runs(git: Git) -> set[str]:
    """The names of all runs that have a ref here."""
    return {
        line.removeprefix(ROOT).partition("/")[0]
        for line in git.lines("for-each-ref", "--format=%(refname)", ROOT)
    }


def is_kept_elsewhere(git: Git, commit: str) -> bool:
    """Whether a branch, tag or remote-tracking branch holds `commit` too."""
    wanted = ("--count=1", f"--contains={commit}", "--format=x", "refs/heads", "refs/tags", "refs/remotes")
    return bool(git.find_line("for-each-ref", *wanted))


def _transport(ssh: str) -> dict[str, str]:
    return {"GIT_SSH_COMMAND": ssh, "GIT_SSH_VARIANT": "ssh", "GIT_TERMINAL_PROMPT": "0"}


def _require(what: str, done: Completed) -> None:
    if done.returncode:
        words = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        # The cause comes first, then what git makes of it.
        said = "; ".join(words[:2]) or f"git ended with {done.returncode}"
        raise TransferError(f"cannot {what}: {said[:500]}")
