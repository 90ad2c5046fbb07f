"""Notes: one Markdown file each, `.tasks/12/20261123T101500Z-alice-3f9c.md`, with who and when on top. Pure.

Written strictly, read leniently: a note that somebody wrote by hand, without front matter, takes author and time
from its name as far as that has them.
"""

from __future__ import annotations

from gittasks.base.records import NamedTuple

_FENCE = "---"
_SLUG = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_MAX_SLUG = 40
_STAMP = "00000000T000000Z"
_MARKERS = (b"<<<<<<< ", b">>>>>>> ")


class Note(NamedTuple):
    """What somebody said about a task, and when; `author` and `created` are empty where nothing says it.

    `text` has no line feeds at its ends. `path` is where the note came from.
    """

    author: str
    created: str
    text: str
    path: str

    def as_json(self) -> dict[str, str]:
        """The note as documents show it."""
        return self._asdict()


def format_note(author: str, created: str, text: str) -> bytes:
    """The file of a note; `created` as in `2026-11-23T10:15:00Z`. Raises `FieldError` for a text that is none."""
    # Reading notes is on the path of `show`; only writing them needs the rules.
    from gittasks.workgraph.fields import FieldError, check_value, is_unicode
    from gittasks.workgraph.scalars import format_scalar, strip_unsafe

    if not is_unicode(text):
        raise FieldError("note", "is not valid Unicode", "expected text in UTF-8")
    # Line ends of another system read back as ours: written so at once, a note reads as it was written.
    body = "\n".join(line.rstrip("\r") for line in text.split("\n")).strip("\n")
    if not body.strip():
        raise FieldError("note", "is empty", "expected some text")
    who = format_scalar(strip_unsafe(author).strip())
    when = check_value("created", created)
    return f"{_FENCE}\nauthor: {who}\ncreated: {when}\n{_FENCE}\n\n{body}\n".encode()


def parse_note(data: bytes, path: str) -> Note:
    """The note in the file `path`; any bytes are one."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    author, created = _from_name(path.rpartition("/")[2])
    lines = text.split("\n")
    if lines[0].rstrip() == _FENCE and _FENCE in (rest := [line.rstrip() for line in lines[1:]]):
        end = rest.index(_FENCE)
        head = dict(_pair(line) for line in rest[:end])
        author, created = head.get("author") or author, head.get("created") or created
        text = "\n".join(lines[end + 2 :])
    return Note(author, created, text.strip("\n"), path)


def find_marker(data: bytes) -> int:
    """The line of the first conflict marker of git's, 0 for none. `=======` alone underlines a title."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.startswith(_MARKERS):
            return number
    return 0


def note_name(stamp: str, author: str, random: str) -> str:
    """The file name of a note: `stamp` as in `20261123T101500Z`, then the author, then something random.

    Whatever the author is called, the name is made of letters, digits and dashes.
    """
    words = "".join(char if char in _SLUG else " " for char in author.lower()).split()
    slug = "-".join(words)[:_MAX_SLUG].strip("-") or "someone"
    return f"{stamp}-{slug}-{random}.md"


def _from_name(name: str) -> tuple[str, str]:
    stem = name.removesuffix(".md")
    stamp, _, rest = stem.partition("-")
    if "".join("0" if char.isdigit() else char for char in stamp) != _STAMP:
        return "", ""
    created = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:{stamp[13:]}"
    return rest.rpartition("-")[0], created


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = "\\".join(part.replace('\\"', '"') for part in value[1:-1].split("\\\\"))
    return name.strip(), value
