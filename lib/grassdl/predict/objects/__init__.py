# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects of the map: numbered, and apart where the model has learned their borders."""
