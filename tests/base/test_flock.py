from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from gittasks.base import flock, locks
from gittasks.base.errors import BusyError


def test_it_and_filelock_keep_each_other_out(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with (
        locks.hold(path, purpose="one"),
        pytest.raises(flock.LockHeldError, match=r"pid \d+ \(one\)"),
        flock.Hold(path, purpose="two", timeout_s=0.02),
    ):
        raise AssertionError
    with (
        flock.Hold(path, purpose="two"),
        pytest.raises(flock.LockHeldError, match=r"pid \d+ \(two\)"),
        locks.hold(path, purpose="one", timeout_s=0.02),
    ):
        raise AssertionError
    with flock.Hold(path, purpose="three", timeout_s=0):
        assert Path(path).read_text().startswith(f"pid {os.getpid()} (three)")


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    script = (
        "import sys, time\nfrom gittasks.base import flock\n"
        "with flock.Hold(sys.argv[1], purpose='p'):\n  print('held', flush=True)\n  time.sleep(60)\n"
    )
    child = subprocess.Popen((sys.executable, "-c", script, path), stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(flock.LockHeldError), flock.Hold(path, purpose="p", timeout_s=0):
            raise AssertionError
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    with flock.Hold(path, purpose="p", timeout_s=0):
        pass


def test_whoever_only_looks_is_not_seen(tmp_path: Path) -> None:
    fds = [os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(3)]
    assert not flock.is_locked(fds[0])
    assert not flock.is_locked(fds[1])
    assert flock.try_lock(fds[0])
    assert flock.is_locked(fds[1])
    assert not flock.try_lock(fds[2])
    os.close(fds[0])
    assert flock.try_lock(fds[2])
    for fd in fds[1:]:
        os.close(fd)


def test_a_link_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(flock.StrangeFileError, match="symbolic"),
        flock.Hold(str(tmp_path / "lock"), purpose="p"),
    ):
        raise AssertionError
    assert not (tmp_path / "elsewhere").exists()


LOCKS: dict[str, Callable[..., AbstractContextManager[None]]] = {"flock": flock.Hold, "filelock": locks.hold}


@pytest.mark.parametrize("waits", LOCKS)
@pytest.mark.parametrize("holds", LOCKS)
def test_whoever_waited_in_a_folder_that_went_away_makes_it_anew(
    tmp_path: Path, holds: str, waits: str
) -> None:
    path = tmp_path / "private" / "lock"
    owners: list[int] = []

    def wait() -> None:
        with LOCKS[waits](str(path), purpose="waits"):
            owners.append(path.stat().st_ino)
            with pytest.raises(BusyError), LOCKS[holds](str(path), purpose="third", timeout_s=0):
                raise AssertionError

    waiter = threading.Thread(target=wait)
    with LOCKS[holds](str(path), purpose="holds"):  # the folder is made
        waiter.start()
        gone = path.parent.rename(tmp_path / "gone")
        (gone / "lock").unlink()
        gone.rmdir()
    waiter.join()
    assert owners == [path.stat().st_ino]
