# SPDX-License-Identifier: GPL-2.0-or-later
"""From a model and bands to a class map: tiles and halos, engines, row bands."""
