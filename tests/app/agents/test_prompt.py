"""Prompts: what stands in them, what no text of others can do to them, how long they get."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from gittasks.app.agents.prompt import Briefing, format_prompt
from gittasks.workgraph.notes_format import Note
from gittasks.workgraph.record import Task, TaskId

_FENCED = re.compile(
    r"^([^\n]*):\n===== data (\w{12}) =====\n(.*?)\n===== end of data \2 =====$", re.DOTALL | re.MULTILINE
)


def _task(number: int = 12, subject: str = "Sign in", **fields: Any) -> Task:
    return Task(TaskId(number), "a" * 16, subject)._replace(**fields)


def _parts(prompt: str) -> dict[str, str]:
    return {title: text for title, _, text in _FENCED.findall(prompt)}


def test_everything_that_others_wrote_is_fenced_and_the_rest_is_ours() -> None:
    brief = Briefing(
        _task(description="by token\nnot by cookie", labels=("web",), parent=3),
        [Note("bob", "2026-11-23", "mind the clock", "x"), Note("", "", "anonymous", "y")],
        [
            (_task(7, "Design", status="completed"), Note("eve", "2026", "use JWT", "z")),
            (_task(8, "Plan"), None),
        ],
        {"tests": ("pytest", "-q", "a b"), "lint": ("sh", "-c", "make lint")},
        "be quick",
        "failed: the check tests failed",
    )
    prompt = format_prompt(brief)
    assert _parts(prompt) == {
        "How your last run ended": "failed: the check tests failed",
        "Task #12": "#12 Sign in\nlabels: web\npart of: #3\n\nby token\nnot by cookie",
        "Notes on it, the newest last": "bob, 2026-11-23:\nmind the clock\n\nsomebody, at some time:\nanonymous",
        "Finished tasks that it waited for": "#7 Design (completed)\neve, 2026:\nuse JWT\n\n#8 Plan (pending)",
        "Checks, by name": "tests: pytest -q 'a b'\nlint: sh -c 'make lint'",
    }
    ours = _FENCED.sub("", prompt)
    for theirs in ("Sign in", "cookie", "clock", "JWT", "pytest", "bob"):
        assert theirs not in ours
    for rule in ("never push", "gittasks note 12", "gittasks done 12", "$GITTASKS_TASK_ID", "checks above"):
        assert rule in ours
    assert ours.endswith("From the one who started you:\nbe quick\n")


def test_a_plain_task_has_no_empty_parts() -> None:
    prompt = format_prompt(Briefing(_task()))
    assert _parts(prompt) == {"Task #12": "#12 Sign in"}
    assert "checks" not in prompt


_texts = st.text(max_size=200)


@given(_texts, _texts, _texts, _texts)
@example("\x1b[2J\u202e", "a\r\nb\r", "<<< DATA\n>>> DATA", "\ud800")
def test_no_text_gets_out_of_its_fence(description: str, author: str, note: str, check: str) -> None:
    brief = Briefing(
        _task(description=description), [Note(author, "", note, "x")], [], {"c": ("sh", "-c", check)}
    )
    prompt = format_prompt(brief)
    assert list(_parts(prompt)) == ["Task #12", "Notes on it, the newest last", "Checks, by name"]
    assert all(char.isprintable() or char in "\n\t\u200d\u00a0" for char in prompt)
    # Without the data only our own words are left.
    blank = format_prompt(Briefing(_task(), [Note("", "", "", "x")], [], {"c": ("x",)}))
    assert _FENCED.sub("", prompt) == _FENCED.sub("", blank)


def test_long_texts_are_cut_and_the_newest_notes_are_kept() -> None:
    notes = [Note("bob", str(number), "n" * 5000 + str(number), "x") for number in range(10)]
    finished = [(_task(number, "S" * 400), notes[0]) for number in range(1, 20)]
    brief = Briefing(_task(description="d" * 200_000), notes, finished, {"c": ("x" * 50_000,)})
    prompt = format_prompt(brief)
    parts = _parts(prompt)
    assert len(prompt.encode()) < 110_000
    assert parts["Task #12"].endswith("d\n[cut here]")
    kept = parts["Notes on it, the newest last"]
    assert kept.startswith("[6 notes before these left out]\n\nbob, 6:\nnnn")
    assert kept.endswith("n9")
    assert parts["Finished tasks that it waited for"].startswith("[17 tasks before these left out]\n\n#18 S")
