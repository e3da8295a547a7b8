# SPDX-License-Identifier: GPL-2.0-or-later
"""The GRASS session: mapset, modules, messages, temporary maps."""
