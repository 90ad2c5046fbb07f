"""`gittasks doctor`."""

from __future__ import annotations

from collections import Counter

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli.answers import add_commit_option, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from gittasks.app.doctor import Finding
    from gittasks.cli.context import Context

_NAMED = 20
HELP = "find what is broken: in task files, their graph, notes, settings, worktrees, caches"
EXAMPLE = """
gittasks doctor
gittasks doctor --fix
"""


def configure(parser: ArgumentParser) -> None:
    """Whether to mend."""
    parser.add_argument("--fix", action="store_true", help="mend what needs no decision of yours")
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Name each finding with its cure; 1 where something is wrong and was not mended."""
    from gittasks.app import doctor

    project = ctx.project()
    if args.fix:
        report = doctor.mend(project, commit=_wants_commit(args, ctx))
    else:
        report = doctor.Report((), doctor.examine(project))
    wrong = [finding for finding in report.findings if finding.severity != doctor.INFO]
    if ctx.json:
        ctx.document(
            {
                "findings": [finding.as_json() for finding in report.findings],
                "mended": [finding.as_json() for finding in report.mended],
                "refusals": list(report.refusals),
                "ok": not wrong,
            }
        )
    else:
        _show(ctx, report.mended, report.findings)
    for text in (*report.refusals, *report.warnings):
        ctx.say(f"gittasks: {text}")
    return 1 if wrong else 0


def _wants_commit(args: Namespace, ctx: Context) -> bool:
    from gittasks.workgraph.config import BadConfigError

    try:
        return wants_commit(args, ctx)
    except BadConfigError:  # one of the findings, and no reason to mend nothing
        return False


def _show(ctx: Context, mended: Sequence[Finding], findings: Sequence[Finding]) -> None:
    for finding, more in _folded(mended):
        ctx.out(f"mended   {_line(finding)}{more}")
    for finding, more in _folded(findings):
        ctx.out(f"{finding.severity:<7}  {_line(finding)}")
        ctx.out(f"         cure: {printable(finding.cure)}{more}")
    if not findings:
        ctx.say("nothing is wrong" if not mended else "all is mended")


def _folded(findings: Sequence[Finding]) -> Iterator[tuple[Finding, str]]:
    """The first ones of each kind; what is said behind the last of them, where there are more."""
    numbers: dict[str, int] = {}
    totals = Counter(finding.code for finding in findings)
    for finding in findings:
        numbers[finding.code] = number = numbers.get(finding.code, 0) + 1
        left = totals[finding.code] - _NAMED
        if number <= _NAMED:
            ends = number == _NAMED and left > 0
            yield finding, f"\n         and {left} more {finding.code}; --json names them all" if ends else ""


def _line(finding: Finding) -> str:
    return f"{finding.code}  {printable(finding.where)}: {printable(finding.what)}"
