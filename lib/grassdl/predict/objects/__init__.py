# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbered objects of the map, separated where the model has learnt their borders."""
