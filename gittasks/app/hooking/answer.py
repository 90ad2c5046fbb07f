"""What a hook has to say."""

from __future__ import annotations

from gittasks.base.records import NamedTuple


class Answer(NamedTuple):
    """Lines for a person, none where there is nothing to say; `refused` stops the commit or push."""

    lines: tuple[str, ...] = ()
    refused: bool = False


QUIET = Answer()
