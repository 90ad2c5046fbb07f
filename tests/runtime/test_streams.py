"""What a command reads from and writes to: nothing, an input that others fill, or a terminal."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from gittasks.base import identity
from gittasks.runtime import inputs, stopping
from gittasks.runtime.inputs import InputFullError, NoInputError
from tests.runtime.stage import Stage, until

ECHO = 'while read line; do echo "got $line"; [ "$line" = bye ] && exit 5; done'


def test_an_input_is_filled_line_by_line(stage: Stage) -> None:
    run = stage.shell(ECHO, takes_input=True)
    inputs.send(stage.folders, run.id, b"one\n")
    stage.until_output(run, b"got one\n")
    inputs.send(stage.folders, run.id, b"two\nbye\n")
    assert stage.end(run).exit_code == 5
    assert stage.output(run) == b"got one\ngot two\ngot bye\n"
    with pytest.raises(NoInputError, match="has ended"):
        inputs.send(stage.folders, run.id, b"late\n")


def test_input_waits_for_a_run_that_waits(stage: Stage) -> None:
    first = stage.shell("until [ -e go ]; do sleep 0.02; done")
    run = stage.shell(ECHO, takes_input=True, after={first.id: "end"})
    inputs.send(stage.folders, run.id, b"early\nbye\n")
    (stage.top / "go").touch()
    assert stage.end(run).exit_code == 5
    assert stage.output(run) == b"got early\ngot bye\n"


def test_input_outlives_the_supervisor(stage: Stage) -> None:
    run = stage.shell(ECHO, takes_input=True)
    stage.kill9(stage.supervisor(run))
    inputs.send(stage.folders, run.id, b"one\n")
    assert stage.now(run).is_live
    stage.until_output(run, b"got one\n")
    inputs.send(stage.folders, run.id, b"bye\n")
    assert stage.end(run).reason == "lost"


def test_the_next_attempt_reads_on(stage: Stage) -> None:
    run = stage.shell(
        'read line; echo "got $line"; [ "$line" = bye ]', takes_input=True, retries=1, backoff_s=0
    )
    inputs.send(stage.folders, run.id, b"one\n")
    stage.until_output(run, b"attempt 2")
    inputs.send(stage.folders, run.id, b"bye\n")
    assert stage.end(run).status == "completed"


def test_a_run_without_input_reads_nothing_and_gets_none(stage: Stage) -> None:
    run = stage.shell("cat; until [ -e go ]; do sleep 0.02; done")
    with pytest.raises(NoInputError, match="without an input"):
        inputs.send(stage.folders, run.id, b"x\n")
    (stage.top / "go").touch()
    assert stage.end(run).status == "completed"


@pytest.mark.parametrize("terminal", [False, True])
def test_who_does_not_read_keeps_nobody_waiting_for_ever(stage: Stage, terminal: bool) -> None:
    run = stage.start("sleep", "600", takes_input=True, terminal=terminal)
    with pytest.raises(InputFullError):
        for _ in range(100):
            inputs.send(stage.folders, run.id, b"x" * 9_999 + b"\n", patience_s=0.5)
    stopping.ask_to_stop(stage.folders, run.id, 5)
    assert stage.end(run).status == "killed"


def test_lines_of_many_stay_whole(stage: Stage) -> None:
    script = "import sys\nlines = [sys.stdin.readline() for _ in range(400)]\nassert len(set(lines)) == 4, set(lines)"
    run = stage.start(sys.executable, "-S", "-c", script, takes_input=True)

    def send(char: bytes) -> None:
        for _ in range(100):
            inputs.send(stage.folders, run.id, char * 3000 + b"\n")

    senders = [threading.Thread(target=send, args=(char,)) for char in (b"a", b"b", b"c", b"d")]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert stage.end(run).status == "completed", stage.output(run)[-500:]


# -- terminals


TERMINAL = """
import os, sys
assert [os.isatty(fd) for fd in (0, 1, 2)] == [True] * 3
assert os.tcgetpgrp(0) == os.getpgrp() == os.getsid(0) == os.getpid()
print(os.get_terminal_size(), os.ctermid())
open("/dev/tty", "w").write("by its name\\n")
print("name?", end=" ", flush=True)
print("hello", input())
"""


def test_a_command_has_a_terminal_of_its_own(stage: Stage) -> None:
    run = stage.start(sys.executable, "-S", "-c", TERMINAL, terminal=True, takes_input=True)
    stage.until_output(run, b"name? ")
    inputs.send(stage.folders, run.id, b"ada\n")
    ended = stage.end(run)
    assert ended.status == "completed", stage.output(run)
    output = stage.output(run).replace(b"\r\n", b"\n")
    assert b"columns=80, lines=24" in output
    assert b"by its name\n" in output
    # What is typed is echoed, as on any terminal.
    assert output.endswith(b"name? ada\nhello ada\n")
    assert os.listdir(stage.folders.live_folders) == []


def test_control_characters_are_keys(stage: Stage) -> None:
    run = stage.shell(
        "trap 'echo caught; exit 4' INT; echo ready; read x; read y", terminal=True, takes_input=True
    )
    stage.until_output(run, b"ready")
    inputs.send(stage.folders, run.id, b"\x03")
    assert stage.end(run).exit_code == 4
    assert b"caught" in stage.output(run)
    end_of_file = stage.start("cat", terminal=True, takes_input=True)
    inputs.send(stage.folders, end_of_file.id, b"text\n\x04")
    assert stage.end(end_of_file).status == "completed"
    assert stage.output(end_of_file).endswith(b"text\r\n")


def test_all_output_of_a_terminal_arrives(stage: Stage) -> None:
    run = stage.shell("seq 100000; printf end", terminal=True)
    assert stage.end(run).status == "completed"
    expected = "".join(f"{n}\r\n" for n in range(1, 100_001)) + "end"
    assert stage.output(run).decode() == expected


def test_a_command_that_closes_its_terminal_is_not_hung_up(stage: Stage) -> None:
    script = "exec 0<&- 1>&- 2>&-; until [ -e go ]; do sleep 0.02; done; echo back > /dev/tty; exit 6"
    run = stage.shell(script, terminal=True)
    (stage.top / "go").touch()
    ended = stage.end(run)
    assert (ended.exit_code, stage.output(run)) == (6, b"back\r\n")


def test_each_attempt_has_a_terminal(stage: Stage) -> None:
    run = stage.shell("tty; exit 1", terminal=True, takes_input=True, retries=1, backoff_s=0)
    stage.end(run)
    lines = stage.output(run).replace(b"\r", b"").split(b"\n")
    assert [line[:9] for line in lines] == [b"[gittasks", b"/dev/pts/", b"[gittasks", b"/dev/pts/", b""]


def test_a_terminal_goes_with_its_supervisor(stage: Stage) -> None:
    run = stage.shell("sleep 600 & echo ready; wait", terminal=True)
    stage.until_output(run, b"ready")
    leader = stage.leader(run)
    stage.kill9(stage.supervisor(run))
    until(lambda: identity.state_of(leader) == identity.DEAD, "for SIGHUP to end the command")
    assert stage.end(run).reason == "lost"
    until(lambda: stage.alive() == [])


def test_who_ignores_the_end_of_its_terminal_is_found(stage: Stage) -> None:
    run = stage.shell("trap '' HUP; echo ready; until [ -e go ]; do sleep 0.02; done", terminal=True)
    stage.until_output(run, b"ready")
    stage.kill9(stage.supervisor(run))
    assert stage.now(run).is_live
    with pytest.raises(NoInputError):
        inputs.send(stage.folders, run.id, b"x\n")
    stopping.ask_to_stop(stage.folders, run.id, 5)
    assert stage.end(run).status == "killed"


def test_a_terminal_is_left_to_children_that_live_on(stage: Stage) -> None:
    script = "trap '' HUP; (trap '' HUP; until [ -e go ]; do sleep 0.02; done; touch wrote) & exit 0"
    run = stage.shell(script, terminal=True, takes_input=True, leave_children=True)
    assert stage.end(run).status == "completed"
    (stage.top / "go").touch()
    until(lambda: (stage.top / "wrote").exists())
    until(lambda: stage.supervisors() == [])
