"""`gittasks shell-init`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "print a shell function that changes into a task's worktree"
EXAMPLE = """
eval "$(gittasks shell-init bash)"      in ~/.bashrc (zsh: in ~/.zshrc, with zsh)
gittasks shell-init fish | source       in ~/.config/fish/config.fish
gtcd 12                                 then: change into the worktree of task 12
gtcd                                    and back to the main one
"""
_SHELLS = ("bash", "zsh", "fish")

# `command`: an alias or a function called gittasks must not be asked. The path is taken as one word, whatever is in
# it, and never as an option; the last line feed is the program's, not the path's. Names of folders are not ours to
# trust: bash would run `$(...)` in a word list, so each name is quoted on its own.
_POSIX = """\
gtcd() {
    local folder
    folder="$(command gittasks worktree enter "${1:-main}")" || return
    builtin cd -- "$folder"
}
"""
_FISH = """\
function gtcd --description 'change into the worktree of a task'
    set -l name main
    set -q argv[1]; and set name $argv[1]
    set -l folder (command gittasks worktree enter $name | string collect)
    test $pipestatus[1] -eq 0; or return 1
    builtin cd -- $folder
end
"""
_COMPLETE = {
    "bash": """\
_gtcd() {
    local name
    COMPREPLY=()
    while IFS= read -r name; do
        [[ $name == "${COMP_WORDS[COMP_CWORD]}"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done < <(command gittasks worktree list --names 2>/dev/null)
}
complete -F _gtcd gtcd
""",
    "zsh": """\
_gtcd() { compadd -- ${(f)"$(command gittasks worktree list --names 2>/dev/null)"} }
(( $+functions[compdef] )) && compdef _gtcd gtcd
""",
    "fish": """\
complete --command gtcd --no-files --arguments '(command gittasks worktree list --names 2>/dev/null)'
""",
}


def configure(parser: ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", nargs="?", choices=_SHELLS, help="default: the one in $SHELL, else bash")


def run(args: Namespace, ctx: Context) -> int:
    """Print the function `gtcd`, with completion for it."""
    shell = args.shell or ctx.env.get("SHELL", "").rsplit("/", 1)[-1]
    shell = shell if shell in _SHELLS else "bash"
    text = (_FISH if shell == "fish" else _POSIX) + _COMPLETE[shell]
    if ctx.json:
        ctx.document({"shell": shell, "script": text})
    else:
        ctx.out(text.rstrip("\n"))
    return 0
