# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps that a module is given."""
