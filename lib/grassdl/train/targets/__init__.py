# SPDX-License-Identifier: GPL-2.0-or-later
"""What a training decides by its target: loss, metrics, head, scores."""
