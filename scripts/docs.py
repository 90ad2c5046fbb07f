"""The generated parts of the docs, and what must hold of the written ones: `make docs`, `make check`.

Generated from the program's own parsers: the command table in README.md, and docs/commands.md. With `--check` nothing
is written: outdated parts and links to files or headings that do not exist are named, with exit code 1.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gittasks.cli import main as cli
from gittasks.cli.parser import build

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
COMMANDS_PAGE = ROOT / "docs" / "commands.md"
SAFETY = ROOT / "docs" / "safety.md"
CASES_BEGIN, CASES_END = "<!-- cases: written by `make docs` -->", "<!-- end of cases -->"
BEGIN, END = "<!-- commands: written by `make docs` -->", "<!-- end of commands -->"
_TITLES = {"tasks": "Tasks", "worktrees": "Worktrees and git", "runs": "Runs", "more": "More"}
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def main(argv: list[str]) -> int:
    """Write what is generated, or with `--check` say what is wrong and answer 1."""
    parser = argparse.ArgumentParser(description="Write the generated docs, or check all of them.")
    parser.add_argument("--check", action="store_true", help="write nothing, name what is wrong")
    check = parser.parse_args(argv).check
    wrong = []
    for path, text in generated().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            wrong.append(f"{path.relative_to(ROOT)} is out of date: run `make docs`")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")
    wrong += broken_links()
    print("\n".join(wrong) or "docs: fine", file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


def generated() -> dict[Path, str]:
    """What each page with a generated part should say."""
    head, rest = README.read_text(encoding="utf-8").split(BEGIN)
    readme = f"{head}{BEGIN}\n\n{command_table()}\n{END}{rest.split(END)[1]}"
    head, rest = SAFETY.read_text(encoding="utf-8").split(CASES_BEGIN)
    safety = f"{head}{CASES_BEGIN}\n\n{hostile_cases()}\n{CASES_END}{rest.split(CASES_END)[1]}"
    return {README: readme, COMMANDS_PAGE: commands_page(), SAFETY: safety}


def hostile_cases() -> str:
    """What strangers may write, and what comes of it: one line a case of the suite, by group."""
    sys.path.insert(0, str(ROOT))
    from tests.hostile.cases import CASES, GROUPS

    lines = [f"{len(CASES)} cases, each one test of `tests/test_hostile.py` by its name:"]
    for group in GROUPS:
        lines += [
            "",
            f"**{group.title}**",
            "",
            "| what a stranger wrote | what comes of it | test |",
            "|---|---|---|",
        ]
        lines += [
            f"| {_cell(case.says)} | {_cell(case.ends)} | `{_cell(case.name)}` |" for case in group.cases
        ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def command_table() -> str:
    """All commands by group, one line each, linked to the page that explains them."""
    lines = []
    for group in cli.GROUPS:
        lines += [f"| {_TITLES[group]} | |", "|---|---|"]
        for name, (of, text) in cli.COMMANDS.items():
            if of == group:
                lines.append(f"| [`{name}`](docs/commands.md#gittasks-{name}) | {text} |")
        lines.append("")
    return "\n".join(lines)


def commands_page() -> str:
    """docs/commands.md: what `--help` says of each command."""
    parts = [
        "# Commands",
        "",
        "Written by `make docs` from the program itself; `gittasks COMMAND --help` says the same. Each command also",
        "takes `-C DIR` (work as if called in DIR) and `--json` (answer with one document). A task is named `12` or",
        "`#12`, a run by a unique prefix of its id; in a worktree that is bound to a task, it can be left out.",
        "",
        "Exit codes: 0 done · 1 refused or not found · 2 usage · 3 a bug (with the path of a log) · 4 busy, lost a",
        "race, or conflict: try again · 130 interrupted.",
    ]
    for group in cli.GROUPS:
        parts += ["", f"## {_TITLES[group]}"]
        for name, (of, _) in cli.COMMANDS.items():
            if of == group:
                parts += ["", *_command(name)]
    return "\n".join(parts) + "\n"


def _command(name: str) -> Iterator[str]:
    module = cli.load(name)
    parser = build(name, module)
    yield f"### gittasks {name}"
    yield ""
    yield _sentence(module.HELP)
    yield from ("", "```sh", *module.EXAMPLE.strip().splitlines(), "```")
    yield from _options(parser)


def _options(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[str]:
    """One line an argument; sub-commands after them. Not argparse's own layout, which differs between versions."""
    shown = [action for action in parser._actions if action.help is not argparse.SUPPRESS]
    lines = [_option(action) for action in shown if _is_own(action)]
    if lines:
        yield from ("", *lines)
    for action in shown:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, sub in action.choices.items():
                yield from ("", f"**`{prefix}{name}`** {_sentence(helps.get(name) or '')}".rstrip())
                yield from _options(sub, f"{prefix}{name} ")


def _is_own(action: argparse.Action) -> bool:
    shared = {"-h", "-C", "--json"} & set(action.option_strings)
    return not shared and not isinstance(action, argparse._SubParsersAction)


def _option(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else _value(action)
    names = ", ".join(action.option_strings) or value
    shown = f"{names} {value}".strip() if action.option_strings else names
    text = (action.help or "") % {"default": action.default, "prog": "gittasks"}
    return f"- `{shown}`: {text}"


def _value(action: argparse.Action) -> str:
    name: Any = action.metavar or (
        ",".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    value = " ".join(name) if isinstance(name, tuple) else str(name)
    if action.nargs in ("*", "...", "A..."):
        return f"[{value}...]"
    if action.nargs == "+":
        return f"{value}..."
    return f"[{value}]" if action.nargs == "?" else value


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("." if text and not text.endswith(".") else "")


def broken_links() -> list[str]:
    """Links between our own pages that lead nowhere."""
    wrong = []
    for page in pages():
        for target in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
            if "://" in target or target.startswith("mailto:"):
                continue
            name, _, anchor = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            if not path.exists():
                wrong.append(f"{page.relative_to(ROOT)}: there is no {target}")
            elif anchor and anchor not in anchors(path):
                wrong.append(f"{page.relative_to(ROOT)}: {target} has no such heading")
    return wrong


def pages() -> list[Path]:
    """All pages of the docs."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])


def anchors(page: Path) -> set[str]:
    """The names that a forge gives to the headings of `page`."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
