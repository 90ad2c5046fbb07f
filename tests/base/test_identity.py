from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gittasks.base import identity
from tests.runtime.stage import until


def test_this_process_is_alive_and_has_a_parent() -> None:
    me = identity.this_process()
    assert me.pid == os.getpid()
    assert identity.state_of(me) == identity.ALIVE
    stat = identity.read_stat(me.pid)
    assert stat is not None
    assert stat.parent == os.getppid()
    assert stat.session == os.getsid(0)


def test_an_ended_process_is_dead_before_and_after_it_is_reaped() -> None:
    child = subprocess.Popen(("sleep", "60"))
    process = identity.find_process(child.pid)
    assert process is not None
    child.kill()
    until(lambda: identity.state_of(process) == identity.DEAD)
    child.wait()
    assert identity.state_of(process) == identity.DEAD
    assert identity.find_process(child.pid) is None


def test_a_pid_in_other_hands_is_another_process() -> None:
    me = identity.this_process()
    assert identity.state_of(me._replace(start_ticks=me.start_ticks - 1)) == identity.DEAD


def test_another_boot_is_death_and_another_machine_or_container_is_unknown() -> None:
    me = identity.this_process()
    assert identity.state_of(me._replace(boot_id="another")) == identity.DEAD
    assert identity.is_rebooted(me._replace(boot_id="another"))
    assert not identity.is_rebooted(me)
    assert identity.state_of(me._replace(host="elsewhere")) == identity.UNKNOWN
    assert identity.state_of(me._replace(host="elsewhere", boot_id="another")) == identity.UNKNOWN
    assert identity.state_of(me._replace(space="pid:[1]")) == identity.UNKNOWN


def test_a_name_may_hold_parentheses_and_blanks() -> None:
    line = b"12 (a) b ( c) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 3 0 777 1 2 3"
    stat = identity.parse_stat(line)
    assert stat.name == "a) b ( c"
    assert (stat.state, stat.parent, stat.threads, stat.start_ticks) == ("S", 1, 3, 777)


EXIT_ONE_THREAD = {"x86_64": 60, "aarch64": 93}


@pytest.mark.skipif(
    os.uname().machine not in EXIT_ONE_THREAD, reason="the number of exit(2) is not known here"
)
def test_a_process_whose_first_thread_ended_is_still_alive() -> None:
    script = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "print('ready', flush=True)\n"
        f"ctypes.CDLL(None).syscall({EXIT_ONE_THREAD[os.uname().machine]}, 0)\n"
    )
    child = subprocess.Popen((sys.executable, "-c", script), stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        until(lambda: (stat := identity.read_stat(child.pid)) is None or stat.state == "Z")
        stat = identity.read_stat(child.pid)
        assert stat is not None
        assert not stat.has_ended
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def test_an_identity_survives_its_json() -> None:
    me = identity.this_process()
    assert identity.parse_process(me.as_json()) == me
    broken_ones: list[object] = [None, [], {}, {**me.as_json(), "pid": "1"}, {**me.as_json(), "pid": True}]
    for broken in broken_ones:
        assert identity.parse_process(broken) is None


def test_the_environment_of_a_process_can_be_read() -> None:
    child = subprocess.Popen(("sleep", "60"), env={"FOO": "bär"})
    try:
        until(lambda: identity.read_environ(child.pid) == "FOO=bär\0".encode())
    finally:
        child.kill()
        child.wait()
    assert identity.read_environ(2**22 + 1) == b""
    assert identity.read_stat(2**22 + 1) is None
