# SPDX-License-Identifier: GPL-2.0-or-later
"""Export of models to other tools, and import from them."""
