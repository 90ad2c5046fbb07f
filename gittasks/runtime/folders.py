"""Where runs keep their files: what people read, and what is private to the clone and survives `git clean`.

    <outputs>/index.jsonl             the index: one line for each change of a run
    <outputs>/<id>.txt                what the command wrote
    <private>/runtime.lock            held for each change of the index
    <private>/runs/live/<id>/         a run that lives (see `live`)
    <private>/runs/ended/<id>.json    the last record of a run that has ended
    <private>/runs/told               the ids of runs whose end was told
    <private>/runs/events/<id>.json   what a monitor saw and nobody was told yet
    <private>/runs/slots              who holds and who waits for named slots (see `slots`)
    <private>/slots.lock              held for each change of that

The index can be made again from `live` and `ended`. Nothing in `outputs` is ever trusted: a clone may bring it along.
"""

from __future__ import annotations

import os
import stat

from gittasks.base.errors import RefusedError, SetupError
from gittasks.base.files import read_start
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gittasks.runtime.record import RunId

INDEX = "index.jsonl"
# Of the index, and of any other file that is read whole.
MAX_INDEX_BYTES = 1 << 29
_CURE = "runs need to write there: check its permissions, and whether the disk is full or read-only"
_IGNORE = b"# runs of this clone, never committed\n*\n"


class UnsafeFolderError(RefusedError):
    """The folder of outputs is a link, a file, or another user's."""


class NoFolderError(SetupError):
    """A folder that runs need cannot be made."""


class Folders(NamedTuple):
    """The folders of one clone, absolute. `shown` is what records say before an output's file name."""

    outputs: str
    private: str
    shown: str

    @property
    def index_file(self) -> str:
        """The index of all runs."""
        return os.path.join(self.outputs, INDEX)

    @property
    def lock_file(self) -> str:
        """The lock that each writer of the index holds."""
        return os.path.join(self.private, "runtime.lock")

    @property
    def live_folders(self) -> str:
        """One folder for each run that lives."""
        return os.path.join(self.private, "runs", "live")

    @property
    def ended_folder(self) -> str:
        """One file for each run that has ended."""
        return os.path.join(self.private, "runs", "ended")

    @property
    def told_file(self) -> str:
        """The ids of runs whose end was told, a line each."""
        return os.path.join(self.private, "runs", "told")

    @property
    def events_folder(self) -> str:
        """One file for each monitor with untold events."""
        return os.path.join(self.private, "runs", "events")

    def events_file(self, run_id: RunId) -> str:
        """The untold events of one monitor."""
        return os.path.join(self.events_folder, run_id + ".json")

    @property
    def slots_file(self) -> str:
        """The runs that hold named slots, and those that wait for one, in their order."""
        return os.path.join(self.private, "runs", "slots")

    @property
    def slots_lock(self) -> str:
        """The lock that each change of `slots_file` holds."""
        return os.path.join(self.private, "slots.lock")

    def live_folder(self, run_id: RunId) -> str:
        """The folder of one live run."""
        return os.path.join(self.live_folders, run_id)

    def ended_file(self, run_id: RunId) -> str:
        """The last record of one run."""
        return os.path.join(self.ended_folder, run_id + ".json")

    def crash_file(self, run_id: RunId) -> str:
        """Where a supervisor that met a bug leaves its trace."""
        return os.path.join(self.private, "runs", f"crash-{run_id}.txt")

    def output(self, run_id: RunId) -> str:
        """What the command of one run wrote. Made from the id alone, never from what a record says."""
        return os.path.join(self.outputs, run_id + ".txt")

    def shown_output(self, run_id: RunId) -> str:
        """The path of an output as records carry it: from the main worktree's root, or absolute."""
        return f"{self.shown}/{run_id}.txt"


def prepare(folders: Folders) -> None:
    """Make all folders that are missing. Raises `UnsafeFolderError`, `NoFolderError`, `DiskError`."""
    prepare_private(folders)
    prepare_outputs(folders.outputs)


def prepare_private(folders: Folders) -> None:
    """Make the folders of private records, which nobody else may look into. Raises as `prepare` does."""
    _make(folders.private, 0o777)
    _own(os.path.dirname(folders.live_folders), "records of runs go there")
    _make(folders.live_folders)
    if not os.path.isdir(folders.ended_folder) and not os.path.islink(folders.outputs):
        _put_aside(folders.index_file)
    _make(folders.ended_folder)


def prepare_outputs(folder: str) -> None:
    """Make the folder of outputs, private to its user and ignored by git. Raises as `prepare` does."""
    _own(folder, "outputs of runs go there")
    ignore = os.path.join(folder, ".gitignore")
    if read_start(ignore, len(_IGNORE) + 1) != _IGNORE or os.path.islink(ignore):
        _write_ignore(ignore)


def _own(folder: str, what: str) -> None:
    """Make a folder that is ours alone. Raises `UnsafeFolderError` where it is a link, a file, or somebody else's."""
    _make(folder)
    info = os.lstat(folder)
    if not stat.S_ISDIR(info.st_mode):
        raise UnsafeFolderError(
            f"{folder} is no folder but {'a symbolic link' if stat.S_ISLNK(info.st_mode) else 'a file'}",
            hint=f"{what}; move it away, gittasks makes its own",
        )
    if info.st_uid != os.geteuid():
        raise UnsafeFolderError(
            f"{folder} belongs to another user (uid {info.st_uid})", hint="work in a clone of your own"
        )
    if info.st_mode & 0o077:
        os.chmod(folder, 0o700)


def _put_aside(index: str) -> None:
    """An index that is there before the first run of a clone came along with it, or is from before `deinit`."""
    try:
        os.replace(index, index + ".foreign")
    except (FileNotFoundError, NotADirectoryError):
        return


def _write_ignore(path: str) -> None:
    from gittasks.base import files

    # As a cache: no lock guards this, each writer has a file of its own, hidden from git, and all say the same.
    if not files.write_cache(path, _IGNORE) and not os.path.lexists(path):
        raise NoFolderError(f"cannot write {path}", hint=_CURE)


def _make(folder: str, mode: int = 0o700) -> None:
    try:
        os.makedirs(folder, mode, exist_ok=True)
    except FileExistsError:
        pass  # not a folder: the caller looks closer
    except OSError as error:
        raise NoFolderError(
            f"cannot make {error.filename}: {error.strerror}",
            hint=_CURE,
        ) from None
