"""What a run must survive that takes long, or a disk of its own: floods, full and read-only disks, odd clocks."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gittasks.base import clock
from gittasks.runtime import journal, live, store, waiting
from gittasks.runtime.folders import Folders, NoFolderError, prepare
from gittasks.runtime.record import format_run, parse_run
from tests.conftest import Cli, git
from tests.runtime.stage import Stage, until
from tests.runtime.test_survival import rewrite_record

GIB = 1 << 30


@pytest.mark.long
def test_a_gibibyte_of_output(stage: Stage) -> None:
    limit = 8 << 20
    run = stage.shell(f"echo first; head -c {GIB} /dev/zero; echo; echo last", limit_bytes=limit)
    assert waiting.wait(stage.folders, [run.id], stage.env, timeout_s=120)
    ended = stage.now(run)
    assert (ended.status, ended.truncated, ended.output_bytes) == ("completed", True, GIB + 12)
    output = stage.output(run)
    assert len(output) < limit + 100
    assert output.startswith(b"first\n")
    assert output.endswith(b"\nlast\n")
    assert os.listdir(stage.folders.live_folders) == []


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A file system of its own at `folder`; skips where we may not mount."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(("mount", *options, str(folder)), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        until(
            lambda: subprocess.run(("umount", str(folder)), capture_output=True, check=False).returncode == 0
        )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if shutil.which("mount") is None:
        pytest.skip("needs mount(8)")
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=512k", "tmpfs"):
        yield tmp_path / "disk"


def fill(folder: Path) -> None:
    """Leave no byte of the disk."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (65_536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


@pytest.mark.long
@pytest.mark.parametrize("also_private", [False, True])
def test_a_disk_that_is_full_to_the_last_byte(stage: Stage, small_disk: Path, also_private: bool) -> None:
    """Output and index find no room; nor, with `also_private`, does the record of the end. None is lost."""
    outputs = small_disk / "outputs"
    if also_private:
        (small_disk / "private").mkdir()
    private = str(small_disk / "private") if also_private else stage.folders.private
    stage.folders = Folders(str(outputs), private, "outputs")
    prepare(stage.folders)
    run = stage.shell("echo begun; until [ -e go ]; do sleep 0.02; done; head -c 900000 /dev/zero; exit 5")
    stage.until_output(run, b"begun")
    fill(small_disk)
    (stage.top / "go").touch()
    assert waiting.wait(stage.folders, [run.id], stage.env, timeout_s=60)
    ended = parse_run(store.load(stage.folders, stage.env)[run.id.encode()])
    assert (ended.status, ended.exit_code, ended.truncated) == ("failed", 5, True)
    (small_disk / "filler").unlink()
    assert stage.now(run) == ended
    assert os.listdir(stage.folders.live_folders) == []
    assert stage.output(run).startswith(b"begun\n")


@pytest.mark.long
def test_a_run_that_cannot_be_recorded_is_refused(stage: Stage, small_disk: Path) -> None:
    stage.folders = Folders(str(small_disk / "outputs"), str(small_disk / "private"), "outputs")
    prepare(stage.folders)
    fill(small_disk)
    with pytest.raises(Exception, match="No space left on device"):
        stage.start("true")
    assert os.listdir(stage.folders.live_folders) == []
    (small_disk / "filler").unlink()
    assert stage.end(stage.start("true")).status == "completed"


@pytest.mark.long
def test_a_main_worktree_that_is_read_only(repo: Path, cli: Cli, tmp_path: Path) -> None:
    """Its `.git` can be written, another worktree too: what ran before is still known, nothing new is begun."""
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    run = cli("run", "--wait", "--", "echo", "before").stdout[:8]
    with mounted(repo, "--bind", str(repo)), mounted(repo / ".git", "--bind", str(repo / ".git")):
        subprocess.run(("mount", "-o", "remount,bind,ro", str(repo)), check=True)
        for folder in (repo, tmp_path / "linked"):
            (found,) = json.loads(cli("runs", "--json", cwd=folder).stdout)["runs"]
            assert (found["id"], found["status"]) == (run, "completed")
            assert cli("logs", run, cwd=folder).stdout == "before\n"
            refused = cli("run", "--", "true", cwd=folder, code=1)
            assert "Read-only file system" in refused.stderr
        told = cli("notices", code=1)
        assert "Read-only file system" in told.stderr
        assert os.listdir(repo / ".git" / "gittasks" / "runs" / "live") == []
    assert json.loads(cli("notices", "--json").stdout)["notices"][0]["id"] == run


def test_folders_that_cannot_be_made_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NoFolderError, match=r"cannot make .*file/runs"):
        prepare(Folders(str(tmp_path / "out"), str(tmp_path / "file"), "out"))


@pytest.mark.long
def test_the_outputs_become_read_only_while_nobody_guards_a_run(stage: Stage) -> None:
    run = stage.shell("echo up; until [ -e go ]; do sleep 0.02; done; echo lost")
    stage.until_output(run, b"up")
    stage.kill9(stage.supervisor(run))
    outputs = Path(stage.folders.outputs)
    with mounted(outputs, "--bind", str(outputs)):
        subprocess.run(("mount", "-o", "remount,bind,ro", str(outputs)), check=True)
        assert stage.now(run).is_live
        (stage.top / "go").touch()
        ended = stage.end(run)
        assert (ended.reason, ended.truncated) == ("lost", True)
    assert stage.now(run) == ended
    assert stage.output(run) == b"up\n"
    assert os.listdir(stage.folders.live_folders) == []


# -- the index


COMPACT = """
import sys
from gittasks.base import flock
from gittasks.runtime import journal
from gittasks.runtime.folders import Folders
folders = Folders(*sys.argv[1:4])
for _ in range(int(sys.argv[4])):
    with flock.Hold(folders.lock_file, purpose="test"):
        journal.compact(folders)
"""


def test_compactions_at_once_while_runs_end(stage: Stage) -> None:
    workers = [subprocess.Popen((sys.executable, "-c", COMPACT, *stage.folders, "40")) for _ in range(2)]
    runs = [stage.shell(f"exit {number}") for number in range(12)]
    ends = [stage.end(run).exit_code for run in runs]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert ends == list(range(12))
    found = {run.id: run.exit_code for run in store.parse(stage.index().values())}
    assert found == {run.id: number for number, run in enumerate(runs)}


def test_an_index_that_is_outgrown_is_compacted_by_several_readers_at_once(stage: Stage) -> None:
    ended = stage.end(stage.start("true"))
    line = format_run(ended)
    with Path(stage.folders.index_file).open("ab") as file:
        file.write(line * 2000)
    script = (
        "import os, sys\nfrom gittasks.runtime import store\nfrom gittasks.runtime.folders import Folders\n"
        "print(len(store.load(Folders(*sys.argv[1:4]), os.environ)))\n"
    )
    argv = (sys.executable, "-c", script, *stage.folders)
    readers = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [reader.communicate()[0].strip() for reader in readers] == ["1"] * 4
    stage.now(ended)
    assert Path(stage.folders.index_file).read_bytes().count(b"\n") == 1
    assert stage.now(ended) == ended


# -- clocks


def test_a_clock_that_jumps_back(stage: Stage) -> None:
    """The run began, by the clock of then, an hour after it ended by the clock of now."""
    run = stage.shell("until [ -e go ]; do sleep 0.02; done", timeout_s=600)
    other = stage.end(stage.start("true"))
    stage.kill9(stage.supervisor(run))
    later = clock.now_s() + 3600
    rewrite_record(stage, run, start_time=later, last_output_time=later)
    assert stage.now(run).is_live
    (stage.top / "go").touch()
    ended = stage.end(run)
    assert ended.reason == "lost"
    assert ended.end_time == ended.start_time == later
    # Times of the day decide nothing: neither whether it lives, nor whose line is the last.
    assert stage.now(other).status == "completed"
    assert live.list_live(stage.folders) == []
    assert [run.id for run in store.parse(journal.private_lines(stage.folders).values())][-1] == ended.id


def test_a_deadline_follows_no_clock_that_is_set(stage: Stage) -> None:
    run = stage.start("sleep", "600", timeout_s=0.4)
    rewrite_record(stage, run, start_time=clock.now_s() + 7200)
    assert stage.end(run).reason == "timeout"
