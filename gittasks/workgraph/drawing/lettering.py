"""How wide text is, about, when nobody can measure it: widths in ems of a common sans-serif font. Pure."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

# Helvetica's own widths, in groups, and a little more: many fonts are wider, few are narrower.
_USUAL, _CAPITAL, _WIDE = 0.58, 0.74, 1.05
_WIDTHS = {
    **dict.fromkeys("ijl|'", 0.25),
    **dict.fromkeys("ftI.,:;! ()[]/\\", 0.3),
    **dict.fromkeys("r-`{}", 0.36),
    **dict.fromkeys("ckvxyzsJ", 0.53),
    **dict.fromkeys("mwMW@%—…", 0.95),
}
_ELLIPSIS = "…"


def width_em(text: str) -> float:
    """How wide `text` is, in ems; rather too wide than too narrow."""
    return sum(map(_width, text))


def fit(text: str, room_em: float) -> str:
    """`text`, or as much of it as fits into `room_em` with an ellipsis."""
    if width_em(text) <= room_em:
        return text
    return text[: _fitting(text, room_em - _width(_ELLIPSIS))].rstrip() + _ELLIPSIS


def wrap(text: str, room_em: float, lines: int) -> list[str]:
    """`text` on at most `lines` lines, broken between words where it can be, the last one cut to fit."""
    wrapped: list[str] = []
    while len(wrapped) < lines - 1 and width_em(text) > room_em:
        most = max(_fitting(text, room_em), 1)
        at = text.rfind(" ", 0, most + 1)
        cut = at if at > most // 3 else most
        wrapped.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*wrapped, fit(text, room_em)] if text else wrapped


def _fitting(text: str, room_em: float) -> int:
    """How many characters of `text` fit."""
    for size, char in enumerate(text):
        room_em -= _width(char)
        if room_em < 0:
            return size
    return len(text)


def _width(char: str) -> float:
    known = _WIDTHS.get(char)
    if known is not None:
        return known
    if east_asian_width(char) in "WF":
        return _WIDE
    if combining(char):
        return 0.0
    return _CAPITAL if char.isupper() else _USUAL
