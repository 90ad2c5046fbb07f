"""What is understood of an agent's output: real lines of those that ship, any bytes, any cut."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.app.agents.listening import MAX_LINE_BYTES, Listener, is_session
from gittasks.workgraph.agents import SHIPPED, Rule

RULES = (
    Rule((("type", "hello"),), session=("id",)),
    Rule((("type", "say"), ("draft", None)), message=("text", "more.text")),
    Rule((("type", "part"),), more=("text",)),
    Rule((("type", "do"),), doing=("what.name", "what.to")),
    Rule((("type", "end"), ("ok", False)), failed=("why",)),
)


def _hear(*events: object, rules: tuple[Rule, ...] = RULES) -> Listener:
    heard = Listener(rules)
    heard.hear("".join(json.dumps(event) + "\n" for event in events).encode())
    return heard


# As the programs printed them (shortened), with a stand-in for their service.
CLAUDE = (
    {"type": "system", "subtype": "init", "cwd": "/r", "session_id": "7fb2a4e2-c078", "tools": ["Bash"]},
    {
        "type": "assistant",
        "message": {"content": [{"type": "tool_use", "name": "Write", "input": {"file_path": "/r/new.txt"}}]},
    },
    {"type": "user", "message": {"content": [{"type": "tool_result", "content": "File created"}]}},
    {"type": "assistant", "message": {"content": [{"type": "text", "text": "All done, wrote it."}]}},
    {"type": "result", "subtype": "success", "is_error": False, "result": "All done, wrote it."},
)
CODEX = (
    {"type": "thread.started", "thread_id": "01a211f3-aac7"},
    {"type": "turn.started"},
    {"type": "item.started", "item": {"type": "command_execution", "command": "bash -lc 'echo hi'"}},
    {"type": "item.completed", "item": {"type": "command_execution", "aggregated_output": "hi\n"}},
    {"type": "item.completed", "item": {"type": "agent_message", "text": "All done, wrote it."}},
    {"type": "turn.completed", "usage": {"input_tokens": 2}},
)
GEMINI = (
    {"type": "init", "session_id": "f4493443-974b", "model": "auto"},
    {"type": "message", "role": "user", "content": "Please write new.txt\n"},
    {"type": "tool_use", "tool_name": "write_file", "parameters": {"file_path": "/r/new.txt"}},
    {"type": "tool_result", "status": "success"},
    {"type": "message", "role": "assistant", "content": "All done, ", "delta": True},
    {"type": "message", "role": "assistant", "content": "wrote it.", "delta": True},
    {"type": "result", "status": "success", "stats": {"tool_calls": 1}},
)


@pytest.mark.parametrize(
    ("name", "events", "session", "doing"),
    [
        ("claude", CLAUDE, "7fb2a4e2-c078", "Write: /r/new.txt"),
        ("codex", CODEX, "01a211f3-aac7", "bash -lc 'echo hi'"),
        ("gemini", GEMINI, "f4493443-974b", "write_file: /r/new.txt"),
    ],
)
def test_what_the_shipped_ones_print(name: str, events: tuple[object, ...], session: str, doing: str) -> None:
    heard = _hear(*events, rules=SHIPPED[name].events)
    assert (heard.session, heard.doing, heard.steps) == (session, doing, 1)
    assert (heard.message, heard.failed) == ("All done, wrote it.", None)


@pytest.mark.parametrize(
    ("name", "event", "failed"),
    [
        (
            "claude",
            {"type": "result", "subtype": "success", "is_error": True, "result": "API Error"},
            "API Error",
        ),
        ("claude", {"type": "result", "subtype": "error_max_turns", "is_error": True}, "error_max_turns"),
        ("codex", {"type": "turn.failed", "error": {"message": "no model"}}, "no model"),
        (
            "gemini",
            {"type": "result", "status": "error", "error": {"type": "x", "message": "quota"}},
            "quota",
        ),
    ],
)
def test_what_the_shipped_ones_print_when_they_give_up(name: str, event: object, failed: str) -> None:
    assert _hear(event, rules=SHIPPED[name].events).failed == failed


def test_messages_replace_each_other_and_parts_are_put_together() -> None:
    parts = [{"type": "part", "text": text} for text in ("a", "b")]
    assert _hear({"type": "say", "text": "first"}, *parts).message == "ab"
    assert _hear(*parts, {"type": "other"}, *parts).message == "ab"
    assert _hear({"type": "say", "text": "x", "more": {"text": "y"}}).message == "x: y"
    assert _hear({"type": "say", "text": "x", "draft": True}).message is None
    assert _hear({"type": "say", "text": ""}, {"type": "say", "text": ["x"]}).message is None


def test_a_path_takes_the_last_of_a_list_that_has_it() -> None:
    what = [{"name": "a", "to": 1}, {"name": "b"}, "c", {"none": 1}]
    heard = _hear({"type": "do", "what": what})
    assert heard.doing == "b: 1"


def test_values_are_compared_as_json_has_them() -> None:
    assert _hear({"type": "end", "ok": 0, "why": "x"}).failed is None
    assert _hear({"type": "end", "ok": False, "why": "x"}).failed == "x"


def test_what_goes_on_a_line_is_one_that_can_be_printed() -> None:
    heard = _hear({"type": "do", "what": {"name": "a\n\x1b[2J", "to": "x" * 5000}})
    assert heard.doing is not None
    assert heard.doing.startswith(r"a \x1b[2J: xxx")
    assert len(heard.doing) == 200
    assert _hear({"type": "say", "text": "\ud800" + "y" * 5000}).message == "?" + "y" * 1998 + "…"


@pytest.mark.parametrize("bad", ["", "-x", "--help", ".x", "a b", "a;b", "a\n", "x" * 201, "é", "../x"])
def test_no_session_is_called_so(bad: str) -> None:
    assert not is_session(bad)
    assert _hear({"type": "hello", "id": "good-1"}, {"type": "hello", "id": bad}).session == "good-1"


def test_without_rules_the_last_line_is_what_it_does() -> None:
    heard = Listener(())
    assert heard.doing is None
    heard.hear(b"one\ntwo \x1b[1m\xff\n\n  \n")
    assert heard.doing == r"two \x1b[1m�"
    heard.hear(b"10%\r20%\r30%")
    assert heard.doing == "30%"
    heard.hear(b"z" * 100_000)
    assert heard.doing == "z" * 199 + "…"


@given(st.binary(max_size=400))
def test_any_bytes_are_heard(data: bytes) -> None:
    for rules in ((), RULES):
        Listener(rules).hear(b'{"type": "say", "text": ' + data + b"\n")


@given(st.lists(st.integers(1, 400), max_size=12))
def test_where_the_output_is_cut_does_not_matter(cuts: list[int]) -> None:
    data = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in (*CLAUDE, {"é": "ü"})).encode()
    heard, start = Listener(SHIPPED["claude"].events), 0
    for cut in cuts:
        heard.hear(data[start : start + cut])
        start += cut
    heard.hear(data[start:])
    assert (heard.session, heard.message, heard.steps) == ("7fb2a4e2-c078", "All done, wrote it.", 1)


def test_a_line_without_end_is_left_out_and_not_held() -> None:
    heard = Listener(RULES)
    heard.hear(b'{"type": "say", "text": "before"}\n{"type": "say", "text": "')
    tracemalloc.start()
    for _ in range(64):
        heard.hear(b"x" * (MAX_LINE_BYTES // 8))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2 * MAX_LINE_BYTES
    heard.hear(b'"}\n')
    assert heard.message == "before"
    heard.hear(b'{"type": "say", "text": "after"}\n')
    assert heard.message == "after"
