# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of a training and their defaults."""
