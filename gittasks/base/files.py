"""Files that are whole or absent: safe reads, exclusive creation, atomic replacement.

Knows nothing of what the files mean. A write is: temporary file beside the target, fsync, rename or link.
"""

from __future__ import annotations

import errno
import os
import stat

from gittasks.base.errors import InvalidError, SetupError

_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
TEMP_SUFFIX = ".gittasks-tmp"


_CURES = {
    errno.ENOSPC: "free some space and run the command again; the old file is untouched",
    errno.EDQUOT: "your disk quota is used up: free some space and run the command again",
    errno.EROFS: "the file system is read-only: remount it, or work in a writable clone",
    errno.EACCES: "check who owns the folder and its permissions",
    errno.EPERM: "check who owns the folder and its permissions",
    errno.EIO: "the disk reported an error: check it before you go on; the old file is untouched",
    errno.EMFILE: "too many open files: close some programs or raise the limit",
    errno.ENFILE: "too many open files on this machine",
    errno.EFBIG: "the file would exceed a size limit; the old file is untouched",
}


class UnsafeFileError(InvalidError):
    """Not a regular file (a link, folder, device or FIFO), or larger than allowed."""


class DiskError(SetupError):
    """The disk refused: full, read-only, or broken."""


def read_regular(path: str, *, limit_bytes: int, dir_fd: int | None = None) -> bytes:
    """The bytes of a regular file, never following a final symbolic link, never blocking on a FIFO.

    Raises `FileNotFoundError` where nothing is there, `UnsafeFileError` for anything but a regular file
    of at most `limit_bytes`.
    """
    try:
        fd = os.open(path, _READ_FLAGS, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise UnsafeFileError(f"{path}: is a symbolic link: expected a regular file") from None
        if error.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP):
            raise UnsafeFileError(f"{path}: is not a regular file") from None
        raise
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise UnsafeFileError(f"{path}: is not a regular file")
        if info.st_size > limit_bytes:
            raise UnsafeFileError(f"{path}: {info.st_size} bytes: expected at most {limit_bytes}")
        # One byte more than there should be: a shorter answer is the end of the file.
        data = os.read(fd, info.st_size + 1)
        while len(data) > info.st_size and (more := os.read(fd, limit_bytes + 1 - len(data))):
            data += more
            if len(data) > limit_bytes:
                break
        if len(data) > limit_bytes:
            raise UnsafeFileError(f"{path}: grew over {limit_bytes} bytes while it was read")
        return data
    finally:
        os.close(fd)


def read_start(path: str, limit_bytes: int) -> bytes | None:
    """The first `limit_bytes` of a regular file, also through a link; `None` where none is, or it cannot be read.

    For files of git's, which are allowed to be links, but not to make a reader wait.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        data = os.read(fd, limit_bytes)
        while len(data) < limit_bytes and (more := os.read(fd, limit_bytes - len(data))):
            data += more
        return data
    except OSError:
        return None
    finally:
        os.close(fd)


def first_line(path: str) -> str | None:
    """The first line of a regular file, without its end and at most 8 KiB of it; `None` as `read_start`."""
    data = read_start(path, 8192)
    return None if data is None else os.fsdecode(data.partition(b"\n")[0].rstrip(b"\r"))


def replace_file(path: str, data: bytes, *, mode: int | None = None) -> None:
    """Put `data` at `path` in one step: readers see the old file or the new one, also after a crash.

    An existing file keeps its permissions, a new one gets `mode` (default: 0666 less the umask, as git
    gives). Callers hold the lock that makes them the only writer of `path`. Raises `DiskError`.
    """
    with _Translate(path):
        temp = _write_temp(path, data, mode=mode)
        try:
            os.replace(temp, path)
        except BaseException:
            _unlink_quietly(temp)
            raise


def create_file(path: str, data: bytes, *, mode: int | None = None) -> None:
    """Like `replace_file`, but raises `FileExistsError` where `path` is already there, whatever it is."""
    with _Translate(path):
        temp = _write_temp(path, data, mode=mode)
        try:
            try:
                os.link(temp, path)
            except OSError as error:
                # Some file systems have no hard links; the caller's lock keeps our own writers away.
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
                    raise
                if os.path.lexists(path):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
                os.rename(temp, path)
        finally:
            _unlink_quietly(temp)


def write_cache(path: str, data: bytes) -> bool:
    """Replace a cache file, which may be lost at any time; answer whether that was possible.

    Readers write caches without a lock: each writer has its own temporary file, the last one wins whole.
    """
    temp = f"{path}.{os.getpid()}{TEMP_SUFFIX}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _write_all(fd, data)
        finally:
            os.close(fd)
        os.replace(temp, path)
    except OSError:  # a read-only or full disk: the next reader does the work again
        _unlink_quietly(temp)
        return False
    return True


def remove_cache(path: str) -> None:
    """Delete a cache file, if it is there and that is possible."""
    _unlink_quietly(path)


def sync_folder(path: str) -> None:
    """Make renames inside `path` survive a power cut."""
    with _Translate(path):
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some file systems cannot sync a folder
                raise
        finally:
            os.close(fd)


def remove_leftovers(folder: str) -> None:
    """Delete temporary files that a killed writer left in `folder`; the caller holds the writers' lock."""
    try:
        names = os.listdir(folder)
    except OSError:  # not there yet
        return
    for name in names:
        if is_leftover(name):
            _unlink_quietly(os.path.join(folder, name))


def is_leftover(path: str) -> bool:
    """Whether a file's name is that of a temporary file of ours."""
    # The end first: a folder of thousands of names is looked through with it.
    return path.endswith(TEMP_SUFFIX) and os.path.basename(path).startswith(".")


def _write_temp(path: str, data: bytes, *, mode: int | None) -> str:
    folder, name = os.path.split(path)
    temp = os.path.join(folder, f".{name}{TEMP_SUFFIX}")
    keep = _mode_of(path) if mode is None else mode
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(temp, flags, 0o666 if mode is None else mode)
    except FileExistsError:
        # A killed writer's: the caller's lock says that nobody is writing it now.
        if stat.S_ISDIR(os.lstat(temp).st_mode):
            raise UnsafeFileError(
                f"{temp}: is a folder, where our temporary file goes", hint="look into it, and move it away"
            ) from None
        os.unlink(temp)
        fd = os.open(temp, flags, 0o666 if mode is None else mode)
    try:
        if keep is not None:
            os.fchmod(fd, keep)
        _write_all(fd, data)
        os.fsync(fd)
    except BaseException:
        os.close(fd)
        _unlink_quietly(temp)
        raise
    os.close(fd)
    return temp


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _mode_of(path: str) -> int | None:
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return None
    return stat.S_IMODE(info.st_mode) if stat.S_ISREG(info.st_mode) else None


def _unlink_quietly(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError:
        # The write itself has its own error; a leftover is removed by the next writer.
        pass


class _Translate:
    """Turns the system's refusals of a write into a `DiskError` that names the file and the cure."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno in _CURES:
            raise DiskError(
                f"cannot write {self._path}: {os.strerror(error.errno)}", hint=_CURES[error.errno]
            ) from error
