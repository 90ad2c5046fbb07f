"""The program, loaded once and forked for every call: a real process of its own, without the start of Python.

`python -m tests.warm FD` is that process. It imports everything, then answers requests from the socket `FD`: each
comes with the caller's three streams and a socket for the exit code. What a start from nothing imports, and how long
it takes, is for other tests (`test_imports`, `test_packaging`, the benchmarks); they start the program anew.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

_HEADER = 8
_FDS = 4
_SCRIPTS = ("__main__", "launch")


class Warm:
    """The loaded program, from the side of the tests. Started with the first call; ends with this process."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None
        self._sending = threading.Lock()

    def call(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: str
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run` answers for `python -m gittasks *argv`, with text captured."""
        ours, theirs = socket.socketpair()
        given, answer, talk = os.pipe(), os.pipe(), os.pipe()
        with ours, theirs:
            request = json.dumps([list(argv), os.fspath(cwd), dict(env)]).encode()
            with self._sending:
                self._send(request, [given[0], answer[1], talk[1], theirs.fileno()])
            for fd in (given[0], answer[1], talk[1]):
                os.close(fd)
            theirs.close()
            out, err = _communicate(given[1], stdin.encode(), answer[0], talk[0])
            code = ours.recv(_HEADER)
        assert code, "the loaded program went away"
        return subprocess.CompletedProcess(argv, int(code), out.decode(), err.decode())

    def _send(self, request: bytes, fds: list[int]) -> None:
        if self._requests is None:
            self._requests, theirs = socket.socketpair()
            with theirs:
                argv = (sys.executable, "-m", "tests.warm", str(theirs.fileno()))
                top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
                # Without the HOME of the test that comes first: by it a test knows what it left behind.
                started = subprocess.Popen(
                    argv,
                    cwd=top,
                    env={"PATH": os.environ["PATH"]},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                )
            atexit.register(self._end, started)
        socket.send_fds(self._requests, [b"%8d" % len(request)], fds)
        self._requests.sendall(request)

    def _end(self, started: subprocess.Popen[bytes]) -> None:
        if self._requests is not None:
            self._requests.close()
        started.wait()


def _communicate(given: int, data: bytes, *outputs: int) -> list[bytes]:
    """Write `data` to `given`, read `outputs` to their ends, close all."""
    found: dict[int, list[bytes]] = {fd: [] for fd in outputs}
    with selectors.DefaultSelector() as selector:
        selector.register(given, selectors.EVENT_WRITE)
        for fd in outputs:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                if key.fd == given:
                    with contextlib.suppress(BrokenPipeError):
                        data = data[os.write(given, data[: 1 << 12]) :] if data else data
                        if data:
                            continue
                elif part := os.read(key.fd, 1 << 16):
                    found[key.fd].append(part)
                    continue
                selector.unregister(key.fd)
                os.close(key.fd)
    return [b"".join(found[fd]) for fd in outputs]


def _load() -> None:
    import gittasks

    for module in pkgutil.walk_packages(gittasks.__path__, "gittasks."):
        if module.name.rpartition(".")[2] not in _SCRIPTS:
            importlib.import_module(module.name)
    for name in ("psutil", "filelock", "ruamel.yaml"):
        importlib.import_module(name)


def _serve(requests: socket.socket) -> None:
    """Fork a child for each request until the other side closes; tell each caller its child's exit code."""
    callers: dict[int, int] = {}
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd == woken:
                    os.read(woken, 1 << 10)
                    _tell_of_ends(callers)
                elif not _accept(requests, callers):
                    return


def _accept(requests: socket.socket, callers: dict[int, int]) -> bool:
    header, fds, _, _ = socket.recv_fds(requests, _HEADER, _FDS)
    if not header:
        return False
    request = b""
    while len(request) < int(header):
        request += requests.recv(int(header) - len(request))
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _become(fds[:3], *json.loads(request))
    for fd in fds[:3]:
        os.close(fd)
    callers[pid] = fds[3]
    return True


def _tell_of_ends(callers: dict[int, int]) -> None:
    for pid in list(callers):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            caller = callers.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(caller, b"%d" % os.waitstatus_to_exitcode(status))
            os.close(caller)


def _become(fds: list[int], argv: list[str], cwd: str, env: dict[str, str]) -> NoReturn:
    """The program, as it would be after a start of its own."""
    code = 1
    try:
        for number, fd in enumerate(fds):
            os.dup2(fd, number)
        os.closerange(3, 256)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = ["gittasks", *argv]
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w", encoding=env.get("PYTHONIOENCODING"))
        sys.stderr = os.fdopen(2, "w", errors="backslashreplace", buffering=1)
        from gittasks.__main__ import main

        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
