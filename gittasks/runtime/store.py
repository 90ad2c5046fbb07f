"""All runs of a clone as they are now: the index, mended where a supervisor died, and runs found by their ids."""

from __future__ import annotations

from gittasks.base import flock
from gittasks.base.errors import GittasksError, NotFoundError, UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import journal, live
from gittasks.runtime.record import BadRunError, RunId, format_run, parse_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.journal import Lines
    from gittasks.runtime.record import Run

_SHOWN_MATCHES = 5
_COMPACT_TIMEOUT_S = 0.2


class UnknownRunError(NotFoundError):
    """No run has this id, or an id that starts so."""


class AmbiguousRunError(UsageError):
    """Several runs have ids that start so."""


def load(folders: Folders, env: Mapping[str, str]) -> Lines:
    """The current line of each run by its id, oldest first.

    Runs whose supervisor died are seen to first; `env` is what a new supervisor is started with. A disk that refuses
    writes does not keep the answer from being right.
    """
    index = journal.read_index(folders)
    if index is not None and (index.is_bloated or index.is_damaged):
        index = _compact(folders) or index
    live_ids = live.list_live(folders)
    lines = _make_again(folders) if index is None else index.lines
    known_live = {run_id.encode() for run_id in live_ids}
    stale = [lines[key] for key in journal.running(lines) if key not in known_live]
    orphans = [run_id for run_id in live_ids if not live.is_guarded(folders, run_id)]
    if stale or orphans:
        _mend(folders, orphans, stale, env, lines)
    for run_id in live_ids:
        if not journal.has_ended(lines.get(run_id.encode(), b"")):
            _bring_up_to_date(folders, run_id, lines)
    return lines


def parse(lines: Iterable[bytes]) -> list[Run]:
    """The runs of these lines; garbage is left out."""
    runs = []
    for line in lines:
        try:
            runs.append(parse_run(line))
        except BadRunError:
            continue
    return runs


def find(lines: Lines, prefix: str) -> RunId:
    """The one id in `lines` that starts with `prefix`. Raises `UnknownRunError`, `AmbiguousRunError`."""
    wanted = prefix.encode("utf-8", "replace")
    matches = [key.decode() for key in lines if key.startswith(wanted)] if wanted else []
    if not matches:
        raise UnknownRunError(
            f"no run {prefix[:40]!r} here", hint="`gittasks runs` lists the runs of this clone"
        )
    if len(matches) > 1:
        shown = ", ".join(matches[:_SHOWN_MATCHES]) + (", ..." if len(matches) > _SHOWN_MATCHES else "")
        raise AmbiguousRunError(f"{prefix[:40]!r} may be any of {len(matches)} runs: {shown}")
    return RunId(matches[0])


def _make_again(folders: Folders) -> Lines:
    """The index was deleted, or there never was one."""
    if not journal.has_private_records(folders):
        return {}
    try:
        with flock.Hold(folders.lock_file, purpose="make the index again"):
            return journal.load(folders) or journal.rebuild(folders)
    except (GittasksError, OSError):
        return journal.private_lines(folders)


def _compact(folders: Folders) -> journal.Index | None:
    """Mend the index, and make the next reads quick again; where somebody else writes right now, that can wait."""
    try:
        with flock.Hold(folders.lock_file, purpose="compact the index", timeout_s=_COMPACT_TIMEOUT_S):
            return journal.Index(journal.compact(folders), 0)
    except (GittasksError, OSError):
        return None


def _mend(
    folders: Folders, orphans: list[RunId], stale: list[bytes], env: Mapping[str, str], lines: Lines
) -> None:
    from gittasks.runtime import mending

    told, _ = live.retell(folders, [RunId(line[8:16].decode()) for line in stale])
    lines |= told
    orphans += [
        RunId(line[8:16].decode())
        for line in stale
        if line[8:16] not in told and mending.reopen(folders, line)
    ]
    for run in mending.mend(folders, orphans, env, lines):
        lines[run.id.encode()] = format_run(run)[:-1]


def _bring_up_to_date(folders: Folders, run_id: RunId, lines: Lines) -> None:
    """A run that ends right now, or that the index has not heard of."""
    line = journal.restored(folders, run_id)
    if line is None and run_id.encode() not in lines:
        line = live.read_part(folders, run_id, live.RECORD)
    if line is not None and line.startswith(b'{"id": "' + run_id.encode()):
        lines[run_id.encode()] = line.rstrip(b"\n")
