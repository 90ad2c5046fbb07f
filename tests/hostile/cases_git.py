"""git's own folder, its refs and its settings, as an attacker packed them; and the environment."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.hostile.table import READS, WRITES, Group, Yard, says

config = Group("git's configuration and attributes")
layout = Group("git's files")
refs = Group("Branches, refs and claims")
GROUPS = [config, layout, refs]

_ALL = ("list", "show 2 --json", "edit 2 --priority 0", "log 2", "worktree list")
_READ_ONLY = (
    *READS,
    "log 2",
    "doctor",
    "worktree list",
    "worktree status",
    "list --remotes",
    "list --at HEAD",
)


def _set(*pairs: tuple[str, str]) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        for name, value in pairs:
            yard.config(name, value.replace("EVIL", str(yard.evil)))

    return arrange


for _name, _pairs, _calls in (
    ("fsmonitor", [("core.fsmonitor", "EVIL")], _ALL),
    ("pager", [("core.pager", "EVIL"), ("pager.log", "EVIL"), ("pager.status", "EVIL")], _ALL),
    ("alias", [("alias.status", "!EVIL"), ("alias.add", "!EVIL"), ("alias.tasks", "!EVIL")], _ALL),
    ("external diff", [("diff.external", "EVIL")], _ALL),
    ("difftool", [("diff.tool", "x"), ("difftool.x.cmd", "EVIL"), ("merge.tool", "x"), ("mergetool.x.cmd", "EVIL")], _ALL),
    ("ssh", [("core.sshCommand", "EVIL"), ("core.gitProxy", "EVIL"), ("core.askPass", "EVIL"), ("credential.helper", "!EVIL")], _ALL),
    ("signatures", [("log.showSignature", "true"), ("gpg.program", "EVIL"), ("gpg.ssh.program", "EVIL")], _ALL),
    ("editor", [("core.editor", "EVIL"), ("sequence.editor", "EVIL")], _ALL),
    ("hooks", [("core.hooksPath", "EVIL/..")], _READ_ONLY),
    ("filters", [("filter.x.clean", "EVIL"), ("filter.x.smudge", "EVIL"), ("filter.x.process", "EVIL")], ("list", "ready", "show 2", "search x", "graph", "log 2", "next")),
    ("pack hook", [("uploadpack.packObjectsHook", "EVIL"), ("core.alternateRefsCommand", "EVIL")], _ALL),
    ("browser", [("help.browser", "x"), ("browser.x.cmd", "EVIL"), ("man.x.cmd", "EVIL"), ("web.browser", "x")], _ALL),
    ("includes", [("include.path", "../outside/nothing"), ("includeIf.gitdir:/.path", "/dev/null")], _ALL),
    ("notes", [("core.notesRef", "refs/heads/--x"), ("notes.displayRef", "refs/heads/*")], _ALL),
    ("formats", [("format.pretty", "%x1b[2J%s"), ("log.decorate", "full"), ("color.ui", "always"), ("color.status", "always"), ("column.ui", "always"), ("status.showStash", "true"), ("log.mailmap", "true")], _ALL),
    ("quoting", [("core.quotePath", "false"), ("status.relativePaths", "false"), ("core.precomposeUnicode", "true"), ("core.ignoreCase", "true")], _ALL),
    ("excludes", [("core.excludesFile", "/dev/zero"), ("core.attributesFile", "/dev/null")], ("list", "show 2", "edit 2 --priority 0")),
    ("user", [("user.name", "x\x1b[2J\u202e"), ("user.email", "\x1b]0;x\x07")], _ALL),
    ("user option", [("user.name", "--force"), ("user.email", "-")], _ALL),
    ("commit", [("commit.template", "/etc/passwd"), ("commit.verbose", "true"), ("commit.cleanup", "verbatim")], (*_ALL, "edit 2 --priority 1 --commit")),
):  # fmt: skip
    config.add(
        f"config-{_name}",
        f"`{_pairs[0][0]}`" + (" and its like" if len(_pairs) > 1 else ""),
        _set(*_pairs),
        *_calls,
        ends="runs nothing, forges nothing",
    )


def _attributes(text: str, *pairs: tuple[str, str]) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        _set(*pairs)(yard)
        (yard.repo / ".gitattributes").write_text(text)

    return arrange


config.add(
    "attributes-diff",
    "an attribute that has git compare with the help of a program",
    _attributes("* diff=x\n", ("diff.x.command", "EVIL"), ("diff.x.textconv", "EVIL")),
    *_ALL,
    ends="the program is not started",
)
config.add(
    "attributes-merge",
    "an attribute that names a merge driver",
    _attributes("* merge=x\n", ("merge.x.driver", "EVIL %A")),
    *_ALL,
    ends="it is not started outside a merge",
)
config.add(
    "attributes-encoding",
    "attributes for other encodings and line ends",
    _attributes("* working-tree-encoding=UTF-16 eol=crlf ident\n"),
    *_ALL,
    ends="an error of git at most",
)
config.add(
    "attributes-macro",
    "20,000 attributes",
    _attributes("".join(f"* a{n}\n" for n in range(20_000))),
    "list",
    "edit 2 --priority 0",
    ends="no harm",
)


def _bare_inside(yard: Yard) -> None:
    """A bare repository among the files: its configuration counts for git wherever one stands in it."""
    yard.git("init", "-q", "--bare", "docs")
    yard.git("--git-dir=docs", "config", "core.fsmonitor", str(yard.evil))
    yard.git("--git-dir=docs", "config", "core.worktree", "..")
    yard.git("--git-dir=docs", "config", "core.bare", "false")
    (yard.repo / "docs" / "refs" / "x").write_text("")
    (yard.repo / "docs" / "objects" / "x").write_text("")


for _path in ("docs", "docs/refs"):
    config.add(
        f"bare-inside-{_path.replace('/', '-')}", f"a bare repository is committed as `docs`, with a configuration of its own; you stand in `{_path}`",
        _bare_inside, *READS, "edit 2 --priority 0", "worktree list", "worktree status", "doctor", folder=_path, codes=[1] * 6, ends="refused: it lies inside another repository's files", then=says("bare repository"),
    )  # fmt: skip


# --- files of git --------------------------------------------------------------------------------------------------

_README = b"ce013625030ba8dba906f756967f9e9ca394464a"  # a blob that is there
_LAYOUT = ("list", "edit 2 --priority 0", "worktree list")
for _name in (
    "HEAD",
    "config",
    "packed-refs",
    "commondir",
    "index",
    "info/exclude",
    "shallow",
    "refs/heads/main",
    "refs/gittasks/claims/2",
    "worktrees/x/gitdir",
    "objects/info/alternates",
    "config.worktree",
):
    layout.add(
        f"pipe-{_name}",
        f"`.git/{_name}` is a named pipe",
        lambda y, _name=_name: y.pipe(y.dot_git / _name),
        *_LAYOUT,
        ends="refused",
    )
for _name in ("HEAD", "config", "packed-refs", "commondir"):
    layout.add(
        f"device-{_name}",
        f"`.git/{_name}` is a device that never ends",
        lambda y, _name=_name: y.device(y.dot_git / _name),
        *_LAYOUT,
        ends="refused",
    )
    layout.add(
        f"huge-{_name}",
        f"`.git/{_name}` has 8 TiB",
        lambda y, _name=_name: y.sparse(y.dot_git / _name, 8 << 40),
        *_LAYOUT,
        ends="refused",
    )
for _name in (".gitignore", ".gitattributes", ".tasks/.gitignore", ".mailmap", ".worktreeinclude"):
    layout.add(
        f"pipe-{_name}",
        f"`{_name}` is a named pipe",
        lambda y, _name=_name: y.pipe(y.repo / _name),
        *_LAYOUT,
        ends="refused",
    )


def _write(name: str, data: bytes) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        path = yard.dot_git / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return arrange


for _name, _file, _says, _data in (
    ("head-escapes", "HEAD", "escape sequences in `HEAD`", b"ref: refs/heads/\x1b[2J\xc2\x9b\n"),
    ("head-up", "HEAD", "`HEAD` points to `../../outside`", b"ref: refs/../../../outside/secret.txt\n"),
    ("head-loop", "HEAD", "`HEAD` points to itself", b"ref: HEAD\n"),
    ("head-long", "HEAD", "`HEAD` is a line of 10 MB", b"ref: refs/heads/" + b"x" * 10_000_000),
    ("index-broken", "index", "an index of noise", b"DIRC\0\0\0\2\xff\xff\xff\xff" + b"\xff" * 10_000),
    ("packed-up", "packed-refs", "a packed ref that leads out", b"a" * 40 + b" refs/gittasks/remotes/../../../../outside/x/claims/2\n" + b"a" * 40 + b" refs/gittasks/claims/../../../x\n"),
    ("packed-many", "packed-refs", "100,000 packed refs of claims", b"".join(b"%s refs/gittasks/claims/%d\n" % (_README, n) for n in range(1, 100_000))),
    ("packed-line", "packed-refs", "a packed ref of 30 MB", b"a" * 40 + b" refs/gittasks/claims/" + b"1" * 30_000_000 + b"\n"),
    ("commondir-outside", "commondir", "`commondir` names a folder outside", b"../../outside/folder\n"),
    ("commondir-lines", "commondir", "`commondir` holds line feeds and escapes", b"\n\x1b[2J\n"),
    ("worktree-outside", "worktrees/x/gitdir", "a worktree that lies outside", b"../../../../outside/folder/.git\n"),
    ("worktree-escapes", "worktrees/x\x1b[2J\n\xe2\x80\xae/gitdir", "a worktree with line feed and escapes in its name", b"/tmp/\x1b[2J/.git\n"),
    ("worktree-option", "worktrees/--force/gitdir", "a worktree called `--force`", b"--force/.git\n"),
    ("worktree-path", "worktrees/x/gitdir", "a worktree whose path holds escapes", b"/tmp/\x1b[2J\xc2\x9b\xe2\x80\xae/.git\n"),
    ("config-broken", "config", "a configuration that is none", b"[core\n\x00\xff"),
    ("config-include-loop", "config", "a configuration that includes itself", b"[core]\n\trepositoryformatversion = 0\n[include]\n\tpath = config\n"),
    ("config-extension", "config", "extensions that nobody knows", b"[core]\n\trepositoryformatversion = 1\n[extensions]\n\tevil = true\n"),
    ("alternates", "objects/info/alternates", "objects that are said to lie outside", b"../../../outside/folder\n/dev\n"),
    ("grafts", "info/grafts", "grafts", b"x" * 100_000),
    ("merge-head", "MERGE_HEAD", "a merge that never was", b"\x1b[2J\n"),
    ("squash", "SQUASH_MSG", "a squash message of noise", b"commit \x1b[2J\n" * 10_000),
    ("rebase", "rebase-merge/head-name", "a rebase that never was", b"refs/heads/\x1b[2J\n"),
):  # fmt: skip
    layout.add(_name, _says, _write(_file, _data), *_LAYOUT, "resolve", ends="an error at most")


def _dot_git_file(text: bytes) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        yard.dot_git.rename(yard.repo / "real")
        yard.dot_git.write_bytes(text)

    return arrange


for _name, _says, _data in (
    ("itself", "names itself", b"gitdir: .git\n"),
    ("escapes", "names a path with escapes", b"gitdir: \x1b[2J\xc2\x9b\xe2\x80\xae\n"),
    ("device", "names a device", b"gitdir: /dev/zero\n"),
    ("outside", "names a folder outside", b"gitdir: ../outside/folder\n"),
    ("long", "is 10 MB", b"gitdir: " + b"x" * 10_000_000),
):
    layout.add(
        f"dot-git-{_name}", f"`.git` is a file that {_says}", _dot_git_file(_data), *_LAYOUT, ends="refused"
    )
layout.add("dot-git-pipe", "`.git` is a named pipe", lambda y: y.pipe(y.dot_git), *_LAYOUT, ends="refused")

# --- refs ----------------------------------------------------------------------------------------------------------

_OF_CLAIMS = ("list --json", "show 2", "claim 2", "release 2", "next")
_CLAIM = '{"id": 2, "uid": "x", "owner": "o", "host": "h", "time": "2026-11-23T10:00:00Z", "nonce": "n"'


def _claim(content: str | bytes) -> Callable[[Yard], None]:
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content

    def arrange(yard: Yard) -> None:
        uid = next(
            line[5:] for line in (yard.tasks / "2.yaml").read_text().split("\n") if line.startswith("uid: ")
        )
        yard.claim(data.replace(b'"x"', f'"{uid}"'.encode()))

    return arrange


for _name, _says, _content in (
    ("empty", "nothing", ""),
    ("noise", "noise", b"\xff\x00" * 3000),
    ("deep", "15,000 brackets", "[" * 15_000),
    ("deep field", "15,000 brackets in a field", _CLAIM + ', "taker": ' + "[" * 15_000),
    ("large", "20 MB", b"[" + b"1," * 10_000_000 + b"1]"),
    ("digits", "an id of 10,000 digits", '{"id": ' + "9" * 10_000 + "}"),
    ("kinds", "values of other kinds", '{"id": true, "uid": [], "owner": {}, "host": 1, "time": null, "nonce": 2}'),
    ("escapes", "escape sequences in every text", _CLAIM.replace('"o"', '"\\u009b2J\\u202e"').replace('"h"', '"\\u001b]0;x"') + ', "worktree": "\\u202e", "reason": "\\u009b", "remote": "\\u202e", "run": "\\u009b", "via": "\\u202e", "expires": "\\u202e"}'),
    ("surrogates", "half a character", _CLAIM.replace('"o"', '"\\ud800"') + "}"),
    ("taker", "a process that is number 1", _CLAIM + ', "via": "next", "taker": {"pid": 1, "host": "x", "boot_id": "y", "start_ticks": 1}}'),
    ("taker kinds", "a process of other kinds", _CLAIM + ', "via": "next", "taker": {"pid": "x", "host": [], "boot_id": {}, "start_ticks": 1e999}}'),
    ("worktree", "a worktree that leads out", _CLAIM + ', "worktree": "../../outside"}'),
    ("run", "a run that leads out", _CLAIM + ', "run": "../../outside/secret"}'),
    ("expires", "an end in the year 9999", _CLAIM + ', "expires": "9999-99-99T99:99:99Z"}'),
    ("remote program", "a remote that is a program", _CLAIM + ', "remote": "ext::EVIL"}'),
    ("remote option", "a remote that is an option", _CLAIM + ', "remote": "--receive-pack=EVIL"}'),
    ("remote path", "a remote that is a path", _CLAIM + ', "remote": "../outside/folder"}'),
):  # fmt: skip

    def _arrange(yard: Yard, _content: str | bytes = _content) -> None:
        yard.config("protocol.ext.allow", "always")
        _claim(_content.replace("EVIL", str(yard.evil)) if isinstance(_content, str) else _content)(yard)

    refs.add(
        f"claim-{_name}",
        f"a claim that says {_says}",
        _arrange,
        *_OF_CLAIMS,
        ends="held, or free; nothing else",
    )


def _claim_on(kind: str) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        ref = yard.dot_git / "refs" / "gittasks" / "claims" / "2"
        ref.parent.mkdir(parents=True)
        if kind == "tree":
            yard.git("update-ref", "refs/gittasks/claims/2", yard.git("rev-parse", "HEAD^{tree}"))
        elif kind == "missing":
            ref.write_text("a" * 40 + "\n")
        elif kind == "symbolic":
            ref.write_text("ref: refs/heads/main\n")
        elif kind == "link":
            ref.symlink_to(yard.outside / "secret.txt")
        elif kind == "folder":
            (ref / "x").mkdir(parents=True)
        elif kind == "noise":
            ref.write_bytes(b"\xff" * 100_000)
        elif kind == "lock":
            (ref.parent / "2.lock").write_text("")

    return arrange


for _kind in ("tree", "missing", "symbolic", "link", "folder", "noise", "lock"):
    refs.add(
        f"claim-ref-{_kind}",
        f"a claim whose ref is or names a {_kind}",
        _claim_on(_kind),
        *_OF_CLAIMS,
        ends="held, or free; nothing else",
    )


def _object_bomb(yard: Yard) -> None:
    import zlib

    oid = yard.claim(b"{}")
    path = yard.dot_git / "objects" / oid[:2] / oid[2:]
    path.unlink()
    packer = zlib.compressobj(9)
    data = (
        packer.compress(b"blob 2000000000\0")
        + b"".join(packer.compress(bytes(1 << 20)) for _ in range(64))
        + packer.flush()
    )
    path.write_bytes(data)


refs.add(
    "claim-bomb",
    "a claim whose object unpacks to a thousand times its size",
    _object_bomb,
    *_OF_CLAIMS,
    ends="not unpacked",
)


def _many_claims(yard: Yard) -> None:
    oid = yard.claim(b"{}")
    lines = "".join(f"update refs/gittasks/claims/{n} {oid}\n" for n in range(10, 5000))
    from gittasks.repo.git import Git

    Git(str(yard.repo), os.environ).output("update-ref", "--stdin", stdin=lines.encode(), write=True)


refs.add(
    "claim-pipe",
    "a claim that is a named pipe",
    lambda y: y.pipe(y.dot_git / "refs" / "gittasks" / "claims" / "2"),
    *_OF_CLAIMS,
    "deinit",
    ends="git is not asked for it",
    then=says("is not a regular file"),
)
refs.add(
    "claims-many",
    "5,000 claims on tasks that are not there",
    _many_claims,
    "list",
    "ready",
    "next",
    "doctor",
    ends="no harm; `doctor` names some, and counts the rest",
    then=says("and 4971 more claim-unreadable"),
)

for _name, _branch in (
    ("option", "refs/heads/--force"),
    ("wt option", "refs/heads/wt/--upload-pack=x"),
    ("bidi", "refs/heads/wt/\u202egpj\u2066"),
    ("c1", "refs/heads/wt/\u009b2J"),
    ("quote", "refs/heads/wt/$(touch${IFS}ran)`id`;&|'\"<>"),
    ("head", "refs/heads/HEAD"),
    ("long", "refs/heads/" + "x" * 200),
    ("remote", "refs/remotes/--upload-pack=x/main"),
    ("remote bidi", "refs/remotes/\u202e\u009b/main"),
    ("ours", "refs/gittasks/remotes/--upload-pack=x/claims/2"),
    ("ours bidi", "refs/gittasks/remotes/\u202e\u009b/claims/2"),
):

    def _branch_named(yard: Yard, _branch: str = _branch) -> None:
        target = "HEAD"
        if "claims" in _branch:
            target = yard.claim(b"{}", 3)
        yard.git("update-ref", "-m", "x", _branch, target)
        if _branch.startswith("refs/heads/") and _name != "head":
            yard.git("symbolic-ref", "HEAD", _branch)

    refs.add(
        f"branch-{_name}",
        f"a ref `{_branch[:40].encode('unicode_escape').decode()}`, checked out where it is a branch",
        _branch_named,
        *READS,
        *WRITES,
        "edit 3 --priority 1 --commit",
        "log 2",
        "list --remotes",
        "start 3",
        "worktree list",
        "finish 3 --merge",
        "doctor",
        "sync",
        ends="never an option, shown escaped",
    )


def _commit_words(yard: Yard) -> None:
    yard.edit("priority: 2", "priority: 1")
    yard.git("-c", "user.name=\u009b2J\u202e", "commit", "-qam", "x\x1b[2J\u009b\u202e\r\n\n\x07")


refs.add(
    "commit-words",
    "escape sequences in a commit's message and author",
    _commit_words,
    *READS,
    "log 2",
    "log 2 --json",
    "start 3",
    "finish 3 --merge",
    "worktree status",
    "doctor",
    ends="shown escaped",
)
for _name, _subject in (
    ("option", "--force"),
    ("path", "../../outside/x"),
    ("escapes", "\\e[2J\\u202e\\x9b"),
    ("dots", "....//.."),
    ("empty", " "),
    ("lock", "x.lock"),
    ("at", "@{-1}"),
    ("git", ".git"),
):
    refs.add(
        f"subject-{_name}", f"a subject `{_subject}`, from which branch and worktree get their names",
        lambda y, _subject=_subject: y.edit("subject: Three", f'subject: "{_subject}"', 3), "start 3", "worktree list", "finish 3 --merge", "list", ends="a safe name is made of it",
    )  # fmt: skip
