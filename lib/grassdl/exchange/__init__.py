# SPDX-License-Identifier: GPL-2.0-or-later
"""Models for other tools: what leaves the toolset."""
