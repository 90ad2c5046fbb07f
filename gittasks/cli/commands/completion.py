"""`gittasks completion`: three small scripts. All knowledge is in `gittasks complete`, which they call."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "print a completion script for bash, zsh or fish"
EXAMPLE = """
eval "$(gittasks completion bash)"                   # in ~/.bashrc
eval "$(gittasks completion zsh)"                    # in ~/.zshrc, after compinit
gittasks completion fish > ~/.config/fish/completions/gittasks.fish
"""

# Works with the bash 3.2 of macOS: no mapfile, and no compopt there (then no files are offered).
_BASH = """\
# gittasks completion for bash: eval "$(gittasks completion bash)"
_gittasks_offer() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null ;;
            :folders) compopt -o dirnames 2>/dev/null ;;
            *) COMPREPLY+=("$line") ;;
        esac
    done < <(command gittasks complete --shell bash --list-type "${COMP_TYPE:-9}" -- "$@" 2>/dev/null)
}
_gittasks() {
    _gittasks_offer "${COMP_WORDS[@]:1:COMP_CWORD}"
}
# git's own completion calls this for `git tasks`; its `words` start with git, options may stand before `tasks`.
_git_tasks() {
    local at=1
    while [ "$at" -lt "$cword" ] && [ "${words[at]}" != tasks ]; do at=$((at + 1)); done
    _gittasks_offer "${words[@]:at+1:cword-at}"
}
complete -F _gittasks gittasks
complete -F _gittasks git-tasks
"""

_ZSH = """\
#compdef gittasks git-tasks
# gittasks completion for zsh: eval "$(gittasks completion zsh)", after compinit
_gittasks() {
    local line
    local -a offered
    for line in "${(@f)$(command gittasks complete --shell zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
            :files) _files ;;
            :folders) _files -/ ;;
            ?*) offered+=("$line") ;;
        esac
    done
    if (( $#offered )); then
        _describe -V gittasks offered
    fi
}
# zsh's own completion of git calls this for `git tasks`; its `words` start with tasks.
_git-tasks() { _gittasks "$@" }
if (( $+functions[compdef] )); then
    compdef _gittasks gittasks git-tasks
    zstyle ':completion:*:*:git:*' user-commands tasks:'tasks in this repository'
fi
"""

_FISH = """\
# gittasks completion for fish: gittasks completion fish > ~/.config/fish/completions/gittasks.fish
function __gittasks_offer
    for line in (command gittasks complete --shell fish -- $argv 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :folders
                __fish_complete_directories (commandline -ct)
            case '*'
                printf '%s\\n' $line
        end
    end
end
function __gittasks_words
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l at (contains -i -- tasks $words); or set at 1
    test "$words[1]" = git; or set at 1
    __gittasks_offer $words[(math $at + 1)..-1] "$current"
end
complete -c gittasks -f -a '(__gittasks_words)'
complete -c git-tasks -f -a '(__gittasks_words)'
complete -c git -n 'contains -- tasks (commandline -opc)' -f -a '(__gittasks_words)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def configure(parser: ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=tuple(SCRIPTS), help="which shell the script is for")


def run(args: Namespace, ctx: Context) -> int:
    """Print the script; with `--json` as the text `script`."""
    script = SCRIPTS[args.shell]
    if ctx.json:
        ctx.document({"shell": args.shell, "script": script})
    else:
        ctx.out(script.rstrip("\n"))
    return 0
