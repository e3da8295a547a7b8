#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the environment's Python with the library on its path: for the hooks of pre-commit.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ -x "$VENV/bin/python" ] || die "no Python environment in VENV=$VENV: run 'make setup-dev' first"
export PYTHONPATH="$root/lib"
exec "$VENV/bin/python" "$@"
