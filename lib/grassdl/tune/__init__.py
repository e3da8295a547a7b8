# SPDX-License-Identifier: GPL-2.0-or-later
"""Tuning: trials of a training with other options, compared, and the best one as a model."""
