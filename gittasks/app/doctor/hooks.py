"""Checks of git hooks, in a clone where ours are installed: that they are whole, reached, and in nobody's way."""

from __future__ import annotations

from gittasks.app.doctor.findings import ERROR, WARNING, Finding, Scene
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittasks.app.project import Project

_TAKE_OUT = (
    "`gittasks hooks uninstall` takes all of them out; `gittasks hooks install` puts those back that run"
)
_MEND = "`gittasks doctor --fix` mends it, or `gittasks hooks install`"


def git_hooks(scene: Scene) -> Iterator[Finding]:
    """Hooks of ours that somebody took away or wrote over, that git does not reach, or that hide the user's own."""
    from gittasks.app.hooking.installing import INSTALLED, LEFT, MISSING, files_left_behind, hook_states
    from gittasks.app.hooking.proving import prove

    for path in files_left_behind(scene.project):
        what = "has lines of gittasks, and git does not run it any more"
        yield Finding(WARNING, "hook-left-behind", path, what, _TAKE_OUT)
    states = hook_states(scene.project)
    if all(state in (MISSING, LEFT) for _, state in states):
        return  # nobody asked for them
    for place, state in states:
        if state not in (INSTALLED, LEFT):
            what = f"our hook {place.event} is {state}: another program, or an older gittasks, wrote here"
            yield Finding(WARNING, "hook-" + state, place.path, what, _MEND, fixable=True)
    paths = {place.event: place.path for place, _ in states}
    for event, proof in prove(scene.project, states).items():
        if proof.yours is False:
            yield Finding(ERROR, "hook-hides-yours", paths[event], proof.why, _MEND, fixable=True)
        elif proof.ours is False:
            yield Finding(WARNING, "hook-not-reached", paths[event], proof.why, _MEND)


def install_again(project: Project, commit: bool) -> tuple[str, ...]:
    """Bring the hooks that are installed up to date."""
    from gittasks.app.hooking.installing import install_hooks

    return install_hooks(project).messages


CHECKS: tuple[Callable[[Scene], Iterator[Finding]], ...] = (git_hooks,)
