"""Any bytes give an answer or an error that we foresaw, in every reader of what others write."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import mutate
from tests.fuzz.targets import TARGETS, feed, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_mutations(name: str) -> None:
    chance = random.Random(name)
    pool = list(seeds(name))
    assert all(feed(name, data) for data in pool)
    taken = sum(feed(name, mutate(chance, pool)) for _ in range(60))
    assert taken > 0


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25)
@given(data=st.binary(max_size=200) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes(name: str, data: bytes) -> None:
    feed(name, data)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=2000)
@given(data=st.data())
def test_more_mutations(name: str, data: st.DataObject) -> None:
    chance = data.draw(st.randoms(use_true_random=False))
    feed(name, mutate(chance, list(seeds(name))))
