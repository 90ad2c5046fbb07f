"""What `gittasks --help` prints: every command in its group, one line each."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TITLES = {
    "tasks": "tasks: durable goals, one file each under .tasks/, committed with the code",
    "worktrees": "worktrees: where a task is worked on",
    "runs": "runs: what is alive in the background",
    "more": "more",
}


def overview(commands: Mapping[str, tuple[str, str]]) -> str:
    """The whole text of `gittasks --help`; `commands` maps a name to its group and one line of help."""
    lines = ["usage: gittasks [-C DIR] [--json] COMMAND [ARGUMENT...]", ""]
    for group, title in _TITLES.items():
        lines.append(title)
        lines += [f"  {name:<12} {text}" for name, (of, text) in commands.items() if of == group]
        lines.append("")
    lines += [
        "`gittasks COMMAND --help` explains one command, with an example.",
        "exit codes: 0 done, 1 refused or not found, 2 usage, 3 a bug, 4 busy or conflict, 130 interrupted",
    ]
    return "\n".join(lines)
