"""From foreign ids to edges: who waits for whom, what points nowhere, what would close a circle. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gittasks.workgraph.exchange.findings import Edge
from gittasks.workgraph.record import DELETED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from gittasks.workgraph.drafts import Draft

    # (who waits or is the child, whom for or whose)
    Pair = tuple[str, str]


class Resolved(NamedTuple):
    """Drafts whose `blocked_by`, `blocks` and `parent` name only what is there, without circles among themselves.

    `blocks` is left only for tasks outside the batch. What was taken out is in `dangling` and `circular`, and in the
    field `relations` of its task, so that nothing the source said is lost.
    """

    drafts: list[Draft]
    dangling: list[Edge]
    circular: list[Edge]


def resolve(drafts: Sequence[Draft], known: Collection[str], *, relations: bool = True) -> Resolved:
    """Look at the references of `drafts`; `known` holds foreign ids that an earlier import brought in.

    `relations` says whether those in the field of that name are foreign ids of this source as well.
    """
    index = {draft.key: number for number, draft in enumerate(drafts)}
    blockers: list[dict[str, None]] = [{} for _ in drafts]
    blocks: list[dict[str, None]] = [{} for _ in drafts]
    dangling: list[Edge] = []
    circular: list[Edge] = []
    for number, draft in enumerate(drafts):
        for target in map(str, draft.blocked_by):
            _sort_in(draft.key, target, index, known, blockers[number], dangling, circular)
        for target in map(str, draft.blocks):
            if target in index and target != draft.key:
                blockers[index[target]][draft.key] = None
            else:
                _sort_in(draft.key, target, index, known, blocks[number], dangling, circular, field="blocks")
        if relations:
            dangling += (
                edge for edge in _relations(draft) if edge.target not in index and edge.target not in known
            )
    parents = [_parent(draft, index, known, dangling, circular) for draft in drafts]
    waits = [
        (draft.key, target) for draft, targets in zip(drafts, blockers, strict=True) for target in targets
    ]
    for waiter, target in back_edges(_living(waits, drafts, index)):
        del blockers[index[waiter]][target]
        circular.append(Edge(waiter, "blockedBy", target))
    belongs = [
        (draft.key, parent) for draft, parent in zip(drafts, parents, strict=True) if parent is not None
    ]
    for child, parent in back_edges(_living(belongs, drafts, index)):
        parents[index[child]] = None
        circular.append(Edge(child, "parent", parent))
    done = [
        draft._replace(blocked_by=tuple(blockers[n]), blocks=tuple(blocks[n]), parent=parents[n])
        for n, draft in enumerate(drafts)
    ]
    return Resolved(keep_as_relations(done, (*dangling, *circular)), dangling, circular)


def without(drafts: Sequence[Draft], lost: Sequence[Edge]) -> list[Draft]:
    """The drafts without the `lost` edges, which go into the field `relations` of their tasks."""
    pairs = {(edge.key, edge.field, edge.target) for edge in lost}
    less = [
        draft._replace(
            blocked_by=tuple(
                key for key in draft.blocked_by if (draft.key, "blockedBy", str(key)) not in pairs
            ),
            blocks=tuple(key for key in draft.blocks if (draft.key, "blocks", str(key)) not in pairs),
            parent=None if (draft.key, "parent", str(draft.parent)) in pairs else draft.parent,
        )
        for draft in drafts
    ]
    return keep_as_relations(less, lost)


def keep_as_relations(drafts: Sequence[Draft], lost: Iterable[Edge]) -> list[Draft]:
    """The drafts, with each lost edge written into `relations` of its task: `blockedBy bd-7`."""
    words: dict[str, list[str]] = {}
    for edge in lost:
        if edge.target != edge.key:
            words.setdefault(edge.key, []).append(f"{edge.field} {edge.target}")
    return [_with_relations(draft, words[draft.key]) if draft.key in words else draft for draft in drafts]


def back_edges(pairs: Sequence[Pair]) -> list[Pair]:
    """Those of `pairs` that close a circle when all are walked in their order; without them there is none left."""
    ahead: dict[str, list[str]] = {}
    for tail, head in pairs:
        ahead.setdefault(tail, []).append(head)
    back: list[Pair] = []
    finished: set[str] = set()
    for start in ahead:
        if start in finished:
            continue
        on_way = {start}
        steps = [(start, iter(ahead[start]))]
        while steps:
            here, heads = steps[-1]
            following = next(heads, None)
            if following is None:
                steps.pop()
                on_way.discard(here)
                finished.add(here)
            elif following in on_way:
                back.append((here, following))
            elif following in ahead and following not in finished:
                on_way.add(following)
                steps.append((following, iter(ahead[following])))
    return back


def _sort_in(
    key: str,
    target: str,
    index: Mapping[str, int],
    known: Collection[str],
    into: dict[str, None],
    dangling: list[Edge],
    circular: list[Edge],
    *,
    field: str = "blockedBy",
) -> None:
    if target == key:
        circular.append(Edge(key, field, target))
    elif target in index or target in known:
        into[target] = None
    else:
        dangling.append(Edge(key, field, target))


def _parent(
    draft: Draft, index: Mapping[str, int], known: Collection[str], dangling: list[Edge], circular: list[Edge]
) -> str | None:
    if draft.parent is None:
        return None
    found: dict[str, None] = {}
    _sort_in(draft.key, str(draft.parent), index, known, found, dangling, circular, field="parent")
    return next(iter(found), None)


def _relations(draft: Draft) -> Iterator[Edge]:
    """What the field `relations` says: `discovered-from bd-7`."""
    for text in _kept_relations(draft):
        if isinstance(text, str):
            word, _, target = text.partition(" ")
            yield Edge(draft.key, word, target)


def _living(pairs: Iterable[Pair], drafts: Sequence[Draft], index: Mapping[str, int]) -> list[Pair]:
    """Without what deleted tasks wait for: that keeps nobody waiting."""
    return [pair for pair in pairs if drafts[index[pair[0]]].status != DELETED]


def _with_relations(draft: Draft, words: Iterable[str]) -> Draft:
    """The draft with `words` in its field `relations`, beside whatever stands there: anybody may have written it."""
    kept = _kept_relations(draft)
    others = [item for item in kept if not isinstance(item, str)]
    texts = {item for item in kept if isinstance(item, str)}
    return draft._replace(
        extra=tuple((dict(draft.extra) | {"relations": [*others, *sorted({*texts, *words})]}).items())
    )


def _kept_relations(draft: Draft) -> list[Any]:
    value = dict(draft.extra).get("relations")
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
