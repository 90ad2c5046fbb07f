"""What people and programs do at random: edits, commits, merges of every kind, removals, kills."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from typing import Any

from gittasks.app import notes, undoing, writing
from gittasks.workgraph import rules, store
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.file_merge import write_as
from gittasks.workgraph.record import STATUSES, Task, TaskId
from tests.simulator.ledger import BrokenLawError
from tests.simulator.places import Clone
from tests.simulator.world import World


def edit(world: World, clone: Clone) -> None:
    """Change one to three fields of a task."""
    place, task = world.pick(clone)
    kinds = world.random.sample(sorted(_CHANGES), world.random.choice((1, 1, 2, 3)))

    def decide(now: Task) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for kind in kinds:
            changes |= _CHANGES[kind](world, now)
        return changes

    world.write(place, lambda: writing.edit_task(place.project, task.id, decide, purpose="edit"))


def add(world: World, clone: Clone) -> None:
    """Add one to three tasks that name each other and tasks that are there."""
    place = world.random.choice(clone.places)
    known = [task.id for task in place.tasks() if task.status != "deleted"]
    drafts: list[Draft] = []
    for n in range(world.random.choice((1, 1, 2, 3))):
        near: list[int | str] = [*(draft.key for draft in drafts), *world.some(known, 2)]
        blocked_by = world.some(near, 2)
        blocks = world.some([task_id for task_id in known if task_id not in blocked_by], 1)
        drafts.append(
            Draft(
                world.word("Task"),
                key=f"k{n}",
                blocked_by=tuple(blocked_by),
                blocks=tuple(blocks),
                parent=next(iter(world.some(near, 1)), None),
                description=f"{world.word('line')}\n{world.word('line')}",
                labels=(world.word("label"),),
            )
        )
    world.write(place, lambda: writing.add_tasks(place.project, drafts))


def note(world: World, clone: Clone) -> None:
    place, task = world.pick(clone)
    text = world.word("note")
    world.write(place, lambda: notes.add_note(place.project, task.id, text, author="ann"))


def block(world: World, clone: Clone) -> None:
    place, task = world.pick(clone)
    other = world.random.choice(place.tasks()).id
    if other != task.id:
        decide = world.random.choice((rules.add_blockers, rules.add_blockers, rules.remove_blockers))
        world.write(
            place,
            lambda: writing.edit_task(
                place.project, task.id, lambda now: decide(now, [other]), purpose="block"
            ),
        )


def edit_by_hand(world: World, clone: Clone) -> None:
    """Somebody changes a file in an editor, and stages nothing."""
    place = clone.main  # what goes with a worktree that is removed by force was in nobody's hands
    task = world.random.choice(place.tasks())
    before = place.facts()
    path = place.folder / store.FOLDER / store.file_name(task.id)
    if world.random.random() < 0.5:
        edited = task._replace(subject=world.word("Task"))
    else:
        edited = task._replace(extra=(("estimate", world.word("days")),))
    path.write_bytes(write_as(path.read_bytes(), "", task, edited))
    world.observe(before, place)


def commit(world: World, clone: Clone) -> None:
    world.commit(world.random.choice(clone.places))


def new_tree(world: World, clone: Clone) -> None:
    if len(clone.trees) < 3:
        clone.add_tree(world.word("wt"))


def update_tree(world: World, clone: Clone) -> None:
    """A worktree takes in what happened on main: by a merge, or by a rebase where nothing was merged yet."""
    tree = world.pick_tree(clone)
    world.commit(clone.main)
    world.commit(tree)
    is_linear = not tree.git("rev-list", "--merges", "main..HEAD")
    if is_linear and world.random.random() < 0.6:
        world.rebase(tree, "main")
    else:
        world.merge(tree, "main")


def land_tree(world: World, clone: Clone) -> None:
    """Main takes in what a worktree did: by a merge, or squashed, which ends the branch."""
    tree = world.pick_tree(clone)
    world.commit(clone.main)
    world.commit(tree)
    if world.random.random() < 0.7:
        world.merge(clone.main, tree.branch)
    else:
        world.squash(clone.main, tree)


def pick_commit(world: World, clone: Clone) -> None:
    """Main takes a single commit of a worktree."""
    tree = world.pick_tree(clone)
    world.commit(clone.main)
    world.commit(tree)
    ahead = tree.git("rev-list", "--no-merges", "main..HEAD").split()
    if ahead:
        world.cherry_pick(clone.main, world.random.choice(ahead))


def forge(world: World, clone: Clone) -> None:
    """A branch is pushed, and a forge merges it, or squashes it: by lines, with no driver, if that goes clean."""
    tree = world.pick_tree(clone)
    world.commit(tree)
    if world.random.random() < 0.7:
        world.forge(tree, is_squash=False)
    else:
        world.forge(tree, is_squash=True)


def pick_foreign(world: World, clone: Clone) -> None:
    """Main takes a single commit of what others pushed."""
    main = clone.main
    world.commit(main)
    main.git("fetch", "-q", "origin")
    ahead = main.git("rev-list", "--no-merges", "HEAD..origin/main").split()
    if ahead:
        world.cherry_pick(main, world.random.choice(ahead))


def share(world: World, clone: Clone) -> None:
    """Fetch, take in by merge or rebase, push."""
    world.commit(clone.main)
    world.pull(clone, by_rebase=world.random.random() < 0.3)
    if clone.main.ok("push", "-q", "origin", "HEAD:main"):
        world.counts["pushes"] += 1


def rebase_each(world: World, clone: Clone) -> None:
    """Two clones add tasks, and each checkout of one is rebased onto the other's: all give a task the same number."""
    other = world.random.choice(world.clones)
    add(world, other)
    add(world, clone)
    world.commit(clone.main)
    if len(clone.trees) < 3:
        clone.add_tree(world.word("wt"))
    if other is not clone:
        share(world, other)
    clone.main.git("fetch", "-q", "origin")
    onto = clone.main.git("rev-parse", "origin/main")
    rebased = []
    for place in world.random.sample(clone.places, len(clone.places)):
        world.commit(place)
        if not place.git("rev-list", "--merges", f"{onto}..HEAD"):
            before = place.numbers()
            world.rebase(place, onto)
            rebased.append((place, before, place.numbers()))
    for (one, old, new), (another, old_too, new_too) in itertools.combinations(rebased, 2):
        for uid in old.keys() & old_too.keys():
            if old[uid] == old_too[uid] and new[uid] != new_too[uid]:
                raise BrokenLawError(
                    f"#{old[uid]} became #{new[uid]} in {one} and #{new_too[uid]} in {another}"
                )


def sync(world: World, clone: Clone) -> None:
    """One command for all of that: commit, take in, push."""
    world.sync(clone.main)


def undo(world: World, clone: Clone) -> None:
    """Take the last edit of a checkout back, which is an edit."""
    place = world.random.choice(clone.places)
    world.write(place, lambda: undoing.undo(place.project))


def stash(world: World, clone: Clone) -> None:
    """Put work aside, take in what is new, take the work up again."""
    main = clone.main
    if not main.is_dirty:
        return
    before, numbers = main.head, main.numbers()
    main.git("stash", "push", "-q", "--include-untracked")
    known = main.numbers()
    world.pull(clone, by_rebase=False)
    now = main.numbers()
    if all(now.get(uid) == number for uid, number in known.items()) and not numbers.keys() - known.keys():
        world.unstash(main)
    else:  # a stash names tasks by the numbers of its day: it is taken up there, and merged
        main.git("checkout", "-q", "-b", world.word("aside"), before)
        world.unstash(main)
        world.commit(main)
        aside = main.head
        main.git("checkout", "-q", "main")
        world.merge(main, aside)


def remove_tree(world: World, clone: Clone) -> None:
    """A worktree goes by force, with uncommitted edits in it; its branch is merged, and `rescue` brings them back."""
    tree = world.pick_tree(clone)
    here = {number: uid for uid, number in clone.main.numbers().items()}
    if any(here.get(number, uid) != uid for uid, number in tree.numbers().items()):
        world.commit(tree)  # `rescue` names what is there under another number, and leaves it to a person
    if tree.git("diff", "HEAD", "--name-only", "--diff-filter=D"):
        world.commit(tree)  # `rescue` brings back what was written, not that something was taken away
    clone.trees.remove(tree)
    if world.random.random() < 0.5:
        clone.main.git("worktree", "remove", "--force", str(tree.folder))
    else:
        shutil.rmtree(tree.folder)
        clone.main.git("worktree", "prune")
    world.counts["removals"] += 1
    world.commit(clone.main)
    world.merge(clone.main, tree.branch)
    world.rescue(clone.main)


def _subject(world: World, task: Task) -> dict[str, Any]:
    return {"subject": world.word("Task")}


def _owner(world: World, task: Task) -> dict[str, Any]:
    return {"owner": world.random.choice((None, world.word("owner")))}


def _status(world: World, task: Task) -> dict[str, Any]:
    return {"status": world.random.choice(STATUSES)}


def _priority(world: World, task: Task) -> dict[str, Any]:
    return {"priority": world.random.randrange(5)}


def _worktree(world: World, task: Task) -> dict[str, Any]:
    return {"worktree": world.word("tree")}


def _labels(world: World, task: Task) -> dict[str, Any]:
    labels = world.some(task.labels, len(task.labels)) if world.random.random() < 0.3 else task.labels
    return {"labels": tuple(sorted({*labels, world.word("label")}))}


def _description(world: World, task: Task) -> dict[str, Any]:
    lines = task.description.splitlines()
    at = world.random.randrange(len(lines) + 1)
    stay = lines[at + 1 :] if world.random.random() < 0.3 else lines[at:]
    return {"description": "\n".join((*lines[:at], world.word("line"), *stay))}


def _parent(world: World, task: Task) -> dict[str, Any]:
    return {"parent": None if task.parent else world.random.choice((None, TaskId(1)))}


_CHANGES: dict[str, Callable[[World, Task], dict[str, Any]]] = {
    "subject": _subject,
    "owner": _owner,
    "status": _status,
    "priority": _priority,
    "worktree": _worktree,
    "labels": _labels,
    "description": _description,
    "parent": _parent,
}
STEPS: dict[Callable[[World, Clone], None], int] = {
    edit: 30,
    add: 8,
    note: 6,
    block: 8,
    edit_by_hand: 3,
    commit: 10,
    new_tree: 5,
    update_tree: 8,
    land_tree: 7,
    pick_commit: 5,
    pick_foreign: 2,
    forge: 4,
    share: 10,
    rebase_each: 3,
    sync: 5,
    undo: 3,
    stash: 2,
    remove_tree: 3,
}
