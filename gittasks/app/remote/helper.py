"""What works on a host: one request, its answer in frames. Started by `parcel`'s bootstrap; ends with its client."""

from __future__ import annotations

import json
import os
import platform

from gittasks.app.remote import frames, serving, starting, trees
from gittasks.app.remote.place import Place
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import IO, Any, NoReturn

_OUT = 1


def main(root: str, stdin: IO[bytes]) -> NoReturn:
    """Read the request from `stdin` and answer it; everything is kept below `root`."""
    request = json.loads(stdin.read(int(stdin.readline())))
    _send(frames.MARK)
    try:
        answer = _DO[request["do"]](Place(root), request, stdin.fileno())
        _send(frames.format_content(frames.ANSWER, answer))
    except (BrokenPipeError, serving.ClientGoneError):
        # Whoever asked has gone; what was asked for is done, or will be asked for again.
        os._exit(0)
    except GittasksError as error:
        kind = "taken" if isinstance(error, starting.NotOursError) else "refused"
        _refuse(kind, error.message, error.hint)
    except OSError as error:
        _refuse("refused", f"{error.filename}: {error.strerror}", None)
    os._exit(0)


def _prepare(place: Place, request: dict[str, Any], stdin_fd: int) -> dict[str, Any]:
    repository = trees.prepare(place, request["repository"], request["object_format"], os.environ)
    return {"repository": repository, "python": platform.python_version()}


def _start(place: Place, request: dict[str, Any], stdin_fd: int) -> dict[str, Any]:
    starting.start(place, request["job"], request["env"], os.environ)
    return {}


def _follow(place: Place, request: dict[str, Any], stdin_fd: int) -> dict[str, Any]:
    return serving.Feed(place, os.environ, _send).serve(request, stdin_fd)


def _stop(place: Place, request: dict[str, Any], stdin_fd: int) -> dict[str, Any]:
    return serving.stop(place, request, os.environ)


def _collect(place: Place, request: dict[str, Any], stdin_fd: int) -> dict[str, Any]:
    return serving.collect(place, request, os.environ)


def _clean(place: Place, request: dict[str, Any], stdin_fd: int) -> dict[str, Any]:
    return serving.clean(place, request, os.environ)


_DO = {
    "prepare": _prepare,
    "start": _start,
    "follow": _follow,
    "stop": _stop,
    "collect": _collect,
    "clean": _clean,
}


def _send(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(_OUT, view) :]


def _refuse(kind: str, message: str, hint: str | None) -> None:
    content = {"kind": kind, "message": message, "hint": hint}
    try:
        _send(frames.format_content(frames.ERROR, content))
    except BrokenPipeError:
        return
