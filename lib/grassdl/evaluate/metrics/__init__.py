# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy metrics as pure functions of counts."""
