#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Takes the toolset out of $GRASS_ADDON_BASE, however it came there, and with REMOVE_VENV=yes also
# the Python environment VENV. Datasets and models are left alone.
set -euo pipefail
. "$(dirname "$0")/common.sh"

addons=$(addon_folder)
if [ -d "$addons" ]; then
    /usr/bin/env python3 "$root/tools/register.py" remove "$addons"
fi
say "there is no i.dl in $addons any more"

if [ "${REMOVE_VENV:-no}" = yes ] && [ -e "$VENV" ]; then
    # Only what make setup has made.
    [ -f "$VENV/pyvenv.cfg" ] && [ -f "$VENV/.i.dl-run" ] ||
        die "VENV=$VENV is not an environment that make setup has made: remove it yourself"
    rm -rf "$VENV"
    say "removed the Python environment $VENV"
fi
