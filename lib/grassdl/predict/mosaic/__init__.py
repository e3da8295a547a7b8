# SPDX-License-Identifier: GPL-2.0-or-later
"""Windows computed one after the other and joined to rows of the output."""
