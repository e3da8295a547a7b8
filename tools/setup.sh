#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs what is missing: GRASS and its make files by apt, and the Python
# environment VENV with requirements.txt (OPTIONAL=yes: with what single modules need;
# --dev: that, what the tests need, and a browser, in which the HTML pages are tested).
# What is there already is left alone, so that running it again costs nothing.
# Who is not root and has no sudo needs GRASS and Python's GDAL only: the environment gets pip
# from PyPI, and tools/install.sh does without GRASS's make files.
set -euo pipefail
. "$(dirname "$0")/common.sh"

system_python=/usr/bin/python3

# Names the Debian packages whose contents are not there, however GRASS was installed: those that
# nothing can be done without, then those that there is another way for.
needed_packages() {
    command -v "$GRASS" >/dev/null || echo grass-core
    "$system_python" -c "from osgeo import gdal" 2>/dev/null || echo python3-gdal
}
helpful_packages() {
    local topdir=""
    ! command -v "$GRASS" >/dev/null || topdir=$("$GRASS" --config path)
    [ -e "$topdir/include/Make/Script.make" ] || echo grass-dev
    command -v make >/dev/null || echo make
    can_make_environments || echo python3-venv
    [ "$requirements" != requirements-dev.txt ] || command -v chromium >/dev/null || echo chromium
}

can_make_environments() {
    "$system_python" -c "import ensurepip, venv" 2>/dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Fails where this user may not install packages.
apt_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || return 1
    say "installing by apt: $*"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@")
    # Package lists that are absent or stale make the first try fail.
    { apt-cache show "$@" >/dev/null 2>&1 && as_root "${install[@]}"; } ||
        { as_root apt-get update && as_root "${install[@]}"; }
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
        if can_make_environments; then
            "$system_python" -m venv --system-site-packages "$VENV"
        else
            "$system_python" -m venv --system-site-packages --without-pip "$VENV"
            install_pip
        fi
    fi
}

# pip is a wheel that runs as it is.
install_pip() {
    local folder
    folder=$(mktemp -d)
    "$VENV/bin/python" - "$folder" <<'END' || die "could not download pip from pypi.org"
import json, sys, urllib.parse, urllib.request
with urllib.request.urlopen("https://pypi.org/pypi/pip/json", timeout=60) as answer:
    [wheel] = [one for one in json.load(answer)["urls"] if one["packagetype"] == "bdist_wheel"]
    url = urllib.parse.urljoin(answer.url, wheel["url"])
urllib.request.urlretrieve(url, f"{sys.argv[1]}/{wheel['filename']}")
END
    PYTHONPATH=$(echo "$folder"/pip-*.whl) "$VENV/bin/python" -m pip install --quiet \
        --disable-pip-version-check --force-reinstall "$folder"/pip-*.whl
    rm -rf "$folder"
}

install_requirements() {
    say "installing the packages of $* into $VENV (the first time some minutes, about 2.5 GB)"
    local words=() file
    [ -t 1 ] || words=(--quiet)
    for file in "$@"; do words+=(-r "$root/$file"); done
    "$VENV/bin/python" -m pip install --disable-pip-version-check "${words[@]}" ||
        die "pip could not install $*: see above, then run the same command again"
}

case "${1:-}:${OPTIONAL:-no}" in
    --dev:*) requirements=requirements-dev.txt stamp=.i.dl-dev ;;
    :yes) requirements=requirements-optional.txt stamp=.i.dl-optional ;;
    :no) requirements=requirements.txt stamp=.i.dl-run ;;
    *) die "usage: [OPTIONAL=yes|no] tools/setup.sh [--dev]" ;;
esac

missing=$(needed_packages) helpful=$(helpful_packages)
# shellcheck disable=SC2086,SC2116
if [ -n "$missing$helpful" ] && ! apt_install $missing $helpful; then
    [ -z "$missing" ] || die "not root, or no apt: have what these Debian packages hold" \
        "installed, then try again: $(echo $missing $helpful)"
    say "not root, or no apt: going on without $(echo $helpful)"
fi

# What a set of requirements contains, and the environment that has it.
case $requirements in
    requirements.txt) sets="requirements.txt" ;;
    requirements-optional.txt) sets="requirements.txt requirements-optional.txt" ;;
    *) sets="requirements.txt requirements-optional.txt requirements-dev.txt" ;;
esac
# shellcheck disable=SC2086
wanted=$(fingerprint $sets)
is_current $stamp "$wanted" && exit 0

make_environment
# shellcheck disable=SC2086
install_requirements $sets
fingerprint requirements.txt >"$VENV/.i.dl-run"
echo "$wanted" >"$VENV/$stamp"
say "the Python environment is ready"
