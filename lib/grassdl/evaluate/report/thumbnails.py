# SPDX-License-Identifier: GPL-2.0-or-later
"""Small pictures of the maps of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.classes import UNLABELLED_INDEX, MapClass
from ...core.figures import png
from ...core.plots import paint
from ...core.readers import RowReader
from ..metrics.class_rows import NO_CLASS, ClassCodes

LONG_SIDE_PX = 480
"""Most pixels along the longer side of a picture; cells are left out."""

RIGHT, WRONG, NOT_COMPARED = (187, 204, 214), (213, 94, 0), (255, 255, 255)


def overview(
    classification: RowReader, reference: RowReader | None, classes: Sequence[MapClass]
) -> dict[str, bytes]:
    """PNG pictures of the classification, the reference and the errors.

    Of a large region every n-th cell of every n-th row is read.

    Args:
        classification: Rows of the classification.
        reference: Rows of the reference; None leaves the classification alone.
        classes: The classes with their colours.

    Returns:
        The PNG files by name: `classification`, and `reference` and `errors` if there is one.
    """
    codes = {"classification": _thinned(classification, classes)}
    if reference is not None:
        codes["reference"] = _thinned(reference, classes)
    pictures = {name: paint(_indices(one), classes) for name, one in codes.items()}
    if reference is not None:
        pictures["errors"] = _errors(**codes)
    return {name: png(picture) for name, picture in pictures.items()}


def _thinned(reader: RowReader, classes: Sequence[MapClass]) -> np.ndarray:
    step = -(-max(reader.rows, reader.cols) // LONG_SIDE_PX)
    codes = ClassCodes((one.value for one in classes), fixed=True)
    # The middle cell of each step; of a map narrower than a step its last row or column.
    first_row, first_col = (min(step // 2, size - 1) for size in (reader.rows, reader.cols))
    rows = [reader.read(row, 1) for row in range(first_row, reader.rows, step)]
    values, null = (np.concatenate(one)[:, first_col::step] for one in zip(*rows, strict=True))
    return codes.encode(values, null, "")


def _indices(codes: np.ndarray) -> np.ndarray:
    return np.where(codes == NO_CLASS, UNLABELLED_INDEX, codes - np.uint8(1))


def _errors(classification: np.ndarray, reference: np.ndarray) -> np.ndarray:
    compared = (classification != NO_CLASS) & (reference != NO_CLASS)
    kind = np.where(compared, classification != reference, 2)
    return np.array([RIGHT, WRONG, NOT_COMPARED], np.uint8)[kind]
