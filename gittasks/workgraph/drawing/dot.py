"""The graph as Graphviz DOT: `gittasks graph --format dot | dot -Tpdf -o plan.pdf`.

Everything a person wrote stands in quoted strings, with quotes and backslashes escaped (a lone backslash would start
an escape of Graphviz's own, such as `\\\\N`) and `&` written as an entity.
"""

from __future__ import annotations

from itertools import pairwise

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten

if TYPE_CHECKING:
    from gittasks.workgraph.drawing.picture import Node, Picture

MAX_LABEL = 60

_ENTITIES = str.maketrans({'"': r"\"", "\\": r"\\", "&": "&amp;"})
_STYLES = {
    "ready": 'color="#1a7f37" fillcolor="#dafbe1"',
    "in_progress": 'color="#0969da" fillcolor="#ddf4ff"',
    "waiting": 'color="#8c959f" fillcolor="#f6f8fa"',
    "completed": 'color="#8250df" fillcolor="#fbefff" fontcolor="#57606a"',
    "deleted": 'color="#8c959f" fillcolor="#f6f8fa" fontcolor="#8c959f" style="rounded,filled,dotted"',
    "missing": 'color="#cf222e" fillcolor="#ffebe9" fontcolor="#82071e" style="rounded,filled,dashed"',
}
_CRITICAL = 'color="#bc4c00" penwidth=3'
_CYCLIC = 'color="#cf222e" penwidth=3'


def draw(picture: Picture) -> str:
    """The picture as a DOT digraph without a final line feed."""
    critical = set(pairwise(picture.critical))
    lines = [
        "digraph tasks {",
        "  rankdir=LR",
        '  node [shape=box style="rounded,filled" fontname="sans-serif" fontsize=11]',
        '  edge [color="#8c959f"]',
    ]
    lines += [f"  {node.id} [{_attributes(node)}]" for node in picture.nodes]
    for edge in picture.edges:
        style = _CRITICAL if edge in critical else _CYCLIC if edge in picture.circular else ""
        lines.append(f"  {edge[0]} -> {edge[1]}" + (f" [{style}]" if style else ""))
    lines += [f"  {parent} -> {part} [style=dotted arrowhead=none]" for parent, part in picture.parts]
    return "\n".join([*lines, "}"])


def quote(text: str) -> str:
    """`text` as a quoted string that a label shows as it is."""
    return f'"{printable(text).translate(_ENTITIES)}"'


def _attributes(node: Node) -> str:
    marks = (_CRITICAL,) if node.critical else (_CYCLIC,) if node.cyclic else ()
    label = quote(f"#{node.id} {shorten(node.label, MAX_LABEL)}")
    tooltip = quote(f"#{node.id} {node.label} ({node.state.replace('_', ' ')})")
    return " ".join((f"label={label} tooltip={tooltip}", _STYLES[node.state], *marks))
