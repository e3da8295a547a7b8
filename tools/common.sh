# SPDX-License-Identifier: GPL-2.0-or-later
# Shared by the scripts in this folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${VENV:-${I_DL_VENV:-$HOME/.local/share/i.dl/venv}}
GRASS=${GRASS:-grass}
modules="i.dl.patches i.dl.train i.dl.tune i.dl.predict i.dl.evaluate i.dl.review i.dl.export i.dl.import"

say() { printf 'i.dl: %s\n' "$*"; }
die() {
    printf 'i.dl: error: %s\n' "$*" >&2
    exit 1
}

[[ $VENV == /* && $VENV != *[[:space:]]* ]] ||
    die "VENV=$VENV: give a full path, without spaces (a script's first line cannot hold them)"

# The folder of the user's addons. GRASS itself knows where it is. (8.4 prints a remark on
# --tmp-location to stdout.)
addon_folder() {
    local addons=${GRASS_ADDON_BASE:-$(
        "$GRASS" --tmp-location XY --exec sh -c 'echo "addons=$GRASS_ADDON_BASE"' 2>/dev/null |
            sed -n 's/^addons=//p'
    )}
    [[ $addons == /* ]] ||
        die "GRASS_ADDON_BASE=$addons: give the full path of the folder for GRASS's addons"
    echo "$addons"
}
