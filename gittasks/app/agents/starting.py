"""Starting an agent on a task: in the task's worktree, with a prompt, as a run of its own."""

from __future__ import annotations

from gittasks.app import checks as all_checks
from gittasks.app import claiming, holders, notes, sites, trust, worker
from gittasks.app import starting as worktree_starting
from gittasks.app.agents import choosing, prompt
from gittasks.app.run_start import Order
from gittasks.base.errors import InvalidError, UsageError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.repo import worktrees
from gittasks.repo.git import Git
from gittasks.runtime.record import LOCAL_AGENT
from gittasks.runtime.tree import RUN_VARIABLE
from gittasks.workgraph.agents import ARGUMENT, PROMPT_MARK, SESSION_MARK, with_arguments
from gittasks.workgraph.config import load_config
from gittasks.workgraph.record import CLOSED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.app.agents.choosing import Chosen
    from gittasks.app.project import Project
    from gittasks.runtime.launcher import Started
    from gittasks.workgraph.agents import Rule
    from gittasks.workgraph.notes_format import Note
    from gittasks.workgraph.record import Task, TaskId
    from gittasks.workgraph.setting_values import Command

WORKER = "agent"
OWNER_VARIABLE = "GITTASKS_OWNER"
# MAX_ARG_STRLEN of Linux, less the byte that ends the argument.
MAX_ARGUMENT_BYTES = 131_071


_DEFAULTS = Order()


class LongPromptError(InvalidError):
    """The prompt does not fit into an argument of a command."""


class Call(NamedTuple):
    """How to call an agent. `agent` names it; with `resume` (a run's id, empty: the last one) it may be left out.

    `wish` goes into the prompt as it is. `arguments` go behind the agent's own. `checks`: whether the checks of the
    worktree decide about the run's end too (`None`: where there are any, and they are trusted).
    """

    agent: str | None = None
    resume: str | None = None
    wish: str | None = None
    arguments: tuple[str, ...] = ()
    checks: bool | None = None


class Described(NamedTuple):
    """What an agent is started with: its name, argv (the prompt still a mark in it), the prompt, the checks."""

    name: str
    argv: Command
    prompt: str
    checks: Mapping[str, Command]
    messages: tuple[str, ...] = ()


class Called(NamedTuple):
    """An agent that was started: its name and run, the worktree it works in, what the lines that it prints tell.

    `messages` are safe to print.
    """

    name: str
    started: Started
    path: str
    events: tuple[Rule, ...]
    messages: tuple[str, ...] = ()


def describe(project: Project, task_id: TaskId, call: Call) -> Described:
    """What `start_agent` would start, as far as it can be known before; nothing is made. Raises as that does."""
    chosen = _choose(project, task_id, call)
    binding = sites.find_binding(sites.all_trees(project), task_id)
    site = sites.project_at(project, binding.tree.path) if binding is not None else project
    return _describe(site, claiming.require_task(site, task_id), chosen, call)


def start_agent(project: Project, task_id: TaskId, call: Call, order: Order = _DEFAULTS) -> Called:
    """Start an agent on a task; the worktree is made where there is none.

    `order` says how its run is started, and for whom; what it runs, where and for which task is found here. Raises
    `UnknownAgentError`, `NoSessionError`, `UntrustedError`, `ProgramMissingError`, `ClaimHeldError`, and what
    `app.starting.start_task` and `run_start.start_run` raise; no agent was started then.
    """
    chosen = _choose(project, task_id, call)
    choosing.require_program(chosen, project.env)
    task = claiming.require_task(project, task_id)
    owner = project.actor(order.owner)
    require_free(project, task, owner)
    # Whatever speaks against it is said before a worktree is made.
    _describe(project, task, chosen, call)
    commit = load_config(project.tasks_folder).commit == "auto"
    place = worktree_starting.start_task(
        project, task_id, worktree_starting.Options(owner=owner, commit=commit)
    )
    site = sites.project_at(project, place.path)
    described = _describe(site, place.task, chosen, call)
    _hide_litter(site, chosen)
    order = order._replace(
        task_id=task_id,
        name=order.name or f"{chosen.name}: {place.task.subject}",
        cwd=place.path,
        env={**order.env, OWNER_VARIABLE: owner},
        owner=owner,
        spec=_spec(site, task_id, described, chosen, owner),
        shown=described.argv,
        extra={**order.extra, choosing.FIELD: {"name": chosen.name}},
    )
    started = worker.start_worker(site, WORKER, order, kind=LOCAL_AGENT)
    return Called(
        chosen.name, started, place.path, chosen.agent.events, (*place.messages, *described.messages)
    )


def require_free(project: Project, task: Task, owner: str) -> None:
    """Raise `ClaimHeldError` where somebody else has the task, or another run of the same owner works on it."""
    standing = holders.look(project, task.id, task.uid, owner).deciding
    if standing is not None and not (
        standing.state == holders.OWN and may_replace(project.env, standing.claim)
    ):
        raise holders.held_error(task.id, standing)


def may_replace(env: Mapping[str, str], claim: Any) -> bool:
    """Whether a run that starts in `env` may take its owner's own claim over: no other run stands behind it."""
    return claim is not None and claim.run in (None, env.get(RUN_VARIABLE))


def _choose(project: Project, task_id: TaskId, call: Call) -> Chosen:
    if call.resume is not None:
        chosen = choosing.choose_again(project, task_id, call.agent, call.resume or None)
    elif call.agent is None:
        known = ", ".join(map(printable, choosing.known_names(project)))
        raise UsageError("which agent?", hint=f"--with NAME: {known}")
    else:
        chosen = choosing.choose(project, call.agent)
    return chosen._replace(agent=with_arguments(chosen.agent, call.arguments))


def _describe(site: Project, task: Task, chosen: Chosen, call: Call) -> Described:
    checks, messages = _checks(site, call.checks)
    text = prompt.format_prompt(_brief(site, task, chosen, call, checks))
    agent = chosen.agent
    argv = agent.command
    if chosen.earlier is not None:
        session = chosen.earlier.session or ""
        argv = tuple(word.replace(SESSION_MARK, session) for word in agent.resume)
    if agent.prompt == ARGUMENT and len(text.encode()) > MAX_ARGUMENT_BYTES:
        raise LongPromptError(
            f"the prompt has {len(text.encode())} bytes, and an argument at most {MAX_ARGUMENT_BYTES}",
            hint="`prompt: stdin` or `prompt: file` in the agent's template has no such limit",
        )
    if agent.prompt == ARGUMENT and not any(PROMPT_MARK in word for word in argv):
        argv = (*argv, PROMPT_MARK)
    return Described(chosen.name, argv, text, checks, messages)


def _checks(site: Project, wanted: bool | None) -> tuple[Mapping[str, Command], tuple[str, ...]]:
    """The checks that are to decide, and what to say where those that there are do not."""
    if wanted is False or not all_checks.has_checks(site):
        return {}, ()
    try:
        return trust.require_trusted(site).checks, ()
    except trust.UntrustedError as error:
        if wanted:
            raise
        return {}, (f"the checks will not be run: {error.message}",)


def _brief(
    site: Project, task: Task, chosen: Chosen, call: Call, checks: Mapping[str, Command]
) -> prompt.Briefing:
    board = site.board()
    rows = [row for number in task.blocked_by if (row := board.find(number)) and row.status in CLOSED]
    finished = [(other, _last(notes.list_notes(site, other.id))) for other in board.full(rows)]
    earlier = chosen.earlier
    ended = None
    if earlier is not None:
        ended = f"{earlier.status}: {earlier.message}" if earlier.message else earlier.status
    return prompt.Briefing(task, notes.list_notes(site, task.id), finished, checks, call.wish, ended)


def _last(found: list[Note]) -> Note | None:
    return found[-1] if found else None


def _hide_litter(site: Project, chosen: Chosen) -> None:
    """Have git ignore what the agent leaves behind for itself."""
    for pattern in chosen.agent.litter:
        worktrees.exclude(
            Git(site.top, site.env), site.checkout.common_dir, pattern, pattern.replace("*", ".x")
        )


def _spec(site: Project, task_id: TaskId, described: Described, chosen: Chosen, owner: str) -> dict[str, Any]:
    """What `working` gets, all of it JSON."""
    return {
        "task": task_id,
        "name": described.name,
        "argv": list(described.argv),
        "prompt": described.prompt,
        "way": chosen.agent.prompt,
        "session": chosen.earlier and chosen.earlier.session,
        "events": [rule.as_json() for rule in chosen.agent.events],
        "checks": {name: list(argv) for name, argv in described.checks.items()},
        "owner": owner,
        "parent": site.env.get(RUN_VARIABLE),
    }
