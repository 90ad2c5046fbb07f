"""The layer rule of docs/architecture.md: import-linter checks it (`make check`), this checks import-linter.

A contract that names too little, or catches nothing, would be green for ever.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LINTER = Path(sys.executable).with_name("lint-imports")
# The only modules of the task layer that may know files and the clock.
IMPURE = {
    f"gittasks.workgraph.{name}"
    for name in ("store", "config", "snapshot", "columns", "refresh", "row_cache")
}

# What would be wrong, and the contract that has to notice.
OFFENCES = {
    "interfaces > app": ("app/project.py", "import gittasks.cli.tables"),
    "never meet": ("workgraph/rules.py", "import gittasks.runtime.record"),
    "are pure": ("workgraph/record.py", "import os"),
    "starts processes": ("repo/git.py", "import subprocess"),
    "no cycles": ("workgraph/record.py", "import gittasks.workgraph.rules"),
}


def contracts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
        "importlinter"
    ]["contracts"]
    return found


def test_every_module_of_the_task_layer_is_pure_or_known_not_to_be() -> None:
    folder = ROOT / "gittasks" / "workgraph"
    modules = {
        f"gittasks.workgraph.{path.stem}"
        for path in folder.iterdir()
        if path.name not in ("__init__.py", "__pycache__") and (path.suffix == ".py" or path.is_dir())
    }
    pure = next(contract for contract in contracts() if "pure" in contract["name"])
    assert modules - set(pure["source_modules"]) == IMPURE
    assert "gittasks.runtime.record" in pure["source_modules"]


def test_each_contract_catches_its_offence(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gittasks", tmp_path / "gittasks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, line in OFFENCES.values():
        with (tmp_path / "gittasks" / name).open("a") as file:
            file.write(f"\n{line}\n")
    done = subprocess.run(
        (LINTER, "--no-cache"), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    for name in OFFENCES:
        lines = [line for line in done.stdout.splitlines() if name in line]
        assert lines and " BROKEN" in lines[0], (name, done.stdout)
