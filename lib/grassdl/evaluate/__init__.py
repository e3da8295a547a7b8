# SPDX-License-Identifier: GPL-2.0-or-later
"""What i.dl.evaluate makes of a table of counts: listings and files."""
