# SPDX-License-Identifier: GPL-2.0-or-later
"""Borders that separate objects: the cells between objects of one class that touch or nearly do.

Semantic segmentation cannot separate objects of one class that touch. A separate class of the
cells between them can be learned (Ronneberger et al. 2015, U-Net, MICCAI,
doi 10.1007/978-3-319-24574-4_28, use weights of such cells in the loss), and separates the objects
of the map. The other sides of objects have no border: where the network is unsure of an outline, a
border outside of it would take the place of the background there, and objects would grow.
"""

from __future__ import annotations

import numpy as np

from .integer_tables import distinct


def seam_width(width: int) -> int:
    """Cells of each of two touching objects that are border: half of the width, rounded up."""
    return (width + 1) // 2


def border_cells(objects: np.ndarray, classes: np.ndarray, width: int) -> np.ndarray:
    """Which cells (rows, cols) are border.

    These are the cells of no object within `width` cells of two objects of one class, also across
    corners (Chebyshev's distance), and the cells of an object within half of that, rounded up, of
    another object of its class. A cell depends only on cells at most `width` away, so that strips
    with this number of rows around them give the same as the whole.

    Args:
        objects: Number of each cell's object from 1 (rows, cols); 0 for none.
        classes: Class code of each cell (rows, cols).
        width: Cells, at least 1.
    """
    inside = objects > 0
    border = np.zeros(objects.shape, bool)
    for code in distinct(classes[inside]):
        own = inside & (classes == code)
        of_class = np.where(own, objects, 0)
        border |= own & _near_two(of_class, seam_width(width))
        border |= ~inside & _near_two(of_class, width)
    return border


def _near_two(objects: np.ndarray, distance: int) -> np.ndarray:
    """Which cells (rows, cols) lie within a distance of two objects, whose number is not 0."""
    from scipy.ndimage import maximum_filter, minimum_filter

    window = 2 * distance + 1
    none = np.iinfo(objects.dtype).max
    lowest = minimum_filter(np.where(objects > 0, objects, none), window, mode="nearest")
    highest = maximum_filter(objects, window, mode="nearest")
    return (highest > 0) & (lowest != highest)
