"""One command, tried at each of its calls: `python -m tests.breaking FOLDER NAME kill|fail|starve FIRST STRIDE`.

Where it starves, each file that is opened, also for reading, is one too many (EMFILE). Runs with the shim preloaded;
answers one line of JSON: points tried, calls hit by kind, and what broke (exit code 1). Each trial is a fork:
libraries are loaded once.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from gittasks.cli.main import run
from tests.breaking.shim import CALLS, Control, Shared
from tests.breaking.table import COMMANDS, Command, World, git
from tests.runtime.stage import remains

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE, errno.EDQUOT, errno.EACCES)
_PATIENCE_S = 60.0
_QUIET_S = 20.0
# What a run that may go on is given to end.
_SETTLED_S = 0.3


class Answer(NamedTuple):
    """How one call of the program ended: exit code (`None`: killed), what it said."""

    code: int | None
    out: str
    err: str


def call(
    world: World, argv: Sequence[str], *, stdin: str = "", before: Callable[[], None] | None = None
) -> Answer:
    """The program in a fork, at the root of the world's repository."""
    out, err, into = world.base / "out", world.base / "err", world.base / "in"
    into.write_text(stdin)
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            for number, path in ((0, into), (1, out), (2, err)):
                flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                os.dup2(os.open(path, flags, 0o600), number)
            os.chdir(world.repo)
            if before is not None:
                before()
            code = run(list(argv))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        os._exit(99)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return Answer(98, out.read_text(errors="replace"), "hung")
        time.sleep(0.001)
    ended = None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)
    return Answer(ended, out.read_text(errors="replace"), err.read_text(errors="replace"))


def try_point(world: World, command: Command, shared: Shared, arm: Control) -> tuple[bool, list[str]]:
    """Whether the call that `arm` says was reached and hit, and what did not hold afterwards."""
    world.restore(command)
    wrong: list[str] = []
    first = call(world, command.argv, stdin=command.stdin, before=lambda: shared.put(arm))
    quiet(_SETTLED_S if command.has_live_run else _QUIET_S)
    hit = shared.get()
    shared.put(Control())
    if not hit.fired:
        if first.code != 0:
            wrong.append(f"ends with {first.code}: {first.err}")
        return False, wrong
    if first.code not in (None, 0, 1, 2, 4, *command.codes):
        wrong.append(f"ended with {first.code}: {first.err[-1500:]}")
    if first.code not in (None, 0) and not (first.err + first.out).strip():
        wrong.append(f"ended with {first.code} and said nothing")
    world.clear_locks_of_git()
    wrong += hold(world, command)
    return True, [f"{CALLS[hit.call]} {arm.at} error {arm.error}: {text}" for text in wrong]


def hold(world: World, command: Command) -> list[str]:
    """What must hold after any death: nothing is lost, the next commands work, nothing half-done stays untold.

    A git that is killed while it writes the working tree leaves half a file: what names it, and the cure that git has
    for it, then lead to the same end.
    """
    wrong = []
    listed = call(world, ("list", "--all", "--json"))
    if listed.code == 1 and not command.is_broken and ".tasks/" in listed.err:
        git(world.repo, "checkout", "-q", "HEAD", "--", ".tasks")
        listed = call(world, ("list", "--all", "--json"))
    if listed.code != 0 and not command.is_broken:
        return [f"list ends with {listed.code}: {listed.err[-800:]}"]
    document = json.loads(listed.out)
    deleted = json.loads(call(world, ("list", "--deleted", "--json")).out)
    uids = {task["uid"] for task in document["tasks"] + deleted["tasks"]}
    if not world.uids[command.name] <= uids:
        wrong.append("a task is gone")
    later = call(world, ("add", "Later"))
    if later.code != 0:
        wrong.append(f"the next add ends with {later.code}: {later.err[-800:]}")
    wrong += _again(world, command)
    doctor = call(world, ("doctor", "--json"))
    if doctor.code not in (0, 1):
        wrong.append(f"doctor ends with {doctor.code}: {doctor.err[-800:]}")
    else:
        found = json.loads(doctor.out)
        errors = [one for one in found.get("findings", ()) if one.get("severity") == "error"]
        if errors:
            wrong.append(f"doctor finds {errors[:3]}")
    left = [str(path) for path in (world.repo / ".tasks").rglob(".*gittasks-tmp")]
    if left or (world.repo / ".git" / "gittasks" / "write.journal").exists():
        wrong.append(f"left lying about: {left or 'write.journal'}")
    return wrong


def _again(world: World, command: Command) -> list[str]:
    again = call(world, command.argv, stdin=command.stdin)
    quiet()
    if again.code not in (0, 1, 4, *command.codes):
        return [f"again ends with {again.code}: {again.err[-800:]}"]
    if command.goal is None or command.goal(world):
        return []
    if again.code == 1 and "not committed there" in again.err:
        git(world.repo, "checkout", "-q", "HEAD", "--", *command.half_written)
        again = call(world, command.argv, stdin=command.stdin)
        quiet()
        if command.goal(world):
            return []
    broken = re.search(r"delete (/\S+) and (/\S+/worktrees/\S+)", again.err)
    if broken is not None:
        shutil.rmtree(broken[1])
        shutil.rmtree(broken[2])
        again = call(world, command.argv, stdin=command.stdin)
        if command.goal(world):
            return []
    return [f"the goal is not reached: {again.code} {again.out[-300:]} {again.err[-800:]}"]


def quiet(patience_s: float = _QUIET_S) -> None:
    """Wait until nothing that was started runs any more: orphans of a killed process go on for a moment."""
    deadline = time.monotonic() + patience_s
    own = os.getpid()
    while [pid for pid in remains() if pid != own and os.getpgid(pid) != -1] and time.monotonic() < deadline:
        time.sleep(0.005)


def main(argv: list[str]) -> int:
    """Try the points and tell."""
    folder, name, mode, first, stride = Path(argv[0]), argv[1], argv[2], int(argv[3]), int(argv[4])
    command = COMMANDS[name]
    world = World(folder, lambda words, stdin="": call(world, words, stdin=stdin).code)
    shared = Shared(Path(os.environ["BREAKING_CONTROL"]))
    world.prepare(command)
    tried, wrong = 0, []
    number = first
    while True:
        error = {"kill": 0, "starve": errno.EMFILE}.get(mode, ERRORS[number % len(ERRORS)])
        arm = Control(armed=1, at=number, error=error, is_any_open=int(mode == "starve"))
        reached, broken = try_point(world, command, shared, arm)
        wrong += broken
        if not reached:
            break
        tried += 1
        number += stride
    sys.stdout.write(
        json.dumps({"command": name, "mode": mode, "points": tried, "last": number, "wrong": wrong}) + "\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
