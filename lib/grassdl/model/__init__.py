# SPDX-License-Identifier: GPL-2.0-or-later
"""The model folder: card, weights, STAC item."""
