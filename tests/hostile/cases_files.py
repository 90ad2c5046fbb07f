"""Task files, notes and settings that a stranger wrote."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from tests.hostile.table import EXPORTS, GRAPHS, READS, WRITES, Group, Told, Yard, says

CONTROLS = "\\e[2J\\e]0;gotcha\\a\\x9b31m\\u202egpj.exe\\u2066\\r\\b\\x7f\\0"
NAMED = "named, the others still work"

kinds = Group("What lies where a task file should")
contents = Group("What a task file says")
notes = Group("Notes")
settings = Group("Settings")
GROUPS = [kinds, contents, notes, settings]


# --- kinds ---------------------------------------------------------------------------------------------------------


def _at_task(yard: Yard) -> object:
    return yard.tasks / "2.yaml"


def _others_are_listed(yard: Yard, told: Told) -> None:
    assert "One" in told.text and "Three" in told.text, told
    assert ".tasks/2.yaml" in told.text, told


for _name, _says, _arrange in (
    ("link", "a link to a file outside", lambda y: y.link(y.tasks / "2.yaml", y.outside / "secret.txt")),
    ("link to a folder", "a link to a folder outside", lambda y: y.link(y.tasks / "2.yaml", y.outside)),
    ("link to nothing", "a link to nothing", lambda y: y.link(y.tasks / "2.yaml", y.outside / "new")),
    ("link to itself", "a link to itself", lambda y: y.link(y.tasks / "2.yaml", "2.yaml")),
    ("link within", "a link to another task file", lambda y: y.link(y.tasks / "2.yaml", "1.yaml")),
    ("link to zeros", "a link to /dev/zero", lambda y: y.link(y.tasks / "2.yaml", "/dev/zero")),
    ("link to a terminal", "a link to /dev/tty", lambda y: y.link(y.tasks / "2.yaml", "/dev/tty")),
    ("pipe", "a named pipe that nobody writes to", lambda y: y.pipe(y.tasks / "2.yaml")),
    ("device", "a device that never ends", lambda y: y.device(y.tasks / "2.yaml")),
    ("huge", "a file of 8 TiB without contents", lambda y: y.sparse(y.tasks / "2.yaml", 8 << 40)),
    ("too large", "2 MiB of text", lambda y: y.task("# x\n" * (1 << 19))),
):
    kinds.add(
        f"file-{_name}",
        f"`2.yaml` is {_says}",
        _arrange,
        *READS,
        *WRITES,
        ends=NAMED,
        then=_others_are_listed,
    )


def _folder(yard: Yard) -> None:
    (yard.tasks / "2.yaml").unlink()
    (yard.tasks / "2.yaml").mkdir()
    (yard.tasks / "2.yaml" / "x").write_text("x")


def _socket(yard: Yard) -> None:
    (yard.tasks / "2.yaml").unlink()
    here = os.getcwd()
    os.chdir(yard.tasks)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("2.yaml")
    finally:
        os.chdir(here)


kinds.add(
    "file-folder", "`2.yaml` is a folder", _folder, *READS, *WRITES, ends=NAMED, then=_others_are_listed
)
kinds.add(
    "file-socket", "`2.yaml` is a socket", _socket, *READS, *WRITES, ends=NAMED, then=_others_are_listed
)


def _hard_link(yard: Yard) -> None:
    (yard.tasks / "2.yaml").rename(yard.outside / "folder" / "two.yaml")
    os.link(yard.outside / "folder" / "two.yaml", yard.tasks / "2.yaml")


kinds.add(
    "file-hard-link", "`2.yaml` is a hard link to a file outside", _hard_link, *READS, *WRITES,
    ends="the edit leaves the file outside as it was", codes=[0] * 4,
)  # fmt: skip


def _temp(make: str) -> Callable[[Yard], object]:
    def arrange(yard: Yard) -> None:
        path = yard.tasks / ".2.yaml.gittasks-tmp"
        if make == "link":
            yard.link(path, yard.outside / "secret.txt")
        elif make == "pipe":
            yard.pipe(path)
        elif make == "folder":
            path.mkdir()
            (path / "x").write_text("x")

    return arrange


for _name in ("link", "pipe"):
    kinds.add(
        f"temporary-{_name}", f"a {_name} has the name of our temporary file", _temp(_name), *WRITES,
        ends="removed, never written through", codes=[0] * 2,
    )  # fmt: skip
kinds.add(
    "temporary-folder", "a folder has the name of our temporary file", _temp("folder"), *WRITES, *READS,
    ends="the write is refused and names it",
)  # fmt: skip

for _name, _says, _file in (
    ("option", "is called `--force.yaml`", b"--force.yaml"),
    ("lines", "has a line feed and escape sequences in its name", b"9\n\x1b[2J9.yaml"),
    ("no text", "has a name that is no UTF-8", b"\xff\xfe.yaml"),
    ("zeros", "is called `002.yaml`", b"002.yaml"),
    ("digits", "is called `２.yaml` with a full-width digit", "２.yaml".encode()),
    ("big", "is called `99999999999999999999.yaml`", b"9" * 20 + b".yaml"),
    ("case", "is called `2.YAML`", b"2.YAML"),
    ("long", "has the longest name there is", b"9" * 250 + b".yaml"),
):

    def _named(yard: Yard, _file: bytes = _file) -> None:
        path = os.path.join(os.fsencode(yard.tasks), _file)
        with open(path, "wb") as file:
            file.write((yard.tasks / "2.yaml").read_bytes())

    kinds.add(
        f"name-{_name}",
        f"a file in `.tasks` {_says}",
        _named,
        *READS,
        "doctor",
        *WRITES,
        ends="no task; `doctor` names it",
    )


def _many(yard: Yard) -> None:
    for number in range(10, 30_010):
        os.close(os.open(yard.tasks / f"{number}.yaml", os.O_CREAT | os.O_WRONLY))


kinds.add(
    "many", "30,000 files that are no tasks", _many, "list", "ready", "show 2", "edit 2 --priority 0",
    ends="each is counted, a few are named", is_long=True, then=says("and 29980 more; `gittasks doctor --json`"),
)  # fmt: skip

# --- contents ------------------------------------------------------------------------------------------------------

HEAD = "id: 2\n\nuid: 9f3c1a7be2d04c55\n\nsubject: Two\n\nstatus: pending\n\n"


def _text(data: str | bytes) -> Callable[[Yard], object]:
    return lambda yard: yard.task(data)


_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
for _name, _says, _data in (
    ("empty", "nothing", ""),
    ("zeros", "NUL bytes", b"\0" * 5000),
    ("no utf-8", "bytes that are no UTF-8", HEAD.encode() + b"owner: \xff\xfe\n"),
    ("utf-16", "UTF-16", HEAD.encode("utf-16")),
    ("bom", "a byte order mark in the middle", HEAD + "owner: a\ufeffb\n"),
    ("program", "a YAML tag that makes objects", "!!python/object/apply:os.system [id]\n"),
    ("program in a field", "such a tag in a field", HEAD + "owner: !!python/object/apply:os.system [id]\n"),
    ("bomb", "nine levels of aliases, nine each", _BOMB + HEAD),
    ("alias", "one alias", HEAD + "labels: &a\n- x\n\nblockedBy: *a\n"),
    ("merge key", "a merge key", HEAD + "<<: {id: 3}\n"),
    ("nested lists", "a million brackets", HEAD + "labels: " + "[" * 1_000_000),
    ("nested maps", "200,000 nested maps", HEAD + "extra: " + "{a: " * 200_000),
    ("nested dashes", "a line of 300,000 dashes", HEAD + "labels:\n" + "- " * 300_000),
    ("questions", "100,000 explicit keys", HEAD + "? " * 100_000),
    ("indents", "blocks that go deeper on 1,400 lines", HEAD + "".join(" " * n + "a:\n" for n in range(1, 1400))),
    ("double", "one field twice", HEAD + "status: completed\n"),
    ("double id", "two ids", "id: 3\n" + HEAD),
    ("documents", "two documents", HEAD + "---\n" + HEAD),
    ("conflict", "conflict markers", "<<<<<<< ours\n" + HEAD + "=======\n" + HEAD + ">>>>>>> theirs\n"),
    ("other id", "the id of another task", HEAD.replace("id: 2", "id: 3", 1)),
    ("id of nine digits and more", "an id of a million digits", HEAD.replace("2", "9" * 1_000_000, 1)),
    ("id below zero", "id -1", HEAD.replace("2", "-1", 1)),
    ("id 2.0", "id 2.0", HEAD.replace("2", "2.0", 1)),
    ("id true", "id true", HEAD.replace("2", "true", 1)),
    ("running", "a status of runs", HEAD.replace("pending", "running")),
    ("priority", "a priority of 5,000 digits", HEAD + "priority: " + "1" * 5000 + "\n"),
    ("infinite", "priority .inf", HEAD + "priority: .inf\n"),
    ("date", "a day that does not exist", HEAD + "created: 9999-99-99T99:99:99Z\n"),
    ("surrogate", "half a character", HEAD + 'owner: "\\uD800"\n'),
    ("list as text", "a list for a subject", HEAD.replace("Two", "[a, b]")),
    ("anchor as text", "an anchor without a name", HEAD + "owner: & x\n"),
    ("percent", "a directive", "%TAG ! tag:evil,2026:\n---\n" + HEAD),
    ("long line", "a subject of 900,000 characters", HEAD.replace("Two", "x" * 900_000)),
    ("comments", "250,000 lines of comments", HEAD + "#\n" * 250_000),
    ("quotes", "an open quote over 900,000 characters", HEAD + 'owner: "' + "a\n" * 450_000),
):  # fmt: skip
    # What takes a second to read is read once: it is bounded, and that is all there is to show.
    _calls = ("list", "edit 2 --priority 0") if len(_data) > 200_000 else (*READS, "doctor", *WRITES)
    contents.add(f"text-{_name}", f"`2.yaml` says {_says}", _text(_data), *_calls, ends=NAMED)

_ESCAPED = f'id: 2\n\nuid: 9f3c1a7be2d04c55\n\nsubject: "S{CONTROLS}"\n\nstatus: pending\n\n'
for _name, _says, _data in (
    ("subject", "the subject", _ESCAPED),
    ("owner", "the owner", HEAD + f'owner: "O{CONTROLS}"\n'),
    ("worktree", "the worktree", HEAD + f'worktree: "W{CONTROLS}"\n'),
    ("label", "a label", HEAD + f'labels:\n- "L{CONTROLS}"\n'),
    ("description", "the description", HEAD + f'description: "D{CONTROLS}"\n'),
    ("unknown field", "an unknown field's name and value", HEAD + f'"U{CONTROLS}": "V{CONTROLS}"\n'),
    ("status", "the status", HEAD.replace("pending", f'"{CONTROLS}"')),
    ("created", "the time", HEAD + f'created: "{CONTROLS}"\n'),
):
    contents.add(
        f"escapes-{_name}", f"escape sequences, bidi overrides and C1 controls in {_says}", _text(_data),
        *READS, "log 2", "doctor", *GRAPHS, *EXPORTS, "next", ends="shown as `\\x1b`, `\\u202e`",
    )  # fmt: skip

_RAW = "\u009b2J\u202egpj\u2066\u200f\x7f"
for _name, _old in (("subject", "Two"), ("description", "Words.")):
    contents.add(
        f"raw-{_name}", f"the same characters as they are, unquoted, in the {_name}",
        lambda y, _old=_old: y.edit(_old, "x" + _RAW), *READS, "doctor", *GRAPHS, *EXPORTS, ends="shown escaped",
    )  # fmt: skip

contents.add(
    "labels-many", "100,000 labels", lambda y: y.task(HEAD + "labels:\n" + "".join(f"- l{n}\n" for n in range(90_000))),
    "list", "edit 2 --priority 0", ends="named: too many values",
)  # fmt: skip
contents.add(
    "blockers-many", "100,000 blockers that do not exist",
    lambda y: y.task(HEAD + "blockedBy:\n" + "".join(f"- {n}\n" for n in range(4, 90_000))),
    "list", "graph", "edit 2 --priority 0", ends="named: too many values",
)  # fmt: skip
contents.add(
    "self",
    "a task that waits for itself",
    lambda y: y.task(HEAD + "blockedBy:\n- 2\n"),
    *READS,
    *GRAPHS,
    *WRITES,
    ends="named as a circle; not ready",
)


def _circle(yard: Yard) -> None:
    yard.task(HEAD + "blockedBy:\n- 3\n\nparent: 3\n")
    yard.task(HEAD.replace("2", "3", 1) + "blockedBy:\n- 2\n\nparent: 2\n", 3)


contents.add(
    "circle",
    "two tasks that wait for each other and are each other's parent",
    _circle,
    *READS,
    *GRAPHS,
    *WRITES,
    ends="named; neither is ready",
)


def _chain(yard: Yard) -> None:
    for number in range(4, 3004):
        body = (
            HEAD.replace("id: 2", f"id: {number}", 1)
            + f"blockedBy:\n- {number + 1}\n\nparent: {number + 1}\n"
        )
        yard.task(body.replace("2d04c55", f"{number:07x}"), number)


contents.add(
    "chain",
    "a chain of 3,000 tasks, each the parent and blocker of the next",
    _chain,
    "list",
    "ready",
    "graph",
    "doctor",
    "block 3003 --on 2",
    ends="no recursion, no explosion",
    is_long=True,
)


def _dense(yard: Yard) -> None:
    for number in range(4, 304):
        blockers = "".join(f"- {n}\n" for n in range(4, number))
        yard.task(
            HEAD.replace("id: 2", f"id: {number}", 1).replace("2d04c55", f"{number:07x}")
            + (f"blockedBy:\n{blockers}" if blockers else ""),
            number,
        )


contents.add(
    "dense",
    "300 tasks, each waiting for all before it",
    _dense,
    "list",
    "ready",
    "graph",
    "graph --format dot",
    "edit 5 --priority 0",
    ends="45,000 edges are drawn as 300",
)

# --- notes ---------------------------------------------------------------------------------------------------------

_NOTE_CALLS = ("show 1 --json", "search words", "note 1 hello", "list")


def _note(yard: Yard, name: str | bytes, data: bytes = b"---\nauthor: a\n---\ntext\n") -> None:
    with open(os.path.join(os.fsencode(yard.tasks / "1"), os.fsencode(name)), "wb") as file:
        file.write(data)


for _name, _says, _arrange in (
    ("folder link", "the folder of notes is a link to a folder outside", lambda y: y.link(y.tasks / "1", y.outside)),
    ("folder file", "the folder of notes is a file", lambda y: (y.link(y.tasks / "1", "x"), (y.tasks / "1").unlink(), (y.tasks / "1").write_text("x"))),
    ("folder pipe", "the folder of notes is a named pipe", lambda y: y.pipe(y.tasks / "1")),
    ("link", "a note is a link to a file outside", lambda y: y.link(y.tasks / "1" / "a.md", y.outside / "secret.txt")),
    ("pipe", "a note is a named pipe", lambda y: y.pipe(y.tasks / "1" / "a.md")),
    ("device", "a note is a device", lambda y: y.device(y.tasks / "1" / "a.md")),
    ("huge", "a note of 8 TiB", lambda y: y.sparse(y.tasks / "1" / "a.md", 8 << 40)),
    ("name", "a note's name is no text and holds escape sequences", lambda y: _note(y, b"\xff\x1b[2J\n\xc2\x9b.md")),
    ("escapes", "escape sequences in a note", lambda y: _note(y, "a.md", b"---\nauthor: \"x\\e[2J\"\ncreated: \x1b]0;x\x07\n---\n\x1b[2J\x9b\xc2\x9b\xe2\x80\xae\n")),
    ("front matter", "a note whose front matter never ends", lambda y: _note(y, "a.md", b"---\n" + b"a: b\n" * 100_000)),
    ("no utf-8", "a note that is no UTF-8", lambda y: _note(y, "a.md", b"---\nauthor: \xff\n---\n\xff\xfe\n")),
    ("other files", "programs and links among the notes", lambda y: (y.link(y.tasks / "1" / "post-commit", y.evil), _note(y, "--force"))),
):  # fmt: skip
    notes.add(f"note-{_name}", _says, _arrange, *_NOTE_CALLS, ends="named, never followed", then=says("One"))


def _many_notes(yard: Yard) -> None:
    for number in range(12_000):
        _note(yard, f"{number:06}.md", b"x\n")


notes.add(
    "note-many",
    "12,000 notes of one task",
    _many_notes,
    *_NOTE_CALLS,
    ends="10,000 are read, the rest is counted",
    is_long=True,
)

# --- settings ------------------------------------------------------------------------------------------------------

_SETTING_CALLS = ("list", "edit 2 --priority 0", "trust --status")


for _name, _says, _arrange in (
    ("link", "`config.yaml` is a link to a file outside", lambda y: y.link(y.tasks / "config.yaml", y.outside / "secret.txt")),
    ("pipe", "`config.yaml` is a named pipe", lambda y: y.pipe(y.tasks / "config.yaml")),
    ("device", "`config.yaml` is a device", lambda y: y.device(y.tasks / "config.yaml")),
    ("huge", "`config.yaml` has 8 TiB", lambda y: y.sparse(y.tasks / "config.yaml", 8 << 40)),
    ("twice", "one setting twice", lambda y: y.settings("commit: stage\ncommit: auto\n")),
    ("checks twice", "checks twice", lambda y: y.settings("checks: {a: 'true'}\nchecks: {a: touch ../outside/ran}\n")),
    ("bomb", "a bomb of aliases", lambda y: y.settings(_BOMB)),
    ("nested", "a million brackets", lambda y: y.settings("checks: " + "[" * 1_000_000)),
    ("tag", "a tag that makes objects", lambda y: y.settings("checks: !!python/object/apply:os.system [id]\n")),
    ("newer", "a schema of a newer program", lambda y: y.settings("schema: 99\n")),
    ("schema", "a schema of 5,000 digits", lambda y: y.settings("schema: " + "9" * 5000 + "\n")),
    ("escapes", "escape sequences in names and values", lambda y: y.settings(f'"{CONTROLS}": 1\ncommit: "{CONTROLS}"\n')),
    ("attributes link", "`.gitattributes` is a link to a file outside", lambda y: y.link(y.tasks / ".gitattributes", y.outside / "secret.txt")),
):  # fmt: skip
    settings.add(f"settings-{_name}", _says, _arrange, *_SETTING_CALLS, "init", ends="refused, or left alone")

for _name, _path in (
    ("up", "../outside/{name}"),
    ("up in the middle", "a/../../outside/{name}"),
    ("absolute", "/tmp/gittasks-hostile/{name}"),
    ("home", "~/{name}"),
    ("git", ".git/{name}"),
    ("hooks", ".git/hooks/../hooks/{name}"),
    ("git in capitals", ".GIT/{name}"),
    ("tasks", ".tasks/{name}"),
    ("outputs", ".task_outputs/{name}"),
    ("attribute", "x/{name.__class__}"),
    ("no name", "x/y"),
    ("back-slash", "..\\\\outside\\\\{name}"),
):
    settings.add(
        f"worktrees-{_name}", f"`worktree_path: {_path}`",
        lambda y, _path=_path: y.settings(f'worktree_path: "{_path}"\n'), "start 3", "worktree add x", "worktree list",
        ends="refused", then=says("worktree_path"),
    )  # fmt: skip


def _linked_worktrees(yard: Yard) -> None:
    yard.settings("worktree_path: a/b/{name}\n")
    yard.link(yard.repo / "a", yard.outside)


settings.add(
    "worktrees-through-a-link",
    "`worktree_path` leads through a link that is committed",
    _linked_worktrees,
    "start 3",
    "worktree add x",
    codes=[1, 1],
    ends="refused",
)

_CHECK = "checks:\n  a: touch ../outside/ran\nagents:\n  x: [touch, ../outside/ran]\n"


def _a_check(yard: Yard) -> None:
    yard.settings(_CHECK)
    yard.git("add", "-A")
    yard.git("commit", "-qm", "checks")


def _trusted_before(yard: Yard) -> None:
    """Trusted in an earlier version; the newer one came by a pull."""
    yard.settings("checks:\n  a: 'true'\n")
    assert yard.call(["trust --yes"]).codes == (0,)
    _a_check(yard)


settings.add(
    "checks-untrusted",
    "commands in the settings",
    _a_check,
    *READS,
    "start 3",
    "finish 3 --merge",
    "trust --status",
    codes=[0] * 3 + [1, 1],
    ends="nothing runs before `trust`",
    then=says("not trusted"),
)
settings.add(
    "checks-changed",
    "commands that changed since they were trusted",
    _trusted_before,
    "start 3",
    "finish 3 --merge",
    "trust --status",
    codes=[0, 1, 1],
    ends="nothing runs",
    then=says("changed"),
)
settings.add(
    "checks-look-alike", "a command with letters of other alphabets, and with bidi overrides",
    lambda y: y.settings('checks:\n  test: ["p\\u0443test", "\\u202erm -rf", "\\u0430.sh"]\n'), "trust --status",
    ends="shown so that it can be told from the real one", then=says("\\u0443", "\\u202e", "\\u0430"),
)  # fmt: skip
settings.add(
    "checks-name",
    "a check whose name is an option",
    lambda y: y.settings('checks: {"--force": "true", "../x": "true"}\n'),
    *_SETTING_CALLS,
    ends="refused",
)
settings.add(
    "checks-no-list",
    "a check that is a map",
    lambda y: y.settings("checks: {a: {b: c}}\n"),
    *_SETTING_CALLS,
    ends="refused",
)
