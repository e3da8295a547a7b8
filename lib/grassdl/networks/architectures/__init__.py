# SPDX-License-Identifier: GPL-2.0-or-later
"""One file per network, found by its name in the registry."""
