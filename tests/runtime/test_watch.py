"""The end of a run is the end of all its processes, also of those that no look at all processes can have seen."""

from __future__ import annotations

import subprocess
import sys

import pytest

# A process forks another one and ends while all processes are looked at: neither is among what the look finds.
SCRIPT = """
import os, time
from gittasks.base import identity
from gittasks.runtime import detach, tree, watch

def children(ended):
    stats = [identity.read_stat(pid) for pid in identity.all_pids()]
    return [stat for stat in stats if stat and stat.parent == os.getpid() and stat.has_ended == ended]

assert detach.become_subreaper()
ready, end = os.pipe()
go, tell = os.pipe()
leader = os.fork()
if leader == 0:
    if os.fork():
        os.read(ready, 1)
        os._exit(0)
    os.read(go, 1)
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)

look = tree.find_members
def find_members(run_id, process):
    tree.find_members = look
    os.write(tell, b"x")
    while not children(ended=True):
        time.sleep(0.001)
    return []

tree.find_members = find_members
watched = watch.Watched("bxxxxxxx", identity.find_process(leader), True, True, None, 0.1, False, lambda: None)
os.write(end, b"x")
made = watch.Watch(watched, watch.Signals(), pipe_fd=-1, writer=None, on_stopping=lambda: None)
print(made.until_over().exit_code, len(children(ended=False)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="orphans come to a subreaper there alone")
def test_who_was_forked_while_we_looked_is_found_all_the_same() -> None:
    done = subprocess.run(
        (sys.executable, "-c", SCRIPT), capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.stdout, done.stderr) == ("0 0\n", "")
