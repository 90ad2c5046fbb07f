from __future__ import annotations

import json

import pytest

from gittasks.app.monitoring import spec as words
from gittasks.app.monitoring.spec import BadMonitorError, Watch, complete, of_spec


@pytest.mark.parametrize(
    ("watch", "until", "notify"),
    [
        (Watch("command", argv=("x",)), "ok", "end"),
        (Watch("command", argv=("x",), pattern="y"), "matches", "end"),
        (Watch("stream", argv=("x",)), "ends", "end"),
        (Watch("log", "x"), "never", "each"),
        (Watch("log", "x", pattern="y"), "matches", "end"),
        (Watch("file", "x"), "changes", "end"),
        (Watch("url", "x", until="never", notify="change"), "never", "change"),
        (Watch("run", "x"), "ends", "end"),
        (Watch("ref", "x", until="gone"), "gone", "end"),
    ],
)
def test_what_was_left_open_is_filled_in(watch: Watch, until: str, notify: str) -> None:
    done = complete(watch)
    assert (done.until, done.notify) == (until, notify)
    assert done.every_s > 0 or done.source == words.STREAM
    assert of_spec(json.loads(json.dumps(done.as_spec()))) == done


@pytest.mark.parametrize(
    ("watch", "said"),
    [
        (Watch("file", "x", until="ok"), "cannot be watched until it ok"),
        (Watch("command", argv=("x",), until="matches"), "matches what"),
        (Watch("file", "x", pattern="y"), "no lines to match"),
        (Watch("log", "x", pattern="(", is_regex=True), "no regular expression"),
        (Watch("url", "x", every_s=0.001), "too often"),
    ],
)
def test_what_does_not_fit_together_is_refused(watch: Watch, said: str) -> None:
    with pytest.raises(BadMonitorError, match=said):
        complete(watch)
