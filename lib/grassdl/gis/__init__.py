# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything that talks to GRASS: region, raster rows, groups, vectors, categories, messages."""
