"""What runs on other machines have left behind when they are forgotten: refs here, and what was kept there."""

from __future__ import annotations

from gittasks.app.remote.engine import HostError, Job, UnreachableError
from gittasks.app.remote.ordering import BadHostNameError, check_destination
from gittasks.app.remote.ssh import Host, SshEngine, is_plain_command
from gittasks.app.runs import run_folders
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import shipping
from gittasks.repo.git import Git
from gittasks.runtime import journal
from gittasks.runtime.record import REMOTE_AGENT, parse_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.runtime.record import Run, RunId


def clear(project: Project, runs: Sequence[Run]) -> tuple[set[RunId], list[str]]:
    """Clear away what these ended runs left; those that must be remembered, and what to say of it.

    A run is remembered as long as something of it is on a machine that does not answer. A result that no branch holds
    stays, with its ref.
    """
    git = Git(project.checkout.common_dir, project.env)
    remembered: set[RunId] = set()
    notes: list[str] = []
    for run in runs:
        if run.type != REMOTE_AGENT:
            continue
        try:
            _clean(project, run)
        except (UnreachableError, HostError, BadHostNameError) as error:
            remembered.add(run.id)
            notes.append(f"run {run.id} is not forgotten, for something of it is elsewhere: {error.message}")
            continue
        shipping.drop(git, shipping.start_ref(run.id))
        ref = shipping.result_ref(run.id)
        result = git.find_line("rev-parse", "--quiet", "--verify", ref)
        if result is not None and shipping.is_kept_elsewhere(git, result):
            shipping.drop(git, ref)
        elif result is not None:
            notes.append(f"{ref} stays: no branch holds what run {run.id} left")
    return remembered, notes


def _clean(project: Project, run: Run) -> None:
    """Let the host of a run delete what is kept of it there. Raises as `Engine.clean` does, `BadHostNameError`."""
    # Whom to call is taken from our own record: the index may be a stranger's.
    line = journal.restored(run_folders(project), run.id)
    found: Any = dict(parse_run(line).extra).get("remote") if line is not None else None
    if not isinstance(found, dict) or not found.get("kept"):
        return
    host = Host(
        str(found.get("host")),
        check_destination(str(found.get("ssh"))),
        str(found.get("directory")),
        str(found.get("python")),
    )
    if not is_plain_command(host.python):
        raise BadHostNameError(f"{host.python[:60]!r} is no name of a python")
    private = project.checkout.private_dir
    engine = SshEngine(host, folder=private, object_format="", env=project.env, share=False)
    job = Job(run.id, str(found.get("nonce")), "", "", (), "", {}, {})
    engine.clean(job)
