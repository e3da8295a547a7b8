# SPDX-License-Identifier: GPL-2.0-or-later
"""The evaluation of a map of values against a reference as one JSON object."""

from __future__ import annotations

from typing import Any

from ..core.target import VALUE
from .map_assessment import Maps
from .metrics.confusion_counts import usual_block_size
from .metrics.value_tally import Sampled, sampled, tally_values
from .settings import Settings


def sample_of(maps: Maps) -> Sampled:
    """Cells of both maps for pictures; see `value_tally.sampled`."""
    assert maps.reference is not None
    names = maps.names["classification"], maps.names["reference"]
    return sampled(maps.classification, maps.reference, names)


def assess_values(maps: Maps, settings: Settings) -> dict[str, Any]:
    """Evaluate a map of values.

    Returns:
        The object of `value_accuracy.report` with what was compared, `target`, `within` which
        patches if not everywhere, what was left out, `intervals`, and `ranges` of the reference
        with the same figures.

    Raises:
        ValueError: Maps without common cells, or blocks that are too small.
    """
    assert maps.reference is not None
    predicted = maps.classification
    usual = usual_block_size(predicted.rows, predicted.cols)
    tally, left_out = tally_values(
        predicted,
        maps.reference,
        maps.mask,
        sample_of(maps),
        settings.block_size or usual,
        maps.progress(f"Comparing values of <{maps.names['classification']}>"),
        maps.inside,
    )
    return {
        **maps.names,
        "target": VALUE,
        **({} if maps.inside is None else {"within": maps.inside.to_json()}),
        "design": settings.design,
        **tally.report(settings.seed),
        "left_out": left_out.to_json(),
    }
