# SPDX-License-Identifier: GPL-2.0-or-later
"""Training: batches of patches, augmentation, loss, metric, and fitting a network to them."""
