"""What a command gets from outside: streams, environment, folder, and the project it stands in."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import json_printable, printable, printable_block

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TextIO

    from gittasks.app.project import Project

SCHEMA = 1


class Context:
    """One call of the program. `out` and `document` are the answer (stdout), `say` is the talk (stderr)."""

    def __init__(
        self,
        *,
        cwd: str,
        env: Mapping[str, str],
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        command: list[str] | None = None,
    ) -> None:
        self.cwd = cwd
        self.env = env
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.json = False
        # What stood behind `--`, for commands that run another one.
        self.command = command
        self._project: Project | None = None

    def project(self) -> Project:
        """The project that `cwd` lies in, opened once."""
        if self._project is None:
            from gittasks.app.project import open_project

            self._project = open_project(self.cwd, env=self.env)
        return self._project

    def out(self, text: str) -> None:
        """Write one answer, which ends with a line feed; the caller made strangers' text printable."""
        self.stdout.write(text + "\n")

    def out_path(self, path: str) -> None:
        """Write a path as the answer: byte for byte for programs, but printable on a terminal."""
        if self.stdout.isatty() and not path.isprintable():
            self.out(printable(path))
            return
        self.stdout.flush()
        self.stdout.buffer.write(os.fsencode(path) + b"\n")
        self.stdout.buffer.flush()

    def document(self, content: Mapping[str, Any]) -> None:
        """Write the one JSON document of a command, its `schema` first, and nothing in it that moves a cursor."""
        import json

        text = json.dumps({"schema": SCHEMA, **content}, ensure_ascii=False)
        self.stdout.write(json_printable(text) + "\n")

    def say(self, text: str) -> None:
        """Tell a person something that is not the answer."""
        self.stdout.flush()
        self.stderr.write(printable_block(text) + "\n")
        self.stderr.flush()

    def path(self, name: str) -> str:
        """`name` as the user meant it: relative to the folder of the call."""
        return os.path.join(self.cwd, name)
