"""The graph as an SVG picture that stands alone: no scripts, no fonts or files from elsewhere, light and dark.

Text is cut to fit its box; the whole of it is in the box's tooltip. Everything a person wrote is made printable and
escaped, so that the picture is well-formed whatever a subject says.
"""

from __future__ import annotations

from itertools import pairwise

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.workgraph.drawing import lettering, scene
from gittasks.workgraph.drawing.picture import STATES
from gittasks.workgraph.drawing.scene import HEIGHT, WIDTH

if TYPE_CHECKING:
    from gittasks.workgraph.drawing.picture import Node, Picture
    from gittasks.workgraph.drawing.scene import Scene

_MARGIN = 28.0
_HEADER = 72.0
_SMALL, _NORMAL, _LARGE = 11.0, 13.0, 18.0
_TEXT_LEFT, _TEXT_RIGHT = 22.0, 12.0
_TEXT_WIDTH = WIDTH - _TEXT_LEFT - _TEXT_RIGHT
_LEGEND_STEP = 22.0
_LEAST_HEADING = 420.0
_ARROW = 7.0
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'

# Each colour in light and in dark. Of a state: its mark, and the ground of its box.
_COLOURS = {
    "ready": (("#1a7f37", "#3fb950"), ("#effbf2", "#12261a")),
    "in_progress": (("#0969da", "#58a6ff"), ("#ecf6ff", "#10233f")),
    "waiting": (("#6e7781", "#9198a1"), ("#f6f8fa", "#161b22")),
    "completed": (("#8250df", "#a371f7"), ("#faf6ff", "#1c1730")),
    "deleted": (("#afb8c1", "#484f58"), ("#ffffff", "#0d1117")),
    "missing": (("#cf222e", "#f85149"), ("#fff5f5", "#2a1215")),
}
_GROUND, _INK, _DIM = ("#ffffff", "#0d1117"), ("#1f2328", "#e6edf3"), ("#57606a", "#9198a1")
_EDGE, _LINE = ("#d0d7de", "#3d444d"), ("#a8b1bb", "#656c76")
_MARKED = {"critical": ("#d4570a", "#f0883e"), "cyclic": ("#cf222e", "#f85149")}
_KINDS = {"plain": _LINE, "cyclic": _MARKED["cyclic"], "critical": _MARKED["critical"]}


def draw(picture: Picture, *, title: str = "Tasks") -> str:
    """The picture as an SVG document without a final line feed, with `title` above it."""
    drawn = scene.build(picture)
    legend, legend_width = _legend(picture)
    heading = lettering.fit(printable(title), max(drawn.width, legend_width, _LEAST_HEADING) / _LARGE)
    width = max(drawn.width, legend_width, lettering.width_em(heading) * _LARGE) + 2 * _MARGIN
    height = drawn.height + _HEADER + 2 * _MARGIN
    size = f"{_number(width)} {_number(height)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{_number(width)}"'
        f' height="{_number(height)}" role="img">',
        f"<title>{_escape(title)}</title>",
        f"<style>{_style()}</style>",
        "<defs>",
        *(_marker(kind) for kind in _KINDS),
        "</defs>",
        '<rect class="ground" width="100%" height="100%"/>',
        f'<text class="heading" x="{_number(_MARGIN)}" y="{_number(_MARGIN + _LARGE)}">{_escape(heading)}</text>',
        f'<g transform="translate({_number(_MARGIN)} {_number(_MARGIN + _LARGE + 22)})">{legend}</g>',
        f'<g transform="translate({_number(_MARGIN)} {_number(_MARGIN + _HEADER)})">',
        *_lines(picture, drawn),
        *(_box(node, *drawn.boxes[node.id]) for node in picture.nodes),
    ]
    if drawn.loose_top is not None:
        parts.append(f'<text class="dim" y="{_number(drawn.loose_top - 12)}">without arrows</text>')
    return "\n".join([*parts, "</g>", "</svg>"])


def _box(node: Node, x: float, y: float) -> str:
    state = node.state.replace("_", " ")
    subject = printable(node.label)
    marks = " critical" if node.critical else " cyclic" if node.cyclic else ""
    name = f"#{node.id}"
    part = f" part of #{node.parent}" if node.parent is not None else ""
    room = _TEXT_WIDTH / _SMALL - lettering.width_em(name + part + state) - 1.5
    owner = lettering.fit(printable(node.owner), room) + " · " if node.owner and room > 3 else ""
    told = f"{name} {subject} ({', '.join(filter(None, (state, printable(node.owner or ''), part.strip())))})"
    lines = lettering.wrap(subject, _TEXT_WIDTH / _NORMAL, 2)
    return "".join(
        [
            f'<g class="{node.state}{marks}" transform="translate({_number(x)} {_number(y)})">',
            f"<title>{_escape(told)}</title>",
            f'<rect class="box" width="{_number(WIDTH)}" height="{_number(HEIGHT)}" rx="8"/>',
            f'<rect class="bar" x="9" y="11" width="4" height="{_number(HEIGHT - 22)}" rx="2"/>',
            f'<text class="small" x="{_number(_TEXT_LEFT)}" y="18"><tspan class="name">{name}</tspan>{part}</text>',
            f'<text class="small right" x="{_number(WIDTH - _TEXT_RIGHT)}" y="18">'
            f'{_escape(owner)}<tspan class="state">{state}</tspan></text>',
            *(
                f'<text class="subject" x="{_number(_TEXT_LEFT)}" y="{36 + 16 * number}">{_escape(line)}</text>'
                for number, line in enumerate(lines)
            ),
            "</g>",
        ]
    )


def _lines(picture: Picture, drawn: Scene) -> list[str]:
    """The arrows, marked ones on top."""
    critical = set(pairwise(picture.critical))
    kinds = {
        edge: "critical" if edge in critical else "cyclic" if edge in picture.circular else "plain"
        for edge in picture.edges
    }
    order = sorted(picture.edges, key=lambda edge: (list(_KINDS).index(kinds[edge]), edge))
    return [
        f'<path class="line {kinds[edge]}" marker-end="url(#{kinds[edge]})" d="{_way(edge, drawn)}"/>'
        for edge in order
    ]


def _way(edge: tuple[int, int], drawn: Scene) -> str:
    if edge[0] == edge[1]:
        x, y = drawn.boxes[edge[0]]
        start, end = _point(x + WIDTH - 40, y), _point(x + WIDTH - 16, y - _ARROW)
        return f"M{start} C{_point(x + WIDTH - 40, y - 22)} {_point(x + WIDTH - 16, y - 26)} {end}"
    points = list(drawn.lines[edge])
    ahead = _ARROW if points[-1][0] >= points[0][0] else -_ARROW
    points[-1] = (points[-1][0] - ahead, points[-1][1])
    way = [f"M{_point(*points[0])}"]
    for number, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
        if number % 2 or y == to_y:
            way.append(f"L{_point(to_x, to_y)}")
        else:
            middle = (x + to_x) / 2
            way.append(f"C{_point(middle, y)} {_point(middle, to_y)} {_point(to_x, to_y)}")
    return " ".join(way)


def _legend(picture: Picture) -> tuple[str, float]:
    """A line that explains the colours in use, and its width."""
    used = {node.state for node in picture.nodes}
    words = [(state, state.replace("_", " ")) for state in STATES if state in used]
    if picture.critical:
        words.append(("critical", f"critical path, {len(picture.critical)} tasks"))
    if picture.cycles:
        words.append(("cyclic", "in a cycle"))
    parts = []
    x = 0.0
    for name, word in words:
        sign = f'<rect class="bar" x="{_number(x)}" y="-9" width="10" height="10" rx="3"/>'
        if name in _MARKED:
            sign = f'<path class="line {name}" d="M{_point(x - 2, -4)} h14"/>'
        parts.append(f'<g class="{name}">{sign}<text class="small" x="{_number(x + 16)}">{word}</text></g>')
        x += 16 + lettering.width_em(word) * _SMALL + _LEGEND_STEP
    return "".join(parts), max(x - _LEGEND_STEP, 0.0)


def _marker(kind: str) -> str:
    tip = f"M0 -4 L{_number(_ARROW)} 0 L0 4 Z"
    return (
        f'<marker id="{kind}" markerUnits="userSpaceOnUse" markerWidth="{_number(_ARROW)}" markerHeight="8"'
        f' viewBox="0 -4 {_number(_ARROW)} 8" orient="auto"><path class="tip {kind}" d="{tip}"/></marker>'
    )


def _style() -> str:
    shapes = (
        f"text{{font:{_number(_NORMAL)}px {_FONT}}}"
        f".heading{{font-size:{_number(_LARGE)}px;font-weight:600}}"
        f".small,.dim{{font-size:{_number(_SMALL)}px}}.right{{text-anchor:end}}.name{{font-weight:700}}"
        ".line{fill:none;stroke-width:1.4}.line.critical,.line.cyclic{stroke-width:2.6}"
        ".critical .box,.cyclic .box{stroke-width:2.4}.missing .box,.line.cyclic{stroke-dasharray:6 4}"
        ".completed,.deleted{opacity:.75}"
    )
    return f"{shapes}{_colours(0)}@media (prefers-color-scheme:dark){{{_colours(1)}}}"


def _colours(dark: int) -> str:
    rules = [
        f".ground{{fill:{_GROUND[dark]}}}text{{fill:{_INK[dark]}}}.small,.dim{{fill:{_DIM[dark]}}}",
        f".name{{fill:{_INK[dark]}}}.box{{stroke:{_EDGE[dark]}}}",
    ]
    for state, (mark, ground) in _COLOURS.items():
        rules.append(
            f".{state} .box{{fill:{ground[dark]}}}.{state} .bar,.{state} .state{{fill:{mark[dark]}}}"
        )
    for kind, colour in _KINDS.items():
        rules.append(f".line.{kind}{{stroke:{colour[dark]}}}.tip.{kind}{{fill:{colour[dark]}}}")
    for kind, colour in {"missing": _COLOURS["missing"][0], **_MARKED}.items():
        rules.append(f".{kind} .box{{stroke:{colour[dark]}}}")
    return "".join(rules)


def _escape(text: str) -> str:
    return printable(text).translate(_ESCAPES)


def _point(x: float, y: float) -> str:
    return f"{_number(x)} {_number(y)}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
