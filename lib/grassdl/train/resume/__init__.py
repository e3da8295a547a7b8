# SPDX-License-Identifier: GPL-2.0-or-later
"""What it takes to resume a training."""
