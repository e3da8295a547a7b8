# SPDX-License-Identifier: GPL-2.0-or-later
"""Plain values and pure functions: bands, classes, accuracy, resampling, pictures."""
