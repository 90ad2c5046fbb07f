"""All cases, in the order in which docs/safety.md names them."""

from __future__ import annotations

from tests.hostile import cases_files, cases_git, cases_places, cases_words, cases_workflows
from tests.hostile.table import Case

GROUPS = [
    *cases_files.GROUPS,
    *cases_workflows.GROUPS,
    *cases_places.GROUPS,
    *cases_git.GROUPS,
    *cases_words.GROUPS,
]
CASES: list[Case] = [case for group in GROUPS for case in group.cases]
