# SPDX-License-Identifier: GPL-2.0-or-later
"""Encoders that can start from weights learned on ImageNet: a file each, listed in `catalog`."""
