#!/bin/sh
# Make .venv with gittasks and its tools in it, unless it is there already and up to date.
#
# The stamp holds what the installation depends on: the folder (a virtual environment knows its own), and the parts
# of pyproject.toml that name packages. A new date or a changed lint rule installs nothing.
set -eu

cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/.stamp
log=$venv/set-up.log

fail() {
    printf 'set-up: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '        %s\n' "$line" >&2; done
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 || true)" \
        "install one, or name it: make PYTHON=/path/to/python3.12 ..."
}

check_git() {
    command -v git >/dev/null 2>&1 || fail 'git 2.38 or newer is needed; there is none on PATH'
    version=$(git version | sed -n 's/^git version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    # shellcheck disable=SC2086 # two words on purpose
    set -- ${version:-0 0}
    if [ "$1" -lt 2 ] || { [ "$1" -eq 2 ] && [ "$2" -lt 38 ]; }; then
        fail "$(git version) is too old: 2.38 or newer is needed"
    fi
}

packages() {
    sed -n '/^\[build-system\]/,/^\[tool\./p' pyproject.toml | cksum
}

make_venv() {
    rm -rf "$venv"
    if ! said=$("$python" -m venv "$venv" 2>&1); then
        rm -rf "$venv"
        printf '%s\n' "$said" >&2
        fail "$python cannot make a virtual environment" \
            "its venv module is missing or broken; on Debian and Ubuntu: apt install python3-venv"
    fi
}

# Whether the environment works, and was not made for another folder.
is_usable() {
    is_new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || return 1
    ! [ -f "$stamp" ] || [ "$(sed -n 1p "$stamp")" = "$(pwd -P)" ]
}

check_git
wanted=$(pwd -P; packages)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && is_new_enough "$venv/bin/python"; then
    exit 0
fi

python=$(find_python)
printf 'setting up %s with %s (once; takes half a minute)\n' "$venv" "$("$python" --version)" >&2
is_usable || make_venv
rm -f "$stamp"
if ! "$venv/bin/python" -m pip install --quiet --editable '.[dev]' >"$log" 2>&1; then
    cat "$log" >&2
    fail 'pip could not install the packages (see above)' 'the first set-up needs the network or a package mirror'
fi
printf '%s\n' "$wanted" >"$stamp"
