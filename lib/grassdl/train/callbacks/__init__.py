# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens between epochs."""
