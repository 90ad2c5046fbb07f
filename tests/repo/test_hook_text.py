from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.app.hooking.shims import load_shim
from gittasks.repo import hook_text

PROGRAM = "'/a b/python' -P -m gittasks"


def lines(mark: bytes, event: str = "pre-commit") -> bytes:
    return hook_text.block_of(load_shim(event), mark=mark, program=PROGRAM)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda first, end, rest: b"#!" + first.encode() + end + rest,
            st.sampled_from(("/bin/sh", "/bin/bash -eu", "/usr/bin/env zsh")),
            st.sampled_from((b"", b"\n", b"\n\n", b"\r\n")),
            st.binary(max_size=100),
        ),
    )
)
def test_what_is_put_in_comes_out_byte_for_byte(data: bytes) -> None:
    if b"gittasks hooks" in data:
        return
    inserted = hook_text.insert(data, lines)
    block = hook_text.find(inserted, "hook")
    assert block is not None
    assert hook_text.remove(inserted, block) == data
    again = hook_text.replace(inserted, block, lines)
    assert again == inserted


@pytest.mark.parametrize("event", hook_text.EVENTS)
def test_each_shim_is_one_block_that_names_its_event(event: str) -> None:
    shim = load_shim(event)
    block = hook_text.find(shim, event)
    assert block is not None and block.mark == hook_text.MADE
    assert hook_text.remove(shim, block) is None
    assert f"gittasks hook {event} ".encode() in shim
    assert f"'/a b/python' -P -m gittasks hook {event} ".encode() in lines(hook_text.ADDED, event)
    assert len(shim.splitlines()) <= 16


def test_a_file_of_ours_that_somebody_wrote_into_keeps_their_lines() -> None:
    data = load_shim("post-merge") + b"make tags\n"
    block = hook_text.find(data, "post-merge")
    assert block is not None
    assert hook_text.remove(data, block) == b"#!/bin/sh\nmake tags\n"


@pytest.mark.parametrize(
    "damage",
    (
        lambda data: data.replace(hook_text.END, b""),
        lambda data: data.replace(b"# >>> gittasks hooks >>>\n", b""),
        lambda data: data.replace(b"gittasks hooks >>>", b"gittasks hooks, mine >>>"),
        lambda data: data + data,
    ),
)
def test_marks_that_somebody_changed_are_not_guessed_at(damage: object) -> None:
    data = damage(hook_text.insert(b"#!/bin/sh\nexit 0\n", lines))  # type: ignore[operator]
    with pytest.raises(hook_text.DamagedBlockError):
        hook_text.find(data, "hook")


@pytest.mark.parametrize(
    ("data", "is_shell"),
    (
        (b"#!/bin/sh\n", True),
        (b"#!/bin/sh", True),
        (b"#! /usr/bin/env bash\n", True),
        (b"#!/usr/bin/env -S FOO=1 bash -e\n", True),
        (b"#!/bin/busybox ash\n", True),
        (b"echo no first line\n", True),
        (b"#!/usr/bin/env python3\n", False),
        (b"#!/usr/bin/python3.11 -I\n", False),
        (b"#!/usr/bin/env node\n", False),
        (b"#!/usr/bin/fish\n", False),
        (b"#!/bin/sh\r\nexit 0\r\n", False),
        (b"#!\n", False),
        (b"\x7fELF\x02\x01\0", False),
    ),
)
def test_only_what_a_shell_reads_takes_lines_of_a_shell(data: bytes, is_shell: bool) -> None:
    assert (hook_text.shell_problem(data) is None) is is_shell
