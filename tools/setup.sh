#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs what is missing: GRASS and its make files by apt, and the Python
# environment VENV with requirements.txt (--dev: requirements-dev.txt as well, with
# what single modules need, and a browser, in which the HTML pages are tested).
# What is there already is left alone, so that running it again costs nothing.
set -euo pipefail
. "$(dirname "$0")/common.sh"

system_python=/usr/bin/python3

# Names the Debian packages whose contents are not there, however GRASS was installed.
missing_packages() {
    local topdir=""
    if command -v "$GRASS" >/dev/null; then
        topdir=$("$GRASS" --config path)
    else
        echo grass-core
    fi
    [ -e "$topdir/include/Make/Script.make" ] || echo grass-dev
    command -v make >/dev/null || echo make
    "$system_python" -c "import ensurepip, venv" 2>/dev/null || echo python3-venv
    "$system_python" -c "from osgeo import gdal" 2>/dev/null || echo python3-gdal
    [ "$requirements" = requirements.txt ] || command -v chromium >/dev/null || echo chromium
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
    command -v apt-get >/dev/null ||
        die "this machine has no apt: install what these Debian packages hold, then try again: $*"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "not root and no sudo: ask an administrator to run: apt-get install $*"
    say "installing by apt: $*"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@")
    # Package lists that are absent or stale make the first try fail.
    if ! apt-cache show "$@" >/dev/null 2>&1 || ! as_root "${install[@]}"; then
        as_root apt-get update
        as_root "${install[@]}"
    fi
}

# One line that changes whenever the environment has to be brought up to date.
fingerprint() {
    (cd "$root" && { "$system_python" --version && cat "$@"; } | sha256sum)
}

is_current() {
    [ "$(cat "$VENV/$1" 2>/dev/null)" = "$2" ] && "$VENV/bin/python" -c "" 2>/dev/null
}

make_environment() {
    if [ -e "$VENV/pyvenv.cfg" ]; then
        # Its Python went away or changed version, as after an upgrade of Debian: start again.
        local version='import sys; print(sys.version_info[:2])'
        [ "$("$VENV/bin/python" -c "$version" 2>/dev/null)" = "$("$system_python" -c "$version")" ] ||
            rm -rf "$VENV"
    elif [ -n "$(ls -A "$VENV" 2>/dev/null)" ]; then
        die "VENV=$VENV is a folder with other things in it: name one that is empty or new"
    fi
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        say "making the Python environment $VENV"
        "$system_python" -m venv --system-site-packages "$VENV"
    fi
}

install_requirements() {
    say "installing the packages of $1 into $VENV (the first time some minutes, about 2.5 GB)"
    local quiet=()
    [ -t 1 ] || quiet=(--quiet)
    "$VENV/bin/python" -m pip install --disable-pip-version-check "${quiet[@]}" -r "$root/$1" ||
        die "pip could not install $1: see above, then run the same command again"
}

case "${1:-}" in
    --dev) requirements=requirements-dev.txt ;;
    "") requirements=requirements.txt ;;
    *) die "usage: tools/setup.sh [--dev]" ;;
esac

missing=$(missing_packages)
# shellcheck disable=SC2086
[ -z "$missing" ] || apt_install $missing

run_stamp=$(fingerprint requirements.txt)
dev_stamp=$(fingerprint requirements.txt requirements-optional.txt requirements-dev.txt)
if [ "$requirements" = requirements.txt ]; then
    is_current .i.dl-run "$run_stamp" && exit 0
else
    is_current .i.dl-dev "$dev_stamp" && exit 0
fi

make_environment
install_requirements "$requirements"
echo "$run_stamp" >"$VENV/.i.dl-run"
[ "$requirements" = requirements.txt ] || echo "$dev_stamp" >"$VENV/.i.dl-dev"
say "the Python environment is ready"
