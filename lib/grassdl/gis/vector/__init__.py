# SPDX-License-Identifier: GPL-2.0-or-later
"""Vector maps: attributes, training sites, footprints, areas."""
