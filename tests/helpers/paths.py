# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things lie in the checkout."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LIBRARY = CHECKOUT / "lib"
PROGRAMS = CHECKOUT / "tests" / "helpers"
"""Programs that tests start as processes of their own."""

EARLIER_FORMATS = PROGRAMS / "earlier_formats"
"""Datasets and models that earlier programs wrote."""
