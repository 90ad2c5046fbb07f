"""Hostile repositories: whatever a stranger wrote runs nothing, leads nowhere, hangs nothing, forges nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.cases import CASES
from tests.hostile.table import TOUR, Case
from tests.hostile.yard import Yard, check, make_template


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture
def yard(template: Path, tmp_path: Path) -> Iterator[Yard]:
    if not (template / "template").exists():
        make_template(template)
    yield Yard(tmp_path, template / "template")
    shutil.rmtree(tmp_path, ignore_errors=True)


# The quick tests try every twelfth case; all of them are for `make long`.
_EVERY = 12


def _param(number: int, case: Case) -> object:
    is_long = case.is_long or number % _EVERY != 0
    return pytest.param(case, id=case.name, marks=[pytest.mark.long] if is_long else [])


_PARAMS = [_param(number, case) for number, case in enumerate(CASES)]


@pytest.mark.parametrize("case", _PARAMS)
def test_a_hostile_repository(case: Case, yard: Yard) -> None:
    case.arrange(yard)
    before = yard.outside_now()
    told = yard.call(case.calls, cwd=yard.repo / case.folder, stdin=case.stdin)
    check(yard, before, told)
    assert case.codes is None or list(told.codes) == list(case.codes), told
    if case.then is not None:
        case.then(yard, told)


@pytest.mark.long
@pytest.mark.parametrize("case", _PARAMS)
def test_every_command_in_a_hostile_repository(case: Case, yard: Yard) -> None:
    case.arrange(yard)
    before = yard.outside_now()
    check(yard, before, yard.call(TOUR, cwd=yard.repo / case.folder))


def test_there_are_as_many_cases_as_we_say() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 150
