# SPDX-License-Identifier: GPL-2.0-or-later
"""Keras callbacks of a training."""
