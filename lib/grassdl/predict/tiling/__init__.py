# SPDX-License-Identifier: GPL-2.0-or-later
"""Which windows are computed: axes, tile shape, plan."""
