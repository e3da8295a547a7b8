# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that appear whole or not at all, and tables as text."""
