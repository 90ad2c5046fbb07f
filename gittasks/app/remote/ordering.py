"""Starting a run on another machine: the commit of this worktree, whatever state it is in, and who is to run it."""

from __future__ import annotations

import hashlib
import json
import os

from gittasks.app import worker as workers
from gittasks.app.remote.ssh import Host
from gittasks.app.run_start import Order
from gittasks.base.errors import InvalidError, UsageError
from gittasks.base.ids import new_uid
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.git import Git
from gittasks.repo.snapshot import take_snapshot
from gittasks.runtime.record import REMOTE_AGENT
from gittasks.runtime.tending import FIRST_VARIABLE

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.runtime.launcher import Started

WORKER = "remote"
_MAX_DESTINATION = 200


class BadHostNameError(InvalidError):
    """A name that is no host's, or that ssh could mistake for an option."""


def find_host(project: Project, name: str) -> Host:
    """The host that ssh calls `name`. Raises `BadHostNameError`."""
    return Host(name, check_destination(name))


def check_destination(text: str) -> str:
    """`text`, where it is a destination that ssh takes: a name of its configuration, `user@host`, `ssh://...`.

    Raises `BadHostNameError`.
    """
    fits = 0 < len(text) <= _MAX_DESTINATION and text.isprintable() and not text.startswith("-")
    odd = set(text.removeprefix("ssh://")).intersection(" '\"\\`$&|;<>()*?!#/")
    if not fits or odd or text.endswith(("@", "/")):
        raise BadHostNameError(
            f"{text[:60]!r} is no host: expected a name that ssh knows, user@host or ssh://user@host:port"
        )
    return text


def start_remote_run(project: Project, order: Order, host: Host, *, keep: bool = False) -> Started:
    """Start `order` on `host`, on a commit of what the worktree holds now.

    The command works in the folder of the tree there that `order.cwd` is here. `keep` leaves what belongs to the run
    on the host when it has ended. Raises as `run_start.start_run` does, `GitError`.
    """
    if not order.argv or not order.argv[0]:
        raise UsageError("nothing to run", hint="gittasks run --on HOST -- COMMAND...")
    if order.retries or order.terminal or order.takes_input:
        raise UsageError("--retry, --pty and --input are not for runs on other machines")
    top = project.checkout.require_top()
    cwd = os.path.realpath(order.cwd or top)
    folder = os.path.relpath(cwd, top)
    if folder == os.pardir or folder.startswith(os.pardir + os.sep):
        raise UsageError(
            f"{cwd} is not in this worktree: nothing of it is on the other machine",
            hint=f"call it in a folder below {top}",
        )
    git = Git(top, project.env)
    nonce = new_uid()
    private = project.checkout.private_dir
    os.makedirs(private, exist_ok=True)
    index_file = os.path.join(private, f"index-{new_uid()}")
    snapshot = take_snapshot(git, index_file=index_file, message=f"as it was when a run left for {host.name}")
    limits = {
        "limit_bytes": order.limit_bytes,
        "timeout_s": order.timeout_s,
        "leave_children": order.leave_children,
    }
    job = {
        "nonce": nonce,
        "repository": _repository_key(project),
        "commit": snapshot.commit,
        "argv": order.argv,
        "folder": folder,
        "limits": limits,
        "facts": {"description": order.name or "", "owner": order.owner, "work_graph_task_id": order.task_id},
    }
    spec = {
        "host": host._asdict() | {"env": dict(host.env)},
        "job": job,
        "keep": keep,
        "is_dirty": snapshot.is_dirty,
        "whereabouts": _whereabouts(host, nonce),
        "object_format": git.line("rev-parse", "--show-object-format"),
    }
    ordered = order._replace(
        argv=(),
        shown=(host.name + ":", *order.argv),
        spec=spec,
        env={FIRST_VARIABLE: json.dumps(dict(order.env))},
        leave_children=False,
        extra={**order.extra, "remote": _whereabouts(host, nonce)},
        tends=WORKER,
    )
    return workers.start_worker(project, WORKER, ordered, kind=REMOTE_AGENT)


def _whereabouts(host: Host, nonce: str) -> dict[str, Any]:
    """What the record of a run says of the machine: enough to clear up there when it is forgotten."""
    return {
        "host": host.name,
        "ssh": host.destination,
        "directory": host.directory,
        "python": host.python,
        "nonce": nonce,
        "kept": True,
    }


def _repository_key(project: Project) -> str:
    """What the repository of this clone is called on every host; nobody else's is called so."""
    home = f"{os.uname().nodename}\0{os.getuid()}\0{project.checkout.common_dir}"
    return hashlib.sha256(home.encode("utf-8", "surrogateescape")).hexdigest()[:32]
