"""Markdown files with YAML front matter, as Backlog.md and ticket keep them: apart, and into sections. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from gittasks.workgraph.exchange.jsontext import BadSourceError, decode
from gittasks.workgraph.exchange.yamltext import Map, parse_yaml

_FENCE = re.compile(r"(`{3,}|~{3,})")
_BARE_NAME = re.compile(r"^([ \t]*(?:[\w-]+:|-)[ \t]+)(@[^\s'\"#]+)[ \t]*$", re.MULTILINE)


class MarkdownFile(NamedTuple):
    """A file taken apart: its front matter, and the text behind that."""

    front: Map
    body: str


class Section(NamedTuple):
    """A part of a body: its `## ` heading (empty for what stands before the first), and its text."""

    title: str
    text: str


def parse_markdown(data: bytes, name: str) -> MarkdownFile | None:
    """`data` taken apart; `None` where it has no front matter. Raises `BadSourceError` for one that is broken."""
    text = decode(data, name).replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return None
    end = re.search(r"^---[ \t]*$", text[4:], re.MULTILINE)
    if end is None:
        raise BadSourceError(f"{name}:1: the front matter has no end: expected a second line `---`")
    front = text[4 : 4 + end.start()]
    documents = parse_yaml(_quote_names(front), name, first_line=2)
    if len(documents) > 1:
        raise BadSourceError(f"{name}:{documents[1][0]}: the front matter holds more than one document")
    value = documents[0][1] if documents else Map(2)
    if not isinstance(value, Map):
        raise BadSourceError(f"{name}:{documents[0][0]}: the front matter is no list of `field: value` lines")
    return MarkdownFile(value, text[4 + end.end() :].lstrip("\n"))


def split_sections(body: str, *, level: str = "##") -> list[Section]:
    """The parts of `body` between its headings of one level; headings inside code blocks are text."""
    found = [("", [])]  # type: list[tuple[str, list[str]]]
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line.lstrip())
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        if not fence and line.startswith(level + " "):
            found.append((line[len(level) + 1 :].strip(), []))
        else:
            found[-1][1].append(line)
    return [Section(title, "\n".join(lines).strip("\n")) for title, lines in found]


def _quote_names(front: str) -> str:
    """Quote `@alice`, which trackers write plain and YAML reserves."""
    return _BARE_NAME.sub(r'\1"\2"', _quote_in_lists(front))


def _quote_in_lists(front: str) -> str:
    def quote(found: re.Match[str]) -> str:
        return found[1] + re.sub(r"(?<![\w'\"])@[\w.-]+", r'"\g<0>"', found[2]) + found[3]

    return re.sub(r"^([\w-]+:[ \t]*\[)([^\]\n'\"]*)(\].*)$", quote, front, flags=re.MULTILINE)
