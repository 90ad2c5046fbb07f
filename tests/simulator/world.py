"""The world of a simulation: one bare remote, clones of it with worktrees, and what can be done to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from gittasks.app import rescuing, setup, syncing
from gittasks.base.errors import GittasksError
from gittasks.repo import history
from gittasks.workgraph import codec, store
from gittasks.workgraph.record import MAX_FILE_BYTES, Task, TaskId
from tests.faults import die_at
from tests.simulator.ledger import BrokenLawError, Facts, Ledger, facts_of
from tests.simulator.places import Clone, Place, wait_for_git
from tests.simulator.seal import Seal
from tests.simulator.settling import Settler

_T = TypeVar("_T")
# One in so many writes is killed, at one of its first so many system calls.
_KILLED = 12
_CALLS = 60
_STOPS = 100


class World:
    """Clones and all that is known about them. `log` says what was done, for whoever hunts a bug."""

    def __init__(self, folder: Path, seal: Seal, *, clones: int) -> None:
        self.seal = seal
        self.random = seal.random
        self.ledger = Ledger()
        self.counts: Counter[str] = Counter()
        self.log: list[str] = []
        self.settler = Settler(self.random, self.ledger, self.counts)
        self._words = 0
        self.remote = folder / "remote.git"
        Place(folder, "", seal).git("init", "-q", "--bare", str(self.remote))
        self.clones = [self._first(folder)]
        self.clones += [self._clone(folder, f"c{n}") for n in range(1, clones)]

    def word(self, kind: str) -> str:
        """A word that was never said before."""
        self._words += 1
        return f"{kind}-{self._words}"

    def some(self, items: Iterable[_T], most: int) -> list[_T]:
        """None to `most` of `items`."""
        chosen = list(items)
        return self.random.sample(chosen, min(len(chosen), self.random.randrange(most + 1)))

    def pick(self, clone: Clone) -> tuple[Place, Task]:
        """A task in a checkout; a few are everybody's favourites."""
        place = self.random.choice(clone.places)
        tasks = place.tasks()
        return place, self.random.choice(tasks[:6] if self.random.random() < 0.6 else tasks)

    def pick_tree(self, clone: Clone) -> Place:
        return self.random.choice(clone.trees) if clone.trees else clone.add_tree(self.word("wt"))

    def write(self, place: Place, action: Callable[[], object]) -> None:
        """Do `action` and observe what came of it; now and then it is killed on its way."""
        before = place.facts()
        is_killed = not self.random.randrange(_KILLED)
        try:
            if is_killed:
                self._kill(place, action)
            else:
                action()
        except GittasksError as error:
            self.counts["refused"] += 1
            self.log.append(f"refused: {error}")
        self.observe(before, place)
        if is_killed:  # what was not confirmed may be written, and not be in the journal that `rescue` reads
            self.commit(place)

    def observe(self, before: Facts, place: Place) -> None:
        self.counts["edits"] += self.ledger.observe(before, place.facts())

    def _kill(self, place: Place, action: Callable[[], object]) -> None:
        def attempt() -> None:
            try:
                action()
            except GittasksError:
                return

        if die_at(self.random.randrange(1, _CALLS), attempt):
            self.counts["kills"] += 1
        self.seal.forget()
        self._words += _CALLS  # more than it can have said
        wait_for_git(place)
        with place.project.lock("simulator"):
            """The next writer finishes what was begun."""

    def commit(self, place: Place) -> None:
        if place.commit(self.word("work")):
            self.counts["commits"] += 1

    def merge(self, place: Place, other: str) -> None:
        """Merge a branch; in the end there is a commit, and nothing is open."""
        before = place.head
        is_clean = place.ok("merge", "-q", "--no-edit", other)
        if is_clean and place.head == before:
            return
        self.counts["merges"] += 1
        self.settler.settle(place)
        if is_clean:
            place.commit("what git could not see")
        else:
            self.counts["stopped"] += 1
            place.git("commit", "-q", "--no-edit")

    def rebase(self, place: Place, onto: str) -> None:
        self._repeat(place, place.git("merge-base", "HEAD", onto), "HEAD")
        self.counts["rebases"] += 1
        is_clean = place.ok("rebase", "-q", onto)
        for _ in range(_STOPS):
            if is_clean:
                break
            self.counts["stopped"] += 1
            self.settler.settle(place)
            done = place.try_git("rebase", "--continue")
            is_clean = done.returncode == 0
        else:
            raise BrokenLawError(
                f"{place}: the rebase does not end: {done.stdout}{done.stderr}{place.git('status')}"
            )
        self.settler.settle(place)
        place.commit("what git could not see")

    def unstash(self, place: Place) -> None:
        """Take up again what was put aside."""
        if place.ok("stash", "pop", "-q"):
            return
        self.counts["stopped"] += 1
        if not place.git("ls-files", "--unmerged"):
            raise BrokenLawError(f"{place}: the stash cannot be taken up again")
        self.settler.settle(place)
        place.git("stash", "drop", "-q")

    def cherry_pick(self, place: Place, commit: str) -> None:
        """Pick a commit, if both sides know the same tasks by the same numbers."""
        numbers = place.numbers()
        picked = {task.uid: task.id for task in _tasks_at(place, commit)}
        if any(numbers.get(uid) != number for uid, number in picked.items()):
            return
        self._repeat(place, f"{commit}^", commit)
        self.counts["picks"] += 1
        if not place.ok("cherry-pick", "--allow-empty", "--keep-redundant-commits", commit):
            self.counts["stopped"] += 1
            self.settler.settle(place)
            place.git("commit", "-q", "--allow-empty", "--no-edit")

    def squash(self, place: Place, tree: Place) -> None:
        """Land a branch as one commit; its worktree goes on from there."""
        self._repeat(place, place.git("merge-base", "HEAD", tree.branch), tree.branch)
        self.counts["squashes"] += 1
        if not place.ok("merge", "-q", "--squash", tree.branch):
            self.counts["stopped"] += 1
            self.settler.settle(place)
        place.commit(f"squash {tree.branch}")
        tree.git("reset", "-q", "--hard", "main")

    def forge(self, tree: Place, *, is_squash: bool) -> None:
        """Let the remote take in a worktree's branch, as the button on a web page does."""
        tree.git("fetch", "-q", "origin")
        done = tree.try_git("merge-tree", "--write-tree", "origin/main", "HEAD")
        if done.returncode or tree.ok("merge-base", "--is-ancestor", "HEAD", "origin/main"):
            return
        self.counts["forge merges"] += 1
        parents = ["-p", "origin/main", *(() if is_squash else ("-p", "HEAD"))]
        if is_squash:
            self._repeat(tree, tree.git("merge-base", "HEAD", "origin/main"), "HEAD")
        commit = tree.git("commit-tree", done.stdout.split()[0], "-m", "by the forge", *parents)
        tree.git("push", "-q", "origin", f"{commit}:main")
        if is_squash:
            tree.git("reset", "-q", "--hard", commit)

    def pull(self, clone: Clone, *, by_rebase: bool) -> None:
        """Take in what the remote has."""
        main = clone.main
        main.git("fetch", "-q", "origin")
        if by_rebase and not main.git("rev-list", "--merges", "origin/main..HEAD"):
            self.rebase(main, "origin/main")
        else:
            self.merge(main, "origin/main")

    def sync(self, place: Place) -> None:
        """`gittasks sync`: what it leaves to a person is settled, and nothing is left that `resolve` would do."""
        before = place.facts()
        done = syncing.sync(place.project)
        self.counts["syncs"] += 1
        self.counts["renumbered"] += sum(
            outcome.action == "renumbered"
            for outcome in (done.resolution.outcomes if done.resolution else ())
        )
        if done.outcome == syncing.CONFLICT:
            self.counts["stopped"] += 1
            self.settler.settle(place)
            place.git("commit", "-q", "--no-edit")
        elif place.facts() != before:
            self.settler.expect_nothing(place)

    def rescue(self, place: Place) -> None:
        """Bring back what a worktree that is gone had not committed."""
        lost = rescuing.find_lost(place.project)
        if not lost:
            return
        done = rescuing.rescue(place.project, theirs=self.random.random() < 0.5)
        self.counts["rescued"] += len(done.brought)
        for item in lost:
            if item.problem:
                raise BrokenLawError(f"not rescued: {item}")
            for conflict in item.conflicts:
                uid = codec.parse_task(item.data, item.name, task_id=item.task_id).uid
                self.settler.record(place, uid, conflict.field, conflict)

    def _repeat(self, place: Place, base: str, tip: str) -> None:
        """What was added between two commits is going to be added again, by another commit."""
        self.ledger.repeat(_facts_at(place, base), _facts_at(place, tip))

    def _first(self, folder: Path) -> Clone:
        main = self._place(folder, "c0")
        setup.init_project(main.project)
        main.commit("init")
        main.git("push", "-q", "-u", "origin", "HEAD:main")
        return Clone(main, has_driver=True)

    def _clone(self, folder: Path, name: str) -> Clone:
        return Clone(self._place(folder, name), has_driver=self.random.random() < 0.5)

    def _place(self, folder: Path, name: str) -> Place:
        Place(folder, "", self.seal).git("clone", "-q", str(self.remote), name)
        return Place(folder / name, "main", self.seal)


def _facts_at(place: Place, commit: str) -> Facts:
    """What a commit says."""
    notes = []
    for path, data in _files_at(place, commit).items():
        _, _, name = path.partition("/")
        number, _, note = name.partition("/")
        if note.endswith(".md"):
            notes.append((TaskId(int(number)), data.decode()))
    return facts_of(_tasks_at(place, commit), notes)


def _tasks_at(place: Place, commit: str) -> list[Task]:
    tasks = []
    for path, data in _files_at(place, commit).items():
        task_id = store.parse_file_name(path.rpartition("/")[2])
        if task_id is not None:
            tasks.append(codec.parse_task(data, path, task_id=task_id))
    return tasks


def _files_at(place: Place, commit: str) -> dict[str, bytes]:
    git = place.project.git
    versions = history.committed_versions(git, commit, [store.FOLDER])
    blobs = history.read_blobs(
        git, {version.oid for version in versions.values()}, limit_bytes=MAX_FILE_BYTES
    )
    return {path: blobs[version.oid] for path, version in versions.items()}
