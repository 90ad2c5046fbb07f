"""What a user installs: the wheel, and `pip install .`, in an environment of its own, without the network."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")


def call(*argv: str | Path, path: Path | None = None, cwd: Path | None = None) -> str:
    """Run a program, with `path` first on PATH; what it prints."""
    env = dict(os.environ)
    if path is not None:
        env["PATH"] = f"{path}{os.pathsep}{env['PATH']}"
    done = subprocess.run([*argv], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


def empty_environment(folder: Path) -> Path:
    """A virtual environment that sees this one's libraries, but not this checkout; its `bin`."""
    venv.create(folder, symlinks=True, with_pip=False)
    site = next((folder / "lib").glob("python*/site-packages"))
    # A line of a .pth file adds the folder alone: the editable install's own .pth in it is not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as hatchling builds it."""
    folder = tmp_path_factory.mktemp("dist")
    call(*PIP, "wheel", *OFFLINE, "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("gittasks-*.whl"))


def assert_works(bin_folder: Path, project: Path) -> None:
    """Both names of the program work there, from their own compiled files."""
    where = Path(
        call(bin_folder / "python", "-c", "import gittasks; print(gittasks.__file__)", cwd=project).strip()
    )
    assert where.is_relative_to(bin_folder.parent)
    assert list((where.parent / "cli" / "__pycache__").glob("main.*.pyc")), "not compiled: slow to start"
    version = call(bin_folder / "gittasks", "--version", cwd=project)
    assert version.startswith("gittasks ")
    assert call("git", "tasks", "--version", path=bin_folder, cwd=project) == version
    assert call(bin_folder / "python", "-m", "gittasks", "--version", cwd=project) == version
    call("git", "tasks", "init", path=bin_folder, cwd=project)
    assert call("git", "tasks", "add", "Ship it", path=bin_folder, cwd=project) == "#1\n"
    assert "Ship it" in call(bin_folder / "gittasks", "ready", cwd=project)


@pytest.mark.long
def test_the_wheel_gives_both_programs(wheel: Path, tmp_path: Path, repo: Path) -> None:
    bin_folder = empty_environment(tmp_path / "with space")
    call(*PIP, "--python", bin_folder / "python", "install", *OFFLINE, wheel)
    assert_works(bin_folder, repo)


@pytest.mark.long
@pytest.mark.slow
def test_pip_install_of_the_checkout_gives_both_programs(tmp_path: Path, repo: Path) -> None:
    bin_folder = empty_environment(tmp_path / "plain")
    call(*PIP, "--python", bin_folder / "python", "install", *OFFLINE, ROOT, cwd=tmp_path)
    assert_works(bin_folder, repo)


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"gittasks"}
    sources = [path for path in (ROOT / "gittasks").rglob("*") if path.suffix in (".py", ".typed")]
    assert {str(path.relative_to(ROOT)) for path in sources} <= set(names)
    assert not [name for name in names if name.endswith(".pyc")]


@pytest.mark.long
@pytest.mark.slow
def test_the_source_archive_can_be_tested(tmp_path: Path) -> None:
    call(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    for needed in ("Makefile", "LICENSE", "pyproject.toml", "scripts/set_up.sh", "tests/conftest.py"):
        assert needed in names
