# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of accuracy as pure functions of counts."""
