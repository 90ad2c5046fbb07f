"""Hypothesis strategies: tasks, changes of tasks, and files as people write them."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from gittasks.workgraph.record import FIELDS, MAX_ID, STATUSES, Task, TaskId
from gittasks.workgraph.scalars import format_block, format_json, format_scalar, format_text

TASK_ID = TaskId(12)

# Every one of these has broken some YAML tool.
NASTY_LINES = (
    "no",
    "Yes",
    "on",
    "null",
    "~",
    "true",
    "12",
    "0123",
    "1_000",
    "0x1f",
    "0o17",
    "1e3",
    "12e45",
    ".5",
    "-1",
    "+1",
    ".inf",
    "12:30",
    "2026-11-23",
    "2026-11-23T10:00:00Z",
    "- x",
    "-",
    "? x",
    "a: b",
    "a:",
    ":a",
    "a #b",
    "#12",
    "a#b",
    "'it's'",
    '"quoted"',
    "back\\slash",
    '\\"',
    "{a: b}",
    "[a, b]",
    "a, b",
    "*a",
    "&a",
    "!a",
    "!!str",
    "|",
    "> x",
    "%YAML",
    "@x",
    "`x`",
    "<<",
    "=",
    "---",
    "...",
    "<<<<<<< HEAD",
    "=======",
    "Größe 日本語",
    "a\u3000b",
    "a\u00a0b",
    "👩\u200d👩\u200d👧",
    "\u202eevil",
    "שלום\u200f",
    "\ufeffx",
    "\ufffe",
    "a\U0010fffdb",
    "a\u200bb",
    "\u0300x",
)
NASTY_TEXTS = (
    *NASTY_LINES,
    "",
    " leading",
    "\tleading tab",
    "\n\nblank first",
    "\n  indented after blank",
    "a\n  b\n\n\n c",
    "a\n   ",
    "   \na",
    "   ",
    "a\tb\n\tc",
    "a\r\nb",
    "a\rb",
    "a\x85b",
    "a\u2028b\u2029c",
    "\x00\x1b[31m",
    "trailing blanks  \nb",
    "# heading\n\n- item\n- item\n\n```\ncode: |\n  x\n```",
    "x\n=======\n>>>>>>> a",
    "a: b\nc: d",
)

lines = st.one_of(
    st.sampled_from(NASTY_LINES),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30),
).filter(lambda text: bool(text.strip()))
texts = st.one_of(
    st.sampled_from(NASTY_TEXTS),
    st.lists(st.sampled_from(NASTY_TEXTS), max_size=4).map("\n".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)
ids = st.integers(1, MAX_ID).filter(lambda number: number != TASK_ID)
small_ids = st.integers(1, 30).filter(lambda number: number != TASK_ID)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
uids = st.one_of(
    st.text("0123456789abcdef", min_size=16, max_size=16),
    st.sampled_from(["1234567890123456", "12345678901234e5", "0000000000000000"]),
)
keys = st.one_of(
    st.sampled_from(
        ["ref", "x-tracker", "note", "no", "12", "true", "a b", "a: b", "# c", "naïve", "-", '"']
    ),
    st.from_regex(r"[a-z][a-z_-]{0,8}", fullmatch=True),
).filter(lambda name: name not in FIELDS and name != "blocks")
atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
json_values = st.recursive(
    atoms,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "uid": st.just("") | uids,
    "subject": lines.map(str.strip),
    "status": st.sampled_from(STATUSES),
    "owner": st.none() | lines.map(str.strip),
    "worktree": st.none() | names,
    "parent": st.none() | ids,
    "priority": st.integers(0, 4),
    "labels": st.frozensets(lines.map(str.strip), max_size=4).map(lambda words: tuple(sorted(words))),
    "blocked_by": st.frozensets(small_ids, max_size=4).map(lambda numbers: tuple(sorted(numbers))),
    "created": st.sampled_from(["", "2026-11-23T10:00:00Z", "2024-02-29T23:59:59Z"]),
    "description": texts.map(lambda text: text.rstrip("\n")),
}


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Any task number 12."""
    values = {attribute: draw(strategy) for attribute, strategy in VALUES.items()}
    blocks = draw(st.just(()) | VALUES["blocked_by"])
    extra = tuple(draw(st.dictionaries(keys, json_values, max_size=2)).items())
    return Task(id=TASK_ID, written_blocks=blocks, extra=extra, **values)


@st.composite
def changes(draw: st.DrawFn, *, max_size: int = 3) -> dict[str, Any]:
    """Changes as `codec.edit_task` takes them."""
    names = draw(
        st.lists(st.sampled_from([*VALUES, "written_blocks", "extra"]), max_size=max_size, unique=True)
    )
    made: dict[str, Any] = {}
    for name in names:
        if name == "extra":
            made[f"extra:{draw(keys)}"] = draw(json_values)
        else:
            made[name] = () if name == "written_blocks" else draw(VALUES[name])
    return made


class Written(NamedTuple):
    """A file as a person may have written it, the task it says, and its pieces in order.

    A piece is (the name of the field it belongs to, or "" for comments and blank lines; its lines).
    """

    data: bytes
    task: Task
    pieces: tuple[tuple[str, str], ...]


@st.composite
def hand_written(draw: st.DrawFn) -> Written:
    """A file in block style: any order and quoting, comments, gaps, both line ends, missing fields."""
    task = draw(tasks())
    values = {**task.as_json(), "blocks": list(task.written_blocks)}
    order = draw(st.permutations(list(values))) if draw(st.booleans()) else list(values)
    eol = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    left_out = draw(
        st.sets(st.sampled_from(["labels", "owner", "parent", "description", "created"]), max_size=3)
    )
    pieces: list[tuple[str, list[str]]] = [("", draw(st.sampled_from([[], ["---"], ["# top"], [""]])))]
    is_block = False
    for name in order:
        if name in left_out and values[name] in (None, "", []):
            continue
        if name == "blocks" and not values[name]:
            continue
        # A line of blanks, or an indented comment, would be part of a block above it.
        pieces.append(("", draw(_plain_gaps if is_block else _gaps)))
        lines = draw(_field(name, values[name]))
        pieces.append((name, lines))
        is_block = ": |" in lines[0]
    pieces.append(("", draw(st.sampled_from([[], [], ["# end"], ["", ""], ["..."]]))))
    written = tuple((name, "".join(line + eol for line in lines)) for name, lines in pieces)
    whole = "".join(text for _, text in written)
    if draw(st.booleans()) and not whole.endswith(eol * 2):
        whole = whole.removesuffix(eol)
    bom = draw(st.sampled_from(["", "", "", "\ufeff"]))
    return Written((bom + whole).encode(), _in_order(task, order), written)


_plain_gaps = st.sampled_from([[""], [""], [""], [], ["", ""], ["# why"], ["", "# why", ""]])
_gaps = st.one_of(_plain_gaps, st.sampled_from([["   "], ["  # indented", ""]]))
_comments = st.sampled_from(["", "", "", "  # said so", " #", "   "])


def _in_order(task: Task, order: list[str]) -> Task:
    extra = dict(task.extra)
    return task._replace(extra=tuple((name, extra[name]) for name in order if name in extra))


@st.composite
def _field(draw: st.DrawFn, name: str, value: Any) -> list[str]:
    key = draw(st.sampled_from([format_scalar(name, flow=True), format_json(name)]))
    if name == "description":
        return draw(_text(key, value))
    if isinstance(value, list) and value and not any(isinstance(item, (list, dict)) for item in value):
        return draw(_list(key, value))
    if isinstance(value, str) and "\n" not in value and "\r" not in value and value and name != "created":
        return [f"{key}: {draw(_quoting(value))}{draw(_comments)}"]
    if isinstance(value, (dict, list)) and value and draw(st.booleans()):
        return [f"{key}: {format_json(value)}{draw(_comments)}"]
    head, below = (value, []) if name == "created" else format_block(value, 0)
    if head.startswith("|"):
        return [f"{key}: {head}", *below]
    if head and draw(st.booleans()) and not below:
        return [f"{key}:{draw(_comments)}", f"  {head}{draw(_comments)}"]
    return [f"{key}: {head}{draw(_comments)}" if head else f"{key}:{draw(_comments)}", *below]


@st.composite
def _text(draw: st.DrawFn, key: str, value: str) -> list[str]:
    if not value:
        return [f"{key}:{draw(st.sampled_from(['', ' ~', ' null', ' |', ' # none yet']))}"]
    head, below = format_text(value, draw(st.sampled_from([0, 0, 2])))
    if not head.startswith("|") or draw(st.integers(0, 4)) == 0:
        return [f"{key}: {format_json(value)}{draw(_comments)}"]
    if head == "|2":
        below = format_text(value, 0)[1]
    comment = draw(st.sampled_from(["", "", " # kept"]))
    return [f"{key}: {head}{draw(st.sampled_from(['', '-', '+']))}{comment}", *below]


@st.composite
def _list(draw: st.DrawFn, key: str, value: list[Any]) -> list[str]:
    if draw(st.integers(0, 3)) == 0:
        gap = draw(st.sampled_from([", ", ",", " , ", ",\n  "]))
        inner = gap.join(draw(_quoting(item, flow=True)) for item in value)
        return [*f"{key}: [{inner}]{draw(_comments)}".split("\n")]
    pad = draw(st.sampled_from(["", "", "  "]))
    made = [f"{key}:{draw(_comments)}"]
    for item in value:
        made += draw(st.sampled_from([[], [], [], [f"{pad}# about the next"], [""]]))
        made.append(f"{pad}- {draw(_quoting(item))}{draw(_comments)}")
    return made


@st.composite
def _quoting(draw: st.DrawFn, value: Any, *, flow: bool = False) -> str:
    plain = format_scalar(value, flow=flow)
    if not isinstance(value, str):
        return plain or "null"
    ways = [plain, format_json(value)]
    if plain == value or not plain.count("\\"):
        ways.append("'" + value.replace("'", "''") + "'")
    return draw(st.sampled_from(ways))


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A file that was right until somebody's editor, merge or cat went over it."""
    data = draw(hand_written()).data
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        width = draw(st.sampled_from([0, 0, 1, 2, 9]))
        new = draw(st.sampled_from(_SPLINTERS) | st.binary(max_size=3))
        data = data[:at] + new + data[at + width :]
    return data


_SPLINTERS = [
    part.encode()
    for part in (
        "\n",
        " ",
        "  ",
        "\t",
        ":",
        ": ",
        "#",
        " #",
        "- ",
        "\n- ",
        "\n  ",
        "|",
        "\n|",
        ">",
        "'",
        '"',
        "\\",
        "[",
        "]",
        "{",
        "}",
        ",",
        "?",
        "&a ",
        "*a",
        "!x ",
        "---\n",
        "...\n",
        "\n<<<<<<< a\n",
        "\n=======\n",
        "%",
        "\r",
        "\r\n",
        "\0",
        "\x85",
        "\u2028",
        "\ufeff",
        "x: 1\n",
        "id: 12\n",
        "subject: z\n",
        "parent: 12\n",
        "blocks: [3]\n",
        "priority: 9\n",
        "true",
        "null",
        "~",
        "0",
        "- - a\n",
    )
]
