"""One holder at a time, who is named to those that wait in vain."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.base import clock
from gittasks.base.flock import Hold, LockHeldError
from gittasks.base.locks import hold

HOLD = """
import sys
from gittasks.base.locks import hold
with hold(sys.argv[1], purpose="testing"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_held_lock_names_its_holder(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        with (
            pytest.raises(LockHeldError, match=rf"pid {process.pid} \(testing\), since 20") as caught,
            hold(str(tmp_path / "lock"), purpose="me", timeout_s=0.05),
        ):
            pass
        assert caught.value.exit_code == 4
        process.communicate("")


def test_a_lock_goes_with_its_process_and_the_file_stays(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        process.kill()
        process.wait()
    with hold(str(tmp_path / "lock"), purpose="me", timeout_s=5):
        assert (tmp_path / "lock").exists()
    assert (tmp_path / "lock").exists()


def test_a_signature_that_outlived_its_process_accuses_nobody(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("pid 999999999 (long gone), since 2020\n")
    fd = os.open(path, os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    with (
        pytest.raises(LockHeldError, match="an unknown process"),
        hold(str(path), purpose="me", timeout_s=0.05),
    ):
        pass
    os.close(fd)


class Relay:
    """A clock whose every moment is 9 s long, and a lock that `hands` hold in turn, each for one moment."""

    def __init__(self, path: Path, hands: int) -> None:
        path.touch()
        self._path = path
        self._fd = os.open(path, os.O_RDWR)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        self._left = hands
        self._now_s = 0.0

    def monotonic_s(self) -> float:
        return self._now_s

    def sleep_s(self, seconds: float) -> None:
        self._now_s += 9.0
        self._left -= 1
        if self._left > 0:
            os.utime(self._path, ns=(self._left, self._left))
        elif self._left == 0:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._fd)


@pytest.mark.parametrize("kind", [hold, Hold])
def test_a_lock_that_goes_from_hand_to_hand_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Hold]
) -> None:
    relay = Relay(tmp_path / "lock", hands=20)
    for name in ("monotonic_s", "sleep_s"):
        monkeypatch.setattr(clock, name, getattr(relay, name))
    with kind(str(tmp_path / "lock"), purpose="me", timeout_s=10):
        assert relay.monotonic_s() == 180
    relay.close()


@pytest.mark.parametrize("kind", [hold, Hold])
def test_one_holder_is_waited_for_no_longer_than_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Hold]
) -> None:
    relay = Relay(tmp_path / "lock", hands=-1)
    for name in ("monotonic_s", "sleep_s"):
        monkeypatch.setattr(clock, name, getattr(relay, name))
    with (
        pytest.raises((LockHeldError, LockHeldError), match="waited 10 s"),
        kind(str(tmp_path / "lock"), purpose="me", timeout_s=10),
    ):
        pass
    assert relay.monotonic_s() == 18
    relay.close()
