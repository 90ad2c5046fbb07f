"""A repository of a stranger, a place outside that nothing may touch, and the program let loose between them.

The program runs in a forked child of the test (no start of an interpreter for each call), on a terminal of its own,
under a limit of memory, and with a watchdog.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import shlex
import shutil
import signal
import stat
import sys
import time
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gittasks.cli.main import run
from tests.conftest import git
from tests.runtime.stage import remains, until

WATCHDOG_S = 90.0
SOME_TIME_AGO_S = 1_700_000_000
MEMORY_BYTES = 3 << 29
SECRET = "TOP-SECRET-OF-THE-HOST"
# Joins emoji; keeps words together: neither moves the cursor nor reorders text.
_HARMLESS = frozenset("\n\t\u200d\u00a0")


class Told(NamedTuple):
    """What the calls of a case answered: exit codes in their order, and all that the terminal got."""

    codes: tuple[int, ...]
    text: str


class Yard:
    """`repo` is the attacker's, `outside` the victim's; `evil` is a program that leaves a trace there."""

    def __init__(self, base: Path, template: Path) -> None:
        self.base = base
        self.repo = base / "repo"
        self.outside = base / "outside"
        self.evil = self.outside / "evil"
        shutil.copytree(template, self.repo, symlinks=True)
        self.outside.mkdir()
        (self.outside / "secret.txt").write_text(SECRET + "\n")
        (self.outside / "folder").mkdir()
        (self.outside / "folder" / "kept.txt").write_text("kept\n")
        self.evil.write_text(f"#!/bin/sh\necho ran >>{shlex.quote(str(self.outside / 'ran'))}\ncat\n")
        self.evil.chmod(0o755)

    @property
    def tasks(self) -> Path:
        return self.repo / ".tasks"

    @property
    def dot_git(self) -> Path:
        return self.repo / ".git"

    @property
    def private(self) -> Path:
        """The program's own folder in the git directory, made when it is missing."""
        (self.dot_git / "gittasks").mkdir(exist_ok=True)
        return self.dot_git / "gittasks"

    def git(self, *args: str) -> str:
        return git(self.repo, *args)

    def config(self, name: str, value: str) -> None:
        self.git("config", name, value)

    def task(self, text: str | bytes, number: int = 2) -> None:
        """Write a task's file, whatever it says."""
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        (self.tasks / f"{number}.yaml").write_bytes(data)

    def edit(self, old: str, new: str, number: int = 2) -> None:
        """Replace text in a task's file."""
        path = self.tasks / f"{number}.yaml"
        text = path.read_text()
        assert old in text
        path.write_bytes(text.replace(old, new).encode("utf-8", "surrogatepass"))

    def settings(self, text: str) -> None:
        (self.tasks / "config.yaml").write_text(text)

    def link(self, path: Path, target: Path | str) -> None:
        """Put a symbolic link in the place of whatever is at `path`."""
        clear(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def pipe(self, path: Path) -> None:
        """Put a named pipe in the place of whatever is at `path`: whoever opens it waits for ever."""
        clear(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)

    def device(self, path: Path) -> None:
        """Put /dev/zero in the place of whatever is at `path`; a link to it where we may not make devices."""
        clear(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
        except PermissionError:
            path.symlink_to("/dev/zero")

    def sparse(self, path: Path, size_bytes: int) -> None:
        """Make a file that claims to be large and takes no room."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            file.truncate(size_bytes)

    def claim(self, content: bytes, number: int = 2, *, ref: str = "") -> str:
        """Let a claim's ref point to a blob of any content; the blob's id."""
        path = self.base / "blob"
        path.write_bytes(content)
        oid = self.git("hash-object", "-w", str(path))
        self.git("update-ref", ref or f"refs/gittasks/claims/{number}", oid)
        path.unlink()
        return oid

    def outside_now(self) -> dict[str, Any]:
        """All that lies outside: names, kinds, modes, contents."""
        found: dict[str, Any] = {}
        for root in (self.outside, Path(os.environ["HOME"])):
            for folder, names, files in os.walk(root):
                for name in (*names, *files):
                    path = Path(folder, name)
                    info = path.lstat()
                    regular = stat.S_ISREG(info.st_mode)
                    found[str(path)] = (info.st_mode, path.read_bytes() if regular else b"")
        return found

    def call(self, calls: Sequence[str], *, cwd: Path | None = None, stdin: bytes = b"") -> Told:
        """Let the program do all of `calls`, one after the other in one process."""
        for path in self.tasks.iterdir() if self.tasks.is_dir() else ():
            # Not as young as they are: what changed just now is read anew by each call.
            with contextlib.suppress(OSError):
                os.utime(path, (SOME_TIME_AGO_S, SOME_TIME_AGO_S), follow_symlinks=False)
        master, terminal = os.openpty()
        answers, answer = os.pipe()
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                _child(calls, cwd or self.repo, terminal, answer, stdin)
            os._exit(99)
        os.close(terminal)
        os.close(answer)
        told, hung = _listen(pid, master)
        codes = os.read(answers, 1 << 16)
        os.close(answers)
        assert not hung, f"hung; it had answered {codes!r} and said {told!r}"
        assert codes.endswith(b"]"), f"died half-way: {codes!r} {told[-2000:]!r}"
        return Told(tuple(json.loads(codes.rpartition(b"\n")[2])), told.decode("utf-8", "surrogateescape"))


def clear(path: Path) -> None:
    """Take away whatever is at `path`."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def check(yard: Yard, before: dict[str, Any], told: Told, *, leaks: bool = False) -> None:
    """What holds of every case, whatever the attacker wrote."""
    assert set(told.codes) <= {0, 1, 2, 4}, (told.codes, told.text)  # never 3: a bug of ours
    after = yard.outside_now()
    assert str(yard.outside / "ran") not in after, f"code of the attacker ran: {told.text}"
    changed = [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
    assert not changed, (changed, told.text)
    text = told.text.replace("\r\n", "\n")
    raw = sorted({char for char in text if not char.isprintable() and char not in _HARMLESS})
    assert not raw, (raw, text)
    assert leaks or SECRET not in text, text
    until(lambda: not remains(), "for all processes to end")


def make_template(base: Path) -> Path:
    """A planned repository: three tasks, a note, settings; all committed."""
    repo = base / "template"
    repo.mkdir(parents=True)
    (base / "empty").mkdir()
    git(repo, "init", "-q", f"--template={base / 'empty'}")
    (repo / "README").write_text("hello\n")
    yard_calls = ("init", "add One", "add Two --blocked-by 1 -d Words.", "add Three", "note 1 Remember.")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repo)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            patch.setattr(sys, "stdout", nowhere)
            patch.setattr(sys, "stderr", nowhere)
            for call in yard_calls:
                assert run(shlex.split(call)) == 0, call
    git(repo, "add", "README")
    git(repo, "commit", "-q", "-m", "plan")
    shutil.rmtree(repo / ".git" / "gittasks")
    return repo


def _child(calls: Sequence[str], cwd: Path, terminal: int, answer: int, stdin: bytes) -> None:
    os.setsid()
    source, sink = os.pipe()
    os.write(sink, stdin)
    os.close(sink)
    os.dup2(source, 0)
    os.dup2(terminal, 1)
    os.dup2(terminal, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (
        TextIOWrapper(os.fdopen(fd, "wb", closefd=False), encoding="utf-8", write_through=True)
        for fd in (1, 2)
    )
    os.chdir(cwd)
    codes = []
    for call in calls:
        try:
            codes.append(run(shlex.split(call)))
        except SystemExit as end:
            codes.append(int(end.code or 0))
        os.write(answer, b"\n" + json.dumps(codes).encode())
    os._exit(0)


def _listen(pid: int, master: int) -> tuple[bytes, bool]:
    """All that the terminal gets until the child ends; whether it had to be ended."""
    deadline = time.monotonic() + WATCHDOG_S
    told = bytearray()
    hung = False
    while True:
        ready, _, _ = select.select([master], [], [], 0.01)
        if ready:
            try:
                told += os.read(master, 1 << 16)
                continue
            except OSError:  # nobody has the terminal any more
                ready = []
        if os.waitpid(pid, os.WNOHANG)[0]:
            break
        if time.monotonic() > deadline:
            hung = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            break
        if not ready:
            time.sleep(0.002)
    while select.select([master], [], [], 0)[0]:
        try:
            told += os.read(master, 1 << 16)
        except OSError:
            break
    os.close(master)
    return bytes(told), hung
