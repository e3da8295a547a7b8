# SPDX-License-Identifier: GPL-2.0-or-later
"""The report: text, HTML, JSON, CSV, pictures."""
