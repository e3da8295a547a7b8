# SPDX-License-Identifier: GPL-2.0-or-later
"""Models as they are used: one network, or an ensemble of several whose probabilities are averaged.

An ensemble is a model folder whose `model.json` names its members, folders inside it that are
models themselves, or any number of model folders that are named together. It is used as a
model: it has one card, and gives probabilities.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, combinations
from pathlib import Path

import numpy as np

from ..core.band_statistics import Histogram, HistogramRecord
from ..core.bands import names_mismatch
from ..core.classes import ClassScheme
from ..core.target import Target
from ..io.folders import folders_named
from .card import MOST_MEMBERS, RESOLUTION_TOLERANCE, ModelCard, OnnxRecord
from .folder import check_keras, deciding_hash, load_card
from .weights import predictor

Predict = Callable[[np.ndarray], np.ndarray]
"""Turns images (n, rows, cols, bands) float32 into probabilities (n, rows, cols, classes)."""


@dataclass(frozen=True)
class Member:
    """One network.

    Attributes:
        folder: Its model folder.
        card: Its card.
    """

    folder: Path
    card: ModelCard

    def filled(self, values: np.ndarray) -> np.ndarray:
        """Values (..., bands) with this member's band means where they are NaN, that is NULL."""
        return self.filled_in_place(values.copy())

    def filled_in_place(self, values: np.ndarray) -> np.ndarray:
        """The same, in the array itself."""
        np.copyto(values, self.card.own_fill_values, where=np.isnan(values))
        return values


@dataclass(frozen=True)
class Model:
    """One network, or several as one.

    Attributes:
        members: The networks.
        card: The common card, see `joined_card`; of one network its own.
    """

    members: tuple[Member, ...]
    card: ModelCard

    @property
    def deciding_hash(self) -> str:
        """A hash of what determines the class of a cell, see `folder.deciding_hash`."""
        found = [deciding_hash(one.folder) for one in self.members]
        return found[0] if len(found) == 1 else hashlib.sha256("".join(found).encode()).hexdigest()

    def check_keras(self) -> None:
        """Refuse networks that are ONNX files; raises what `folder.check_keras` does."""
        for one in self.members:
            check_keras(one.card, one.folder)

    def predictor(self) -> Predict:
        """The model as a function of images whose NULL cells hold the card's `fill_values`.

        One network gives its probabilities as they are, several the mean of theirs, each at its
        own temperature.

        Raises:
            ValueError: See `weights.load_network`.
        """
        if len(self.members) == 1:
            return predictor(self.members[0].folder)
        networks = [(one, predictor(one.folder)) for one in self.members]

        def predict(images: np.ndarray) -> np.ndarray:
            results = (one.card.tempered(run(one.filled(images))) for one, run in networks)
            return reduce(np.add, results) / np.float32(len(networks))

        return predict


def open_model(names: str) -> Model:
    """The model that the option `model` names: one folder, or several separated by commas.

    Raises:
        ValueError: One is missing, damaged, named twice or of a newer format version, or two do
            cannot be combined; the message names both.
    """
    folders = folders_named(names)
    if len(folders) > 1 and not all(one.strip() for one in folders):
        raise ValueError("A name of a model is empty: separate names by one comma each")
    return model_of([Path(one).expanduser() for one in folders])


def model_of(folders: Sequence[Path]) -> Model:
    """The models of one or more folders as one; raises what `open_model` does."""
    opened = [_opened(one) for one in folders]
    if len(opened) == 1:
        return opened[0]
    members = list(chain.from_iterable(one.members for one in opened))
    return Model(tuple(members), joined_card(" + ".join(one.card.name for one in opened), members))


def _opened(folder: Path) -> Model:
    """The model of one folder."""
    card = load_card(folder)
    if not card.members:
        return Model((Member(folder, card),), card)
    members = [Member(folder / name, load_card(folder / name)) for name in card.members]
    for one in members:
        if one.card.members:
            raise ValueError(f"Member <{one.folder}> of an ensemble is an ensemble itself")
    told = {name: getattr(card, name) for name in ("test", "training", "command", "created")}
    return Model(tuple(members), replace(joined_card(card.name, members), **told))


def joined_card(name: str, members: Sequence[Member]) -> ModelCard:
    """The common card of several networks.

    Tiles fit all of them: the stride is a common multiple, and the halo is the largest. Means and
    deviations of the bands, which differ with the training patches, are the mean of the members'.

    Raises:
        ValueError: Two of them cannot be combined, one is named twice, or they are too many.
    """
    _check_alike(members)
    cards = [one.card for one in members]
    stride = math.lcm(*(one.stride for one in cards))
    areas = [area for one in cards for area in one.seen_areas]
    return replace(
        cards[0],
        name=name,
        network=_networks(cards),
        network_options={},
        target=_target(cards),
        mean=np.mean([one.mean for one in cards], axis=0).tolist(),
        deviation=np.mean([one.deviation for one in cards], axis=0).tolist(),
        ranges=_ranges(cards),
        histograms=_histograms(cards),
        parameters=sum(one.parameters for one in cards),
        stride=stride,
        halo=_largest([one.halo for one in cards], multiple_of=stride),
        receptive_field=_largest([one.receptive_field for one in cards]),
        training={},
        dataset_ids=list(dict.fromkeys(chain.from_iterable(one.dataset_ids for one in cards))),
        test=None,
        temperature=1.0,
        threshold=None,
        areas=[area for place, area in enumerate(areas) if area not in areas[:place]],
        onnx=_narrowest([one.onnx for one in cards if one.onnx]),
        members=[one.folder.name for one in members],
    )


def _target(cards: Sequence[ModelCard]) -> Target:
    """The common target; objects may grow over the widest border of any member."""
    first, *others = [one.target for one in cards]
    if isinstance(first, ClassScheme):
        return first.with_widest_border(one for one in others if isinstance(one, ClassScheme))
    return first


def _narrowest(networks: Sequence[OnnxRecord]) -> OnnxRecord | None:
    """The ONNX network that takes the smallest images, which all others accept."""
    return min(networks, key=lambda one: one.window or math.inf, default=None)


def _networks(cards: Sequence[ModelCard]) -> str:
    """The networks of several models in a few words, such as 3 x unet."""
    numbers = Counter(one.network for one in cards)
    return ", ".join(f"{number} x {name}" for name, number in numbers.items())


def _ranges(cards: Sequence[ModelCard]) -> list[tuple[float | None, float | None]]:
    """The lowest minimum and the highest maximum of every band; empty if one is not known."""
    known = [one.ranges for one in cards if one.ranges and None not in chain(*one.ranges)]
    if len(known) < len(cards):
        return []
    lows, highs = np.moveaxis(np.array(known, float), -1, 0)
    return list(zip(lows.min(axis=0).tolist(), highs.max(axis=0).tolist(), strict=True))


def _histograms(cards: Sequence[ModelCard]) -> list[HistogramRecord]:
    """The histogram of every band over all trainings; empty if one is not known."""
    if not all(one.histograms for one in cards):
        return []
    by_band = zip(*(one.band_histograms for one in cards), strict=True)
    return [reduce(Histogram.merge, band).to_json() for band in by_band]


def _largest(cells: Sequence[int | None], multiple_of: int = 1) -> int | None:
    """The largest of several reaches, rounded up; None if one is unlimited."""
    known = [one for one in cells if one is not None]
    if len(known) < len(cells):
        return None
    return -(-max(known) // multiple_of) * multiple_of


def _check_alike(members: Sequence[Member]) -> None:
    folders = Counter(one.folder.resolve() for one in members)
    for folder, times in folders.items():
        if times > 1:
            raise ValueError(f"Model <{folder}> is named twice: an ensemble has each of them once")
    if len(members) > MOST_MEMBERS:
        raise ValueError(f"An ensemble has at most {MOST_MEMBERS} members, found {len(members)}")
    for one, other in combinations(members, 2):
        wrong = _difference(one.card, other.card)
        if wrong:
            raise ValueError(
                f"Models <{one.folder}> and <{other.folder}> make no ensemble, members need equal "
                f"bands and classes: {wrong}"
            )


def _border_difference(one: Target, other: Target) -> str | None:
    """Which class is the border in only one of two targets, or None."""
    if not isinstance(one, ClassScheme) or not isinstance(other, ClassScheme):
        return None
    for own, their in zip(one, other, strict=True):
        if bool(own.border) != bool(their.border):
            return f"class {own.full_name} is the border between objects in one of them only"
    return None


def _difference(one: ModelCard, other: ModelCard) -> str | None:
    """Why the probabilities of two models cannot be averaged, or None."""
    wrong = names_mismatch(one.bands, other.bands)
    if wrong:
        return wrong
    for first, second in zip(one.bands, other.bands, strict=True):
        if first.derivation != second.derivation:
            kinds = [band.derivation or "a map" for band in (first, second)]
            return f"band <{first.name}> is {kinds[0]} of one and {kinds[1]} of the other"
    if one.target.kind != other.target.kind:
        return f"one is of {one.target.summary} and the other of {other.target.summary}"
    wrong = (
        one.target.difference(other.target)
        or _border_difference(one.target, other.target)
        or one.target.size_difference(one.size, other.size)
    )
    if wrong:
        return wrong
    for cell, other_cell in zip(one.resolution, other.resolution, strict=True):
        if abs(other_cell / cell - 1) > RESOLUTION_TOLERANCE:
            return f"they were trained on cells of {cell:g} and {other_cell:g}"
    return None
