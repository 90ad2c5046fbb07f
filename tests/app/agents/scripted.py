"""An agent as bad as they come: what it does is its first argument. Run alone, by `python -I`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def say(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def git(*args: str) -> None:
    subprocess.run(("git", *args), check=True)


def commit(name: str) -> None:
    with open(name, "w", encoding="utf-8") as file:
        file.write("work\n")
    git("add", "--", name)
    git("commit", "-q", "-m", f"write {name}", "--", name)


def works() -> None:
    """What a good one does: a session, a tool, a message, a commit."""
    say(type="hello", session="s-1.A_b:2")
    say(type="use", tool="write", input={"path": "new.txt"})
    commit("new.txt")
    say(type="say", text="I wrote it.\nNothing is left.")


def tells() -> None:
    """What it was given, for the test to look at."""
    names = ("GITTASKS_TASK_ID", "GITTASKS_RUN_ID", "GITTASKS_OWNER", "SECRET")
    say(
        prompt=sys.stdin.read(), cwd=os.getcwd(), argv=sys.argv[1:], env={n: os.environ.get(n) for n in names}
    )
    works()


def lies() -> None:
    """No work at all, no checks any more, and a fine report."""
    with open(".tasks/config.yaml", "w", encoding="utf-8") as file:
        file.write("schema: 1\n")
    say(type="say", text="All tests pass. The task is done!")


def gives_up() -> None:
    """It says itself that it failed, and exits 0."""
    say(type="stop", error="no model answers")


def leaves() -> None:
    """Work that is not committed, and an exit code of its own."""
    with open("half.txt", "w", encoding="utf-8") as file:
        file.write("half\n")
    sys.exit(7)


def dies() -> None:
    os.kill(os.getpid(), 11)


def forks() -> None:
    """A child in a session of its own that holds the output open, and outlives it."""
    subprocess.Popen(("sh", "-c", "trap '' TERM; while :; do sleep 1; done"), start_new_session=True)
    works()


def babbles() -> None:
    """Everything that is no event: broken JSON, other JSON, escapes, no line ends, halves of characters."""
    out = sys.stdout.buffer
    out.write(b'{"type": "say", "text": \n[1]\n"x"\nnull\n{]\n\xff\xfe{\n' + b"[" * 5000 + b"\n")
    out.write(b'{"type": ' + b'{"type":' * 3000 + b"\n")
    out.write(b'{"type": "hello", "session": "--dangerous; rm -rf /"}\n{"type": "hello", "session": 7}\n')
    out.write(b'{"type": "use", "tool": "\\u001b[2Jcls\\u202e", "input": {"path": ["a"]}}\n')
    out.write(b'{"type": "say", "text": "\\ud800 \\u001b]0;title\\u0007 red"}\n')
    out.write(b'{"type": "say", "text": "' + b"x" * (3 << 20) + b'"}\n')
    out.write(b'{"type": "say", "text": "not ended"}')


def floods() -> None:
    """Much more than anybody keeps, in lines that are events and in one that never ends."""
    line = json.dumps({"type": "use", "tool": "t", "input": {"path": "p" * 200}}).encode() + b"\n"
    for _ in range(40):
        sys.stdout.buffer.write(line * 1000)
    sys.stdout.buffer.write(b"y" * (8 << 20))
    sys.stdout.buffer.write(b"\n")
    say(type="say", text="after the flood")


def hangs() -> None:
    """Deaf to SIGTERM, with a child that is too."""
    subprocess.Popen(("sh", "-c", "trap '' TERM; while :; do sleep 1; done"), process_group=0)
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(type="hello", session="s-hang")
    say(type="use", tool="wait", input={"path": "for ever"})
    while True:
        time.sleep(60)


def sleeps() -> None:
    """It hears SIGTERM, and ends."""
    time.sleep(60)


def removes() -> None:
    """It takes its own worktree away."""
    import shutil

    shutil.rmtree(os.getcwd())


if __name__ == "__main__":
    globals()[sys.argv[1]]()
