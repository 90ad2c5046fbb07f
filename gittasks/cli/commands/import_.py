"""`gittasks import`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from gittasks.base.text import printable
from gittasks.cli.answers import add_commit_option, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from gittasks.app.exchange import Imported
    from gittasks.cli.context import Context

HELP = "bring tasks in from another tracker; again, to take over what changed there"
EXAMPLE = """
gittasks import beads .beads/issues.jsonl --dry-run
gittasks import backlog backlog
task export | gittasks import taskwarrior -
gittasks import claude ~/.claude/tasks/auth-refactor
"""
# So many of one kind are named on a terminal; --json names all.
_SHOWN = 100


def configure(parser: ArgumentParser) -> None:
    """What kind, from where."""
    from gittasks.app.exchange import KINDS

    kinds = "; ".join(f"{name}: {kind.source}" for name, kind in KINDS.items())
    parser.add_argument("kind", choices=tuple(KINDS), metavar="KIND", help=kinds)
    parser.add_argument("source", metavar="SOURCE", help="the file or folder; - is standard input")
    parser.add_argument("--dry-run", action="store_true", help="tell what would happen, and change nothing")
    parser.add_argument(
        "--prefix",
        metavar="NAME",
        help="what keeps the ids of this source apart from another one of the same kind "
        "(claude: the name of the folder)",
    )
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Import, and tell what came of it."""
    from gittasks.app.exchange import import_tasks

    project = ctx.project()
    is_stdin = args.source == "-"
    imported = import_tasks(
        project,
        args.kind,
        ctx.path(args.source),
        name="<stdin>" if is_stdin else args.source,
        stdin=_stdin_bytes(ctx) if is_stdin else None,
        prefix=args.prefix,
        dry_run=args.dry_run,
        commit=wants_commit(args, ctx) and not args.dry_run,
    )
    for warning in imported.written.warnings:
        ctx.say(f"gittasks: {warning}")
    if ctx.json:
        ctx.document(_document(imported, args.source))
    else:
        for line in _report(imported):
            ctx.out(printable(line))
    return 0


def _stdin_bytes(ctx: Context) -> bytes:
    from gittasks.app.exchange.sources import MAX_SOURCE_BYTES, SourceError

    data = ctx.stdin.buffer.read(MAX_SOURCE_BYTES + 1)
    if len(data) > MAX_SOURCE_BYTES:
        raise SourceError(f"<stdin>: more than {MAX_SOURCE_BYTES} bytes")
    return data


def _document(imported: Imported, source: str) -> dict[str, Any]:
    from gittasks.workgraph.exchange.findings import fields_as_json

    found = imported.found
    return {
        "kind": imported.kind,
        "source": source,
        "dryRun": imported.dry_run,
        "counts": _counts(imported),
        "statuses": imported.statuses,
        "added": [{"id": task_id, "ref": ref} for task_id, ref in imported.added],
        "updated": [
            {"id": change.id, "ref": change.ref, "fields": list(change.fields)} for change in imported.updated
        ],
        "gone": [{"id": task_id, "ref": ref} for task_id, ref in imported.gone],
        "dangling": [edge._asdict() for edge in imported.dangling],
        "cycles": [edge._asdict() for edge in imported.circular],
        "fitted": [fitted._asdict() for fitted in found.fitted],
        "skipped": [skipped._asdict() for skipped in found.skipped],
        "remarks": found.remarks,
        "fields": fields_as_json(found),
        "commit": imported.written.commit,
    }


def _counts(imported: Imported) -> dict[str, int]:
    return {
        "read": len(imported.added) + len(imported.updated) + imported.unchanged,
        "added": len(imported.added),
        "updated": len(imported.updated),
        "unchanged": imported.unchanged,
        "gone": len(imported.gone),
        "dangling": len(imported.dangling),
        "cycles": len(imported.circular),
        "fitted": len(imported.found.fitted),
        "skipped": len(imported.found.skipped),
    }


def _report(imported: Imported) -> Iterator[str]:
    """The whole story in lines, most important first; a stranger's text may still be in them."""
    found, counts = imported.found, _counts(imported)
    statuses = ", ".join(f"{number} {status}" for status, number in imported.statuses.items() if number)
    yield f"{imported.kind}: {counts['read']} tasks read ({statuses or 'none'})"
    would = "would be " if imported.dry_run else ""
    yield f"{would}added {counts['added']}, updated {counts['updated']}, unchanged {counts['unchanged']}"
    yield from _section(
        "updated", [f"#{one.id} {one.ref}: {', '.join(one.fields)}" for one in imported.updated]
    )
    yield from _section(
        "dangling references, kept in the field `relations`",
        [f"{edge.key}: {edge.field} {edge.target}" for edge in imported.dangling],
    )
    yield from _section(
        "edges left out because they close a circle, kept in the field `relations`",
        [f"{edge.key}: {edge.field} {edge.target}" for edge in imported.circular],
    )
    fitted = [f"{one.key}: {one.field}: {one.message}" for one in found.fitted]
    yield from _section("values changed to fit", fitted)
    gone = [f"#{task_id} {ref}" for task_id, ref in imported.gone]
    yield from _section("no longer in the source, left as they are", gone)
    yield from _section("not read", [f"{one.path}: {one.reason}" for one in found.skipped])
    yield from found.remarks
    yield from _section("fields without a place of their own", list(_other_fields(imported)))


def _other_fields(imported: Imported) -> Iterator[str]:
    """Where source fields went that became no field of ours: kept under their name, or left out."""
    landings: Counter[tuple[str, str]] = Counter()
    for field, places in imported.found.fields.items():
        for place, number in places.items():
            if place.startswith(("kept as", "left out")):
                landings[field, place] += number
    for (field, place), number in sorted(landings.items()):
        yield f"{field} ({number}): {place}"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title} ({len(lines)}):"
        yield from (f"  {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN} more: --json names them all"
