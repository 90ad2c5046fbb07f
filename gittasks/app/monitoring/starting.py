"""Starting a monitor: what it is to do is checked before anything runs."""

from __future__ import annotations

import os

from gittasks.app.monitoring import spec as words
from gittasks.app.monitoring.spec import BadMonitorError, Watch, complete
from gittasks.app.worker import start_worker
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.record import MONITOR

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.app.run_start import Order
    from gittasks.runtime.launcher import Started

_MAX_TARGET = 4096


def start_monitor(project: Project, watch: Watch, order: Order) -> Started:
    """Start a monitor in the background; of `order` its `argv` and `spec` are ours. A path is taken from `order.cwd`.

    Raises `BadMonitorError`, `UnknownRunError`, and what `start_run` raises.
    """
    watch = complete(
        _with_target(project, watch, order.cwd or project.checkout.top or project.checkout.git_dir)
    )
    name = order.name or describe(watch)
    return start_worker(project, "monitor", order._replace(name=name, spec=watch.as_spec()), kind=MONITOR)


def describe(watch: Watch) -> str:
    """A name for a monitor that was given none: `until ok: make test`."""
    import shlex

    what = shlex.join(watch.argv) if watch.argv else watch.target.partition("?")[0]
    shown = "" if watch.argv or watch.source == words.URL else f"{watch.source} "
    return f"until {watch.until}: {shown}{what}" if watch.until != words.NEVER else f"watch {shown}{what}"


def _with_target(project: Project, watch: Watch, cwd: str) -> Watch:
    target = watch.target
    if watch.source in (words.COMMAND, words.STREAM):
        if not watch.argv or not watch.argv[0]:
            raise BadMonitorError(
                "nothing to watch", hint="gittasks monitor -- COMMAND..., or --url, --file, ..."
            )
        return watch
    if not target or len(target) > _MAX_TARGET or "\0" in target:
        raise BadMonitorError(f"{target[:60]!r} is no {watch.source} to watch")
    if watch.source == words.URL:
        from gittasks.app.monitoring.web import parse_url

        parse_url(target)
    elif watch.source in (words.FILE, words.LOG):
        target = os.path.abspath(os.path.join(cwd, target))
    elif watch.source == words.RUN:
        from gittasks.app.runs import find_run

        target = find_run(project, target).id
    return watch._replace(target=target)
