"""Three-way merge of text: its laws, git's own answer as oracle, and conflict markers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gittasks.workgraph.text_merge import MergedText, Region, merge_text, parse_markers

LINES = st.lists(st.sampled_from(("a", "b", "c", "d", "", "<x", "=")), max_size=8)
TEXTS = LINES.map("\n".join)


@given(TEXTS, TEXTS)
def test_a_change_on_one_side_wins(base: str, changed: str) -> None:
    assert merge_text(base, changed, base) == merge_text(base, base, changed)
    assert merge_text(base, changed, base).ours == changed
    assert merge_text(base, changed, changed).ours == changed
    assert not merge_text(base, changed, changed).regions


@given(TEXTS | st.none(), TEXTS, TEXTS)
def test_swapping_the_sides_swaps_the_answer(base: str | None, ours: str, theirs: str) -> None:
    one, other = merge_text(base, ours, theirs), merge_text(base, theirs, ours)
    assert (one.ours, one.theirs) == (other.theirs, other.ours)
    assert [(r.base, r.ours, r.theirs) for r in one.regions] == [
        (r.base, r.theirs, r.ours) for r in other.regions
    ]


@given(TEXTS, TEXTS, TEXTS)
def test_no_line_is_invented(base: str, ours: str, theirs: str) -> None:
    merged = merge_text(base, ours, theirs)
    known = {*base.split("\n"), *ours.split("\n"), *theirs.split("\n")}
    assert {*merged.ours.split("\n"), *merged.theirs.split("\n")} <= known | {""}


@given(TEXTS, TEXTS, TEXTS)
def test_a_line_that_one_side_added_is_there_or_in_a_conflict(base: str, ours: str, theirs: str) -> None:
    merged = merge_text(base, ours, theirs)
    there = set(merged.ours.split("\n")) | set(merged.theirs.split("\n"))
    for side in (ours, theirs):
        assert set(side.split("\n")) - set(base.split("\n")) <= there | {""}


@given(TEXTS, TEXTS, TEXTS)
def test_merging_again_changes_nothing(base: str, ours: str, theirs: str) -> None:
    merged = merge_text(base, ours, theirs)
    if not merged.regions:
        assert merge_text(theirs, merged.ours, theirs).ours == merged.ours
        assert merge_text(ours, merged.ours, ours).ours == merged.ours


@given(TEXTS, TEXTS)
def test_without_a_base_every_difference_is_a_conflict(ours: str, theirs: str) -> None:
    merged = merge_text(None, ours, theirs)
    assert (merged.ours, merged.theirs) == (ours, theirs)
    assert bool(merged.regions) == (ours != theirs)
    assert all(region.base is None for region in merged.regions)


@given(TEXTS, TEXTS, TEXTS)
def test_a_region_says_where_it_stands(base: str, ours: str, theirs: str) -> None:
    merged = merge_text(base, ours, theirs)
    lines = merged.ours.split("\n")
    for region in merged.regions:
        assert region.ours != region.theirs
        assert tuple(lines[region.line - 1 : region.line - 1 + len(region.ours)]) == region.ours


@settings(max_examples=40)
@given(base=TEXTS, ours=TEXTS, theirs=TEXTS)
@example(base="a\nb\nc\nd", ours="x\nb\nc\nd", theirs="a\nb\nc\ny")
@example(base="a\nb\nc", ours="x\nb\nc", theirs="a\ny\nc")
def test_clean_where_git_is_clean_and_with_the_same_text(
    tmp_path_factory: pytest.TempPathFactory, base: str, ours: str, theirs: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "merge-file"
    folder.mkdir(exist_ok=True)
    code, text = _git_merge_file(folder, base, ours, theirs)
    merged = merge_text(base + "\n", ours + "\n", theirs + "\n")
    # Where lines repeat, two shortest edit scripts may differ: then one may be clean and the other not.
    if code == 0 and not merged.regions and len({*base.split("\n")}) == len(base.split("\n")):
        assert merged.ours == text


def _git_merge_file(folder: Path, *texts: str) -> tuple[int, str]:
    names = ("base", "ours", "theirs")
    for name, text in zip(names, texts, strict=True):
        (folder / name).write_text(text + "\n")
    done = subprocess.run(
        ("git", "merge-file", "-p", "ours", "base", "theirs"),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_neighbouring_changes_conflict_and_changes_apart_do_not() -> None:
    assert merge_text("a\nb", "x\nb", "a\ny").regions == (Region(1, ("a", "b"), ("x", "b"), ("a", "y")),)
    assert merge_text("a\nb\nc", "x\nb\nc", "a\nb\ny").ours == "x\nb\ny"


def test_lines_that_both_sides_share_are_settled() -> None:
    merged = merge_text("", "same\nours\nend", "same\ntheirs\nend")
    assert merged.pieces == (("same",), Region(2, (), ("ours",), ("theirs",)), ("end",))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\n" * 200_000, "\n" * 100_000),
        ("\n".join(map(str, range(50_000))), "\n".join(map(str, range(50_000, 100_000)))),
        ("a\nb\n" * 50_000, "b\nc\n" * 50_000),
    ],
)
def test_hostile_texts_cost_little(one: str, other: str) -> None:
    merged = merge_text("x\n" + one, one, other)  # a quadratic comparison would run into the time limit
    assert {merged.ours, merged.theirs} & {one, other}


@given(TEXTS, TEXTS, TEXTS, st.sampled_from((7, 9)))
def test_markers_can_be_taken_apart_again(base: str, ours: str, theirs: str, size: int) -> None:
    merged = merge_text(base, ours, theirs)
    marked = parse_markers(merged.marked(ours="main", theirs="topic", size=size))
    if not merged.regions:
        assert marked is None
        return
    assert marked is not None
    assert (marked.ours, marked.theirs, marked.base) == (merged.ours, merged.theirs, None)
    assert (marked.ours_label, marked.theirs_label) == ("main", "topic")


def test_markers_with_a_base() -> None:
    marked = parse_markers("a\n<<<<<<< HEAD\nb\n||||||| 1234567\nold\n=======\nc\n>>>>>>> topic\nd\n")
    assert marked == ("a\nb\nd\n", "a\nold\nd\n", "a\nc\nd\n", "HEAD", "topic")


@pytest.mark.parametrize(
    "text",
    [
        "plain\n",
        "=======\n",
        "<<<<<<< a\nb\n",
        "<<<<<<< a\n>>>>>>> b\n",
        "<<<<<<< a\n=======\n<<<<<<< a\n=======\n>>>>>>> b\n",
        "=======\n>>>>>>> b\n",
        "  <<<<<<< a\n  =======\n  >>>>>>> b\n",
    ],
)
def test_broken_markers_are_not_guessed_at(text: str) -> None:
    assert parse_markers(text) is None


def test_nested_markers_are_taken_apart_from_outside() -> None:
    inner = "<<<<<<<<< a\nx\n=========\ny\n>>>>>>>>> b"
    marked = parse_markers(f"<<<<<<< HEAD\n{inner}\n=======\nz\n>>>>>>> topic\n")
    assert marked is not None
    assert (marked.ours, marked.theirs) == (inner + "\n", "z\n")


def test_the_empty_merge() -> None:
    assert merge_text("", "", "") == MergedText(((),))
    assert merge_text("a", "", "").ours == ""
