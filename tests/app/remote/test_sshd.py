"""The same against a real sshd on this machine's loopback, with keys and a port of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import runs
from gittasks.app.project import Project, open_project
from gittasks.app.remote.ordering import find_host, start_remote_run
from gittasks.app.run_start import Order
from gittasks.base import identity
from gittasks.runtime import live
from gittasks.runtime.record import Run
from tests.app.remote.box import script
from tests.conftest import git
from tests.runtime.stage import nothing_remains, until

PATIENCE_S = 60.0
SSHD = next((path for path in ("/usr/sbin/sshd", "/usr/local/sbin/sshd") if os.path.exists(path)), None)
SSH = shutil.which("ssh")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        SSHD is None or SSH is None, reason="no ssh and sshd on this machine (openssh-server)"
    ),
]


class Server:
    """One sshd; `stop` ends it with all its sessions, `start` brings it back on the same port."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.state = top / "state"
        top.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("host", "user"):
            keygen = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(top / name))
            subprocess.run(keygen, check=True, stdin=subprocess.DEVNULL)
        (top / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {top}/host\nAuthorizedKeysFile {top}/user.pub\n"
            "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n"
            f"SetEnv XDG_STATE_HOME={self.state} GIT_CONFIG_GLOBAL=/dev/null MARK={top}\n"
        )
        (top / "ssh_config").write_text(
            f"Host box\n HostName 127.0.0.1\n Port {self.port}\n IdentityFile {top}/user\n IdentitiesOnly yes\n"
            f" UserKnownHostsFile {top}/known\n StrictHostKeyChecking accept-new\n"
        )
        (top / "bin").mkdir()
        script(top / "bin" / "ssh", f'#!/bin/sh\nexec {SSH} -F {top}/ssh_config "$@"\n')
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        argv = (str(SSHD), "-D", "-e", "-f", str(self.top / "sshd_config"))
        with (self.top / "log").open("ab") as log:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True
            )
        until(self._answers, "for sshd to listen")

    def stop(self) -> None:
        """The listener and every session of it, as when the machine's network is gone."""
        assert self._process is not None
        for pid in self._sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def processes(self) -> list[int]:
        """All that was started through it and lives."""
        mark = f"\0MARK={self.top}\0".encode()
        found = [pid for pid in identity.all_pids() if mark in b"\0" + identity.read_environ(pid)]
        return [pid for pid in found if (seen := identity.read_stat(pid)) is not None and not seen.has_ended]

    def _sessions(self) -> list[int]:
        assert self._process is not None
        stats = {pid: stat for pid in identity.all_pids() if (stat := identity.read_stat(pid)) is not None}
        found, todo = [], [self._process.pid]
        while todo:
            parent = todo.pop()
            below = [pid for pid, stat in stats.items() if stat.parent == parent and stat.name == "sshd"]
            found += below
            todo += below
        return found

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if os.geteuid() == 0:
        # Where it was never started as a service, the folder that it locks itself into is missing.
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    made = Server(tmp_path / "server")
    monkeypatch.setenv("PATH", f"{made.top / 'bin'}:{os.environ['PATH']}")
    made.start()
    try:
        with nothing_remains():
            yield made
        until(lambda: not made.processes(), "for all processes there to end")
    finally:
        made.stop()
        for pid in made.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def project(repo: Path, server: Server) -> Project:
    return open_project(str(repo), env=dict(os.environ))


def start(project: Project, text: str, **how: Any) -> Run:
    order = Order(("sh", "-c", text), **how)
    return start_remote_run(project, order, find_host(project, "box")).run


def now(project: Project, run: Run) -> Run:
    return runs.find_run(project, run.id)


def end(project: Project, run: Run) -> Run:
    (found,), ended = runs.wait_runs(project, [run.id], timeout_s=PATIENCE_S)
    assert ended, found
    return found


def until_output(project: Project, run: Run, text: bytes) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while text not in b"".join(runs.read_output(project, now(project, run))):
        assert time.monotonic() < deadline, now(project, run)
        time.sleep(0.02)


def test_there_and_back(project: Project, repo: Path, server: Server) -> None:
    (repo / "new").write_text("not added\n")
    run = start(project, "cat new; echo $SECRET; echo made > made; exit 3", env={"SECRET": "hunter2"})
    ended = end(project, run)
    assert (ended.status, ended.reason, ended.exit_code) == ("failed", "exit", 3), ended
    assert b"".join(runs.read_output(project, ended)) == b"not added\nhunter2\n"
    ref = f"refs/gittasks/runs/{run.id}"
    assert git(repo, "diff", "--name-only", f"{ref}/start", f"{ref}/result") == "made"
    assert not (server.state / "gittasks" / "jobs" / run.id / "tree").exists()


def test_kill_ends_what_ignores_it_and_what_left(project: Project, server: Server) -> None:
    run = start(
        project, "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 600' & echo up; sleep 600; sleep 600"
    )
    until_output(project, run, b"up\n")
    runs.kill_runs(project, [run.id], grace_s=0.2)
    assert end(project, run).status == "killed"
    until(lambda: not [pid for pid in server.processes() if _is_sleep(pid)])


def test_the_link_breaks_and_comes_back(project: Project, server: Server, tmp_path: Path) -> None:
    run = start(project, f"echo one; until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo two; exit 4")
    until_output(project, run, b"one\n")
    server.stop()
    until(lambda: now(project, run).stale_since is not None)
    assert now(project, run).status == "running"
    (tmp_path / "go").touch()
    server.start()
    ended = end(project, run)
    assert (ended.status, ended.exit_code, ended.stale_since) == ("failed", 4, None)
    assert b"".join(runs.read_output(project, ended)) == b"one\ntwo\n"


def test_all_of_ours_killed_and_found_again(project: Project, tmp_path: Path) -> None:
    go, starts = tmp_path / "go", tmp_path / "starts"
    run = start(project, f"echo x >> {starts}; echo one; until [ -e {go} ]; do sleep 0.02; done; echo two")
    until_output(project, run, b"one\n")
    data = live.read_part(runs.run_folders(project), run.id, live.RECORD)
    assert data is not None
    for part in ("supervisor", "process"):
        os.kill(json.loads(data)[part]["pid"], signal.SIGKILL)
    go.touch()
    until(lambda: now(project, run).status != "running")
    ended = now(project, run)
    assert ended.status == "completed", ended
    assert b"".join(runs.read_output(project, ended)) == b"one\ntwo\n"
    assert starts.read_text() == "x\n"


def _is_sleep(pid: int) -> bool:
    stat = identity.read_stat(pid)
    return stat is not None and stat.name == "sleep"
