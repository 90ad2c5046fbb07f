"""The docs tell the truth: every command is documented, its examples parse, the tour in the README runs."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gittasks
from gittasks.base import errors
from gittasks.base.errors import GittasksError
from gittasks.cli import main as cli_main
from gittasks.cli.parser import build
from tests.conftest import Cli

ROOT = Path(__file__).resolve().parent.parent
SAFETY = ROOT / "docs" / "safety.md"
BIN = Path(sys.executable).parent
COMMANDS = sorted(cli_main.COMMANDS)


def test_the_generated_parts_are_fresh_and_all_links_resolve() -> None:
    script = (sys.executable, ROOT / "scripts" / "docs.py", "--check")
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [*COMMANDS, *cli_main.HIDDEN])
def test_a_command_has_help_with_an_example(name: str) -> None:
    module = cli_main.load(name)
    text = build(name, module).format_help()
    assert module.HELP and module.EXAMPLE.strip()
    assert "example:" in text
    assert list(undocumented(build(name, module))) == []


def undocumented(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The options, arguments and sub-commands of `parser` that have no help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helped = {choice.dest for choice in action._choices_actions if choice.help}
            yield from set(action.choices) - helped
            for sub in action.choices.values():
                yield from undocumented(sub)
        elif not action.help:
            yield action.dest


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_command_are_calls_that_parse(name: str) -> None:
    module = cli_main.load(name)
    calls = [call for call in example_calls(module.EXAMPLE) if call[0] == name]
    assert calls, "no example calls the command itself"
    for call in calls:
        arguments = call[1:]
        if getattr(module, "TAKES_COMMAND", False) and "--" in arguments:
            arguments = arguments[: arguments.index("--")]
        build(name, module).parse_args(arguments)


def example_calls(text: str) -> list[list[str]]:
    """The words behind `gittasks` of each call in a shell example."""
    calls = []
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        while "gittasks" in words:
            words = words[words.index("gittasks") + 1 :]
            end = next((at for at, word in enumerate(words) if set(word) <= set("|<>&;()")), len(words))
            if words[:end]:
                calls.append(words[:end])
    return calls


def test_the_error_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"^    (?:[├└]── )?(\w+Error) +(\d)", errors.__doc__ or "", re.MULTILINE)
    real = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, GittasksError)
    }
    assert {name: int(code) for name, code in drawn} == {
        name: value.exit_code for name, value in real.items()
    }


def test_every_error_has_its_place_in_the_tree() -> None:
    for module in pkgutil.walk_packages(gittasks.__path__, "gittasks."):
        if not module.name.endswith(("__main__", "launch")):
            importlib.import_module(module.name)
    families = set(GittasksError.__subclasses__())
    allowed = {value for value in vars(errors).values() if isinstance(value, type)}
    # A command of git's that failed has no family: it may mean anything.
    assert {kind.__name__ for kind in families - allowed} <= {"GitError"}


# --- the tour -----------------------------------------------------------------------------------------------------

Step = tuple[str, list[str]]


def tour_steps() -> list[Step]:
    """Each command of the README's ```console blocks, with the lines that it is said to print."""
    steps: list[Step] = []
    for block in re.findall(
        r"^```console\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    ):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
    return steps


class Tour:
    """A shell that remembers its folder, and which real run stands behind a run id of the README."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = folder.with_name("where")
        self.runs: dict[str, str] = {}
        path = os.pathsep.join((str(BIN), os.environ["PATH"]))
        self.env = {**os.environ, "PATH": path, "GITTASKS_OWNER": "ada", "COLUMNS": "100"}

    def play(self, command: str, expected: list[str]) -> None:
        """Run `command`: it must print the lines of the README, no others. `...` stands for any text in a line, and
        alone for any lines.
        """
        for written, real in self.runs.items():
            command = command.replace(written, real)
        script = f"cd {shlex.quote(str(self.folder))}\n{command}\ncode=$?\npwd >&3\nexit $code"
        with self.where.open("w") as where:
            done = subprocess.run(
                ("bash", "-c", f"exec 3>&{where.fileno()}\n{script}"),
                env=self.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                pass_fds=[where.fileno()],
            )
        said = done.stdout + done.stderr
        assert done.returncode == 0, (command, said)
        self.folder = Path(self.where.read_text().strip())
        pattern = "".join(r"(?:.*\n)*" if line == "..." else self._pattern(line) + r"\n" for line in expected)
        match = re.fullmatch(pattern, said)
        assert match, f"$ {command}\n{said}\n--- expected:\n" + "\n".join(expected)
        self.runs |= {f"b{name[1:]}": value for name, value in match.groupdict().items()}

    def _pattern(self, line: str) -> str:
        """A regular expression for a line of the README. A new run id matches any, a known one its own."""
        parts = re.split(r"(\.\.\.|\bb[0-9a-z]{7}\b)", line.rstrip())
        seen: set[str] = set()
        pattern = ""
        for part in parts:
            if part == "...":
                pattern += ".*"
            elif part in self.runs:
                pattern += re.escape(self.runs[part])
            elif re.fullmatch(r"b(?=.*\d)[0-9a-z]{7}", part) and part not in seen:
                seen.add(part)
                pattern += f"(?P<r{part[1:]}>b[0-9a-z]{{7}})"
            else:
                pattern += re.escape(part)
        return pattern + r" *"


@pytest.mark.slow
def test_the_tour_of_the_readme_runs(tmp_path: Path) -> None:
    steps = tour_steps()
    assert len(steps) > 15
    folder = tmp_path / "tour"
    folder.mkdir()
    tour = Tour(folder)
    for command, expected in steps:
        tour.play(command, expected)
    left = subprocess.run(
        (BIN / "gittasks", "runs", "--status", "running", "--json"),
        cwd=tour.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(left.stdout)["runs"] == []
    unexplained = private_names(tour.folder) - set(re.findall(r"`([\w.-]+)[/`]", SAFETY.read_text()))
    assert unexplained == set(), "docs/safety.md does not say what these are"


def private_names(checkout: Path) -> set[str]:
    """What gittasks keeps in the git directory of a clone."""
    return {path.name for path in (checkout / ".git" / "gittasks").iterdir()}


@pytest.mark.slow
def test_the_library_examples_of_the_readme_run(repo: Path, cli: Cli) -> None:
    cli("init")
    example, teammate = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    env = {**os.environ, "PATH": os.pathsep.join((str(BIN), os.environ["PATH"]))}
    done = subprocess.run(
        (sys.executable, "-c", example), cwd=repo, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "['Implement auth module']" in done.stdout
    assert "no tests ran" in done.stdout
    hasty = teammate.replace("idle_timeout_s=60", "idle_timeout_s=0")
    assert hasty != teammate
    subprocess.run((sys.executable, "-c", hasty), cwd=repo, env=env, check=True)
    assert cli("list", "--status", "completed").stdout.startswith("#1")
