"""One command for teams that want no ceremony: commit the tasks, take in what others did, publish the own (`sync`).

What it does to the branch that is checked out, in this order: changed task files and notes are committed (nothing
else is); the upstream is fetched and merged, task conflicts being settled field by field as `resolve` does; the
branch is pushed to its upstream, if all that the upstream lacks are tasks. A single commit of code in between is not
ours to publish: then nothing is pushed, and the commits in the way are named; unless the user asks for it, once or in
git's config for the branch. Nothing is ever forced. Claims are told to the remotes that they name, in any case.
"""

from __future__ import annotations

from gittasks.app import claim_moves, merging, publishing, resolving
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import listed, printable
from gittasks.repo import index, refs, stages, upstream
from gittasks.repo import merging as git_merging
from gittasks.repo.upstream import BEHIND, REJECTED, UNREACHED, NoUpstreamError
from gittasks.workgraph import store
from gittasks.workgraph.resolution import Choices

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.app.resolving import Resolution
    from gittasks.repo.refs import Commit
    from gittasks.repo.upstream import Upstream

UP_TO_DATE, CODE, OFF, CONFLICT = "up_to_date", "code", "off", "conflict"
_TRIES = 3
_MESSAGE = "Update tasks"


class StandsInTheWayError(RefusedError):
    """Something that sync will not decide: a merge under way, staged files, code in conflict."""


class OnlyClaimsError(NoUpstreamError):
    """The branch has no upstream: nothing became of its tasks, claims were exchanged. `claims` is as in `Synced`."""

    def __init__(self, message: str, *, hint: str | None, claims: tuple[str, ...]) -> None:
        super().__init__(message, hint=hint)
        self.claims = claims

    @property
    def details(self) -> Mapping[str, Any]:
        """The messages of claims."""
        return {"claims": list(self.claims)}


class Synced(NamedTuple):
    """What sync did. `outcome` is one word: `pushed`; `up_to_date`; `off` (not asked to push); `code` (commits of
    code stand in the way of a push); `conflict` (`resolution.open` is to be decided, the merge waits for it);
    `rejected` or `unreached`, with git's `words`. `code` are the commits of code that were pushed, or were not.

    `claims` are messages of what came of the claims that the remote is to know of (safe to print).
    `committed` is the commit of task files that was made, `incoming` counts the commits that were taken in.
    """

    outcome: str
    upstream: str
    committed: str | None = None
    incoming: int = 0
    outgoing: int = 0
    code: tuple[Commit, ...] = ()
    resolution: Resolution | None = None
    words: str = ""
    claims: tuple[str, ...] = ()


def sync(project: Project, *, push: bool = True, push_code: bool = False) -> Synced:
    """Bring the tasks of this branch and of its upstream together. `push_code`: commits of code are pushed too.

    Raises `OnlyClaimsError`, `StandsInTheWayError`, `MergeImpossibleError`, `GitError` (a hook said no).
    """
    project.require_tasks()
    git = project.git
    operation = index.operation_in_progress(project.checkout.git_dir)
    if operation or stages.read_unmerged(git):
        raise StandsInTheWayError(
            f"{operation or 'a merge conflict'} is in progress here",
            hint="finish it first: `gittasks resolve` settles task files, then `git commit`",
        )
    try:
        found = upstream.find_upstream(git)
    except NoUpstreamError as error:
        raise _only_claims(project, error, push=push) from None
    done = Synced(OFF, found.name)
    with_code = push_code or upstream.wants_code(git, found.branch)
    for _ in range(_TRIES):
        done = _once(project, found, done, push=push, with_code=with_code)
        if done.outcome == UNREACHED:
            return done
        if done.outcome != BEHIND:
            moved = done.resolution.claims if done.resolution is not None else ()
            moved += tuple(claim_moves.follow(project))
            remotes = (found.remote, *publishing.named_remotes(project))
            return done._replace(claims=(*moved, *_exchange(project, remotes, push=push)))
    return done._replace(outcome=REJECTED, words="others push faster than we do: try again")


def _only_claims(project: Project, error: NoUpstreamError, *, push: bool) -> OnlyClaimsError:
    """The error for a branch without upstream, once claims went where they name: they belong to no branch."""
    remotes = publishing.named_remotes(project)
    claims = _exchange(project, remotes, push=push)
    told = f"; only claims were exchanged, with {', '.join(map(printable, remotes))}" if remotes else ""
    message = f"{error.message}: tasks were not committed, merged or pushed{told}"
    return OnlyClaimsError(message, hint=error.hint, claims=claims)


def _exchange(project: Project, remotes: Iterable[str], *, push: bool) -> tuple[str, ...]:
    each = dict.fromkeys(remotes)
    return tuple(message for remote in each for message in publishing.exchange(project, remote, push=push))


def _once(project: Project, found: Upstream, done: Synced, *, push: bool, with_code: bool) -> Synced:
    """One round; `BEHIND` where somebody pushed in the middle of it."""
    git = project.git
    words = upstream.fetch(git, found.remote)
    theirs = refs.resolve_commit(git, found.tracking)
    _refuse_staged(project, found, theirs)
    committed = _commit_tasks(project) or done.committed
    incoming = upstream.count_commits(git, refs.resolve_commit(git, "HEAD"), theirs)
    done = done._replace(committed=committed, incoming=done.incoming + incoming)
    done = _take_in(project, found, done) if incoming else _look_back(project, done)
    if done.outcome == CONFLICT:
        return done
    head = refs.resolve_commit(git, "HEAD")
    done = done._replace(outgoing=upstream.count_commits(git, theirs, head))
    if words is not None:
        return done._replace(outcome=UNREACHED, words=words)
    if not done.outgoing:
        return done._replace(outcome=UP_TO_DATE)
    code = tuple(upstream.code_commits(git, theirs, head, store.FOLDER))
    done = done._replace(code=code)
    if not push or (code and not with_code):
        return done._replace(outcome=CODE if push else OFF)
    outcome, words = upstream.push(git, found, head)
    return done._replace(outcome=outcome, words=words)


def _refuse_staged(project: Project, found: Upstream, theirs: str) -> None:
    """git merges nothing into a branch that went its own way while files are staged: said before anything is done."""
    git = project.git
    head = refs.resolve_commit(git, "HEAD")
    own = refs.is_ancestor(git, theirs, head)
    will_commit = bool(merging.changed_task_files(project))
    if own or (refs.is_ancestor(git, head, theirs) and not will_commit):
        return
    tasks = frozenset(merging.changed_task_files(project))
    staged = [path for path in git_merging.staged_paths(git) if path not in tasks]
    if staged:
        lines = listed([printable(path) for path in staged])
        raise StandsInTheWayError(
            "\n".join(
                [f"{found.name} cannot be merged while files are staged; nothing was changed:", *lines]
            ),
            hint="commit or unstage them first",
        )


def _commit_tasks(project: Project, settled: Container[str] = ()) -> str | None:
    """Commit the changed task files and notes, and of what was `settled` also those that went; nothing else."""
    changed = merging.changed_task_files(project)
    paths = {*changed, *(path for path in git_merging.staged_paths(project.git) if path in settled)}
    if not paths:
        return None
    with project.lock("sync"):
        return index.commit_paths(project.git, project.checkout.git_dir, sorted(paths), _MESSAGE)


def _look_back(project: Project, done: Synced) -> Synced:
    """What git merged by lines, here or at somebody else's, may name a task by a number that it no longer has."""
    resolution = resolving.resolve(project, Choices())
    if resolution.open:
        return done._replace(outcome=CONFLICT, resolution=resolution)
    if not resolution.outcomes:
        return done
    committed = _commit_tasks(project, resolution.staged)
    return done._replace(committed=committed or done.committed, resolution=resolution)


def _take_in(project: Project, found: Upstream, done: Synced) -> Synced:
    """Merge the upstream; what git leaves is settled by fields. `CONFLICT` where a person has to decide."""
    git = project.git
    with project.lock("sync"):
        is_clean = upstream.merge(git, project.checkout.git_dir, found)
    if is_clean:
        return _look_back(project, done)
    other = sorted(path for path in stages.read_unmerged(git) if not path.startswith(store.FOLDER + "/"))
    if other:
        upstream.abort_merge(git)
        lines = listed([printable(path) for path in other])
        raise StandsInTheWayError(
            "\n".join([f"code is in conflict with {found.name}; nothing was merged:", *lines]),
            hint=f"`git merge {found.name}` and settle it by hand, then sync again",
        )
    resolution = resolving.resolve(project, Choices())
    if resolution.open or stages.read_unmerged(git):
        return done._replace(outcome=CONFLICT, resolution=resolution)
    words = upstream.end_merge(git)
    if words is not None:
        raise StandsInTheWayError(
            f"the merge of {found.name} is settled, but git does not commit it: {words}",
            hint="see what your hook wants, then `git commit`",
        )
    return done._replace(resolution=resolution)
