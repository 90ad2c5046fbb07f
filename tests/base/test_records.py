"""Records are what `typing.NamedTuple` would make of them."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from typing import Any

import pytest

from gittasks.base import records
from gittasks.workgraph.record import Row, TaskId


class Ours(records.NamedTuple):
    """Words."""

    a: int
    b: str = "two"
    c: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return len(self.b)


class Theirs(typing.NamedTuple):
    """Words."""

    a: int
    b: str = "two"
    c: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return len(self.b)


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, "x"), {}),
    ((1, "x", (3,)), {}),
    ((), {"a": 1}),
    ((1,), {"c": (4,)}),
    ((1,), {"c": (4,), "b": ""}),
    ((), {}),
    ((), {"b": "x"}),
    ((1,), {"a": 1}),
    ((1,), {"d": 1}),
    ((1, "x", (3,), 4), {}),
    ((1, "x", (3,)), {"c": ()}),
]


def outcome(call: Any) -> Any:
    try:
        return call()
    except TypeError:
        return TypeError


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_it_is_made_as_theirs_is(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours, theirs = outcome(lambda: Ours(*values, **named)), outcome(lambda: Theirs(*values, **named))
    assert ours == theirs
    if ours is not TypeError:
        assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
        assert (ours._asdict(), ours.size) == (theirs._asdict(), theirs.size)


def test_what_is_made_of_one() -> None:
    one: Any = Ours(1)
    kind: Any = Ours
    assert one._replace(b="x", a=2) == Theirs(1)._replace(b="x", a=2) == (2, "x", ())
    assert isinstance(one._replace(), Ours)
    assert Ours._make([1, "x", ()]) == Ours(1, "x")
    wrongs: list[Any] = [lambda: one._replace(d=1), lambda: kind._make([1])]
    for wrong in wrongs:
        with pytest.raises(TypeError):
            wrong()
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert type(pickle.loads(pickle.dumps(one))) is Ours
    match one:
        case Ours(a, b):
            assert (a, b) == (1, "two")


def test_what_is_said_of_the_class() -> None:
    assert Ours._fields == Theirs._fields
    assert Ours._field_defaults == Theirs._field_defaults
    assert (Ours.__doc__, Ours.__module__, Ours.__qualname__) == ("Words.", __name__, "Ours")
    assert not hasattr(Ours(1), "__dict__")
    assert inspect.getdoc(Row) == inspect.cleandoc(Row.__doc__ or "")
    assert Row(TaskId(3)).blocked_by == ()
