"""Workflows that a stranger wrote: read before anybody trusts them, run only after it."""

from __future__ import annotations

import os

from tests.hostile.cases_files import CONTROLS
from tests.hostile.table import Group, Told, Yard, says

workflows = Group("Workflows")
GROUPS = [workflows]

_CALLS = ("workflow list", "workflow graph w", "workflow run w", "trust --status")
_GOOD = "steps: {hello: {run: [echo, hello]}}\n"
_EVIL = "steps: {one: {run: touch ../outside/ran}, two: {run: [touch, ../outside/ran]}}\n"


def _put(yard: Yard, data: str | bytes, name: str | bytes = "w.yaml") -> None:
    """Write a workflow, beside a good one."""
    folder = yard.tasks / "workflows"
    folder.mkdir(exist_ok=True)
    (folder / "good.yaml").write_text(_GOOD)
    with open(os.path.join(os.fsencode(folder), os.fsencode(name)), "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)


def _bomb() -> str:
    levels = "".join(
        f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    return "a: &a [x,x,x,x,x,x,x,x,x]\n" + levels + _GOOD


def _matrix(names: int, values: int) -> str:
    """A step that stands for `values` to the power of `names` runs."""
    lists = ", ".join(f"m{number}: [{', '.join(map(str, range(values)))}]" for number in range(names))
    return f"steps: {{a: {{run: [touch, ../outside/ran], matrix: {{{lists}}}}}}}\n"


def _named(yard: Yard, told: Told) -> None:
    assert told.codes == (1, 1, 1, 1) and ".tasks/workflows/w.yaml" in told.text, told
    assert "good " in told.text, told


def _multiplied() -> str:
    """60 steps, each of 256 variants, each waiting for all before it."""
    values = f"[{', '.join(map(str, range(16)))}]"
    steps = (
        f"  s{n}: {{run: a, matrix: {{a: {values}, b: {values}}}, needs: [{', '.join(f's{m}' for m in range(n))}]}}"
        for n in range(60)
    )
    return "steps:\n" + "\n".join(steps) + "\n"


for _name, _says, _place in (
    ("link", "is a link to a file outside", lambda y, p: y.link(p, y.outside / "secret.txt")),
    ("pipe", "is a named pipe that nobody writes to", lambda y, p: y.pipe(p)),
    ("device", "is a device that never ends", lambda y, p: y.device(p)),
    ("huge", "is a file of 8 TiB without contents", lambda y, p: y.sparse(p, 8 << 40)),
):

    def _arrange(yard: Yard, _place=_place) -> None:  # type: ignore[no-untyped-def]
        _put(yard, _GOOD)
        _place(yard, yard.tasks / "workflows" / "w.yaml")

    workflows.add(
        f"workflow-{_name}",
        f"a workflow {_says}",
        _arrange,
        *_CALLS,
        ends="named, the others still work",
        then=_named,
    )

for _name, _says, _text in (
    ("nested", "20,000 brackets", "steps: " + "[" * 20_000),
    ("bomb", "a bomb of aliases", _bomb()),
    ("tag", "a tag that makes objects", "steps: !!python/object/apply:os.system [touch ../outside/ran]\n"),
    ("circle", "steps that wait for each other", "steps: {a: {run: b, needs: b}, b: {run: a, needs: a}}\n"),
    ("matrix", "a matrix of 10 to the power of 12", _matrix(12, 10)),
    ("many", "2,000 steps", "steps:\n" + "".join(f"  s{n}: {{}}\n" for n in range(2_000))),
    ("not utf-8", "bytes that are no UTF-8", b"steps: \xff\xfe\n"),
    ("escapes", "escape sequences in names and values", f'"{CONTROLS}": 1\nsteps: {{"{CONTROLS}": "{CONTROLS}"}}\n'),
    ("step names", "steps called `../x` and `--force`", "steps: {../x: {run: a}, --force: {run: a}}\n"),
):  # fmt: skip
    workflows.add(
        f"workflow-{_name}",
        f"a workflow with {_says}",
        lambda y, _text=_text: _put(y, _text),  # type: ignore[misc]
        *_CALLS,
        ends="named, the others still work",
        then=_named,
    )


def _strange_names(yard: Yard) -> None:
    (yard.outside / "w.yaml").write_text(_EVIL)
    for name in (b"--force.yaml", b"\xff\x1b[2J\n.yaml", b".yaml", b"a b.yaml", b"..yaml"):
        _put(yard, _EVIL, name)


workflows.add(
    "workflow-multiplied",
    "60 steps of 256 variants each, each step waiting for all before it",
    lambda y: _put(y, _multiplied()),
    *_CALLS,
    codes=[0, 2, 1, 1],
    ends="counted, and never planned",
    then=says("makes 15360 steps: at most 500"),
)
workflows.add(
    "workflow-names",
    "workflows called `--force`, `..` and escape sequences",
    _strange_names,
    "workflow list",
    "workflow graph ../../../outside/w",
    "workflow run ../../../outside/w",
    "workflow run -- --force",
    "workflow run ''",
    codes=[0, 1, 1, 1, 1],
    ends="no workflows: nobody reads them",
    then=says("good"),
)


def _linked_folder(yard: Yard) -> None:
    (yard.outside / "folder" / "w.yaml").write_text(_EVIL)
    yard.link(yard.tasks / "workflows", yard.outside / "folder")


workflows.add(
    "workflow-folder",
    "the folder of workflows is a link to a folder outside",
    _linked_folder,
    *_CALLS,
    codes=[0, 1, 1, 0],
    ends="there are none",
)
workflows.add(
    "workflow-untrusted",
    "commands in a workflow",
    lambda y: _put(y, _EVIL),
    *_CALLS,
    "workflow run w --wait",
    codes=[0, 0, 1, 1, 1],
    ends="nothing runs before `trust`",
    then=says("not trusted"),
)


def _trusted_before(yard: Yard) -> None:
    """Trusted in an earlier version; the newer one came by a pull."""
    _put(yard, _GOOD)
    assert yard.call(["trust --yes"]).codes == (0,)
    _put(yard, _EVIL, "good.yaml")


workflows.add(
    "workflow-changed",
    "a workflow that changed since it was trusted",
    _trusted_before,
    "workflow list",
    "workflow graph good",
    "workflow run good --wait",
    "trust --status",
    codes=[0, 0, 1, 1],
    ends="nothing runs",
    then=says("changed"),
)
workflows.add(
    "workflow-look-alike",
    "a workflow with letters of other alphabets, bidi overrides and escape sequences",
    lambda y: _put(
        y,
        'description: "\\e[2J\\u202e"\nsteps: {a: {run: ["p\\u0443test", "\\u202erm -rf", "\\e[2J"]}}\n'
        "# p\u0443test \u202e\n",
    ),
    *_CALLS,
    "workflow list --json",
    "workflow graph w --json",
    "workflow graph w --format mermaid",
    "workflow graph w --format dot",
    "trust",
    ends="shown so that it can be told from the real one",
    then=says("\\u202e", "\\u0443"),
)
