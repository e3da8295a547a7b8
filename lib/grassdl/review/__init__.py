# SPDX-License-Identifier: GPL-2.0-or-later
"""Which labels are probably wrong, and which areas to label next."""
