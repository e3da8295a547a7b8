# SPDX-License-Identifier: GPL-2.0-or-later
"""Arrays that are read as raster maps are."""

import numpy as np

from grassdl.core.classes import MapClass

NULL_VALUE = -(2**31)
"""What a NULL cell of an array of class values or segments holds."""


class ArrayRows:
    """Rows of an array; `rows_read` tells which were."""

    def __init__(self, array):
        self.array = np.asarray(array)
        self.rows, self.cols = self.array.shape
        self.rows_read = []

    def read(self, row, rows):
        self.rows_read += range(row, row + rows)
        values = np.ascontiguousarray(self.array[row : row + rows])
        return values, np.isnan(values) if values.dtype.kind == "f" else values == NULL_VALUE


def cells(rows):
    """Class values (rows, cols) int32 from rows of digits; a dot is NULL."""
    values = [[NULL_VALUE if one == "." else int(one) for one in row] for row in rows.split()]
    return np.array(values, np.int32)


def classes_of(values):
    return [MapClass(value, f"class {value}", "0:0:0") for value in values]


class ArrayMaps:
    """The maps of an evaluation, all of them arrays; a cell is 10 x 10 m."""

    units = ""

    def __init__(self, classification, reference, compare=None, probabilities=(), labels=None):
        self.names = {"classification": "map", "reference": "truth"}
        self.classification, self.reference = ArrayRows(classification), ArrayRows(reference)
        self.compare = self.segments = self.mask = self.inside = self.reference_values = None
        self.mapped_objects = self.reference_objects = None
        if compare is not None:
            self.names["compare"] = "other"
            self.compare = ArrayRows(compare)
        self._probabilities = [ArrayRows(one) for one in probabilities]
        self._labels = labels or {}

    def classes(self, values):
        names = {value: self._labels.get(value, f"class {value}") for value in values}
        return [MapClass(value, names[value], f"{40 * value % 256}:90:120") for value in values]

    def mapped_areas(self, where_compared=False):
        cells = self.classification.array
        if where_compared:
            cells = cells[self.compare.array != NULL_VALUE]
        values, number = np.unique(cells, return_counts=True)
        areas = zip(values.tolist(), (100.0 * number).tolist(), strict=True)
        return {value: area for value, area in areas if value != NULL_VALUE}

    def probabilities(self, prefix, values, mapped):
        return self._probabilities

    def labels(self, values):
        return {}

    def progress(self, task):
        return lambda row: None
