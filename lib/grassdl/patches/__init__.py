# SPDX-License-Identifier: GPL-2.0-or-later
"""Cutting patches: where they lie, which split they belong to, and how they are written."""
