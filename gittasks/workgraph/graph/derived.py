"""What all tasks together say about each one: open blockers, who waits for it, how much it unlocks. Pure.

Computed at the first read after a change and then cached: this is where speed over 10,000 rows matters most.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain
from operator import itemgetter

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.record import CLOSED, DELETED, PENDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from gittasks.workgraph.record import Row


class Derived(NamedTuple):
    """What follows from all rows together; builtin containers only, so that `marshal` can keep it.

    An id that has nothing to say is absent, and every tuple is in ascending order.

    `blocks`: the tasks that wait for it, deleted ones left out.
    `open_blockers`: of an open task, the blockers that are neither completed nor deleted, or do not exist.
    `unlocks`: the length of the longest chain of open tasks that wait for it, one behind the other. A chain
    ends before a dependency cycle: nothing there can be unlocked.
    `cyclic`: the open tasks on a dependency cycle. Each of them has an open blocker as well.
    `missing`: of a task that is not deleted, the blockers that do not exist or cannot be read.
    """

    blocks: dict[int, tuple[int, ...]]
    open_blockers: dict[int, tuple[int, ...]]
    unlocks: dict[int, int]
    cyclic: tuple[int, ...]
    missing: dict[int, tuple[int, ...]]


def derive(rows: Sequence[Row]) -> Derived:
    """What `rows` say together: all tasks of a worktree, in any order, each id once."""
    closed = {row[0] for row in rows if row[3] in CLOSED}
    edges = waits_for(rows)
    blocks = turn(edges)
    open_blockers: dict[int, tuple[int, ...]] = {}
    for waiter, blockers in edges.items():
        if waiter in closed:
            continue
        if closed.isdisjoint(blockers):
            open_blockers[waiter] = blockers
        elif still := tuple([blocker for blocker in blockers if blocker not in closed]):
            open_blockers[waiter] = still
    unlocks, cyclic = _unlocks(open_blockers)
    unknown = blocks.keys() - {row[0] for row in rows}
    missing = _only(edges, unknown)
    for blocker in unknown:
        del blocks[blocker]
        unlocks.pop(blocker, None)
    return Derived(blocks, open_blockers, unlocks, cyclic, missing)


def touches_graph(old: Row, new: Row) -> bool:
    """Whether `derive` may answer otherwise when `new` takes the place of `old`: not for a task just taken on."""
    return (
        old.blocked_by != new.blocked_by
        or old.written_blocks != new.written_blocks
        or (old.status != new.status and (old.status in CLOSED or new.status in CLOSED))
    )


def is_ready(row: Row, derived: Derived) -> bool:
    """Whether `row` is pending and waits for nothing; owners and claims are the caller's business."""
    return row.status == PENDING and row.id not in derived.open_blockers


def ready_key(row: Row, derived: Derived) -> tuple[int, int, int]:
    """Sorts what is ready, best first: by priority, then by how much it unlocks, then by id."""
    return row.priority, -derived.unlocks.get(row.id, 0), row.id


def waits_for(rows: Sequence[Row]) -> dict[int, tuple[int, ...]]:
    """The edges: id -> what it waits for, both in ascending order; tasks that wait for nothing are absent.

    An edge written by hand on the side of its blocker counts as well. Deleted tasks wait for nothing.
    """
    waiting = [row for row in rows if row[9] and row[3] != DELETED]
    waiting.sort(key=itemgetter(0))
    edges: dict[int, tuple[int, ...]] = {row[0]: row[9] for row in waiting}
    turned = [(waiter, row[0]) for row in rows if row[11] for waiter in row[11]]
    if turned:
        alive = {row[0] for row in rows if row[3] != DELETED}
        for waiter, blocker in turned:
            if waiter in alive:
                edges[waiter] = tuple(sorted({*edges.get(waiter, ()), blocker}))
        edges = dict(sorted(edges.items()))
    return edges


def turn(edges: Mapping[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
    """`edges` the other way round: who waits for a task instead of what it waits for, or back.

    Its tuples are ascending where the keys of `edges` are.
    """
    turned: defaultdict[int, list[int]] = defaultdict(list)
    for tail, heads in edges.items():
        for head in heads:
            turned[head].append(tail)
    return dict(zip(turned, map(tuple, turned.values()), strict=True))


def _only(edges: Mapping[int, tuple[int, ...]], heads: Set[int]) -> dict[int, tuple[int, ...]]:
    """The edges that lead to `heads`."""
    if not heads:
        return {}
    kept = ((tail, tuple([head for head in found if head in heads])) for tail, found in edges.items())
    return {tail: found for tail, found in kept if found}


def _unlocks(edges: Mapping[int, tuple[int, ...]]) -> tuple[dict[int, int], tuple[int, ...]]:
    """`Derived.unlocks` and `Derived.cyclic` of open `edges`."""
    depths, is_whole = _depths(edges)
    if is_whole:
        return depths, ()
    from gittasks.workgraph.graph.components import cyclic_components

    cyclic = set(chain.from_iterable(cyclic_components(edges)))
    depths, _ = _depths({waiter: blockers for waiter, blockers in edges.items() if waiter not in cyclic})
    return depths, tuple(sorted(cyclic))


def _depths(edges: Mapping[int, tuple[int, ...]]) -> tuple[dict[int, int], bool]:
    """How many tasks wait for each blocker, one behind the other, and whether no cycle cut that short."""
    waiters_left = dict(Counter(chain.from_iterable(edges.values())))
    depths: dict[int, int] = {}
    depth = count = 0
    level = [waiter for waiter in edges if waiter not in waiters_left]
    # A task goes into the level behind its last waiter, which is the deepest one.
    while level:
        depth += 1
        count += len(level)
        reached = []
        for blocker in chain.from_iterable([edges[waiter] for waiter in level]):
            left = waiters_left[blocker] - 1
            if left:
                waiters_left[blocker] = left
            else:
                depths[blocker] = depth
                if blocker in edges:
                    reached.append(blocker)
        level = reached
    return depths, count == len(edges)
