"""git on a host: the repository that commits are pushed to, the worktree of a run, and what a run left there."""

from __future__ import annotations

import os

from gittasks.app.remote import place as places
from gittasks.base import flock
from gittasks.base.errors import SetupError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import shipping
from gittasks.repo.git import Git
from gittasks.repo.snapshot import take_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.app.remote.place import Place

_LOCK_TIMEOUT_S = 300.0
_SETTINGS = {
    # A clone that lacks its oldest commits may send what it has.
    "receive.shallowUpdate": "true",
    "core.logAllRefUpdates": "false",
}
_FORMATS = ("sha1", "sha256")


class TreeError(SetupError):
    """git on this host could not do its part."""


def prepare(place: Place, key: str, object_format: str, env: Mapping[str, str]) -> str:
    """The path of a clone's repository, made where it is missing. Raises `GitTooOldError`, `TreeError`."""
    path = place.repository(key)
    os.makedirs(place.repositories, 0o700, exist_ok=True)
    git = Git(place.repositories, env)
    git.require_version()
    if object_format not in _FORMATS:
        raise places.BadRequestError(f"{object_format[:40]!r} is no object format")
    with _lock(place, key):
        if not os.path.exists(os.path.join(path, "HEAD")):
            args = ("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}")
            _do(git, *args, "--", path)
            for name, value in _SETTINGS.items():
                _do(Git(path, env), "config", name, value)
    return path


def plant(place: Place, job_id: str, key: str, commit: str, env: Mapping[str, str]) -> str:
    """Make the worktree of a run, on the commit that was pushed for it, and answer its path. Raises `TreeError`."""
    tree = place.tree(job_id)
    git = Git(place.repository(key), env)
    if git.find_line("rev-parse", "--quiet", "--verify", shipping.start_ref(job_id)) != commit:
        raise TreeError("the commit did not arrive")
    # Two at once in one repository race for its lock files.
    with _lock(place, key):
        _do(git, "worktree", "add", "--quiet", "--detach", "--", tree, commit)
    return tree


def collect(
    place: Place, job_id: str, key: str, commit: str, env: Mapping[str, str]
) -> tuple[str | None, int]:
    """Keep what an ended run left, by the ref of its result: the commit, and how many files differ from the start.

    `None` where nothing changed. Whoever asks again gets the same answer.
    """
    git = Git(place.repository(key), env)
    ref = shipping.result_ref(job_id)
    result = git.find_line("rev-parse", "--quiet", "--verify", ref)
    tree = place.tree(job_id)
    if result is None and os.path.isdir(tree):
        index_file = os.path.join(place.job(job_id), "index")
        result = take_snapshot(Git(tree, env), index_file=index_file, message=f"left by run {job_id}").commit
        shipping.keep(git, ref, result)
    if result is None or result == commit:
        return None, 0
    return result, len(git.fields("diff-tree", "-r", "-z", "--name-only", "--no-renames", commit, result))


def clear(place: Place, job_id: str, key: str, commit: str, env: Mapping[str, str]) -> None:
    """Remove the worktree and the refs of an ended run; what was shipped is kept, for the next push to build on."""
    git = Git(place.repository(key), env)
    with _lock(place, key):
        git.call("worktree", "remove", "--force", "--force", "--", place.tree(job_id), write=True)
        if os.path.isdir(place.tree(job_id)):
            # What git does not take for a worktree any more, since the command broke it.
            import shutil

            shutil.rmtree(place.tree(job_id))
            git.call("worktree", "prune", "--expire=now", write=True)
        if git.success("cat-file", "-e", f"{commit}^{{commit}}"):
            shipping.keep(git, shipping.LAST, commit)
        shipping.drop(git, shipping.start_ref(job_id), shipping.result_ref(job_id))


def _lock(place: Place, key: str) -> flock.Hold:
    path = place.repository(key).removesuffix(".git") + ".lock"
    return flock.Hold(path, purpose="work on a repository", timeout_s=_LOCK_TIMEOUT_S)


def _do(git: Git, *args: str) -> None:
    done = git.call(*args, write=True)
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TreeError(f"git {args[0]} failed: {lines[-1] if lines else done.returncode}")
