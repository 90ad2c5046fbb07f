"""Three-way merge of text by lines, as git does it, and the conflict markers that git writes. Pure.

Knows nothing of tasks. Both sides are compared with the base by the same function, so swapping them swaps the
answer's sides and changes nothing else.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MARKER_SIZE = 7
# A comparison that needs more edits than this is given up: what lies between the common start and end counts as
# changed. It bounds the time for hostile texts (about 0.1 s), and makes a conflict, never a wrong merge.
_MAX_EDITS = 500


class Region(NamedTuple):
    """A conflict: the lines of each side, and of the base (`None` where it is not known).

    `line` is where it starts in the merged text that takes ours everywhere, counted from 1.
    """

    line: int
    base: tuple[str, ...] | None
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


class MergedText(NamedTuple):
    """A merge: runs of settled lines and regions in conflict, in order."""

    pieces: tuple[tuple[str, ...] | Region, ...]

    @property
    def regions(self) -> tuple[Region, ...]:
        """The conflicts; empty for a clean merge."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Region))

    @property
    def ours(self) -> str:
        """The merged text with ours in every region."""
        return _join(line for piece in self.pieces for line in _side(piece, ours=True))

    @property
    def theirs(self) -> str:
        """The merged text with theirs in every region."""
        return _join(line for piece in self.pieces for line in _side(piece, ours=False))

    def marked(self, *, ours: str, theirs: str, size: int = MARKER_SIZE) -> str:
        """The merged text with conflict markers that carry the labels `ours` and `theirs`."""
        lines: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, Region):
                lines += ("<" * size + " " + ours, *piece.ours, "=" * size)
                lines += (*piece.theirs, ">" * size + " " + theirs)
            else:
                lines += piece
        return _join(lines)


class Marked(NamedTuple):
    """A text with conflict markers, taken apart: both texts, the base where it stands there too, the labels."""

    ours: str
    base: str | None
    theirs: str
    ours_label: str
    theirs_label: str


def merge_text(base: str | None, ours: str, theirs: str) -> MergedText:
    """Merge by lines. Without a base (`None`) every difference between the sides is a conflict."""
    if ours == theirs or theirs == base:
        return MergedText((_lines(ours),))
    if ours == base:
        return MergedText((_lines(theirs),))
    if base is None:
        return _compare(_lines(ours), _lines(theirs))
    return _merge(_lines(base), _lines(ours), _lines(theirs))


def parse_markers(text: str) -> Marked | None:
    """Take apart a text that holds conflict markers at line starts; `None` where it holds none, or broken ones."""
    size = _marker_size(text)
    if not size:
        return None
    sides: tuple[list[str], list[str], list[str]] = ([], [], [])
    labels = ["", ""]
    part = None  # inside a conflict: 0 ours, 1 base, 2 theirs
    bases = conflicts = 0
    for line in _lines(text):
        mark = _marker(line, size)
        if mark == "<" and part is None:
            part, labels[0], conflicts = 0, line[size:].strip(), conflicts + 1
        elif mark == "|" and part == 0:
            part, bases = 1, bases + 1
        elif mark == "=" and part in (0, 1):
            part = 2
        elif mark == ">" and part == 2:
            part, labels[1] = None, line[size:].strip()
        elif mark and mark != "=":
            return None
        elif part is None:
            for side in sides:
                side.append(line)
        else:
            sides[part].append(line)
    if part is not None:
        return None
    base = _join(sides[1]) if bases == conflicts else None
    return Marked(_join(sides[0]), base, _join(sides[2]), *labels)


def _merge(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> MergedText:
    """Cut all three at the base lines that both sides kept; what lies between two cuts is one change."""
    to_ours, to_theirs = _partners(base, ours), _partners(base, theirs)
    pieces = _Pieces()
    b = o = t = 0
    for i, (j, k) in enumerate(zip(to_ours, to_theirs, strict=True)):
        if j >= 0 and k >= 0:
            pieces.add_change(base[b:i], ours[o:j], theirs[t:k])
            pieces.add_settled(base[i : i + 1])
            b, o, t = i + 1, j + 1, k + 1
    pieces.add_change(base[b:], ours[o:], theirs[t:])
    return pieces.merged()


def _compare(ours: tuple[str, ...], theirs: tuple[str, ...]) -> MergedText:
    """Without a base: settled is what a comparison of the two, in an order of its own, finds in both."""
    is_swapped = theirs < ours
    one, other = (theirs, ours) if is_swapped else (ours, theirs)
    pieces = _Pieces()
    o = t = 0
    for i, partner in enumerate(_partners(one, other)):
        if partner >= 0:
            j, k = (partner, i) if is_swapped else (i, partner)
            pieces.add_change(None, ours[o:j], theirs[t:k])
            pieces.add_settled(ours[j : j + 1])
            o, t = j + 1, k + 1
    pieces.add_change(None, ours[o:], theirs[t:])
    return pieces.merged()


class _Pieces:
    """Collects settled lines and regions, and counts lines."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, ...] | Region] = []
        self._settled: list[str] = []
        self._line = 1

    def add_settled(self, lines: Sequence[str]) -> None:
        self._settled += lines
        self._line += len(lines)

    def add_change(self, base: Sequence[str] | None, ours: Sequence[str], theirs: Sequence[str]) -> None:
        if ours == theirs or theirs == base:
            self.add_settled(ours)
        elif ours == base:
            self.add_settled(theirs)
        else:
            self._add_region(base, ours, theirs)

    def _add_region(self, base: Sequence[str] | None, ours: Sequence[str], theirs: Sequence[str]) -> None:
        """Lines that both sides put at the start or the end of the region are settled."""
        head = _common_head(ours, theirs)
        tail = _common_head(ours[head:][::-1], theirs[head:][::-1])
        self.add_settled(ours[:head])
        self._flush()
        ours_end, theirs_end = len(ours) - tail, len(theirs) - tail
        known = None if base is None else tuple(base)
        self._pieces.append(
            Region(self._line, known, tuple(ours[head:ours_end]), tuple(theirs[head:theirs_end]))
        )
        self._line += ours_end - head
        self.add_settled(ours[ours_end:])

    def merged(self) -> MergedText:
        self._flush()
        return MergedText(tuple(self._pieces))

    def _flush(self) -> None:
        if self._settled:
            self._pieces.append(tuple(self._settled))
            self._settled = []


def _partners(old: Sequence[str], new: Sequence[str]) -> list[int]:
    """For each line of `old` the index of the line of `new` that it became, -1 for one that went."""
    partners = [-1] * len(old)
    head = _common_head(old, new)
    tail = _common_head(old[head:][::-1], new[head:][::-1])
    old_end, new_end = len(old) - tail, len(new) - tail
    partners[:head] = range(head)
    partners[old_end:] = range(new_end, len(new))
    for i, j in _common(old[head:old_end], new[head:new_end]):
        partners[head + i] = head + j
    return partners


def _common_head(left: Sequence[str], right: Sequence[str]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _common(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of equal lines, in order: the longest such list (Myers 1986), empty past `_MAX_EDITS` edits."""
    if not old or not new:
        return []
    # reach[k]: how far into `old` paths on the diagonal k (old index less new index) come with so many edits.
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(min(len(old) + len(new), _MAX_EDITS) + 1):
        trace.append(reach.copy())
        for k in range(-edits, edits + 1, 2):
            x = reach[k + 1] if _steps_down(reach, k, edits) else reach[k - 1] + 1
            while x < len(old) and 0 <= x - k < len(new) and old[x] == new[x - k]:
                x += 1
            reach[k] = x
            if x >= len(old) and x - k >= len(new):
                return _walk_back(trace, len(old), len(new))
    return []


def _steps_down(reach: dict[int, int], k: int, edits: int) -> bool:
    return k == -edits or (k != edits and reach[k - 1] < reach[k + 1])


def _walk_back(trace: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for edits in range(len(trace) - 1, -1, -1):
        reach, k = trace[edits], x - y
        from_k = k + 1 if _steps_down(reach, k, edits) else k - 1
        from_x = reach[from_k]
        while x > max(from_x, 0) and y > max(from_x - from_k, 0):
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = from_x, from_x - from_k
    return pairs[::-1]


def _marker_size(text: str) -> int:
    """The length of the outermost conflict markers, 0 for none. Merges of merges nest longer ones inside."""
    sizes = [
        len(line) - len(line.lstrip("<")) for line in text.split("\n") if line.startswith("<" * MARKER_SIZE)
    ]
    return min(sizes, default=0)


def _marker(line: str, size: int) -> str:
    """Which of `<|=>` the line is a marker of, empty for an ordinary line."""
    char = line[:1]
    if char and char in "<|=>" and line.startswith(char * size) and line[size : size + 1] in ("", " ", "\r"):
        return char
    return ""


def _side(piece: tuple[str, ...] | Region, *, ours: bool) -> tuple[str, ...]:
    if isinstance(piece, Region):
        return piece.ours if ours else piece.theirs
    return piece


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def _join(lines: Iterable[str]) -> str:
    return "\n".join(lines)
