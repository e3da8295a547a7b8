# SPDX-License-Identifier: GPL-2.0-or-later
"""The tiling of a region: axes and tile shape."""
