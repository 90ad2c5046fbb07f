"""Workflows as lines of text, Mermaid and DOT. Strangers' text is made harmless for each."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten

if TYPE_CHECKING:
    from gittasks.app.workflows.views import StepView, View

_MAX_LABEL = 80
_MARKS = {"running": "◐", "completed": "✓", "failed": "✗", "killed": "✗", "skipped": "–", "": "·"}
# Fill and stroke of a box, by how its step stands.
_COLOURS = {
    "running": ("#ddf4ff", "#0969da"),
    "completed": ("#dafbe1", "#1a7f37"),
    "failed": ("#ffebe9", "#cf222e"),
    "killed": ("#ffebe9", "#cf222e"),
}


def text_lines(view: View) -> list[str]:
    """A line for each step: how it stands, its name, what it waits for, its run."""
    width = max((len(step.planned.key) for step in view.steps), default=0)
    return [_line(step, width) for step in view.steps]


def mermaid(view: View) -> str:
    """The workflow as a Mermaid flowchart, for Markdown."""
    from gittasks.workgraph.drawing.mermaid import quote

    number = _numbers(view)
    lines = ["flowchart LR"]
    lines += [f'    s{number[step.planned.key]}["{quote(_label(step))}"]' for step in view.steps]
    lines += [
        f"    s{number[need]} --> s{number[step.planned.key]}" for step in view.steps for need in step.needs
    ]
    for status, (fill, stroke) in _COLOURS.items():
        members = [f"s{number[step.planned.key]}" for step in view.steps if _status(step) == status]
        if members:
            lines.append(f"    classDef {status} fill:{fill},stroke:{stroke},color:#1f2328")
            lines.append(f"    class {','.join(members)} {status}")
    return "\n".join(lines)


def dot(view: View) -> str:
    """The workflow as a DOT digraph, for Graphviz."""
    from gittasks.workgraph.drawing.dot import quote

    number = _numbers(view)
    lines = [
        "digraph workflow {",
        "  rankdir=LR",
        '  node [shape=box style="rounded,filled" fontname="sans-serif"]',
    ]
    for step in view.steps:
        fill, stroke = _COLOURS.get(_status(step), ("#f6f8fa", "#8c959f"))
        style = f'fillcolor="{fill}" color="{stroke}"'
        lines.append(f"  {number[step.planned.key]} [label={quote(_label(step))} {style}]")
    lines += [f"  {number[need]} -> {number[step.planned.key]}" for step in view.steps for need in step.needs]
    return "\n".join([*lines, "}"])


def _line(step: StepView, width: int) -> str:
    status = _status(step)
    parts = [f"{_MARKS.get(status, '·')} {printable(step.planned.key):<{width}}"]
    if step.run is not None:
        parts.append(f"{step.run.id}  {status}")
    elif status:
        parts.append(status)
    if step.planned.step.needs:
        parts.append(f"after {', '.join(step.planned.step.needs)}")
    if step.planned.step.condition:
        parts.append(f"if {printable(step.planned.step.condition)}")
    return "  ".join(parts).rstrip()


def _label(step: StepView) -> str:
    return shorten(step.planned.key, _MAX_LABEL) + (f" ({_status(step)})" if _status(step) else "")


def _status(step: StepView) -> str:
    return step.status or ""


def _numbers(view: View) -> dict[str, int]:
    return {step.planned.key: number for number, step in enumerate(view.steps, 1)}
