"""The graph as a Mermaid flowchart, which forges draw in Markdown: paste it between ```` ```mermaid ```` fences.

Labels are quoted, and whatever could end or change one is written as an entity (`#quot;`, `#35;`): quotes, `#`,
backticks, markup, `%` (directives), `:` and `;` (Mermaid's own repairs look for them), `$` (formulas), `\\`.
"""

from __future__ import annotations

from itertools import pairwise

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten
from gittasks.workgraph.drawing.picture import STATES

if TYPE_CHECKING:
    from gittasks.workgraph.drawing.picture import Node, Picture

MAX_LABEL = 80
# What Mermaid draws unless it is told otherwise, which pages of others rarely are.
MAX_ARROWS = 500
MAX_TEXT = 50_000

_NAMED = {'"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;"}
_ENTITIES = str.maketrans(_NAMED | {char: f"#{ord(char)};" for char in "#`%:;$\\"})
_COLOURS = {
    "ready": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "in_progress": "fill:#ddf4ff,stroke:#0969da,color:#1f2328",
    "waiting": "fill:#f6f8fa,stroke:#8c959f,color:#1f2328",
    "completed": "fill:#fbefff,stroke:#8250df,color:#57606a",
    "deleted": "fill:#f6f8fa,stroke:#8c959f,color:#8c959f,stroke-dasharray:2 3",
    "missing": "fill:#ffebe9,stroke:#cf222e,color:#82071e,stroke-dasharray:5 4",
}
_CRITICAL = "stroke:#bc4c00,stroke-width:3px"
_CYCLIC = "stroke:#cf222e,stroke-width:3px"


def draw(picture: Picture) -> str:
    """The picture as Mermaid text without a final line feed; a chart without nodes is valid."""
    lines = ["flowchart LR"]
    lines += [f'    t{node.id}["{_label(node)}"]' for node in picture.nodes]
    lines += _arrows(picture)
    lines += [f"    t{parent} -.- t{part}" for parent, part in picture.parts]
    for state in STATES:
        lines += _class(state, _COLOURS[state], [node.id for node in picture.nodes if node.state == state])
    lines += _class("critical", _CRITICAL, list(picture.critical))
    lines += _class("cyclic", _CYCLIC, [node.id for node in picture.nodes if node.cyclic])
    return "\n".join(lines)


def quote(text: str) -> str:
    """`text` as it may stand between the quotes of a label."""
    return printable(text).translate(_ENTITIES)


def _label(node: Node) -> str:
    return quote(f"#{node.id} {shorten(node.label, MAX_LABEL)}")


def _arrows(picture: Picture) -> list[str]:
    critical = set(pairwise(picture.critical))
    lines = []
    styles: dict[str, list[str]] = {_CRITICAL: [], _CYCLIC: []}
    for number, edge in enumerate(picture.edges):
        lines.append(f"    t{edge[0]} {'==>' if edge in critical else '-->'} t{edge[1]}")
        if edge in critical:
            styles[_CRITICAL].append(str(number))
        elif edge in picture.circular:
            styles[_CYCLIC].append(str(number))
    return lines + [
        f"    linkStyle {','.join(numbers)} {style}" for style, numbers in styles.items() if numbers
    ]


def _class(name: str, style: str, members: list[int]) -> list[str]:
    if not members:
        return []
    return [f"    classDef {name} {style}", f"    class {','.join(f't{task}' for task in members)} {name}"]
