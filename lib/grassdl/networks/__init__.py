# SPDX-License-Identifier: GPL-2.0-or-later
"""Fully convolutional networks: one file per network, found by name in the registry."""

from .registry import build, describe, names, options

__all__ = ["build", "describe", "names", "options"]
