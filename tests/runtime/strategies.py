"""Runs of all kinds, for properties."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gittasks.runtime.record import LETTERS, PHASES, REASONS, STATUSES, Run, RunId

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
TIMES = st.floats(min_value=0, max_value=4e9, allow_nan=False)
TEXT = st.none() | st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def run_ids() -> st.SearchStrategy[str]:
    letters = st.sampled_from(sorted(LETTERS.values()))
    return st.builds(str.__add__, letters, st.text(BASE36, min_size=7, max_size=7))


@st.composite
def runs(draw: st.DrawFn) -> Run:
    extra: dict[str, Any] = draw(st.dictionaries(st.sampled_from(["tokens", "z_new", "é"]), JSON, max_size=2))
    return Run(
        RunId(draw(run_ids())),
        type=draw(st.sampled_from(sorted(LETTERS))),
        status=draw(st.sampled_from(STATUSES)),
        description=draw(st.text(max_size=40)),
        start_time=draw(TIMES),
        end_time=draw(st.none() | TIMES),
        output_file=draw(st.text(max_size=20)),
        notified=draw(st.booleans()),
        work_graph_task_id=draw(st.none() | st.integers(1, 10**6)),
        work_graph_task_uid=draw(st.none() | st.text("0123456789abcdef", min_size=16, max_size=16)),
        phase=draw(st.none() | st.sampled_from(PHASES)),
        reason=draw(st.none() | st.sampled_from(REASONS)),
        message=draw(TEXT),
        exit_code=draw(st.none() | st.integers(0, 255)),
        signal=draw(st.none() | st.integers(1, 64)),
        command=tuple(draw(st.lists(st.text(max_size=10), max_size=4))),
        cwd=draw(TEXT),
        process=draw(st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3)),
        dirty=draw(st.none() | st.booleans()),
        output_bytes=draw(st.integers(0, 10**12)),
        truncated=draw(st.booleans()),
        progress=draw(JSON),
        name=draw(TEXT),
        slots=draw(st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=2)),
        attempt=draw(st.none() | st.integers(1, 99)),
        attempts=tuple(draw(st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=3), max_size=2))),
        extra=tuple(extra.items()),
    )
