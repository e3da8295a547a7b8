# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps: rows, region, categories, codes, fingerprints."""
