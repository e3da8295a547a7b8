# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the scripts in this folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${VENV:-$HOME/.local/share/i.dl/venv}
GRASS=${GRASS:-grass}
modules="i.dl.patches i.dl.train i.dl.tune i.dl.predict i.dl.evaluate i.dl.export i.dl.import"

say() { printf 'i.dl: %s\n' "$*"; }
die() {
    printf 'i.dl: error: %s\n' "$*" >&2
    exit 1
}

[[ $VENV == /* && $VENV != *[[:space:]]* ]] ||
    die "VENV=$VENV: give a full path, without spaces (a script's first line cannot hold them)"
