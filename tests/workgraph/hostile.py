"""Subjects that try to break out of every format a picture is drawn in."""

from __future__ import annotations

from hypothesis import strategies as st

FRAGMENTS = (
    '"', "'", "`", "\\", "#", ";", ":", "&", "<", ">", "%%", "%%{init: {}}%%", "]", "[", "(", "}", "{", "|", "$$",
    "-->", "--", "&lt;", "&#35;", "#quot;", "#35;", "\\n", "\\N", "\n", "\r\n", "\t", "\0", "\x1b[31m", "\x85",
    "\u2028", "\u202e", "\u2066", "\ufeff", "\ufffe", "\ud800", "</svg>", "<script>", "]]>", "<!--", "end",
    "click t1 href", "style:", "class t1 x", "日本", "é", "e\u0301", "👩\u200d💻", "\u00a0", " ", "a", "1. one",
)  # fmt: skip

hostile_text = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join) | st.text(max_size=40)
