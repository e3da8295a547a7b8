# SPDX-License-Identifier: GPL-2.0-or-later
"""The metadata of ONNX files on bands, classes and scale, of i.dl and of Deepness."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from ..core.bands import Band
from ..core.classes import ClassScheme
from ..core.dates import dates_mismatch
from ..core.schema import Above0, Edge, Probability, Reach, Value32, checked
from ..core.target import PATCH
from ..model.card import ModelCard
from ..model.stac import Area, MultiPolygon, check_areas
from .whole_network import BYTE, Layout

OWN_KEY = "i.dl"
"""The entry that holds what i.dl.import reads of an export."""

CENTIMETRES = 100

LONGEST_NAMES = 1 << 14
"""Letters of a dictionary of names that are read."""


@dataclass(frozen=True)
class OwnFacts:
    """The metadata that i.dl.export writes, so that the import needs no options.

    Attributes:
        bands, mean, deviation, ranges, classes, resolution, size, stride, halo, threshold: As the
            card has them.
        scale: Factor of the bands' values at the input of the network.
        areas: Where the model was trained, see `ModelCard.seen_areas`.
        footprint: As the card has it.
    """

    bands: Annotated[list[Band], Meta(min_length=1)]
    mean: list[Value32]
    deviation: list[Annotated[float, Meta(ge=0, le=3.4e38)]]
    ranges: list[tuple[Value32 | None, Value32 | None]]
    classes: ClassScheme
    resolution: tuple[Above0, Above0]
    size: Edge
    stride: Edge
    halo: Reach | None
    threshold: Probability | None
    scale: Above0
    areas: list[Area] = field(default_factory=list)
    footprint: MultiPolygon | None = None

    def __post_init__(self) -> None:
        check_areas(self.areas)
        known = {len(self.bands), len(self.mean), len(self.deviation)}
        if len(known) > 1 or len(self.ranges) not in (0, len(self.bands)):
            raise ValueError("not all of its bands have a mean and a deviation")
        if wrong := dates_mismatch(self.bands):
            raise ValueError(wrong)


def own_facts(card: ModelCard, layout: Layout) -> dict[str, Any]:
    """The facts of a model for JSON, as `OwnFacts` has them."""
    plain = "mean deviation ranges resolution size stride halo threshold".split()
    return {
        **{name: getattr(card, name) for name in plain},
        "bands": [one.to_json() for one in card.bands],
        "classes": card.classes.to_json(),
        "scale": 1 / layout.scale,
        "areas": card.seen_areas,
        "footprint": card.footprint,
    }


@dataclass(frozen=True)
class FileFacts:
    """The metadata of a file; None and empty where it has none.

    Attributes:
        own: What i.dl.export wrote.
        labels: Labels by output.
        metres: Edge of a cell in metres.
        scale, offset: As the options have them, one number each or one for each band.
        threshold: That of the second of two classes.
    """

    own: OwnFacts | None = None
    labels: list[str] = field(default_factory=list)
    metres: float | None = None
    scale: list[float] = field(default_factory=list)
    offset: list[float] = field(default_factory=list)
    threshold: float | None = None


class _Deepness:
    """The entries of Deepness, which are checked one by one: files of others have few of them."""

    def __init__(self, told: dict[str, Any]):
        self._told = told

    def number(self, name: str) -> float | None:
        """An entry that is a number above 0."""
        value = self._told.get(name)
        if isinstance(value, str) and re.fullmatch(r"[0-9.]{1,20}", value):
            try:
                value = float(value)
            except ValueError:
                raise ValueError(f"{name} is '{value}'") from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return checked(value, float) if value > 0 else None

    def numbers(self, name: str) -> list[float]:
        """An entry that lists numbers."""
        value = self._told.get(name)
        return checked(value, list[float]) if isinstance(value, list) else []

    def labels(self) -> list[str]:
        """The names of the classes, in the order of the outputs.

        Raises:
            ValueError: One is missing.
        """
        names = self._told.get("class_names", self._told.get("names"))
        if isinstance(names, str):
            # As a literal of Python, which Deepness reads, too: only texts and numbers.
            try:
                names = ast.literal_eval(names[:LONGEST_NAMES])
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                raise ValueError("class_names are no dictionary of names") from None
        if isinstance(names, list) and len(names) == 1:
            (names,) = names
        if not isinstance(names, dict):
            return []
        by_output = {str(key).strip(): str(one) for key, one in names.items()}
        places = [str(place) for place in range(len(names))]
        if set(by_output) != set(places):
            raise ValueError("class_names are not numbered 0, 1, ...")
        return [by_output[place] for place in places]


def _check_of_cells(own: object) -> None:
    """Refuse a network of another target than classes of cells, which `own_facts` tells by classes
    that are no list."""
    classes = own.get("classes") if isinstance(own, dict) else None
    if isinstance(classes, dict) and classes.get("kind") == PATCH:
        raise ValueError(
            "its network gives a whole patch one class, and imported networks give classes of "
            "cells: give i.dl.predict the model that it was exported from"
        )


def file_facts(told: dict[str, Any]) -> FileFacts:
    """The facts in the metadata of a file.

    Deepness divides bytes by 255 and then standardises them (its `preprocessing_utils`).

    Args:
        told: As `onnx_file.metadata` gives them.

    Raises:
        ValueError: They are damaged, or those of another kind of network.
    """
    if OWN_KEY in told:
        _check_of_cells(told[OWN_KEY])
        try:
            return FileFacts(own=checked(told[OWN_KEY], OwnFacts))
        except ValueError as error:
            raise ValueError(f"its entry {OWN_KEY} is damaged ({error})") from None
    kind = str(told.get("model_type", "")).capitalize()
    if not kind:
        return FileFacts()
    if kind != "Segmentor":
        raise ValueError(f"its model_type is {kind}: only a Segmentor gives classes of cells")
    deepness = _Deepness(told)
    try:
        mean = deepness.numbers("standardization_mean")
        deviation = deepness.numbers("standardization_std")
        labels = deepness.labels()
        centimetres, threshold = deepness.number("resolution"), deepness.number("seg_thresh")
    except ValueError as error:
        raise ValueError(f"its metadata are damaged ({error})") from None
    if len(mean) != len(deviation) or 0 in deviation:
        mean, deviation = [], []
    return FileFacts(
        labels=labels,
        metres=centimetres / CENTIMETRES if centimetres else None,
        scale=[1 / (BYTE * one) for one in deviation] or [1 / BYTE],
        offset=[-one / other for one, other in zip(mean, deviation, strict=True)],
        threshold=threshold,
    )
