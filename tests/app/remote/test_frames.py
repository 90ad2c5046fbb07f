from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gittasks.app.remote import frames
from gittasks.app.remote.frames import BadHostError, Decoder, Frame, format_frame, format_output, parse_output

LETTERS = st.sampled_from([frames.BEAT, frames.ANSWER, frames.ERROR])
FRAMES = st.lists(st.builds(Frame, LETTERS, st.binary(max_size=30)), max_size=8)


def decode(data: bytes, cuts: list[int]) -> list[Frame]:
    decoder, found, start = Decoder(), [], 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        found += list(decoder.feed(data[start:cut]))
        start = cut
    return found


@given(st.binary(max_size=60), FRAMES, st.lists(st.integers(0, 300), max_size=10))
@settings(max_examples=50)
def test_frames_come_through_however_they_are_cut(noise: bytes, sent: list[Frame], cuts: list[int]) -> None:
    noise = noise.replace(frames.MARK, b"")
    data = noise + frames.MARK + b"".join(format_frame(*frame) for frame in sent)
    assert decode(data, cuts) == sent


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=50)
def test_any_bytes_are_frames_or_garbage(data: bytes, marked: bool) -> None:
    try:
        found = decode(frames.MARK + data if marked else data, [])
    except BadHostError:
        return
    assert all(frame.letter in b"OBAE" for frame in found)


def test_there_are_limits() -> None:
    with pytest.raises(BadHostError, match="64 KiB of something else"):
        decode(b"x" * (frames.MAX_NOISE_BYTES + len(frames.MARK) + 1), [])
    with pytest.raises(BadHostError, match="garbage"):
        decode(frames.MARK + b"O\xff\xff\xff\xff", [])
    with pytest.raises(BadHostError, match="without its position"):
        parse_output(b"1234567")
    assert parse_output(format_output(b"abc", 2**40)[5:]) == (b"abc", 2**40)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"[" * 100_000, b'"x"', b"\xff", b"1" * 5000])
def test_an_answer_is_a_map(content: bytes) -> None:
    with pytest.raises(BadHostError):
        frames.parse_content(content)
