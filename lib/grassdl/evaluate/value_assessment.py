# SPDX-License-Identifier: GPL-2.0-or-later
"""The evaluation of a map of values against a reference as one JSON object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.readers import RowReader
from ..core.target import VALUE
from ..core.value_plots import map_pictures
from .map_assessment import Maps
from .metrics.confusion_counts import LeftOut, usual_block_size
from .metrics.value_comparison import ValuePairs, pair_cells, pair_points, value_comparison
from .metrics.value_strata import Sample, cells_of_strata, sample_in_strata
from .metrics.value_tally import Sampled, ValueTally, sampled, tally_value_points, tally_values
from .settings import Settings


def pairs_of(maps: Maps) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and reference values (n,) of the sample points, or of evenly spread cells."""
    if maps.reference is None:
        values, null = maps.at_points("classification")
        return values[~null], maps.reference_values[~null]
    return _sample(maps, maps.reference).pairs


def pictures_of(maps: Maps) -> dict[str, bytes]:
    """PNG files of the maps and of their difference; none of a reference made of points."""
    if maps.reference is None:
        return {}
    sample = _sample(maps, maps.reference)
    return map_pictures(sample.predicted, sample.reference)


def _sample(maps: Maps, reference: RowReader) -> Sampled:
    """Cells of both maps; see `value_tally.sampled`."""
    names = maps.names["classification"], maps.names["reference"]
    return sampled(maps.classification, reference, names)


def assess_values(maps: Maps, settings: Settings) -> dict[str, Any]:
    """Evaluate a map of values.

    Returns:
        The object of `value_accuracy.report` with what was compared, `target`, `units` if the map
        has any, `within` which patches if not everywhere, what was left out, `intervals`, `ranges`
        of the reference with the same figures, and `comparison` with a second map, if there is one.

    Raises:
        ValueError: Maps without common cells, or blocks that are too small.
    """
    tally, left_out = _tally(maps, settings)
    return {
        **maps.names,
        "target": VALUE,
        **({"units": maps.units} if maps.units else {}),
        **({} if maps.inside is None else {"within": maps.inside.to_json()}),
        "design": settings.design,
        **tally.report(settings.seed),
        "left_out": left_out.to_json(),
        **_comparison(maps, settings, tally.origin),
    }


def _tally(maps: Maps, settings: Settings) -> tuple[ValueTally, LeftOut]:
    names = maps.names["classification"], maps.names["reference"]
    if maps.reference is None:
        points = maps.at_points("classification")
        return tally_value_points(
            *points, maps.reference_values, names, _drawn(maps, maps.classification)
        )
    return tally_values(
        maps.classification,
        maps.reference,
        maps.mask,
        _sample(maps, maps.reference),
        _block_size(maps, settings),
        maps.progress(f"Comparing values of <{names[0]}>"),
        maps.inside,
    )


def _comparison(maps: Maps, settings: Settings, origin: float) -> dict[str, Any]:
    """The part of the report on a second map."""
    if maps.compare is None:
        return {}
    pairs = _pairs(maps, maps.compare, settings, origin)
    return {"comparison": value_comparison(pairs, settings.seed)}


def _pairs(maps: Maps, compare: RowReader, settings: Settings, origin: float) -> ValuePairs:
    if maps.reference is None:
        both = maps.at_points("classification"), maps.at_points("compare")
        drawn = _drawn(maps, maps.classification, compare)
        return pair_points(*both, maps.reference_values, origin, drawn)
    readers = maps.classification, compare, maps.reference
    progress = maps.progress("Comparing the maps")
    return pair_cells(*readers, origin, _block_size(maps, settings), progress)


def _drawn(maps: Maps, *compared: RowReader) -> Callable[[np.ndarray], Sample]:
    """How the points were drawn at which the compared maps have values; takes their mask."""
    strata = maps.strata
    if strata is None:
        return Sample.at_random

    def sample(known: np.ndarray) -> Sample:
        values, null = (one[known] for one in maps.at_points("strata"))
        cells = cells_of_strata(strata, compared)
        return sample_in_strata(values, null, cells, maps.names["strata"])

    return sample


def _block_size(maps: Maps, settings: Settings) -> int:
    predicted = maps.classification
    return settings.block_size or usual_block_size(predicted.rows, predicted.cols)
