# SPDX-License-Identifier: GPL-2.0-or-later
"""Loss, metric, optimiser, phases, precision, start from a model."""
