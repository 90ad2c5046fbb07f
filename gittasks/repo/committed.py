"""Whether contents are safe in history: every version of some paths that any ref of the clone reaches."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from gittasks.repo.git import Git

_MOST_PATHS = 200
_LOG = (
    "log",
    "--all",
    "--raw",
    "-m",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--no-show-signature",
    "--format=",
)


def committed_blobs(git: Git, paths: Collection[str], folder: str) -> set[str]:
    """The ids of all versions that `paths`, which lie below `folder`, have in any commit of any branch, tag or
    worktree.

    Empty before the first commit. Raises `GitError`.
    """
    wanted = sorted(paths) if len(paths) <= _MOST_PATHS else [folder]
    settings = ("-c", "log.showRoot=true", "-c", "log.follow=false", "--literal-pathspecs")
    found = set()
    for field in git.fields(*settings, *_LOG, "--", *wanted):
        facts = field.lstrip("\n")
        if facts.startswith(":"):
            found.update(facts.split()[2:4])
    return found


def blob_id(data: bytes, like: str) -> str:
    """The id of a blob with this content, in the hash algorithm of the object id `like`."""
    import hashlib

    algorithm = hashlib.sha1 if len(like) == 40 else hashlib.sha256
    return algorithm(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
