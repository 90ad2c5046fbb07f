"""pre-commit and pre-push: whether what lies in `.tasks` is whole, in the index of a commit or in pushed commits.

Looks at git's objects alone, never at the worktree. What a commit did not change is not held against it.
"""

from __future__ import annotations

import os

from gittasks.app.hooking.answer import QUIET, Answer
from gittasks.app.hooking.objects import RAW, git_in_hook, parse_raw
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.index import operation_in_progress
from gittasks.repo.places import OUTPUTS
from gittasks.workgraph import store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittasks.app.hooking.objects import Changes
    from gittasks.app.project import Project
    from gittasks.repo.git import Git
    from gittasks.repo.history import Version
    from gittasks.workgraph.record import Row, Task

# So many levels of blockers are followed one by one; beyond, all tasks are read at once.
_MOST_LEVELS = 6
# Fields of runs that people give no other meaning: the rest of what `doctor` warns of may be theirs.
_RUN_FIELDS = frozenset(
    ("pid", "output_file", "exit_code", "notified", "start_time", "end_time", "work_graph_task_id")
)
_FOLDERS = (store.FOLDER, OUTPUTS)
# Path, NUL, line: whatever the user's settings for `git grep` are.
_GREP = (
    "grep",
    "--cached",
    "-z",
    "-G",
    "--no-recurse-submodules",
    "--no-line-number",
    "--no-column",
    "--no-color",
)
_SHOWN = 20


def check_index(project: Project) -> Answer:
    """pre-commit: refuse where task files that this commit changes are broken. Raises `GitError`."""
    git = git_in_hook(project, "GIT_INDEX_FILE")
    facts = git.capture("diff-index", *RAW, "--cached", "HEAD", "--", *_FOLDERS)
    if facts is None:  # before the first commit
        tree = git.capture("hash-object", "-t", "tree", "--stdin")
        facts = git.output(
            "diff-index", *RAW, "--cached", (tree or b"HEAD").decode().strip(), "--", *_FOLDERS
        )
    if not facts:
        return QUIET
    changes = parse_raw(facts)
    found, tasks = _check_files(git, changes)
    before = _old_tasks(git, changes, tasks)
    missing, circles = _check_graph(git, before, tasks)
    found += [*_check_uids(git, before, tasks), *circles]
    cure = "mend them and `git add` them again; `git commit --no-verify` commits them as they are"
    if found:
        return _answer("commit", found, cure)
    from gittasks.app.hooking.aftermath import joined, raise_mark, tell_landed

    # It may come from another branch: told, not refused.
    told = [f"this commit does not have {joined(missing)}"] if missing else []
    if operation_in_progress(project.checkout.git_dir) == "a merge":
        # git runs no post-merge for one that stopped
        return Answer((*told, *tell_landed(project, changes)))
    raise_mark(project, [task.id for task in tasks.values()])
    return Answer(tuple(told))


def check_push(project: Project, remote: str, lines: Sequence[str]) -> Answer:
    """pre-push: refuse where task files changed by what is pushed are broken at its tips.

    `lines` are git's: local ref, local id, remote ref, remote id. Raises `GitError`.
    """
    git = git_in_hook(project)
    found: list[str] = []
    for line in lines:
        words = line.split(" ")
        if len(words) != 4 or not words[1].strip("0"):  # deleted there, or not for us
            continue
        tip = git.capture("rev-parse", "--quiet", "--verify", f"{words[1]}^{{commit}}")
        if tip is None:  # a claim, or a tag of something else
            continue
        changes = _pushed(git, tip.decode().strip(), words[3], remote)
        problems, _ = _check_files(git, changes)
        found += [problem for problem in problems if problem not in found]
    cure = "mend them in a further commit; `git push --no-verify` pushes them as they are"
    return _answer("push", found, cure)


def _pushed(git: Git, tip: str, old: str, remote: str) -> Changes:
    """What commits which the remote has not changed: the version that the last of them left, and the one before."""
    known = [f"--remotes={remote}"] if remote and not remote.startswith("-") else []
    if old.strip("0") and git.capture("cat-file", "-e", f"{old}^{{commit}}") is not None:
        known.append(old)
    log = ("log", "--format=", "-m", "--first-parent", *RAW)
    options = (*log, "--no-show-signature", "--no-color", tip, "--not", *known, "--", *_FOLDERS)
    found = parse_raw(git.capture("-c", "log.showRoot=true", *options) or b"", with_gone=True)
    if not found:
        return {}
    from gittasks.repo import history

    versions = history.committed_versions(git, tip, list(found))
    return {path: (found[path][0], version) for path, version in versions.items() if path in found}


def _check_files(git: Git, changes: Changes) -> tuple[list[str], dict[str, Task]]:
    """What is wrong in each file alone, and the tasks that could be read, by path."""
    from gittasks.repo import history
    from gittasks.workgraph.record import MAX_FILE_BYTES

    found: list[str] = []
    regular: dict[str, str] = {}
    for path, (_, version) in sorted(changes.items()):
        problem = _name_problem(path)
        if problem is None and not version.is_file:
            problem = "is no regular file: expected one"
        if problem is not None:
            found.append(f"{path}: {problem}")
        elif version.is_file:
            regular[path] = version.oid
    blobs = history.read_blobs(git, regular.values(), limit_bytes=MAX_FILE_BYTES) if regular else {}
    tasks: dict[str, Task] = {}
    for path, oid in regular.items():
        task = _read(path, blobs.get(oid), found)
        if task is not None:
            tasks[path] = task
        elif path.count("/") == 2 and oid in blobs:
            found += _inner_problems(path, blobs[oid], is_new=changes[path][0] is None)
    return found, tasks


def _inner_problems(path: str, data: bytes, *, is_new: bool) -> list[str]:
    """What is wrong in a note or a workflow. A new note may quote conflict markers: a merge leaves none in it."""
    from gittasks.workgraph.notes_format import find_marker
    from gittasks.workgraph.workflow import definition

    folder, name = os.path.split(path.removeprefix(f"{store.FOLDER}/"))
    if folder == definition.FOLDER:
        return _workflow_problems(path, name, data)
    line = 0 if is_new or not store.is_task_path(f"{folder}/{name}") else find_marker(data)
    return [f"{path}:{line}: holds merge conflict markers: expected a finished merge"] if line else []


def _read(path: str, data: bytes | None, found: list[str]) -> Task | None:
    """The task that the file holds, `None` for another file; what is wrong in it goes to `found`."""
    from gittasks.workgraph import codec
    from gittasks.workgraph.config import CONFIG_PATH, BadConfigError, parse_config
    from gittasks.workgraph.record import BadTaskError

    if data is None:
        found.append(f"{path}: is missing in git, or larger than a task file may be")
        return None
    try:
        if path == CONFIG_PATH:
            parse_config(data)
        task_id = store.parse_file_name(os.path.basename(path))
        if task_id is None or os.path.dirname(path) != store.FOLDER:
            return None
        task = codec.parse_task(data, path, task_id=task_id)
    except (BadTaskError, BadConfigError) as error:
        found += map(str, error.problems)
        return None
    for name in sorted(_RUN_FIELDS.intersection(name for name, _ in task.extra)):
        found.append(f"{path}: {name}: belongs to a run: runs are known to one clone, and never committed")
    return task


def _workflow_problems(path: str, name: str, data: bytes) -> list[str]:
    from gittasks.workgraph.workflow import definition, parsing

    stem, ending = os.path.splitext(name)
    if ending != ".yaml" or not parsing.is_name(stem):  # nobody reads it
        return []
    if len(data) > definition.MAX_BYTES:
        return [f"{path}: has {len(data)} bytes: expected at most {definition.MAX_BYTES}"]
    try:
        parsing.parse_workflow(data, path, stem)
    except definition.BadWorkflowError as error:
        return [str(problem) for problem in error.problems]
    return []


def _name_problem(path: str) -> str | None:
    """Why a file of this name is no part of a commit."""
    folder, name = os.path.split(path)
    if path == OUTPUTS or path.startswith(OUTPUTS + "/"):
        return f"belongs to a run on one machine: `git rm -r --cached {OUTPUTS}`, and let git ignore it"
    if name.endswith(".gittasks-tmp"):
        return "is a temporary file: `git rm --cached` it"
    stem, _, ending = name.rpartition(".")
    if name == "index.jsonl" or (ending in ("txt", "json") and _is_run_id(stem)):
        return "is the file of a run: runs are known to one clone, and never committed"
    if (
        folder == store.FOLDER
        and ending in ("yaml", "yml")
        and stem.isdigit()
        and not store.parse_file_name(name)
    ):
        return "looks like a task that nobody reads: its name is `<id>.yaml`, without leading zeros"
    return None


def _is_run_id(text: str) -> bool:
    from gittasks.runtime.record import is_run_id

    return is_run_id(text)


def _check_uids(git: Git, before: Mapping[str, Task], tasks: Mapping[str, Task]) -> list[str]:
    """Uids new to their files in this commit that another file of its index has as well."""
    fresh = {
        path: task.uid
        for path, task in tasks.items()
        if task.uid and (path not in before or before[path].uid != task.uid)
    }
    if not fresh:
        return []
    # One git that searches costs less than reading all tasks, of which there may be thousands.
    listed = git.capture(*_GREP, "-e", "^uid:", "--", store.FOLDER) or b""
    wanted = set(fresh.values())
    alike = {
        os.fsdecode(path)
        for path, _, words in (line.partition(b"\0") for line in listed.split(b"\n"))
        if not wanted.isdisjoint(words.decode("ascii", "replace").replace('"', " ").replace("'", " ").split())
    } - tasks.keys()
    staged = _staged(git) if alike else {}
    others = _read_tasks(git, {path: staged[path] for path in alike if path in staged})
    owners: dict[str, list[str]] = {}
    for path, task in (*tasks.items(), *others.items()):
        owners.setdefault(task.uid, []).append(path)
    return [
        f"{' and '.join(sorted(paths))}: have the same uid {uid}: a copy has no `uid:` line, and gets one"
        " from `gittasks doctor --fix`"
        for uid, paths in owners.items()
        if len(paths) > 1 and not fresh.keys().isdisjoint(paths)
    ]


def _check_graph(
    git: Git, before: Mapping[str, Task], tasks: Mapping[str, Task]
) -> tuple[list[str], list[str]]:
    """What edges new in this commit come to, over all tasks of its index: missing blockers, and circles."""
    from gittasks.workgraph.graph import cycles
    from gittasks.workgraph.record import CLOSED

    edges, parents = [], []
    for path, task in tasks.items():
        known = before.get(path)
        old = _edges(known) if known is not None else frozenset()
        edges += sorted(_edges(task) - old)
        if task.parent is not None and (known is None or known.parent != task.parent):
            parents.append((task.id, task.parent))
    if not edges and not parents:
        return [], []
    staged = _staged(git)
    rows = _rows_behind(git, staged, [task.row for task in tasks.values()])
    closed = {row.id for row in rows if row.status in CLOSED}
    missing = [
        f"#{blocker}, which #{waiter} waits for"
        for waiter, blocker in edges
        if waiter not in closed and _path_of(blocker) not in staged
    ]
    circles = []
    for cycle, words in (
        (cycles.find_cycle(rows, edges), "these tasks would wait for each other"),
        (cycles.find_parent_cycle(rows, parents), "these tasks would be each other's parents"),
    ):
        if cycle:
            circles.append(f"{' -> '.join(f'#{task_id}' for task_id in cycle)}: {words}")
    return missing, circles


def _edges(task: Task) -> frozenset[tuple[int, int]]:
    """Pairs of waiter and blocker that the file says."""
    return frozenset(
        (
            *((task.id, blocker) for blocker in task.blocked_by),
            *((other, task.id) for other in task.written_blocks),
        )
    )


def _old_tasks(git: Git, changes: Changes, tasks: Mapping[str, Task]) -> dict[str, Task]:
    """What the tasks were before, by path; without those that were not there or could not be read."""
    return _read_tasks(git, {path: old for path in tasks if (old := changes[path][0]) is not None})


def _read_tasks(git: Git, versions: Mapping[str, Version]) -> dict[str, Task]:
    """The tasks among `versions` that can be read, by path."""
    from gittasks.repo import history
    from gittasks.workgraph.record import MAX_FILE_BYTES

    oids = {path: version.oid for path, version in versions.items() if version.is_file}
    blobs = history.read_blobs(git, oids.values(), limit_bytes=MAX_FILE_BYTES)
    found = {path: _read(path, blobs.get(oid), []) for path, oid in oids.items()}
    return {path: task for path, task in found.items() if task is not None}


def _staged(git: Git) -> dict[str, Version]:
    """What the index has in `.tasks`, by path; without files in conflict."""
    from gittasks.repo import history

    return history.staged_versions(git, (store.FOLDER,))[0]


def _path_of(task_id: int) -> str:
    return f"{store.FOLDER}/{task_id}.yaml"


def _rows_behind(git: Git, staged: Mapping[str, Version], rows: list[Row]) -> list[Row]:
    """`rows` with all rows of the index that lead on from them: blockers of blockers, parents of parents."""
    known = {row.id for row in rows}
    fresh: Sequence[Row] = rows
    for level in range(1 << 30):
        names = {
            number for row in fresh for number in (*row.blocked_by, *([row.parent] if row.parent else ()))
        }
        if level == _MOST_LEVELS:
            names = {number for path in staged if (number := store.parse_file_name(os.path.basename(path)))}
        wanted = {path: staged[path] for number in names - known if (path := _path_of(number)) in staged}
        if not any(version.is_file for version in wanted.values()):
            break
        fresh = [task.row for task in _read_tasks(git, wanted).values()]
        known |= names
        rows = [*rows, *fresh]
    return rows


def _answer(what: str, found: Sequence[str], cure: str) -> Answer:
    if not found:
        return QUIET
    count = "a problem" if len(found) == 1 else f"{len(found)} problems"
    shown = [f"  {line}" for line in found[:_SHOWN]]
    if len(found) > _SHOWN:
        shown.append(f"  and {len(found) - _SHOWN} more")
    return Answer((f"{what} refused: {count} in files of gittasks", *shown, f"hint: {cure}"), refused=True)
