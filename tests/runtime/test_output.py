from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.base.files import UnsafeFileError
from gittasks.runtime import reading
from gittasks.runtime.folders import Folders, prepare
from gittasks.runtime.output import OutputWriter, gap_mark, head_bytes
from gittasks.runtime.reading import LiveReader, read_ended
from gittasks.runtime.record import RunId

RUN = RunId("b0000001")
LIMIT = 400
QUARTER = head_bytes(LIMIT)


def make(top: Path) -> Folders:
    (top / "git").mkdir(parents=True)
    folders = Folders(str(top / ".task_outputs"), str(top / "git"), ".task_outputs")
    prepare(folders)
    os.mkdir(folders.live_folder(RUN))
    return folders


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return make(tmp_path)


def text(size: int) -> bytes:
    """`size` bytes, each of which tells where it stands."""
    return b"".join(b"%07d\n" % (at * 8) for at in range(size // 8 + 1))[:size]


def on_disk(folders: Folders) -> int:
    tails = [os.path.join(folders.live_folder(RUN), name) for name in os.listdir(folders.live_folder(RUN))]
    return sum(os.path.getsize(path) for path in [folders.output(RUN), *tails])


def end(folders: Folders) -> None:
    for name in os.listdir(folders.live_folder(RUN)):
        os.unlink(os.path.join(folders.live_folder(RUN), name))
    os.rmdir(folders.live_folder(RUN))


def read(folders: Folders, last_lines: int | None = None) -> bytes:
    return b"".join(read_ended(folders, RUN, last_lines=last_lines))


BLOCKS = st.lists(st.integers(1, 150), max_size=20)


@given(BLOCKS)
def test_the_limit_holds_and_head_and_tail_are_kept(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folders = make(tmp_path_factory.mktemp("x"))
    writer = OutputWriter(folders, RUN, limit_bytes=LIMIT)
    whole = text(sum(sizes))
    at = 0
    for size in sizes:
        writer.write(whole[at : at + size])
        at += size
        assert on_disk(folders) <= LIMIT
    writer.close()
    found = read(folders)
    assert writer.position == len(whole)
    assert writer.truncated == (found != whole)
    if len(whole) <= LIMIT:
        assert found == whole
    else:
        head, _, tail = found.partition(b"\n[gittasks: ")
        assert head == whole[:QUARTER]
        tail = tail.partition(b"left out here]\n")[2]
        assert whole.endswith(tail)
        assert 2 * QUARTER <= len(tail) <= 3 * QUARTER
        assert gap_mark(len(whole) - QUARTER - len(tail)) in found


@given(BLOCKS, st.integers(0, 20), st.integers(0, 20))
def test_a_writer_goes_on_where_a_killed_one_stopped(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], killed_at: int, joined_at: int
) -> None:
    straight, broken = make(tmp_path_factory.mktemp("a")), make(tmp_path_factory.mktemp("b"))
    whole = text(sum(sizes))
    writers = [OutputWriter(folders, RUN, limit_bytes=LIMIT) for folders in (straight, broken)]
    at = 0
    for number, size in enumerate(sizes):
        if number == killed_at:
            writers[1] = OutputWriter(broken, RUN, limit_bytes=LIMIT)
        for writer in writers:
            writer.write(whole[at : at + size])
        at += size
    for writer in writers:
        writer.close()
    if joined_at > len(sizes):
        # Killed after it had joined the parts, before it could say so.
        OutputWriter(broken, RUN, limit_bytes=LIMIT).close()
    assert read(straight) == read(broken)


@given(BLOCKS, st.lists(st.booleans(), min_size=21, max_size=21))
def test_a_follower_gets_everything_that_was_still_there(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], looks: list[bool]
) -> None:
    folders = make(tmp_path_factory.mktemp("x"))
    writer = OutputWriter(folders, RUN, limit_bytes=LIMIT)
    reader = LiveReader(folders, RUN)
    # The reader of a real run finds its limit in the run's settings.
    reader._quarter = QUARTER
    whole = text(sum(sizes))
    at, got = 0, b""
    for number, size in enumerate(sizes):
        writer.write(whole[at : at + size])
        at += size
        if looks[number]:
            got += b"".join(reader.read_new())
    writer.close()
    end(folders)
    got += b"".join(reader.read_rest(writer.position))
    if all(looks[: len(sizes)]):
        assert got == whole
    # What was skipped is counted exactly, and nothing comes twice.
    parts = re.split(rb"\n\[gittasks: (\d+) bytes of output left out here\]\n", got)
    at = 0
    for number, part in enumerate(parts):
        at += int(part) if number % 2 else len(part)
        assert number % 2 or whole[at - len(part) : at] == part
    assert at == len(whole)


def test_a_deleted_output_comes_back(folders: Folders) -> None:
    writer = OutputWriter(folders, RUN, limit_bytes=LIMIT)
    writer.write(b"one\n")
    os.unlink(folders.output(RUN))
    writer.write(b"two\n")
    assert read(folders) == b"one\ntwo\n"
    os.unlink(folders.output(RUN))
    os.unlink(os.path.join(folders.outputs, ".gitignore"))
    os.rmdir(folders.outputs)
    writer.close()
    assert read(folders) == b"one\ntwo\n"
    assert os.path.exists(os.path.join(folders.outputs, ".gitignore"))


FULL_DISK = """
import resource, sys
from gittasks.runtime.folders import Folders
from gittasks.runtime.output import OutputWriter
from gittasks.runtime.record import RunId
writer = OutputWriter(Folders(*sys.argv[1:4]), RunId("b0000001"), limit_bytes=4000)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
writer.write(b"a" * 90)
writer.write(b"b" * 50)
writer.write(b"c" * 50)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.write(b"d" * 50)
writer.close()
print(writer.truncated)
"""


def test_what_the_disk_refuses_is_counted_and_writing_goes_on(folders: Folders) -> None:
    done = subprocess.run(
        (sys.executable, "-c", FULL_DISK, *folders), capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
    assert (
        read(folders) == b"a" * 90 + b"b" * 10 + b"\n[gittasks: 90 bytes could not be written]\n" + b"d" * 50
    )


def naive_tail(data: bytes, count: int) -> bytes:
    lines = data.splitlines(keepends=True) if b"\r" not in data else data.split(b"\n")
    return b"".join(lines[max(len(lines) - count, 0) :] if count else [])


@given(
    st.lists(st.sampled_from([b"", b"x", b"long line " * 9]), max_size=9), st.booleans(), st.integers(0, 12)
)
def test_the_last_lines_are_the_last_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool, count: int
) -> None:
    folders = make(tmp_path_factory.mktemp("x"))
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    writer = OutputWriter(folders, RUN, limit_bytes=LIMIT * 10)
    writer.write(data)
    reader = LiveReader(folders, RUN)
    reader.skip_to_last_lines(count)
    expected = naive_tail(data, count)
    assert b"".join(reader.read_new()) == expected
    writer.close()
    assert read(folders, last_lines=count) == expected


def test_the_last_lines_may_begin_in_an_older_file(folders: Folders) -> None:
    writer = OutputWriter(folders, RUN, limit_bytes=LIMIT)
    whole = text(LIMIT)
    writer.write(whole)
    for count in (1, 5, 13, 20, 49, 50, 51):
        reader = LiveReader(folders, RUN)
        reader._quarter = QUARTER
        reader.skip_to_last_lines(count)
        assert b"".join(reader.read_new()) == naive_tail(whole, count)


def test_an_output_that_is_a_link_is_not_read(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    os.symlink(tmp_path / "secret", folders.output(RUN))
    with pytest.raises(UnsafeFileError):
        read(folders)
    writer = OutputWriter(folders, RUN, limit_bytes=LIMIT)
    writer.write(b"x")
    writer.close()
    assert "symbolic" in str(writer.failure)
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_missing_output_reads_as_empty(folders: Folders) -> None:
    assert read(folders) == b""
    assert list(LiveReader(folders, RUN).read_new()) == []
    assert list(reading.LiveReader(folders, RUN).read_rest(100)) == []
