# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps and tables that a module makes."""
