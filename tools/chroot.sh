#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# This checkout in the root of another Debian, for the scripts that try it there; as root:
#
#     tools/chroot.sh copy FOLDER             # the checkout, without what git ignores
#     tools/chroot.sh run ROOT COMMAND ...    # a command, with processes and devices
set -euo pipefail

copy() {
    mkdir -p "$1"
    cd "$(dirname "$0")/.."
    git ls-files -co --exclude-standard -z | xargs -0 tar -cf - | tar -xf - -C "$1"
}

run() {
    local root=$1 name
    shift
    mounted=()
    trap 'for folder in "${mounted[@]}"; do umount "$folder"; done' EXIT
    for name in proc dev; do
        [ "$root" != / ] && ! mountpoint -q "$root/$name" || continue
        mount --bind "/$name" "$root/$name"
        mounted+=("$root/$name")
    done
    chroot "$root" "$@"
}

"$@"
