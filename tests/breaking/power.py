"""A power cut: what is on disk when only what was synced is there.

The calls of an action are recorded; then, for each moment, a folder is built from what a file system may have kept.
Two of them are tried: one that keeps names at once and contents only when they are synced (a rename before its
contents: an empty file), and one that keeps names, too, only when their folder was synced.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

EAGER, LAZY = "names at once", "names when synced"


class Event(NamedTuple):
    """One call: `kind`, the path, the other path or the bytes."""

    kind: str
    path: str
    more: Any = None


class Recorder:
    """The calls that change something below `roots`, in their order."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self.events: list[Event] = []
        self._roots = tuple(str(root) for root in roots)
        self._paths: dict[int, str] = {}

    def install(self, patch: pytest.MonkeyPatch) -> None:
        real = {name: getattr(os, name) for name in ("open", "write", "close", "fsync", "ftruncate")}

        def opened(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
            is_new = not os.path.lexists(name)
            fd = int(real["open"](path, flags, mode, dir_fd=dir_fd))
            if dir_fd is None and name.startswith(self._roots):
                self._paths[fd] = name
                if flags & os.O_CREAT and is_new:
                    self.events.append(Event("create", name))
                if flags & os.O_TRUNC:
                    self.events.append(Event("content", name, b""))
            return fd

        def changed(fd: int) -> None:
            if fd in self._paths and os.path.isfile(f"/proc/self/fd/{fd}"):
                with open(f"/proc/self/fd/{fd}", "rb") as file:
                    self.events.append(Event("content", self._paths[fd], file.read()))

        def wrote(fd: int, data: Any) -> int:
            done = int(real["write"](fd, data))
            changed(fd)
            return done

        def cut(fd: int, size: int) -> None:
            real["ftruncate"](fd, size)
            changed(fd)

        def synced(fd: int) -> None:
            real["fsync"](fd)
            if fd in self._paths:
                self.events.append(Event("sync", self._paths[fd]))

        def closed(fd: int) -> None:
            self._paths.pop(fd, None)
            real["close"](fd)

        patch.setattr(os, "open", opened)
        patch.setattr(os, "write", wrote)
        patch.setattr(os, "ftruncate", cut)
        patch.setattr(os, "fsync", synced)
        patch.setattr(os, "close", closed)
        for kind in ("replace", "rename", "link"):
            patch.setattr(os, kind, self._on_two(kind, getattr(os, kind)))
        for kind in ("unlink", "mkdir", "rmdir"):
            patch.setattr(os, kind, self._on_one(kind, getattr(os, kind)))

    def _on_two(self, kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: Any, target: Any, *args: Any, **more: Any) -> Any:
            answer = real(source, target, *args, **more)
            if str(source).startswith(self._roots):
                self.events.append(Event(kind, str(source), str(target)))
            return answer

        return call

    def _on_one(self, kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *args: Any, **more: Any) -> Any:
            answer = real(path, *args, **more)
            if str(path).startswith(self._roots):
                self.events.append(Event(kind, str(path)))
            return answer

        return call


def after_cut(events: list[Event], before: dict[str, bytes], model: str) -> dict[str, bytes]:
    """The files that are there when power fails after `events`, by path."""
    inodes: dict[str, list[bytes]] = {path: [data, data] for path, data in before.items()}  # [now, on disk]
    names = dict(inodes)
    pending: list[Event] = []
    kept = dict(names)
    for event in events:
        if event.kind == "content":
            if event.path in names:
                names[event.path][0] = event.more
        elif event.kind == "sync":
            if event.path in names:
                names[event.path][1] = names[event.path][0]
            else:  # a folder: its names are on disk now
                for old in [one for one in pending if os.path.dirname(one.path) == event.path]:
                    pending.remove(old)
                kept = {path: node for path, node in kept.items() if os.path.dirname(path) != event.path}
                kept |= {path: node for path, node in names.items() if os.path.dirname(path) == event.path}
        else:
            pending.append(event)
            _rename(names, event)
    found = names if model == EAGER else kept
    return {path: node[1] for path, node in found.items()}


def _rename(names: dict[str, list[bytes]], event: Event) -> None:
    if event.kind == "create":
        names[event.path] = [b"", b""]
    elif event.kind in ("replace", "rename") and event.path in names:
        names[event.more] = names.pop(event.path)
    elif event.kind == "link" and event.path in names:
        names[event.more] = names[event.path]
    elif event.kind == "unlink":
        names.pop(event.path, None)


def contents(*roots: Path) -> dict[str, bytes]:
    """All files below `roots`."""
    return {str(path): path.read_bytes() for root in roots for path in root.rglob("*") if path.is_file()}


def cuts(events: list[Event], before: dict[str, bytes], roots: tuple[Path, ...]) -> Iterator[tuple[int, str]]:
    """Put every state that a cut may leave into `roots`, one after the other; each other state only once."""
    seen = set()
    for model in (EAGER, LAZY):
        for number in range(len(events) + 1):
            state = after_cut(events[:number], before, model)
            key = frozenset(state.items())
            if key in seen:
                continue
            seen.add(key)
            put(state, roots)
            yield number, model


def put(state: dict[str, bytes], roots: tuple[Path, ...]) -> None:
    """Let `roots` hold these files, and no others."""
    for root in roots:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
    for path, data in state.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
