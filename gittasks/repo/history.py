"""What git remembers of a few paths: the commits that changed them, and the contents on each side.

Knows nothing of what the files mean. Commits come from one `git log` with every setting of the user's that could
change its output overruled, contents from one `git cat-file --batch`: measured on 2,000 commits, 100 versions of a
file, 35 ms and 3 ms (`git rev-list` into `git diff-tree` 54 ms; GitPython for the contents 57 ms, mostly its import).
"""

from __future__ import annotations

import os
from itertools import islice

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gittasks.repo.git import Git

_LOG = (
    *("-c", "log.showRoot=true", "-c", "log.follow=false", "log", "-z", "--raw", "-c"),
    *(
        "--no-abbrev",
        "--no-renames",
        "--no-relative",
        "--no-show-signature",
        "--no-color",
        "--encoding=UTF-8",
    ),
    "--format=%x01%H%x00%P%x00%an%x00%ae%x00%at%x00%S%x00%s",
)
_ABSENT = "0" * 6


class Version(NamedTuple):
    """One side of a change: git's file mode (`100644`, `120000` for a symbolic link) and object id."""

    mode: str
    oid: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, not a link, a folder or a submodule."""
        return self.mode.startswith("100")


class Change(NamedTuple):
    """What one commit did to one path: the version in each parent (`None`: absent), and the one it left (`None`:
    removed). The first commit has one `None` for its parents. Of a merge only what differs from all parents.
    """

    path: str
    old: tuple[Version | None, ...]
    new: Version | None


class Commit(NamedTuple):
    """One commit: ids in full, `time_s` the author's time in Unix seconds, `subject` the first line, `source` the
    revision of those asked for by which git came to it: a ref's full name, or an id.
    """

    oid: str
    parents: tuple[str, ...]
    author: str
    email: str
    time_s: int
    source: str
    subject: str
    changes: tuple[Change, ...]


def commits_of(
    git: Git, revisions: Sequence[str], paths: Sequence[str], *, limit: int | None = None
) -> list[Commit]:
    """The commits in `revisions` (ids, and what git takes for sets of them) that changed one of `paths`, at most
    `limit`, newest first.

    A folder stands for everything in it. Paths are relative to the worktree's root. Raises `GitError`.
    """
    count = () if limit is None else (f"--max-count={limit}",)
    output = git.output("--literal-pathspecs", *_LOG, *count, *revisions, "--", *paths)
    return list(_parse_log(output))


def lost_files(git: Git, commit: str, parent: str, folder: str) -> list[Change]:
    """The files of `folder` that `commit` removed or changed, seen from `parent`."""
    options = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--diff-filter=DMT")
    tokens = git.output("--literal-pathspecs", *options, parent, commit, "--", folder).split(b"\0")
    return [_change(facts, path) for facts, path in zip(tokens[::2], tokens[1::2], strict=False)]


def differing_files(git: Git, tree: str, others: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, object id) of each file that one of the trees `others` has otherwise than `tree`, not in folders."""
    pairs = "".join(f"{tree} {other}\n" for other in others)
    options = ("diff-tree", "--stdin", "--raw", "--no-abbrev", "--no-renames", "--diff-filter=AMT")
    for line in git.lines(*options, stdin=pairs.encode()) if others else ():
        facts, tab, name = line.partition("\t")
        words = facts.split()
        # A path in quotes is none that we would know.
        if tab and words[1].startswith("100"):
            yield name, words[3]


def committed_versions(git: Git, commit: str, paths: Sequence[str]) -> dict[str, Version]:
    """Path to version for the files under `paths` in `commit`."""
    found = {}
    for line in git.fields("--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths):
        facts, path = line.split("\t", 1)
        mode, _kind, oid = facts.split()
        found[path] = Version(mode, oid)
    return found


def staged_versions(git: Git, paths: Sequence[str]) -> tuple[dict[str, Version], set[str]]:
    """Path to version for the files under `paths` in the index, and the paths that are in a merge conflict."""
    found, conflicts = {}, set()
    for line in git.fields("--literal-pathspecs", "ls-files", "--stage", "-z", "--", *paths):
        facts, path = line.split("\t", 1)
        mode, oid, stage = facts.split()
        if stage == "0":
            found[path] = Version(mode, oid)
        else:
            conflicts.add(path)
    return found, conflicts


def read_blobs(git: Git, oids: Iterable[str], *, limit_bytes: int) -> dict[str, bytes]:
    """The contents of blobs by id; one that is missing or larger than `limit_bytes` is left out."""
    asked = "".join(f"{oid}\n" for oid in sorted(set(oids)))
    if not asked:
        return {}
    sizes = [line.split() for line in git.lines("cat-file", "--batch-check", stdin=asked.encode())]
    fit = [f"{facts[0]}\n" for facts in sizes if facts[1] == "blob" and int(facts[2]) <= limit_bytes]
    output = git.output("cat-file", "--batch", stdin="".join(fit).encode())
    found, at = {}, 0
    while at < len(output):
        end = output.index(b"\n", at)
        oid, _kind, size = output[at:end].split()
        found[oid.decode()] = output[end + 1 : end + 1 + int(size)]
        at = end + 1 + int(size) + 1
    return found


def is_shallow(common_dir: str) -> bool:
    """Whether this clone was made without its older history (`git clone --depth`)."""
    return os.path.exists(os.path.join(common_dir, "shallow"))


def _parse_log(output: bytes) -> Iterator[Commit]:
    tokens = iter(output.split(b"\0"))
    header: list[bytes] = []
    changes: list[Change] = []
    for token in tokens:
        if token.startswith(b"\x01"):
            if header:
                yield _commit(header, changes)
            header, changes = [token[1:], *islice(tokens, 6)], []
        elif token.lstrip(b"\n").startswith(b":"):
            changes.append(_change(token, next(tokens)))
    if header:
        yield _commit(header, changes)


def _commit(header: list[bytes], changes: list[Change]) -> Commit:
    # Names and subjects are whatever bytes people wrote; ids and times are git's own.
    oid, parents, author, email, time_s, source, subject = (
        field.decode("utf-8", "replace") for field in header
    )
    return Commit(oid, tuple(parents.split()), author, email, int(time_s), source, subject, tuple(changes))


def _change(facts: bytes, path: bytes) -> Change:
    """`:MODE MODE OID OID STATUS`; for a merge with one more colon, mode and id for each further parent."""
    words = facts.decode().lstrip("\n").split()
    parents = len(words[0]) - len(words[0].lstrip(":"))
    modes, oids = words[: parents + 1], words[parents + 1 : 2 * parents + 2]
    modes[0] = modes[0].lstrip(":")
    sides = [None if mode == _ABSENT else Version(mode, oid) for mode, oid in zip(modes, oids, strict=True)]
    return Change(os.fsdecode(path), tuple(sides[:-1]), sides[-1])
