"""Links, pipes and folders at every level of the places where the program works."""

from __future__ import annotations

import json
import marshal
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable

from tests.hostile.table import READS, WRITES, Group, Told, Yard, says

places = Group("`.tasks`, `.worktrees`, `.task_outputs`")
private = Group("What an unpacked `.git` brings along of ours")
programs = Group("Programs that lie in the way")
GROUPS = [places, private, programs]

_RUNS = ("run --wait -- echo hello", "runs", "doctor")
_STARTS = ("start 3", "worktree list")


# --- folders of the working tree -----------------------------------------------------------------------------------

for _name, _says, _arrange in (
    ("link", "a link to a folder outside", lambda y: y.link(y.tasks, y.outside)),
    ("link to tasks", "a link to another repository's tasks", lambda y: (os.rename(y.tasks, y.outside / "folder" / "t"), y.link(y.tasks, y.outside / "folder" / "t"))),
    ("link to nothing", "a link to nothing", lambda y: y.link(y.tasks, y.outside / "new")),
    ("link to itself", "a link to itself", lambda y: y.link(y.tasks, ".tasks")),
    ("file", "a file", lambda y: (y.link(y.tasks, "x"), y.tasks.unlink(), y.tasks.write_text("x"))),
    ("pipe", "a named pipe", lambda y: y.pipe(y.tasks)),
    ("device", "a device", lambda y: y.device(y.tasks)),
):  # fmt: skip
    places.add(
        f"tasks-{_name}", f"`.tasks` is {_says}", _arrange, *READS, "graph", "export json", "log 2", *WRITES,
        "init", "start 2", "import csv -", "doctor", "undo", "rescue", "sync", ends="refused", stdin=b"subject\nx\n",
        codes=None, then=says(".tasks"),
    )  # fmt: skip

for _name, _says, _arrange in (
    ("link", "a link to a folder outside", lambda y: y.link(y.repo / ".worktrees", y.outside)),
    ("link to nothing", "a link to nothing", lambda y: y.link(y.repo / ".worktrees", y.outside / "new")),
    ("file", "a file", lambda y: (y.repo / ".worktrees").write_text("x")),
    ("pipe", "a named pipe", lambda y: y.pipe(y.repo / ".worktrees")),
    ("clone", "a clone of something else where the worktree would go", lambda y: (os.makedirs(y.repo / ".worktrees/three"), y.git("init", "-q", ".worktrees/three"))),
    ("link inside", "a link where the worktree would go", lambda y: y.link(y.repo / ".worktrees/three", y.outside)),
):  # fmt: skip
    places.add(
        f"worktrees-{_name}",
        f"`.worktrees` is, or holds, {_says}",
        _arrange,
        *_STARTS,
        ends="refused, and nothing is made there",
    )


def _outputs(make: str) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        folder = yard.repo / ".task_outputs"
        if make == "link":
            yard.link(folder, yard.outside)
        elif make == "link to nothing":
            yard.link(folder, yard.outside / "new")
        elif make == "file":
            folder.write_text("x")
        elif make == "pipe":
            yard.pipe(folder)
        else:
            folder.mkdir()
            name, _, kind = make.partition(" ")
            if kind == "link":
                yard.link(folder / name, yard.outside / "secret.txt")
            elif kind == "pipe":
                yard.pipe(folder / name)
            elif kind == "huge":
                yard.sparse(folder / name, 8 << 40)

    return arrange


for _make in ("link", "link to nothing", "file", "pipe"):
    places.add(f"outputs-{_make}", f"`.task_outputs` is a {_make}", _outputs(_make), *_RUNS, ends="refused")
for _make in (
    "index.jsonl link",
    "index.jsonl pipe",
    "index.jsonl huge",
    ".gitignore link",
    ".gitignore pipe",
):
    places.add(
        f"outputs-{_make}",
        f"`.task_outputs` is committed and holds `{_make.replace(' ', '` as a ')}",
        _outputs(_make),
        *_RUNS,
        ends="refused or replaced, never read or written through",
    )

_FORGED = {
    "id": "b1234567", "type": "local_bash", "status": "completed", "description": "x\x1b[2J\u202e",
    "start_time": 1.0, "end_time": 2.0, "output_file": "/etc/passwd", "notified": False, "exit_code": 0,
    "process": {"host": "x", "boot_id": "y", "pid": 1, "start_ticks": 1},
}  # fmt: skip


def _forged_index(yard: Yard) -> None:
    folder = yard.repo / ".task_outputs"
    folder.mkdir()
    lines = [
        _FORGED,
        {**_FORGED, "id": "b2345678", "status": "running", "end_time": None},
        {**_FORGED, "id": "../../x1"},
    ]
    (folder / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    yard.link(folder / "b1234567.txt", yard.outside / "secret.txt")
    yard.git("add", "-f", ".task_outputs")
    yard.git("commit", "-qm", "forged")


places.add(
    "outputs-forged",
    "`.task_outputs` is committed with an index of runs that never were",
    _forged_index,
    "runs --all",
    "runs --all --json",
    "logs b1234567",
    "kill b2345678",
    "notices",
    *_RUNS,
    "doctor",
    "show 1",
    ends="none of it is believed",
)


def _no_ignore(yard: Yard) -> None:
    folder = yard.repo / ".task_outputs"
    folder.mkdir()
    (folder / ".gitignore").write_text("!*\n")
    yard.git("add", "-f", ".task_outputs")
    yard.git("commit", "-qm", "outputs")


def _is_ignored(yard: Yard, told: Told) -> None:
    seen = yard.git("status", "--porcelain", "--untracked-files=all")
    assert ".txt" not in seen and "index.jsonl" not in seen, seen


places.add(
    "outputs-not-ignored",
    "a `.gitignore` in `.task_outputs` that ignores nothing, so that outputs get committed",
    _no_ignore,
    "run --wait -- echo hello",
    codes=[0],
    ends="replaced by ours",
    then=_is_ignored,
)
places.add(
    "outputs-huge-line", "a command whose output is one line of 200 MB", lambda y: None,
    "run -- sh -c 'head -c 200000000 /dev/zero'", "runs", ends="bounded", is_long=True,
)  # fmt: skip
_PRINT = "run --wait -- printf '\\033[2J\\033]0;gotcha\\007\\302\\2331m\\342\\200\\256\\r\\b\\177\\000\\377'"
places.add(
    "outputs-escapes",
    "escape sequences in the output of a run",
    lambda y: None,
    _PRINT,
    "logs b",
    "runs",
    "notices",
    ends="shown as `\\x1b` on a terminal",
)
places.add(
    "outputs-name",
    "escape sequences in the name of a run",
    lambda y: None,
    'run --wait --name "$(x)\x1b[2J\u202e" -- true',
    "runs",
    "runs --json",
    "notices",
    "show 1",
    ends="shown escaped",
)

# --- our own folder in .git ----------------------------------------------------------------------------------------

_ALL = ("list", "edit 2 --priority 0")
# What else has to do with a part of our folder.
_USES = {
    "run": ("run --wait -- true", "runs"),
    "gittasks": ("run --wait -- true", "start 3"),
    "worktrees": ("start 3",),
    "trash": ("start 3", "finish 3 --merge"),
    "events": ("start 3", "worktree events"),
    "edits": ("undo", "rescue"),
    "trust": ("trust --status",),
    "ids": ("add Four",),
    "memo": ("start 3", "finish 3 --merge"),
    "told": ("run --wait -- true", "notices"),
}


def _calls_about(name: str) -> tuple[str, ...]:
    return (*_ALL, *(call for word, calls in _USES.items() if word in name for call in calls))


def _as_link(name: str) -> Callable[[Yard], None]:
    return lambda yard: yard.link(yard.dot_git / name, yard.outside / "folder")


for _name in (
    "gittasks", "gittasks/cache", "gittasks/runs", "gittasks/runs/live", "gittasks/runs/ended", "gittasks/worktrees",
    "gittasks/trash",
):  # fmt: skip
    private.add(
        f"private-link-{_name}",
        f"`.git/{_name}` is a link to a folder outside",
        _as_link(_name),
        *_ALL,
        ends="refused, nothing is written or deleted there",
    )

for _name in (
    "write.lock", "runtime.lock", "worktrees.lock", "events.lock", "write.journal", "ids.json", "trust.json", "edits.jsonl",
    "events.jsonl", "cache/tasks-main.bin", "cache/board-main.bin", "runs/told",
):  # fmt: skip
    private.add(
        f"private-file-link-{_name}", f"`.git/gittasks/{_name}` is a link to a file outside",
        lambda y, _name=_name: y.link(y.private / _name, y.outside / "secret.txt"), *_calls_about(_name), ends="refused or replaced",
    )  # fmt: skip
    private.add(
        f"private-pipe-{_name}", f"`.git/gittasks/{_name}` is a named pipe",
        lambda y, _name=_name: y.pipe(y.private / _name), *_calls_about(_name), ends="refused or replaced",
    )  # fmt: skip


def _journal(folder: str, name: str, text: str = "x\n", old: str | None = None) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        place = folder.format(outside=yard.outside, repo=yard.repo)
        document = {"folder": place, "writes": [[name, text, old, old is None], ["3.yaml", "x", None, True]]}
        (yard.private / "write.journal").write_text(json.dumps(document))

    return arrange


for _name, _says, _arrange in (
    ("folder", "in a folder outside", _journal("{outside}", "new.txt")),
    ("tasks", "in a folder outside that is called .tasks", lambda y: ((y.outside / ".tasks").mkdir(), _journal("{outside}/.tasks", "1.yaml")(y))),
    ("up", "at `../../outside`", _journal("{repo}/.tasks", "../../outside/new.txt")),
    ("absolute", "at an absolute path", lambda y: _journal("{repo}/.tasks", str(y.outside / "new.txt"))(y)),
    ("hook", "at a hook of git", _journal("{repo}/.tasks", "../.git/hooks/post-commit")),
    ("relative", "in a folder relative to where you are", _journal("../outside", "new.txt")),
    ("replace", "over a file outside", _journal("{outside}", "secret.txt", "gone\n", "TOP-SECRET-OF-THE-HOST\n")),
    ("depth", "with a million brackets", lambda y: (y.private / "write.journal").write_text("[" * 1_000_000)),
    ("huge", "of 900 MB", lambda y: y.sparse(y.private / "write.journal", 900 << 20)),
):  # fmt: skip
    private.add(
        f"journal-{_name}",
        f"a journal of an interrupted write {_says}",
        _arrange,
        "list",
        *WRITES,
        "doctor",
        ends="refused",
    )


def _no_hook(yard: Yard, told: Told) -> None:
    assert not (yard.dot_git / "hooks" / "post-commit").exists()


private.cases[-5] = private.cases[-5]._replace(then=_no_hook)


def _cache(payload: bytes, name: str = "tasks-main.bin", layout: str = "rows-5") -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        folder = yard.private / "cache"
        folder.mkdir()
        head = f"gittasks cache {layout} {sys.hexversion:x} {sys.byteorder}\n".encode()
        (folder / name).write_bytes(head + zlib.crc32(payload).to_bytes(4, "big") + payload)

    return arrange


_TYPE_BOMB = b"(" + (2**31 - 1).to_bytes(4, "little") + b"N" * 100
for _name, _says, _arrange in (
    ("deep", "is nested a million times", _cache(b")\x01" * 1_000_000)),
    ("count", "claims two thousand million values", _cache(_TYPE_BOMB)),
    ("string", "claims a text of two thousand million bytes", _cache(b"s" + (2**31 - 1).to_bytes(4, "little"))),
    ("types", "holds values of other kinds", _cache(marshal.dumps(tuple([1] * 8)))),
    ("columns", "holds columns that are no columns", _cache(marshal.dumps(({}, (), ["x"], [b"", b"zz"], b"", "", [], b"")))),
    ("code", "holds code", _cache(marshal.dumps(compile("import os; os.system('touch ../outside/ran')", "x", "exec")))),
    ("huge", "has 8 TiB", lambda y: y.sparse(y.private / "cache" / "tasks-main.bin", 8 << 40)),
):  # fmt: skip
    private.add(
        f"cache-{_name}",
        f"a cache that {_says}",
        _arrange,
        *READS,
        ends="not used",
        codes=[0, 0],
        then=says("One", "Three"),
    )


def _forged_trust(yard: Yard) -> None:
    import hashlib

    yard.settings("checks:\n  a: touch ../outside/ran\n")
    yard.git("add", "-A")
    yard.git("commit", "-qm", "checks")
    sha256 = hashlib.sha256((yard.tasks / "config.yaml").read_bytes()).hexdigest()
    document = {"schema": 1, "trusted": {sha256: "2026-11-23T10:00:00Z"}}
    (yard.private / "trust.json").write_text(json.dumps(document))


private.add(
    "trust-forged",
    "a record that the commands of the settings are trusted",
    _forged_trust,
    "trust --status",
    "start 3",
    "finish 3 --merge",
    codes=[1, 0, 1],
    ends="not believed: consent is tied to this clone on this machine",
)


def _moved_trust(yard: Yard) -> None:
    """Trusted in the attacker's own copy, and sent along."""
    yard.settings("checks:\n  a: 'true'\n")
    assert yard.call(["trust --yes"]).codes == (0,)
    moved = yard.base / "moved"
    yard.repo.rename(moved)
    shutil.copytree(moved, yard.repo, symlinks=True)


private.add(
    "trust-copied",
    "a clone that was trusted elsewhere, copied with its `.git`",
    _moved_trust,
    "trust --status",
    codes=[1],
    ends="asks again",
)


def _json_file(name: str, *contents: str) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        path = yard.private / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(contents) + "\n")

    return arrange


for _name, _file, _says, _content in (
    ("ids-huge", "ids.json", "an id of 4,000 digits in `ids.json`", '{"highest": ' + "9" * 4000 + "}"),
    ("ids-largest", "ids.json", "the last id there is in `ids.json`", '{"schema": 1, "highest": 999999999}'),
    ("ids-deep", "ids.json", "a million brackets in `ids.json`", "[" * 1_000_000),
    ("ids-kind", "ids.json", "a text in `ids.json`", '{"schema": 1, "highest": "x"}'),
    ("trust-deep", "trust.json", "a million brackets in `trust.json`", "[" * 1_000_000),
    ("memo-deep", "worktrees/three.json", "a million brackets in a memo", "[" * 1_000_000),
    ("memo-option", "worktrees/three.json", "options for branch and base in a memo", json.dumps({"schema": 1, "task": 3, "branch": "--force", "base": "--upload-pack=../outside/evil", "base_commit": "--exec", "phase": "made", "worktree": "../../outside", "path": "../../outside/folder"})),
    ("events-deep", "events.jsonl", "a million brackets in the events", "[" * 1_000_000),
    ("events-escapes", "events.jsonl", "escape sequences in the events", json.dumps({"time": "\u202e\u009b", "kind": "\u009b2J", "event": "\u009b", "worktree": "\u009b", "task": "\u202e"})),
    ("edits-deep", "edits.jsonl", "a million brackets in the edits", "[" * 1_000_000),
    ("edits-path", "edits.jsonl", "paths outside in the edits", json.dumps({"time": "2026-11-23T10:00:00Z", "worktree": "main", "made": 0, "birth": 0, "purpose": "edit", "files": [["../../outside/new.txt", None, "x"]], "paths": {"../../outside/new.txt": [None, "x"]}})),
    ("told-escapes", "runs/told", "escape sequences among the ids of runs", "\x1b[2J\u202e"),
):  # fmt: skip
    private.add(
        _name,
        _says,
        _json_file(_file, _content),
        *_calls_about(_name),
        ends="refused or not believed",
    )


def _live(**record: object) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        folder = yard.private / "runs" / "live" / "b1234567"
        folder.mkdir(parents=True)
        (folder / "record").write_text(
            json.dumps({**_FORGED, "status": "running", "end_time": None, **record}) + "\n"
        )
        (folder / "record.json").write_text(
            json.dumps({**_FORGED, "status": "running", "end_time": None, **record}) + "\n"
        )
        (folder / "settings").write_text(
            json.dumps({"limit_bytes": "x", "at_end": {"completed": ["sh", "-c", "touch ../outside/ran"]}})
        )
        (folder / "settings.json").write_text((folder / "settings").read_text())
        (folder / "alive").write_text("")

    return arrange


_OF_RUNS = ("runs --json", "logs b1234567", "notices")
private.add(
    "run-forged",
    "a live run whose process is somebody else's",
    _live(),
    *_OF_RUNS,
    ends="nobody is signalled",
)
private.add(
    "run-init",
    "a live run whose process is number 1 of this machine",
    _live(
        process={"host": os.uname().nodename, "boot_id": "x", "pid": 1, "start_ticks": 1},
        supervisor={"pid": 1},
    ),
    *_OF_RUNS,
    ends="nobody is signalled",
)
private.add(
    "run-group",
    "a live run whose process is number -1",
    _live(process={"host": os.uname().nodename, "boot_id": "x", "pid": -1, "start_ticks": 1}),
    *_OF_RUNS,
    ends="nobody is signalled",
)
private.add(
    "run-words",
    "a live run with escape sequences in every text",
    _live(
        description="\u009b2J\u202e", output_file="../../outside/secret.txt", reason="\u009b", cwd="\u202e"
    ),
    *_OF_RUNS,
    ends="shown escaped",
)
private.add(
    "run-folder",
    "a live run with a name that leads out",
    lambda y: (y.private / "runs/live/..x\x1b[2J").mkdir(parents=True),
    *_OF_RUNS,
    ends="ignored",
)

# --- programs ------------------------------------------------------------------------------------------------------


def _modules(yard: Yard) -> None:
    """Whatever Python would import first if it looked where it is started."""
    trace = f"open({str(yard.outside / 'ran')!r}, 'w')\n"
    for name in (
        "json",
        "os",
        "re",
        "sitecustomize",
        "usercustomize",
        "filelock",
        "psutil",
        "subprocess",
        "gittasks",
        "site",
    ):
        (yard.repo / f"{name}.py").write_text(trace)
    (yard.repo / "pyvenv.cfg").write_text("home = .\n")


programs.add(
    "modules",
    "Python files in the repository with the names of libraries",
    _modules,
    *_ALL,
    "run --wait --task 1 -- true",
    "finish 3 --merge",
    ends="none is imported",
)


def _merged_modules(yard: Yard) -> None:
    _modules(yard)
    yard.git("branch", "other")
    yard.edit("priority: 2", "priority: 1")
    yard.git("commit", "-qam", "ours")
    yard.git("switch", "-q", "other")
    yard.edit("priority: 2", "priority: 3")
    yard.git("commit", "-qam", "theirs")
    subprocess.run(
        ("git", "merge", "-q", "--no-edit", "main"), cwd=yard.repo, capture_output=True, check=False
    )


programs.add(
    "modules-merge",
    "the same while git merges task files",
    _merged_modules,
    "list",
    ends="none is imported",
)


def _git_here(yard: Yard) -> None:
    for name in ("git", "sh", "python3", "gittasks", "true"):
        yard.link(yard.repo / name, yard.evil)


programs.add(
    "programs",
    "programs called `git`, `sh` and `python3` in the repository",
    _git_here,
    *_ALL,
    ends="none is started",
)
