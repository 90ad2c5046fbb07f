"""What is kept between two reads of a `.tasks` folder: rows, texts, and what the files looked like then.

Two files for each worktree: `tasks-<name>.bin` holds what tables and the graph need, `texts-<name>.bin` descriptions
and unknown fields by content hash. Both can be deleted at any time. Loading the first is what a read waits for.
"""

from __future__ import annotations

import marshal
import os
from functools import partial

from gittasks.base import cache
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import graph
from gittasks.workgraph.record import Row

if TYPE_CHECKING:
    from typing import Any

    # (description, unknown fields)
    Text = tuple[str, tuple[tuple[str, Any], ...]]

# Another layout of the caches needs another word here: old ones are then built anew.
_ROWS_LAYOUT = "rows-6"
_TEXTS_LAYOUT = "texts-5"
DIGEST_BYTES = 16
COLUMNS = len(Row._fields)


class RowCache:
    """What the file of rows holds: as few objects as possible, since loading them is what a read waits for.

    `listing` are the names in the folder, in its order, joined by NUL; `others` those that are no task files.
    `signatures` has 32 bytes for each task file in that order. `columns` are the rows, sorted by id, transposed,
    each column marshalled by itself: one that did not change is not marshalled again. `digests` has 16 bytes for
    each row. `graph` is what follows from the rows, marshalled by itself for the same reason. `bad` maps the name of
    an unreadable file to (digest, problems).
    """

    __slots__ = ("bad", "columns", "digests", "graph", "listing", "others", "racy", "signatures")

    def __init__(self) -> None:
        self.listing = ""
        self.others: list[str] = []
        self.signatures = b""
        self.columns: list[bytes] = []
        self.digests = b""
        self.bad: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {}
        self.graph = b""
        self.racy: list[str] = []

    def save(self, folder: str, worktree: str) -> None:
        """Save it, if that is possible."""
        content = tuple(getattr(self, name) for name in self.__slots__)
        cache.save_cache(_rows_path(folder, worktree), _ROWS_LAYOUT, content)

    def rows(self) -> list[Row]:
        """All rows, sorted by id."""
        return list(map(partial(tuple.__new__, Row), zip(*self.lists(), strict=True)))

    def lists(self) -> list[list[Any]]:
        """All rows, turned: the values of each field, in their order."""
        return list(map(marshal.loads, self.columns))

    def derived(self) -> graph.Derived:
        """What follows from the rows."""
        return graph.Derived(*marshal.loads(self.graph)) if self.graph else graph.derive([])

    def set_derived(self, derived: graph.Derived) -> None:
        """Marshal what follows from the rows."""
        self.graph = marshal.dumps(tuple(derived))

    def column(self, field: str) -> list[Any]:
        """One field of all rows, in their order, without the rows."""
        return list(marshal.loads(self.columns[Row._fields.index(field)])) if self.columns else []

    def set_rows(self, rows: list[Row], changed: set[int]) -> None:
        """Marshal the columns whose numbers are `changed`."""
        for number in changed:
            self.columns[number : number + 1] = [marshal.dumps([row[number] for row in rows])]

    def files(self) -> list[str]:
        """The names of the task files, in the order of `signatures`."""
        names = self.listing.split("\0") if self.listing else []
        return without(names, self.others)

    def hashes(self) -> list[bytes]:
        """The content hashes of the rows, in their order."""
        return chunks(self.digests, DIGEST_BYTES)

    def digest_at(self, at: int) -> bytes:
        """The content hash of the row at a position."""
        return self.digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES]


def load_rows(folder: str, worktree: str) -> RowCache:
    """What was saved for `worktree`; an empty cache where nothing was, or nothing that can be used."""
    loaded = RowCache()
    content = cache.load_cache(_rows_path(folder, worktree), _ROWS_LAYOUT)
    if isinstance(content, tuple) and len(content) == len(RowCache.__slots__):
        for name, value in zip(RowCache.__slots__, content, strict=True):
            setattr(loaded, name, value)
    return loaded


def load_texts(folder: str, worktree: str) -> dict[bytes, Text]:
    """The texts that were saved for `worktree`, by content hash."""
    loaded = cache.load_cache(_texts_path(folder, worktree), _TEXTS_LAYOUT)
    return loaded if isinstance(loaded, dict) else {}


def save_texts(folder: str, worktree: str, texts: dict[bytes, Text], used: list[bytes]) -> None:
    """Save the texts whose hashes are still `used`."""
    kept = frozenset(used)
    content = {digest: text for digest, text in texts.items() if digest in kept}
    cache.save_cache(_texts_path(folder, worktree), _TEXTS_LAYOUT, content)


def without(names: list[str], others: list[str]) -> list[str]:
    """`names` but the `others`, in their order."""
    if not others:
        return names
    unwanted = frozenset(others)
    return [name for name in names if name not in unwanted]


def digest(*parts: bytes) -> bytes:
    """The hash of all parts, by which contents are known again."""
    try:
        from _blake2 import blake2b  # what hashlib offers, without loading OpenSSL: 3 ms
    except ImportError:
        from hashlib import blake2b

    state = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        state.update(part)
    return state.digest()


def chunks(data: bytes, size: int) -> list[bytes]:
    """`data` in pieces of `size` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def _rows_path(folder: str, worktree: str) -> str:
    return os.path.join(folder, f"tasks-{worktree}.bin")


def _texts_path(folder: str, worktree: str) -> str:
    return os.path.join(folder, f"texts-{worktree}.bin")
