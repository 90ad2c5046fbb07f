"""Hosts that answer what no helper of ours would, and requests that come twice or too late."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gittasks.app.remote import place, serving, starting
from gittasks.app.remote.engine import Ending, HostError, Job, TakenError, UnreachableError
from gittasks.app.remote.place import Place
from gittasks.app.remote.ssh import Host, SshEngine
from gittasks.app.remote.starting import NotOursError
from tests.app.remote.box import Box

JOB = Job("r0000001", "n", "ab", "c" * 40, ("true",), ".", {}, {})
MARK = r"printf '\ngittasks-remote 1\n'"


def frame(letter: str, content: bytes) -> str:
    """A command of the shell that prints one frame."""
    data = letter.encode() + len(content).to_bytes(4, "big") + content
    return "printf '" + "".join(f"\\{byte:03o}" for byte in data) + "'"


def ended(**facts: object) -> str:
    return frame("A", json.dumps({"what": "ended", "age_s": 1, **facts}).encode())


ANSWERS = {
    "nothing": "true",
    "an error": "echo boom >&2; exit 1",
    "garbage": "head -c 200000 /dev/zero",
    "garbage after the mark": f"{MARK}; echo hello world",
    "a frame that never ends": f"{MARK}; printf 'A\\377\\377\\377\\377'",
    "half a frame": f"{MARK}; printf 'A\\000\\000\\000\\011{{'",
    "no JSON": f"{MARK}; {frame('A', b'{{')}",
    "no object": f"{MARK}; {frame('A', b'[1]')}",
    "an unknown end": f"{MARK}; {frame('A', b'{}')}",
    "an end that is none": f"{MARK}; {ended(record={'status': 'running'})}",
    "a status that is a list": f"{MARK}; {ended(record={'status': ['completed']})}",
    "no record": f"{MARK}; {ended(record=7)}",
    "output that goes backwards": f"{MARK}; {frame('O', bytes(8) + b'abc')}",
    "output without a position": f"{MARK}; {frame('O', b'abc')}",
}


@pytest.fixture
def engine(box: Box) -> SshEngine:
    return SshEngine(Host("box", "box"), folder=str(box.top), object_format="sha1", env=dict(os.environ))


def test_from_garbage_nothing_follows(box: Box, engine: SshEngine) -> None:
    for name, answer in ANSWERS.items():
        box.rude(f"#!/bin/sh\n{answer}\n")
        with pytest.raises(UnreachableError):
            pytest.fail(f"{name}: {list(engine.follow(JOB, 0, wake_fd=-1))}")


def test_an_end_however_long_ago(box: Box, engine: SshEngine) -> None:
    for age_s in (10**400, -1, True, "now", None, 2.5):
        box.rude(f"#!/bin/sh\n{MARK}; {ended(record={'status': 'completed'}, age_s=age_s)}\n")
        (ending,) = engine.follow(JOB, 0, wake_fd=-1)
        assert isinstance(ending, Ending)
        assert ending.age_s == (2.5 if age_s == 2.5 else 0.0)


def test_what_a_host_says_no_with(box: Box, engine: SshEngine) -> None:
    told = {"kind": "taken", "message": "x\x1b[2J" + "y" * 5000, "hint": "z" * 5000}
    box.rude(f"#!/bin/sh\necho Welcome; {MARK}; {frame('E', json.dumps(told).encode())}\n")
    with pytest.raises(TakenError) as refused:
        engine.clean(JOB)
    assert len(refused.value.message) < 1100
    box.rude("#!/bin/sh\necho 'sh: python3: not found' >&2\nexit 127\n")
    with pytest.raises(HostError, match="python3: not found"):
        engine.clean(JOB)


def test_a_job_is_claimed_once(tmp_path: Path) -> None:
    there = Place(str(tmp_path))
    held = place.claim(there, "r0000001", {"nonce": "n"})
    assert held is not None
    assert place.claim(there, "r0000001", {"nonce": "other"}) is None
    os.close(held)
    assert place.read_job(there, "r0000001") == {"nonce": "n"}
    assert os.listdir(there.jobs) == ["r0000001"]
    for odd in ("../x", "", "r000000", "R0000001", "r00000/1"):
        with pytest.raises(place.BadRequestError):
            there.job(odd)
    for odd in ("../x", "", "a.b", "A"):
        with pytest.raises(place.BadRequestError):
            there.repository(odd)


def test_a_start_that_comes_late_or_from_somebody_else_is_refused(tmp_path: Path) -> None:
    there = Place(str(tmp_path))
    asked = {"job_id": "r0000001", "nonce": "n"}
    # Looked for before it was started: it never will be.
    assert serving.settle(there, asked).answer == {"what": "unknown"}
    job = {**JOB.as_json(), "repository": "ab"}
    starting.start(there, job, {}, os.environ)
    assert serving.settle(there, asked).answer == {"what": "unknown"}
    with pytest.raises(NotOursError):
        starting.start(there, {**job, "nonce": "other"}, {}, os.environ)
    with pytest.raises(NotOursError):
        serving.settle(there, {**asked, "nonce": "other"})
    assert not (tmp_path / "runs").exists()


def test_what_died_while_it_was_started_was_never_started(tmp_path: Path) -> None:
    there = Place(str(tmp_path))
    held = place.claim(there, "r0000001", {"nonce": "n"})
    assert held is not None
    os.close(held)
    answer = serving.settle(there, {"job_id": "r0000001", "nonce": "n"}).answer
    assert answer["what"] == "not_started"
    assert "went down" in answer["message"]
