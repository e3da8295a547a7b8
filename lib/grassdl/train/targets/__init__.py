# SPDX-License-Identifier: GPL-2.0-or-later
"""What depends on the target of a training: loss, metrics, head, scores."""
