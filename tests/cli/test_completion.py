"""Completion: what is offered at the cursor, and the three scripts in their own shells where these are installed."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.cli.commands import complete
from gittasks.cli.commands.completion import SCRIPTS
from gittasks.cli.context import Context
from gittasks.cli.main import COMMANDS
from gittasks.cli.parser import build
from gittasks.workgraph.codec import format_task
from gittasks.workgraph.record import Task, TaskId
from tests.conftest import Cli, git

TASKS = (
    Task(TaskId(1), subject="Plan: the \u202ework", status="completed", owner="alice"),
    Task(TaskId(2), subject="Implement auth", labels=("auth", "needs review"), owner="bob"),
    Task(TaskId(3), subject="Old", status="deleted"),
    Task(TaskId(21), subject="Test it", labels=("auth",), status="in_progress", worktree="21-test"),
)


@pytest.fixture
def project(repo: Path) -> Path:
    (repo / ".tasks").mkdir()
    for task in TASKS:
        full = task._replace(uid=f"{task.id:016x}", created="2026-11-23T10:00:00Z")
        (repo / f".tasks/{task.id}.yaml").write_bytes(format_task(full))
    git(repo, "add", ".tasks")
    git(repo, "commit", "-q", "-m", "plan")
    return repo


def _offer(folder: Path, *words: str, shell: str = "fish", list_type: str = "9") -> list[str]:
    """The lines that `gittasks complete` answers, without a process."""
    out = io.StringIO()
    ctx = Context(
        cwd=str(folder),
        env=os.environ,
        stdin=io.StringIO(),
        stdout=out,
        stderr=io.StringIO(),
        command=list(words),
    )
    parser = build("complete", complete)
    complete.run(parser.parse_args(["--shell", shell, "--list-type", list_type]), ctx)
    return out.getvalue().splitlines()


def test_the_first_word_is_a_command_with_its_help(project: Path) -> None:
    assert _offer(project, "") == [f"{name}\t{text}" for name, (_, text) in COMMANDS.items()]
    assert _offer(project, "unb") == [f"unblock\t{COMMANDS['unblock'][1]}"]
    assert [line.split("\t")[0] for line in _offer(project, "--")] == ["--json", "--help", "--version"]


def test_global_options_are_stepped_over_and_followed(project: Path, tmp_path: Path) -> None:
    assert _offer(tmp_path, "-C", "") == [":folders"]
    assert _offer(tmp_path, "--json", "-C", "repo", "unb") == [f"unblock\t{COMMANDS['unblock'][1]}"]
    assert _offer(tmp_path, "-C", "repo", "show", "2") == ["2\tImplement auth", "21\tTest it"]


def test_tasks_are_the_ones_the_command_can_use(project: Path) -> None:
    everything = ["1\tPlan: the \\u202ework", "2\tImplement auth", "21\tTest it"]
    assert _offer(project, "show", "") == everything
    assert _offer(project, "done", "") == everything[1:]
    assert _offer(project, "reopen", "") == [everything[0], "3\tOld"]
    assert _offer(project, "show", "#2") == ["#2\tImplement auth", "#21\tTest it"]
    assert _offer(project, "show", "x") == []


def test_an_argument_that_was_given_is_not_asked_again(project: Path) -> None:
    assert _offer(project, "show", "2", "") == []
    assert _offer(project, "show", "--json", "2") == ["2\tImplement auth", "21\tTest it"]
    assert _offer(project, "done", "2", "2") == ["2\tImplement auth", "21\tTest it"]


def test_lists_of_tasks_go_on_behind_the_comma(project: Path) -> None:
    assert _offer(project, "add", "x", "--blocked-by", "1,2") == ["1,2\tImplement auth", "1,21\tTest it"]
    assert _offer(project, "add", "x", "--blocked-by=1,2") == [
        "--blocked-by=1,2\tImplement auth",
        "--blocked-by=1,21\tTest it",
    ]


def test_options_are_offered_once_unless_they_may_be_repeated(project: Path) -> None:
    options = [line.split("\t")[0] for line in _offer(project, "add", "--commit", "--label", "x", "-")]
    assert "--priority" in options and "--label" in options and "-C" in options
    assert "--commit" not in options


def test_values_of_options(project: Path) -> None:
    assert _offer(project, "list", "--status", "") == ["pending", "in_progress", "completed", "deleted"]
    assert _offer(project, "list", "--owner", "") == ["alice", "bob"]
    assert _offer(project, "list", "--label", "") == ["auth", "needs review"]
    assert _offer(project, "list", "--sort", "pr") == ["priority"]
    assert _offer(project, "add", "--from", "") == [":files"]
    assert _offer(project, "list", "-C", "") == [":folders"]


def test_runs_the_newest_first_and_to_kill_only_those_that_live(project: Path, cli: Cli) -> None:
    first = cli("run", "--name", "one", "--wait", "--", "true").stdout.split()[0]
    second = cli("run", "--name", "two", "--wait", "--", "false", code=1).stdout.split()[0]
    assert _offer(project, "logs", "") == [f"{second}\tfailed  two", f"{first}\tcompleted  one"]
    assert _offer(project, "kill", "") == []


def test_worktrees_of_the_clone_with_their_tasks(project: Path) -> None:
    git(project, "worktree", "add", "-q", str(project.parent / "21-test"))
    git(project, "worktree", "add", "-q", str(project.parent / "other"))
    assert _offer(project, "edit", "2", "--worktree", "") == ["21-test\t#21 Test it", "other"]


def test_actions_of_a_command_and_what_they_take(project: Path) -> None:
    assert [line.split("\t")[0] for line in _offer(project, "worktree", "re")] == ["remove"]
    git(project, "worktree", "add", "-q", str(project.parent / "21-test"))
    assert _offer(project, "worktree", "enter", "") == ["21-test\t#21 Test it"]
    assert any(line.startswith("--force") for line in _offer(project, "worktree", "remove", "21-test", "--f"))
    assert _offer(project, "worktree", "add", "x", "--base", "ma") == ["main"]
    assert _offer(project, "start", "2") == ["2\tImplement auth", "21\tTest it"]
    assert _offer(project, "start", "--here", "Im") == []


def test_behind_a_double_dash_there_are_no_options(project: Path) -> None:
    assert _offer(project, "show", "--", "-") == []
    assert _offer(project, "show", "--", "2") == ["2\tImplement auth", "21\tTest it"]


def test_bash_gets_words_it_can_insert_and_descriptions_only_in_lists(project: Path) -> None:
    assert _offer(project, "show", "2", shell="bash") == ["2  (Implement auth)", "21  (Test it)"]
    assert _offer(project, "show", "21", shell="bash") == ["21"]
    assert _offer(project, "show", "2", shell="bash", list_type="37") == ["2", "21"]
    assert _offer(project, "show", "\\#21", shell="bash") == ["\\#21"]
    assert _offer(project, "edit", "2", "--label", "ne", shell="bash") == ["needs\\ review"]
    assert _offer(project, "edit", "2", "--label", "'ne", shell="bash") == ["needs review"]
    assert _offer(project, "edit", "2", "--label", "=", "ne", shell="bash") == ["needs\\ review"]
    assert _offer(project, "list", "--status", "=", shell="bash", list_type="37")[:1] == ["pending"]
    assert _offer(project, "add", "x", "--blocked-by", "=", "1,21", shell="bash") == ["1,21"]


def test_zsh_gets_colons_escaped(project: Path) -> None:
    assert _offer(project, "show", "1", shell="zsh") == ["1:Plan: the \\u202ework"]
    assert complete._zsh("a:b\\c") == "a\\:b\\\\c"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_offers_its_options(tmp_path: Path, name: str) -> None:
    assert any(line.startswith("--json\t") for line in _offer(tmp_path, name, "--"))


def test_where_nothing_can_be_known_nothing_is_said(project: Path, cli: Cli, tmp_path: Path) -> None:
    for words in (("show", ""), ("nonsense", ""), ("show", "--nonsense", ""), ("show", "1", "2", "")):
        done = cli("complete", "--", *words, cwd=tmp_path, code=None)
        assert (done.stdout, done.stderr) == ("", "")
    assert cli("complete").stdout.startswith("init\t")


def test_a_broken_task_hides_only_itself(project: Path, cli: Cli) -> None:
    (project / ".tasks/2.yaml").write_text("{")
    done = cli("complete", "--shell", "fish", "--", "show", "2")
    assert (done.stdout, done.stderr) == ("21\tTest it\n", "")


def test_it_loads_nothing_heavy(project: Path) -> None:
    code = (
        "import sys; from gittasks.cli.main import run; run(['complete', '--', 'show', '']);"
        "print(','.join(sys.modules), file=sys.stderr)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, check=True, capture_output=True, text=True
    )
    assert "2\tImplement auth" in done.stdout
    heavy = {
        "typing",
        "subprocess",
        "json",
        "git",
        "ruamel",
        "ruamel.yaml",
        "filelock",
        "psutil",
        "dataclasses",
        "pathlib",
    }
    assert heavy.isdisjoint(done.stderr.split(","))


# -- the scripts, in their shells


@pytest.fixture
def on_path(tmp_path: Path) -> dict[str, str]:
    """An environment in which `gittasks` is this program, whatever is installed."""
    program = tmp_path / "bin" / "gittasks"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gittasks "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def _shell(name: str, code: str, cwd: Path, env: dict[str, str]) -> list[str]:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
    done = subprocess.run(
        [name, *flags, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_is_printed_and_parses(cli: Cli, tmp_path: Path, shell: str) -> None:
    script = cli("completion", shell).stdout
    assert json.loads(cli("completion", shell, "--json").stdout)["script"] == script
    path = tmp_path / "script"
    path.write_text(script)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", str(path)], check=True)


def test_an_unknown_shell_is_a_usage_error(cli: Cli) -> None:
    assert "invalid choice" in cli("completion", "tcsh", code=2).stderr


def test_in_bash(project: Path, on_path: dict[str, str]) -> None:
    code = """
    eval "$(gittasks completion bash)"
    complete -p gittasks git-tasks
    try() { COMP_TYPE=9 COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gittasks; printf '[%s]\\n' "${COMPREPLY[@]}"; }
    try gittasks unb
    try gittasks show 2
    try gittasks list --label ne
    words=(git -C . tasks show 21); cword=5; COMP_TYPE=9
    _git_tasks; printf '[%s]\\n' "${COMPREPLY[@]}"
    """
    assert _shell("bash", code, project, on_path) == [
        "complete -F _gittasks gittasks",
        "complete -F _gittasks git-tasks",
        "[unblock]",
        "[2  (Implement auth)]",
        "[21  (Test it)]",
        "[needs\\ review]",
        "[21]",
    ]


def test_in_bash_files_are_left_to_bash(project: Path, on_path: dict[str, str]) -> None:
    code = """
    compopt() { echo "compopt $*"; }
    eval "$(gittasks completion bash)"
    COMP_WORDS=(gittasks add --from R); COMP_CWORD=3; _gittasks; echo "${#COMPREPLY[@]}"
    COMP_WORDS=(gittasks -C R); COMP_CWORD=2; _gittasks; echo "${#COMPREPLY[@]}"
    """
    assert _shell("bash", code, project, on_path) == ["compopt -o default", "0", "compopt -o dirnames", "0"]


def test_in_zsh(project: Path, on_path: dict[str, str]) -> None:
    code = """
    compdef() { print "compdef $*" }
    _describe() { print "tag $2"; print -l -- ${(P)3} }
    _files() { print "files $*" }
    eval "$(gittasks completion zsh)"
    words=(gittasks show 2) CURRENT=3; _gittasks
    words=(tasks list --label 'needs\\ r') CURRENT=4; _git-tasks
    words=(gittasks add --from '') CURRENT=4; _gittasks
    words=(gittasks -C '') CURRENT=3; _gittasks
    """
    assert _shell("zsh", code, project, on_path) == [
        "compdef _gittasks gittasks git-tasks",
        "tag gittasks",
        "2:Implement auth",
        "21:Test it",
        "tag gittasks",
        "needs review",
        "files ",
        "files -/",
    ]


def test_in_fish(project: Path, on_path: dict[str, str]) -> None:
    code = """
    gittasks completion fish | source
    complete -C 'gittasks unb'
    complete -C 'gittasks show 2'
    complete -C 'git tasks show 21'
    complete -C 'gittasks list --label ne'
    complete -C 'gittasks add --from READ'
    """
    assert _shell("fish", code, project, on_path) == [
        f"unblock\t{COMMANDS['unblock'][1]}",
        "2\tImplement auth",
        "21\tTest it",
        "21\tTest it",
        "needs review",
        "README",
    ]
