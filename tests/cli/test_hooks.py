from __future__ import annotations

import json
from pathlib import Path

from gittasks.repo.hook_text import USUAL
from tests.conftest import Cli


def test_install_status_uninstall(repo: Path, cli: Cli) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nmake lint\n")
    hook.chmod(0o755)
    assert "not run" in cli("hooks", "status", code=1).stdout
    made = cli("init", "--hooks")
    assert ".git/hooks/pre-push" in made.stdout and "this is a project" not in made.stdout
    assert cli("hooks", "install").stdout == "nothing to do: what can be installed is\n"
    lines = cli("hooks", "status").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[event, "installed"] for event in USUAL]
    assert "runs, then yours" in lines[0] and "yours" not in lines[1]
    rows = json.loads(cli("hooks", "status", "--json").stdout)["hooks"]
    assert (rows[0]["runs"], rows[0]["yours_run"], rows[1]["yours_run"]) == (True, True, None)
    assert "pre-commit" in cli("hooks", "uninstall").stdout
    assert hook.read_text() == "#!/bin/sh\nmake lint\n"
    assert cli("hooks", "uninstall").stdout == "nothing is installed\n"


def test_init_alone_installs_nothing(repo: Path, cli: Cli) -> None:
    before = sorted((repo / ".git" / "hooks").iterdir())
    cli("init")
    assert sorted((repo / ".git" / "hooks").iterdir()) == before


def test_a_hook_that_was_changed_makes_status_and_uninstall_say_so(repo: Path, cli: Cli) -> None:
    cli("hooks", "install")
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text(hook.read_text().replace("# <<< gittasks hooks <<<\n", "exit 0\n"))
    done = cli("hooks", "uninstall", code=1)
    assert "marks" in done.stderr
    assert hook.exists()
