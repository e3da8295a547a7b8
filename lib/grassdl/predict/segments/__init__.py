# SPDX-License-Identifier: GPL-2.0-or-later
"""Probabilities summed by segment, and the class of a segment."""
