# SPDX-License-Identifier: GPL-2.0-or-later
"""What follows from a network's layer graph: receptive field, memory, hidden features."""
