"""The main job, told step by step, on a throw-away clone of this repository: `make demo`.

Takes a ready task of our own plan into its own worktree, runs tests for it in the background, follows them, commits
the work together with the task, merges, and shows what git holds of all that. Nothing is left behind. Any step that
does not do what it says ends the demo with exit code 1.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TESTS = ("tests/workgraph/test_graph_paths.py", "tests/workgraph/test_graph_cycles.py")
OUTPUTS = ".task_outputs"
_COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ


class Stage:
    """Where the demo plays: a folder, an environment of its own, and a voice."""

    def __init__(self, folder: Path) -> None:
        home, scratch = folder / "home", folder / "tmp"
        home.mkdir()
        scratch.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n\tname = demo\n\temail = demo@example.com\n[advice]\n\tdetachedHead = false\n"
        )
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITTASKS_"))
        }
        path = os.pathsep.join((str(BIN), kept.get("PATH", os.defpath)))
        # Whatever the tests leave in the temporary folder goes with ours.
        ours = {"HOME": str(home), "TMPDIR": str(scratch), "PATH": path}
        self.env = kept | ours | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"}
        self.clone = folder / "gittasks"
        self.step = 0
        self.base = ""

    def tell(self, title: str, text: str) -> None:
        """A numbered heading, and why this step is worth looking at."""
        self.step += 1
        print(f"\n{_style(f'{self.step}. {title}', '1;36')}\n")
        print(textwrap.fill(text, 88), flush=True)

    def show(self, *argv: str, cwd: Path | None = None, code: int = 0) -> None:
        """Run a command before the audience; its output goes straight to the terminal."""
        self._prompt(argv)
        done = subprocess.run(
            argv, cwd=cwd or self.clone, env=self.env, stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode != code:
            fail(f"{' '.join(argv)}: exit code {done.returncode}, expected {code}")

    def ask(self, *argv: str, cwd: Path | None = None, silent: bool = False) -> str:
        """Run a command, show it unless `silent`, and answer what it printed."""
        if not silent:
            self._prompt(argv)
        done = subprocess.run(
            argv,
            cwd=cwd or self.clone,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            fail(f"{' '.join(argv)}: exit code {done.returncode}\n{done.stderr}")
        if not silent:
            print((done.stderr + done.stdout).rstrip("\n") or "(nothing)", flush=True)
        return done.stdout

    def _prompt(self, argv: tuple[str, ...]) -> None:
        line = " ".join(word if re.fullmatch(r"[\w@%+=:,./#-]+", word) else f"'{word}'" for word in argv)
        print(f"\n{_style('$ ' + line, '1')}", flush=True)


def main() -> int:
    """Play the demo; the folder is gone afterwards, whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="gittasks-demo-")).resolve()
    try:
        stage = Stage(folder)
        try:
            play(stage)
        finally:
            stop_everything(stage)
    finally:
        shutil.rmtree(folder)
    print(f"\n{_style('Done.', '1;32')} The clone, its worktree and its outputs are gone again.")
    return 0


def play(stage: Stage) -> None:
    """All steps in order."""
    clone(stage)
    task = choose(stage)
    worktree = start(stage, task)
    run = run_tests(stage, task, worktree)
    follow(stage, run)
    hear(stage, run)
    commit(stage, task, worktree)
    finish(stage, task, worktree)
    prove(stage, run)


def clone(stage: Stage) -> None:
    """A clone of this repository, with the plan that is in it."""
    stage.tell(
        "A repository with its plan in it",
        "We clone this very repository. Its tasks came along: they are files under .tasks/, one each.",
    )
    stage.show("git", "clone", "--quiet", str(ROOT), str(stage.clone), cwd=ROOT)
    if not (stage.clone / ".tasks").is_dir():
        fail("this repository has no .tasks/ committed")
    # Whatever the original has checked out, no branch at all included.
    stage.ask("git", "checkout", "--quiet", "-B", "main", silent=True)
    stage.base = stage.ask("git", "rev-parse", "--short", "HEAD", silent=True).strip()


def choose(stage: Stage) -> int:
    """What can be started now; one of them is taken."""
    stage.tell(
        "What can be done now?",
        "Ready is what waits for nothing: the most important first, then what unlocks the most other work.",
    )
    ready = json.loads(stage.ask("gittasks", "ready", "--json", silent=True))["tasks"]
    if not ready:
        stage.show("gittasks", "add", "Say thanks to whoever tried the demo")
        ready = json.loads(stage.ask("gittasks", "ready", "--json", silent=True))["tasks"]
    stage.show("gittasks", "ready", "--limit", "5")
    task = int(ready[0]["id"])
    stage.show("gittasks", "show", str(task))
    return task


def start(stage: Stage, task: int) -> Path:
    """The task in its own worktree; answers where."""
    stage.tell(
        f"Start #{task} in its own worktree",
        "One command makes a branch and a worktree and binds the task to them. The change to the task is staged"
        " there, to be committed with the code; the main checkout stays as it is.",
    )
    stage.show("gittasks", "start", str(task))
    stage.show("gittasks", "worktree", "list")
    return Path(stage.ask("gittasks", "worktree", "enter", str(task), silent=True).strip())


def run_tests(stage: Stage, task: int, worktree: Path) -> str:
    """Tests of the clone, in the background; answers the run's id."""
    stage.tell(
        "Run the tests in the background",
        "The prompt is back at once. The run has a supervisor of its own: it outlives this terminal, and its output"
        " and exit code are kept. Inside the worktree the task need not be named.",
    )
    answer = stage.ask("gittasks", "run", "--", "python", "-m", "pytest", "-q", *TESTS, cwd=worktree)
    run = answer.split()[0]
    stage.show("gittasks", "runs")
    return run


def follow(stage: Stage, run: str) -> None:
    """Its output, from any worktree, until it ends."""
    stage.tell(
        "Follow its output", "From any worktree of the clone, here from the main one, by a prefix of its id."
    )
    stage.show("gittasks", "logs", "--follow", run[:5])
    stage.show("gittasks", "wait", run)


def hear(stage: Stage, run: str) -> None:
    """A notice comes once; goal and runs stand side by side."""
    stage.tell("Hear of it, once", "A finished run is announced to whoever asks first, and never again.")
    notices = json.loads(stage.ask("gittasks", "notices", "--json", "--peek", silent=True))["notices"]
    if [notice["id"] for notice in notices] != [run]:
        fail(f"the notice of {run} is missing: {notices}")
    stage.show("gittasks", "notices")
    again = json.loads(stage.ask("gittasks", "notices", "--json"))["notices"]
    if again:
        fail(f"a notice came twice: {again}")


def commit(stage: Stage, task: int, worktree: Path) -> None:
    """Work and its task in one commit."""
    stage.tell(
        "Commit the work, and the task with it",
        "We change a file as you would. `done` marks the task in this worktree's copy and stages it, so that one"
        " commit holds the code and the task's new state.",
    )
    page = worktree / "docs" / "demo.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(f"# Demo\n\nThis page was written for task #{task}.\n")
    stage.show("git", "add", "docs/demo.md", cwd=worktree)
    stage.show("gittasks", "done", str(task), cwd=worktree)
    stage.show("git", "commit", "--quiet", "-m", f"Write the demo's page (#{task})", cwd=worktree)
    stage.show("gittasks", "log", str(task), "--limit", "1", cwd=worktree)


def finish(stage: Stage, task: int, worktree: Path) -> None:
    """Merged, and the worktree gone."""
    stage.tell(
        "Finish: merge and clear up",
        "The branch is merged and the worktree removed; both only because nothing would be lost.",
    )
    stage.show("gittasks", "finish", str(task), "--merge")
    if worktree.exists():
        fail(f"{worktree} is still there")
    status = json.loads(stage.ask("gittasks", "show", str(task), "--json", silent=True))["task"]["status"]
    if status != "completed":
        fail(f"#{task} is {status}, not completed")


def prove(stage: Stage, run: str) -> None:
    """What git holds: the code and the task. What it does not hold: anything of the run."""
    stage.tell("What git holds now", "The work, and the task that asked for it.")
    stage.show("git", "log", "--stat", "--format=%h %s", f"{stage.base}..HEAD")
    stage.tell(
        "What git does not hold",
        f"The run's output lies in {OUTPUTS}/, shared by all worktrees, ignored by git: the status is clean and no"
        " commit knows it.",
    )
    stage.show("gittasks", "runs", "--all")
    if not (stage.clone / OUTPUTS / f"{run}.txt").is_file():
        fail(f"the output of {run} is gone")
    if stage.ask("git", "status", "--porcelain"):
        fail("git status is not clean")
    if stage.ask("git", "log", "--all", "--oneline", "--", OUTPUTS):
        fail(f"{OUTPUTS} was committed")


def stop_everything(stage: Stage) -> None:
    """No run outlives the demo."""
    if not stage.clone.is_dir():
        return
    listed = subprocess.run(
        ("gittasks", "runs", "--status", "running", "--json"),
        cwd=stage.clone, env=stage.env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    ids = [run["id"] for run in json.loads(listed.stdout or "{}").get("runs", [])]
    if ids:
        subprocess.run(("gittasks", "kill", *ids), cwd=stage.clone, env=stage.env, check=False)


def fail(reason: str) -> NoReturn:
    """End the demo: a step did not do what it says."""
    raise SystemExit(f"\ndemo failed: {reason}")


def _style(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if _COLOURS else text


if __name__ == "__main__":
    sys.exit(main())
