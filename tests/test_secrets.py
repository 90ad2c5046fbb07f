"""What `run --env` is given reaches the command, and nothing else: no file, no log, no command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.runtime.folders import Folders, UnsafeFolderError, prepare
from tests.conftest import Cli
from tests.runtime.stage import nothing_remains, remains, until

SECRET = "s3cret-0f-the-run-7f3a9"


def holders_of(secret: bytes, *roots: Path) -> list[str]:
    """Every file below `roots` that has it in its content or its name."""
    found = []
    for root in roots:
        for path in root.rglob("*"):
            if secret in os.fsencode(str(path)) or (
                path.is_file() and not path.is_symlink() and secret in path.read_bytes()
            ):
                found.append(str(path))
    return found


def command_lines(secret: bytes) -> list[int]:
    """The processes of this test that have it on their command line."""
    found = []
    for pid in remains():
        try:
            if secret in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks at /proc")
@pytest.mark.parametrize("options", [(), ("--timeout", "5m"), ("--retry", "1", "--backoff", "10ms")])
def test_a_secret_reaches_the_command_alone(
    repo: Path, tmp_path: Path, cli: Cli, options: tuple[str, ...]
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    cli("init")
    roots = (repo, temporary, Path(os.environ["HOME"]))
    script = 'test "${#TOKEN}" -eq 23 && touch .git/seen; until [ -e .git/go ]; do sleep 0.02; done; exit 7'
    with nothing_remains():
        call = ("run", *options, "--env", f"TOKEN={SECRET}", "--", "sh", "-c", script)
        run = cli(*call, env=env).stdout.strip()
        until(lambda: (repo / ".git" / "seen").exists(), "for the command to see it")
        assert holders_of(SECRET.encode(), *roots) == []
        assert command_lines(SECRET.encode()) == []
        said = "".join(
            cli(*words, env=env).stdout for words in (("runs", "--json"), ("doctor",), ("notices",))
        )
        assert SECRET not in said
        (repo / ".git" / "go").touch()
        cli("wait", run, code=None, env=env)
    assert holders_of(SECRET.encode(), *roots) == []


def test_a_secret_is_not_repeated_when_it_is_refused(repo: Path, tmp_path: Path, cli: Cli) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    for call in (
        ("run", "--env", SECRET, "--", "true"),
        ("run", "--env", f"={SECRET}", "--", "true"),
        ("run", "--env", f"A={SECRET}", "--", "/no/such/program"),
        ("run", "--env", f"A={SECRET}", "--cwd", "/no/such/folder", "--", "true"),
    ):
        done = cli(*call, code=None, env=env)
        assert done.returncode not in (0, 3)
        assert SECRET not in done.stdout + done.stderr, call
    assert holders_of(SECRET.encode(), repo, temporary) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
@pytest.mark.parametrize("whose", ["outputs", "runs"])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, whose: str) -> None:
    folders = Folders(str(tmp_path / "outputs"), str(tmp_path / "private"), "outputs")
    prepare(folders)
    given = tmp_path / "outputs" if whose == "outputs" else tmp_path / "private" / "runs"
    os.chown(given, 12345, 12345)
    with pytest.raises(UnsafeFolderError, match="another user"):
        prepare(folders)


@pytest.mark.parametrize("whose", ["outputs", "runs"])
def test_a_folder_that_others_may_look_into_is_closed(tmp_path: Path, whose: str) -> None:
    folders = Folders(str(tmp_path / "outputs"), str(tmp_path / "private"), "outputs")
    prepare(folders)
    opened = tmp_path / "outputs" if whose == "outputs" else tmp_path / "private" / "runs"
    opened.chmod(0o777)
    prepare(folders)
    assert opened.stat().st_mode & 0o777 == 0o700
