#!/bin/sh
# Install the programs that the long tests work beside, into .peers (git ignores it), as far as this machine allows.
#
# Nothing here is needed to use or to change gittasks: a test whose program is missing is skipped and says so. Each
# is installed by its own package manager, and one that cannot be installed does not keep the others from it.
set -u

cd "$(dirname "$0")/.."
peers=.peers
mkdir -p "$peers"

say() { printf 'peers: %s\n' "$1" >&2; }

# try NAME COMMAND...: run it quietly; say what came of it.
try() {
    name=$1
    shift
    if "$@" >"$peers/$name.log" 2>&1; then
        say "$name is installed"
    else
        say "$name could not be installed: $peers/$name.log says why"
    fi
}

# Python programs, each in an environment of its own: what they need must not touch ours.
python_peer() {
    [ -x "$peers/$1/bin/$2" ] && return
    rm -rf "${peers:?}/$1"
    try "$1" sh -c '"$1" -m venv "$2" && "$2/bin/python" -m pip install --quiet "$3"' sh \
        .venv/bin/python "$peers/$1" "$3"
}

# Programs of npm: .peers/npm/node_modules/.bin/NAME. Without their scripts: those install hooks in our own repository.
# With a third word the package's own script is run, since it puts its program in place.
npm_peer() {
    [ -e "$peers/npm/node_modules/.bin/$1" ] && return
    command -v npm >/dev/null 2>&1 || { say "$1 needs npm, which is not here"; return; }
    try "$1" npm install --ignore-scripts --silent --no-audit --no-fund --prefix "$peers/npm" "$2"
    [ -z "${3:-}" ] || npm rebuild --silent --prefix "$peers/npm" "$2" >>"$peers/$1.log" 2>&1
}

# Packages of the system, where it is Debian's kind and we are root (in a container, say); never by sudo.
system_peer() {
    command -v "$1" >/dev/null 2>&1 && return
    [ -x "/usr/sbin/$1" ] && return
    if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
        say "$1 is not here: install the package $2 to run the tests beside it"
        return
    fi
    [ -e "$peers/.updated" ] || { apt-get update >"$peers/update.log" 2>&1 && : >"$peers/.updated"; }
    try "$1" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$2"
}

system_peer zsh zsh
system_peer fish fish
system_peer dot graphviz
system_peer sshd openssh-server
python_peer pre-commit pre-commit 'pre-commit>=4'
npm_peer husky husky@9
npm_peer lefthook lefthook
python_peer aider aider aider-chat
npm_peer claude @anthropic-ai/claude-code script
npm_peer codex @openai/codex
npm_peer gemini @google/gemini-cli
