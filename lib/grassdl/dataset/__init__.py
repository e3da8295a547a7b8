# SPDX-License-Identifier: GPL-2.0-or-later
"""The patch dataset on disk: `dataset.json`, arrays per split, and footprints."""
