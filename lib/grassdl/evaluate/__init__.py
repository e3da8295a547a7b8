# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy of maps and models: counts, metrics and reports."""
