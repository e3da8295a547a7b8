# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers and blocks of layers that several networks share."""
