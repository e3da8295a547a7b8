# SPDX-License-Identifier: GPL-2.0-or-later
"""Resuming a training: checkpoint, fingerprint and run folder."""
