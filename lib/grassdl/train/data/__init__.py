# SPDX-License-Identifier: GPL-2.0-or-later
"""Batches of training patches and their augmentation."""
