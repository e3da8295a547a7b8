# SPDX-License-Identifier: GPL-2.0-or-later
"""Which labels to look at again, and where further ones would teach most."""
