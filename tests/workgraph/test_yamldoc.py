"""What the full reader refuses, and how it says so."""

from __future__ import annotations

import pytest

from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, Problem, Task
from gittasks.workgraph.yamldoc import read_document
from tests.strategies import TASK_ID

PATH = ".tasks/12.yaml"


def read(data: bytes | str) -> Task:
    return read_document(data.encode() if isinstance(data, str) else data, PATH, TASK_ID).task


def problems(data: bytes | str) -> list[Problem]:
    with pytest.raises(BadTaskError) as caught:
        read(data)
    return caught.value.problems


def test_every_problem_is_named_with_its_line() -> None:
    data = """\
id: 13
# fine
status: running
priority: high
labels: security
blockedBy:
- 7
- "8"
-
- 07
created: yesterday
owner: [alice]
owner: bob
"""
    assert [str(problem) for problem in problems(data)] == [
        f"{PATH}:1: subject: is missing: expected one line of 1 to 500 characters",
        f"{PATH}:1: id: is 13, but the file has the name of 12: expected 12",
        f"{PATH}:3: status: is 'running', which is a state of a run, not of a task: expected pending, in_progress, "
        "completed or deleted (for runs see `gittasks runs`)",
        f"{PATH}:4: priority: is 'high': expected a number from 0 (highest) to 4",
        f"{PATH}:5: labels: is 'security': expected a list of words, each one line of 1 to 100 characters",
        f"{PATH}:8: blockedBy: holds '8': expected a list of task ids, whole numbers from 1 to 999999999",
        f"{PATH}:9: blockedBy: holds null: expected a list of task ids, whole numbers from 1 to 999999999",
        f"{PATH}:10: blockedBy: holds '07': expected a list of task ids, whole numbers from 1 to 999999999",
        f"{PATH}:11: created: is 'yesterday': expected a UTC time such as 2026-11-23T10:00:00Z",
        f"{PATH}:12: owner: is a list: expected one line of at most 100 characters",
        f"{PATH}:13: owner: is given twice, first on line 12",
    ]


@pytest.mark.parametrize(
    ("data", "line", "kind", "what"),
    [
        ("", 1, "syntax", "holds nothing"),
        ("# only\n", 1, "syntax", "holds nothing"),
        ("\n- subject: x\n", 2, "syntax", "holds a list"),
        ("just words\n", 1, "syntax", "holds only text"),
        ("subject: x\nowner: &a alice\n", 2, "syntax", "has an anchor"),
        ("subject: x\nowner: *a\n", 2, "syntax", "refers to an anchor"),
        ("subject: !!str x\n", 1, "syntax", "has a tag"),
        ("subject: ! x\n", 1, "syntax", "has a tag"),
        ("subject: x\nx: !!python/object/apply:os.system [id]\n", 2, "syntax", "has a tag"),
        ("%YAML 1.1\n---\nsubject: x\n", 2, "syntax", "has a directive"),
        ("subject: x\n---\nsubject: y\n", 2, "syntax", "holds a second document"),
        ("subject: x\n\tstatus: pending\n", 2, "syntax", "is not valid YAML"),
        ("subject: [x\n", 1, "syntax", "is not valid YAML"),
        ('subject: "x\n', 1, "syntax", "is not valid YAML"),
        ('subject: "\\U99999999"\n', 1, "syntax", "is not valid YAML"),
        ('subject: x\nowner: "\\ud800"\n', 2, "syntax", "holds half a character"),
        (b"subject: x\nowner: \xff\n", 2, "syntax", "is not UTF-8 (byte 0xff)"),
        (b"\xff\xfes\x00u\x00b\x00", 1, "syntax", "is not UTF-8 (byte 0xff)"),
        ("subject: x\nowner: a\0\n", 2, "syntax", r"holds the control character '\x00'"),
        ("subject: x\n\x1b[31m: y\n", 2, "syntax", r"holds the control character '\x1b'"),
        ("subject: x\rowner: a\r", 1, "syntax", r"holds the control character '\r'"),
        ("subject: x\n<<<<<<< HEAD\nowner: a\n=======\n", 2, "conflict", "holds merge conflict markers"),
        ("subject: x\nowner: a\n=======\n", 3, "conflict", "holds merge conflict markers"),
        ("subject: x\n>>>>>>> theirs\n", 2, "conflict", "holds merge conflict markers"),
        ("subject: x\r\n|||||||\r\n", 2, "conflict", "holds merge conflict markers"),
        (b"#" * (MAX_FILE_BYTES + 1), 0, "file", "has 1048577 bytes"),
        ("x: " + "[" * 65 + "]" * 65, 1, "syntax", "is nested too deep"),
        ("subject: x\nx: " + "- " * 100_000, 2, "syntax", "is not valid YAML"),
        ("[" * 1_000_000, 1, "syntax", "is nested too deep"),
        ("subject: x\nx:\n" + "- a\n" * 25_000, 19996, "syntax", "has too many values"),
        ("a: &a [x]\n" + "".join(f"{n}: &{n} [*a,*a]\n" for n in "bcdefgh"), 1, "syntax", "has an anchor"),
    ],
)
def test_what_is_no_plain_document_is_refused_whole(
    data: bytes | str, line: int, kind: str, what: str
) -> None:
    (problem,) = problems(data)
    assert (problem.line, problem.kind, problem.path) == (line, kind, PATH)
    assert problem.message.startswith(what)


@pytest.mark.parametrize(
    ("data", "line", "field", "what"),
    [
        ("subject:\nid: 12\n", 1, "subject", "is empty"),
        ("subject: x\n12: y\n", 2, "", "has the name 12, which is not text"),
        ("subject: x\n? [a]\n: y\n", 2, "", "has the name a list, which is not text"),
        ("subject: x\n: y\n", 2, "", "has the name null, which is not text"),
        ("subject: x\n? owner\n: y\n", 2, "owner", "is written in an unusual form"),
        ("{subject: x, owner}", 1, "owner", "is written in an unusual form"),
        ("subject: x\nx: {a: 1, a: 2}\n", 2, "x", "'a' is given twice, first on line 2"),
        ("subject: x\nx: {1: 2}\n", 2, "x", "has the name 1, which is not text"),
        ('subject: x\n"a\\nb": 2\n', 2, "", r"has the name 'a\nb'"),
        ("subject: x\n" + "x" * 501 + ": 1\n", 2, "", "has the name 'xxx"),
        ("subject: x\nparent: 12\n", 2, "parent", "is the task's own id 12"),
        ("subject: x\nblockedBy: [12]\n", 2, "blockedBy", "holds the task's own id 12"),
        ("subject: x\nid: 012\n", 2, "id", "is '012'"),
        ("subject: x\nid: 0\n", 2, "id", "is 0"),
        ('subject: x\nid: "12"\n', 2, "id", "is '12'"),
        ("subject: x\nid: 12.0\n", 2, "id", "is '12.0'"),
        ("subject: x\nparent: 0xc\n", 2, "parent", "is '0xc'"),
        ("subject: x\npriority: true\n", 2, "priority", "is 'true'"),
        ("subject: x\nlabels: {a: b}\n", 2, "labels", "is a map"),
        ("subject: x\nlabels: [[a]]\n", 2, "labels", "holds a list"),
        ('subject: "a\u2028b"\n', 1, "subject", "is 'a\\u2028b', with line breaks"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(data: str, line: int, field: str, what: str) -> None:
    (problem,) = problems(data)
    assert (problem.line, problem.field, problem.kind) == (line, field, "field")
    assert problem.message.startswith(what)


def test_a_thousand_problems_are_summed_up() -> None:
    found = problems("subject: x\nlabels:\n" + "- ''\n" * 1000)
    assert len(found) == 101
    assert str(found[-1]) == f"{PATH}: has 900 more problems"


def test_unicode_line_ends_are_letters_as_yaml_1_2_has_them() -> None:
    data = "subject: x\ndescription: |\n  a\x85b\u2028c\n  \ufeffd\nx: 'e\u2029f'\ny: \"g\u2028h\"\n"
    task = read(data)
    assert task.description == "a\x85b\u2028c\n\ufeffd"
    assert dict(task.extra) == {"x": "e\u2029f", "y": "g\u2028h"}


def test_two_json_escapes_for_one_character_are_one_character() -> None:
    assert read(r'{"subject": "\ud83d\udc69"}').subject == "\U0001f469"


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    task = read(b"\xef\xbb\xbfsubject: x\r\ndescription: |\r\n  a\r\n  b\r\nlabels:\r\n- l\r\n")
    assert (task.subject, task.description, task.labels) == ("x", "a\nb", ("l",))


def test_unknown_values_are_what_json_would_make_of_them() -> None:
    numbers = "1, -2, 1.5, -1e3, 0, 0.0, true, False, null, ~"
    words = "yes, 0x1f, 0o7, +1, .5, 1., .inf, 1e999, 01, 2026-11-23"
    assert dict(read(f"subject: x\nv: [{numbers}, {words}]").extra)["v"] == [
        *(1, -2, 1.5, -1000.0, 0, 0.0, True, False, None, None),
        *("yes", "0x1f", "0o7", "+1", ".5", "1.", ".inf", "1e999", "01", "2026-11-23"),
    ]
