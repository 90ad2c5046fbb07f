from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from gittasks.app.remote import frames, parcel
from gittasks.app.remote.frames import Decoder
from tests.app.remote.box import script


def call(python: str, data: bytes, home: Path) -> list[frames.Frame]:
    """What comes back when `python` gets `data`, with nothing of this environment."""
    argv = (python, "-I", "-S", "-c", parcel.BOOTSTRAP)
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    done = subprocess.run(argv, input=data, env=env, cwd=home, capture_output=True, check=False)
    assert done.stderr == b""
    return list(Decoder().feed(done.stdout))


def prepare(directory: str = "") -> bytes:
    asked = {"do": "prepare", "repository": "ab12", "object_format": "sha1"}
    return parcel.request(directory, asked)


def test_what_is_sent_needs_nothing_there(tmp_path: Path) -> None:
    (found,) = call(sys.executable, prepare(), tmp_path)
    state = tmp_path / ".local" / "state" / "gittasks"
    answer = json.loads(found.content)
    assert answer["repository"] == str(state / "repositories" / "ab12.git")
    assert state.stat().st_mode & 0o777 == 0o700
    (code,) = (state / "code").iterdir()
    # What somebody spoilt is written anew.
    (code / "gittasks" / "app" / "remote" / "helper.py").write_text("raise SystemExit(5)")
    (again,) = call(sys.executable, prepare(), tmp_path)
    assert json.loads(again.content) == answer


def test_it_goes_where_it_is_told(tmp_path: Path) -> None:
    (found,) = call(sys.executable, prepare(str(tmp_path / "there")), tmp_path)
    assert json.loads(found.content)["repository"] == str(tmp_path / "there" / "repositories" / "ab12.git")
    (refused,) = call(sys.executable, prepare("here"), tmp_path)
    assert (refused.letter, b"absolute" in refused.content) == (frames.ERROR, True)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (refused,) = call(sys.executable, prepare(str(tmp_path / "file")), tmp_path)
    assert refused.letter == frames.ERROR
    assert f"cannot write {tmp_path}/file/code" in json.loads(refused.content)["message"]


def test_an_old_python_says_that_it_is_old(tmp_path: Path) -> None:
    old = tmp_path / "old"
    pretend = 'import sys; sys.version_info = (3, 9); sys.argv = ["-c"]; '
    script(old, f"#!/bin/sh\nexec {sys.executable} -I -S -c '{pretend}'\"$4\"\n")
    (refused,) = call(str(old), prepare(), tmp_path)
    assert json.loads(refused.content)["message"] == "python 3.9 there is too old: 3.11 or newer is needed"
    # And can read that far.
    size, _, rest = prepare().partition(b"\n")
    ast.parse(rest[: int(size)].decode(), feature_version=(3, 4))
