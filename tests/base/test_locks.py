"""One holder at a time, who is named to those that wait in vain."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.base.locks import LockHeldError, hold

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
    import fcntl

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
