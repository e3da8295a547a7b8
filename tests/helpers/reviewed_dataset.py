# SPDX-License-Identifier: GPL-2.0-or-later
"""A dataset of square areas whose band tells the class, some of which have a wrong label."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from grassdl.core.classes import ClassScheme, MapClass
from grassdl.dataset.footprints import Footprint, write_footprints
from grassdl.dataset.manifest import SPLITS
from grassdl.dataset.writer import PatchSetWriter
from grassdl.model.card import ModelCard
from scored_model import card_of as scored_card
from tiny_dataset import band, export_of

AREA, SIZE = 8, 16
"""Edges of an area and of a patch in cells."""

CLASSES = ClassScheme(
    [MapClass(2, "grass", "0:200:0"), MapClass(5, "roof", "200:0:0"), MapClass(7, "water", "0:0:9")]
)
BANDS = [band("brightness")]

Cell = tuple[int, int]


def card_of(**changes: object) -> ModelCard:
    """The card of a model for such datasets."""
    facts = {"bands": BANDS, "mean": [20.0], "deviation": [5.0], "target": CLASSES, "size": SIZE}
    return scored_card(**{**facts, "resolution": (0.25, 0.25), **changes})


def write_areas(
    folder: Path, edge: int, wrong: int, crs: str = "", splits: tuple[str, str] = ("val", "test")
) -> dict[Cell, tuple[int, int]]:
    """Write a dataset of edge x edge areas, of which some have a wrong label.

    Args:
        folder: The dataset's folder.
        edge: Areas along an edge; an even number, since patches hold two by two.
        wrong: Number of areas with a wrong label.
        crs: Coordinate reference system as WKT.
        splits: The splits of the upper and of the lower half of the patches.

    Returns:
        Given and true class index of the areas with a wrong label, by row and column of areas.
    """
    generator = np.random.default_rng(4)
    truth = generator.integers(len(CLASSES), size=(edge, edge))
    given = truth.copy()
    planted = {}
    for place in generator.choice(edge * edge, wrong, replace=False):
        at = (int(place) // edge, int(place) % edge)
        given[at] = (truth[at] + generator.integers(1, len(CLASSES))) % len(CLASSES)
        planted[at] = (int(given[at]), int(truth[at]))
    cells, labels = (one.repeat(AREA, 0).repeat(AREA, 1) for one in (truth, given))
    steps = range(0, edge * AREA, SIZE)
    starts = [(row, col) for row in steps for col in steps]
    half = len(starts) // 2
    places = {name: [] for name in SPLITS}
    places[splits[0]] += starts[:half]
    places[splits[1]] += starts[half:]
    _write(folder, 10 * (cells + 1), labels, places, crs)
    return planted


def _write(
    folder: Path,
    image: np.ndarray,
    labels: np.ndarray,
    by_split: dict[str, list[Cell]],
    crs: str,
) -> None:
    folder.mkdir()
    counts = {name: len(places) for name, places in by_split.items()}
    export = replace(export_of(SIZE, *image.shape), crs=crs)
    dtype = np.dtype(np.uint16)
    writer = PatchSetWriter(folder, BANDS, CLASSES, counts, dtype, None, "npy", export)
    writer.create()
    parts, footprints = [], []
    for name, places in by_split.items():
        windows = [np.s_[row : row + SIZE, col : col + SIZE] for row, col in places]
        if windows:
            images = np.stack([image[one] for one in windows])[..., None].astype(dtype)
            codes = np.stack([labels[one] for one in windows]).astype(np.uint8)
            parts.append(writer.write(name, 0, np.array(places), images, codes))
        shares = np.zeros(len(CLASSES))
        footprints += [Footprint(name, n, *place, shares) for n, place in enumerate(places)]
    write_footprints(folder, footprints, CLASSES, SIZE, export.region, crs)
    writer.finish(parts)


def network(mistaken: float, seed: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """A stand-in for a network that knows the true class of the areas' cells.

    Args:
        mistaken: Share of the cells for which it takes a random class.
        seed: Seed of these; each call has the same ones.
    """

    def predict(images: np.ndarray) -> np.ndarray:
        truth = (images[..., 0] / 10 - 1).round().astype(int)
        generator = np.random.default_rng(seed)
        other = generator.integers(len(CLASSES), size=truth.shape)
        chosen = np.where(generator.random(truth.shape) < mistaken, other, truth)
        sure = generator.uniform(0.5, 0.95, truth.shape)[..., None]
        return np.where(np.eye(len(CLASSES))[chosen] > 0, sure, (1 - sure) / 2).astype(np.float32)

    return predict
