# SPDX-License-Identifier: GPL-2.0-or-later
"""Analysis of a network's layer graph: receptive field, memory, hidden features."""
