from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.base import flock
from gittasks.base.files import UnsafeFileError
from gittasks.runtime import journal, live
from gittasks.runtime.folders import Folders, UnsafeFolderError, prepare
from gittasks.runtime.record import Run, RunId, format_run, parse_run
from tests.runtime.strategies import runs


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    (tmp_path / "git").mkdir()
    made = Folders(str(tmp_path / ".task_outputs"), str(tmp_path / "git"), ".task_outputs")
    prepare(made)
    return made


def a_run(number: int, **fields: Any) -> Run:
    return Run(RunId(f"b{number:07}"), start_time=float(number))._replace(**fields)


def naive(data: bytes) -> dict[str, Run]:
    found = {}
    for line in data.split(b"\n")[:-1]:
        try:
            run = parse_run(line)
        except Exception:
            continue
        found[run.id] = run
    return {str(key): run for key, run in found.items()}


def parsed(lines: journal.Lines) -> dict[str, Run]:
    return {key.decode(): parse_run(line) for key, line in lines.items()}


GARBAGE = st.binary(max_size=60) | st.sampled_from(
    [
        b"",
        b'{"id": "b0000001", "type": "local_bash", "status": "runn',
        b'{"id":"b0000002","status":"failed"}',
        b'{"id": "../../..", "type": "local_bash", "status": "running"}',
        b'{"status": "killed", "id": "b0000003"}',
        b"<<<<<<< HEAD",
    ]
)


@given(st.lists(runs().map(format_run) | GARBAGE.map(lambda line: line + b"\n"), max_size=12), GARBAGE)
def test_folding_finds_what_parsing_every_line_finds(lines: list[bytes], torn: bytes) -> None:
    data = b"".join(lines) + torn
    folded = parsed({key: line for key, line in journal.fold(data).lines.items() if is_run(line)})
    assert folded == naive(data)


def is_run(line: bytes) -> bool:
    try:
        parse_run(line)
    except Exception:
        return False
    return True


def test_no_key_of_a_folded_index_can_leave_its_folder() -> None:
    lines = journal.fold(b'{"id": "../../ab", "type": "local_bash", "status": "running"}\n').lines
    assert lines == {}


def test_the_status_is_read_without_parsing_even_if_texts_look_like_it() -> None:
    run = a_run(1, status="failed", description='"status": "running"')
    line = format_run(run)[:-1]
    assert journal.status_of(line) == "failed"
    assert journal.running({b"b0000001": line}) == []
    assert journal.status_of(b"garbage") == ""


def test_append_ends_a_torn_line_first(folders: Folders) -> None:
    journal.append(folders, format_run(a_run(1)))
    with open(folders.index_file, "ab") as file:
        file.write(b'{"id": "b0000002", "type": "local_')
    journal.append(folders, format_run(a_run(3)))
    assert list(parsed(journal.load(folders) or {})) == ["b0000001", "b0000003"]


def test_an_append_that_does_not_fit_leaves_no_torn_line(folders: Folders) -> None:
    journal.append(folders, format_run(a_run(1)))
    size = os.path.getsize(folders.index_file)
    script = (
        "import resource, sys\nfrom gittasks.runtime import journal\nfrom gittasks.runtime.folders import Folders\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 50}, {size + 50}))\n"
        f"journal.append(Folders(*{tuple(folders)!r}), {format_run(a_run(2))!r})\n"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)
    assert "IndexWriteError" in done.stderr
    assert os.path.getsize(folders.index_file) == size


def test_a_missing_index_comes_back_from_the_private_records(folders: Folders) -> None:
    Path(folders.ended_file(RunId("b0000002"))).write_bytes(format_run(a_run(2, status="completed")))
    Path(folders.ended_file(RunId("b0000001"))).write_bytes(format_run(a_run(1, status="failed")))
    os.mkdir(folders.live_folder(RunId("b0000003")))
    Path(folders.live_folder(RunId("b0000003")), "record.json").write_bytes(format_run(a_run(3)))
    journal.note_told(folders, [RunId("b0000001")])
    journal.append(folders, format_run(a_run(4)))
    found = parsed(journal.load(folders) or {})
    assert list(found) == ["b0000001", "b0000002", "b0000003", "b0000004"]
    assert [run.notified for run in found.values()] == [True, False, False, False]


def test_compaction_keeps_the_last_line_of_each_run_and_brings_lost_ones_back(folders: Folders) -> None:
    for number in range(3):
        journal.append(folders, format_run(a_run(number)))
        journal.append(folders, format_run(a_run(number, status="completed", exit_code=0)))
    Path(folders.ended_file(RunId("b0000009"))).write_bytes(format_run(a_run(9, status="killed")))
    before = journal.read_index(folders)
    assert before is not None
    assert before.line_count == 6
    journal.compact(folders, drop=[RunId("b0000001")])
    after = journal.read_index(folders)
    assert after is not None
    assert after.line_count == 3
    assert [run.status for run in parsed(after.lines).values()] == ["completed", "completed", "killed"]


COMPACT = """
import sys
from gittasks.base import flock
from gittasks.runtime import journal
from gittasks.runtime.folders import Folders
from gittasks.runtime.record import Run, RunId, format_run
folders, number = Folders(*sys.argv[1:4]), int(sys.argv[4])
for turn in range(15):
    with flock.Hold(folders.lock_file, purpose="test"):
        journal.append(folders, format_run(Run(RunId(f"b{number:03}{turn:04}"))))
    with flock.Hold(folders.lock_file, purpose="test"):
        journal.compact(folders)
"""


def test_writers_and_compactions_at_once_lose_nothing(folders: Folders) -> None:
    workers = [
        subprocess.Popen((sys.executable, "-c", COMPACT, *folders, str(number))) for number in range(4)
    ]
    while any(worker.poll() is None for worker in workers):
        for key, line in (journal.load(folders) or {}).items():
            assert parse_run(line).id.encode() == key
    assert [worker.returncode for worker in workers] == [0] * 4
    assert len(journal.load(folders) or {}) == 60


def test_what_a_clone_brings_along_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "git").mkdir()
    (tmp_path / "secret").mkdir()
    folders = Folders(str(tmp_path / ".task_outputs"), str(tmp_path / "git"), ".task_outputs")
    (tmp_path / ".task_outputs").symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafeFolderError, match="symbolic link"):
        prepare(folders)
    (tmp_path / ".task_outputs").unlink()
    (tmp_path / ".task_outputs").write_text("a file")
    with pytest.raises(UnsafeFolderError, match="a file"):
        prepare(folders)
    (tmp_path / ".task_outputs").unlink()
    prepare(folders)
    (tmp_path / "victim").write_text("mine")
    os.symlink(tmp_path / "victim", folders.index_file)
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        journal.load(folders)
    with pytest.raises(journal.IndexWriteError):
        journal.append(folders, format_run(a_run(1)))
    assert (tmp_path / "victim").read_text() == "mine"


def test_the_folder_of_outputs_is_private_and_ignores_itself(folders: Folders) -> None:
    assert os.stat(folders.outputs).st_mode & 0o777 == 0o700
    assert "*" in Path(folders.outputs, ".gitignore").read_text().split()
    os.chmod(folders.outputs, 0o755)
    prepare(folders)
    assert os.stat(folders.outputs).st_mode & 0o777 == 0o700


def test_a_claimed_id_is_locked_until_it_is_given_back(folders: Folders) -> None:
    run_id, fd = live.claim(folders, "b")
    assert live.is_guarded(folders, run_id)
    assert live.take(folders, run_id) is None
    os.close(fd)
    assert not live.is_guarded(folders, run_id)
    again = live.take(folders, run_id)
    assert again is not None
    live.clear(folders, run_id)
    os.close(again)
    assert live.list_live(folders) == []
    assert live.take(folders, run_id) is None


def test_the_index_lock_can_be_held_while_the_disk_is_full(folders: Folders) -> None:
    script = (
        "import resource, sys\nfrom gittasks.base import flock\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        f"with flock.Hold({folders.lock_file!r}, purpose='x'):\n    print('held')\n"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)
    assert done.stdout == "held\n", done.stderr
    with flock.Hold(folders.lock_file, purpose="x", timeout_s=0):
        pass
