# SPDX-License-Identifier: GPL-2.0-or-later
"""Tuning: trials of training with other options, what they tell, and the best one as a model."""
