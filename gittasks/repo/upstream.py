"""The upstream of the current branch: fetching it, merging it, pushing to it.

Knows nothing of tasks but the folder that is not code. Only ever pushes to the one branch that is the upstream, and
never by force.
"""

from __future__ import annotations

import os

from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import refs
from gittasks.repo.git import failure
from gittasks.repo.refs import Commit

if TYPE_CHECKING:
    from gittasks.base.proc import Completed
    from gittasks.repo.git import Git

_FETCH = ("fetch", "--quiet", "--no-recurse-submodules")
_PUSH = ("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no")
_MERGE = ("merge", "--no-edit", "--quiet", "--ff", "--no-squash", "--commit", "--no-autostash")

# Of `branch.<name>` in git's config: that its code is to be pushed too, like git's own settings of how it is pushed.
PUSH_CODE = "gittasksPushCode"
PUSHED, BEHIND, REJECTED, UNREACHED = "pushed", "behind", "rejected", "unreached"


class NoUpstreamError(RefusedError):
    """The current branch has no branch on a remote that it belongs to."""


class MergeImpossibleError(RefusedError):
    """git would not begin the merge; nothing was changed."""


class Upstream(NamedTuple):
    """`branch` is the local one, `ref` its counterpart on `remote`, `tracking` what was last fetched of that."""

    branch: str
    remote: str
    ref: str
    tracking: str

    @property
    def name(self) -> str:
        """As people call it: `origin/main`."""
        return self.tracking.removeprefix("refs/remotes/")


def find_upstream(git: Git) -> Upstream:
    """The upstream of the branch that is checked out. Raises `NoUpstreamError`."""
    branch = refs.find_current_branch(git)
    if branch is None:
        raise NoUpstreamError(
            "no branch is checked out here", hint="`git switch` to the branch to sync first"
        )
    remote = git.find_line("config", "--get", f"branch.{branch}.remote")
    ref = git.find_line("config", "--get", f"branch.{branch}.merge")
    tracking = git.find_line("rev-parse", "--symbolic-full-name", "@{upstream}")
    if not remote or remote == "." or not ref or not (tracking or "").startswith("refs/remotes/"):
        raise NoUpstreamError(
            f"{branch} has no upstream on a remote", hint=f"`git push -u origin {branch}` gives it one"
        )
    return Upstream(branch, remote, ref, tracking or "")


def wants_code(git: Git, branch: str) -> bool:
    """Whether the user's settings ask that code of `branch` be pushed too. Raises `GitError` for no boolean."""
    args = ("config", "--type=bool", "--get", f"branch.{branch}.{PUSH_CODE}")
    done = git.call(*args)
    if done.returncode > 1:
        raise failure(args, done)
    return done.stdout.strip() == b"true"


def fetch(git: Git, remote: str) -> str | None:
    """Fetch the branches of `remote`; `None`, or git's last words where it was not reached."""
    done = git.call(*_FETCH, "--", remote, write=True, extra_env={"GIT_TERMINAL_PROMPT": "0"})
    return None if done.returncode == 0 else _last_words(done)


def code_commits(git: Git, upstream: str, head: str, folder: str) -> list[Commit]:
    """The commits of `head` that `upstream` has not, and that change anything outside `folder`; newest first."""
    output = git.output(
        *("log", "-z", "--format=%H %s", "--no-show-signature", f"{upstream}..{head}"),
        *("--", ":(top)", f":(top,exclude,literal){folder}"),
    )
    lines = [line.partition(" ") for line in output.decode("utf-8", "replace").split("\0") if line]
    return [Commit(oid, subject) for oid, _, subject in lines]


def count_commits(git: Git, old: str, new: str) -> int:
    """How many commits `new` has that `old` has not."""
    return int(git.line("rev-list", "--count", f"{old}..{new}"))


def merge(git: Git, git_dir: str, upstream: Upstream) -> bool:
    """Merge what was fetched of the upstream, with the user's hooks; whether that went through without a conflict.

    With a conflict the merge is left as it stopped. Raises `MergeImpossibleError`.
    """
    done = git.call(*_MERGE, upstream.tracking, write=True)
    if done.returncode == 0:
        return True
    if os.path.lexists(os.path.join(git_dir, "MERGE_HEAD")):
        return False
    said = (done.stderr + done.stdout).decode("utf-8", "replace").strip()
    raise MergeImpossibleError(
        f"{upstream.name} cannot be merged here; nothing was changed. git says:\n{said}",
        hint="commit or stash what is in the way, then sync again",
    )


def abort_merge(git: Git) -> None:
    """Put everything back as it was before a merge that stopped."""
    git.output("merge", "--abort", write=True)


def end_merge(git: Git) -> str | None:
    """Commit a merge whose conflicts are all settled; `None`, or git's last words (a hook said no)."""
    done = git.call("commit", "--no-edit", "--quiet", write=True)
    return None if done.returncode == 0 else _last_words(done)


def push(git: Git, upstream: Upstream, commit: str) -> tuple[str, str]:
    """Push exactly `commit` to the upstream branch, with the user's hooks.

    Answers `PUSHED`, `BEHIND` (somebody pushed meanwhile), `REJECTED` or `UNREACHED`, and git's last words.
    """
    env = {"GIT_TERMINAL_PROMPT": "0"}
    spec = f"{commit}:{upstream.ref}"
    done = git.call(*_PUSH, "--", upstream.remote, spec, write=True, extra_env=env)
    if done.returncode == 0:
        return PUSHED, ""
    flags = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith("!\t")]
    if any("(non-fast-forward)" in line or "(fetch first)" in line for line in flags):
        return BEHIND, ""
    if flags:
        return REJECTED, flags[0].split("\t")[-1]
    return UNREACHED, _last_words(done)


def _last_words(done: Completed) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"git exits {done.returncode}"
