# SPDX-License-Identifier: GPL-2.0-or-later
"""`README.md` of a model folder, for a person who was sent the model and knows nothing of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ..core.accuracy import HEADLINE
from ..core.bands import NDSM, NDVI, Band
from ..core.classes import MapClass
from ..core.markdown import environment, table
from ..dataset.manifest import SPLITS
from ..dataset.seen import sentence
from ..model.card import RESOLUTION_TOLERANCE, ModelCard
from .ensemble_scores import HEADS, rows_of

README_NAME = "README.md"

_BY_CLASS = {"precision": "Precision", "recall": "Recall", "f1": "F1", "iou": "IoU"}

_ORIGINS = {
    NDSM: "height above ground, dsm - dtm",
    NDVI: "vegetation index, (nir - red) / (nir + red)",
    None: "a raster map",
}
"""What a band is, by its derivation."""


def readme(card: ModelCard) -> str:
    """The text of the file, in Markdown."""
    training = card.training
    template = environment(Path(__file__).parent).get_template("model_readme.md.j2")
    return template.render(
        card=card,
        training=training,
        call=Markup(_call(card)),
        cells="{:g} x {:g} map units".format(*card.resolution),
        tolerance=f"{100 * RESOLUTION_TOLERANCE:g} %",
        bands=_bands(card),
        classes=_classes(card),
        members=_members(card),
        areas=_areas(card),
        leaks=[sentence(one) for one in training.get("leaks", [])],
        overall=_overall(card),
        by_class=_by_class(card),
        unlearned=_unlearned(card),
        versions=table(["Software", "Version"], list(card.versions.items())),
    )


def _call(card: ModelCard) -> str:
    """The call of i.dl.predict with what the model needs."""
    plain = [band for band in card.bands if band.derivation is None]
    maps = ",".join(band.name if _is_word(band.name) else "MAP" for band in plain)
    words = ["i.dl.predict", f"input={maps}"] if plain else ["i.dl.predict"]
    derivations = [band.derivation for band in card.bands]
    if NDSM in derivations:
        words += ["dsm=DSM", "dtm=DTM"]
    if NDVI in derivations and not _has_red_and_nir(card.bands):
        words += ["red=RED", "nir=NIR"]
    words += [f"model={card.name if _is_word(card.name) else 'FOLDER'}", "output=classes"]
    return " ".join(words)


def _is_word(name: str) -> bool:
    """Whether a name can stand in a command as it is."""
    return re.fullmatch(r"[\w.@-]+", name, re.ASCII) is not None


def _has_red_and_nir(bands: Sequence[Band]) -> bool:
    """Whether the maps that NDVI is made of are bands themselves."""
    source = next(band.source for band in bands if band.derivation == NDVI)
    return set(source.values()) <= {band.source.get("map") for band in bands}


def _bands(card: ModelCard) -> Markup:
    ranges = card.ranges or [(None, None)] * len(card.bands)
    lines = zip(card.bands, card.mean, card.deviation, ranges, strict=True)
    rows = [
        (
            place,
            band.name,
            _ORIGINS[band.derivation],
            band.units,
            band.resolution,
            band.dtype,
            *(None if one is None else float(one) for one in (mean, deviation, *extremes)),
        )
        for place, (band, mean, deviation, extremes) in enumerate(lines, start=1)
    ]
    heads = "Band,Name,What it is,Units,Resolution,Type,Mean,Deviation,Minimum,Maximum".split(",")
    return table(heads, rows)


def _classes(card: ModelCard) -> Markup:
    pixels = card.training.get("pixels", {})
    rows = [
        (one.value, one.label, one.color, *(counts[place] for counts in pixels.values()))
        for place, one in enumerate(card.classes)
    ]
    heads = ["Value", "Label", "Colour (R:G:B)", *(f"Pixels in {split}" for split in pixels)]
    return table(heads, rows)


def _members(card: ModelCard) -> Markup:
    """The scores of an ensemble's members and what they come to; "" for one network."""
    if not card.members:
        return Markup("")
    heads = [f"{title} ({split})" for split in ("validation", "test") for title in HEADS.values()]
    rows = [(name, *of_validation, *of_test) for name, of_validation, of_test in rows_of(card)]
    return table(["Network", *heads], rows)


def _areas(card: ModelCard) -> Markup:
    sides = ("north", "south", "east", "west")
    rows = [
        (
            area["dataset_id"][:12],
            area["crs"] or "none",
            *(f"{area[side]:.10g}" for side in sides),
            *(area["patches"][split] for split in SPLITS),
        )
        for area in card.areas
    ]
    heads = ["Dataset", "Coordinate system", *(side.capitalize() for side in sides)]
    return table([*heads, *(f"Patches in {split}" for split in SPLITS)], rows)


def _overall(card: ModelCard) -> Markup:
    test = card.test or {}
    rows = [(title, _figure(test[key])) for key, title in HEADLINE.items() if test]
    return table(["Figure", "Value"], rows)


def _by_class(card: ModelCard) -> Markup:
    rows = [
        (one["value"], one["label"], *(_figure(one[key]) for key in _BY_CLASS), one["support"])
        for one in (card.test or {}).get("classes", [])
    ]
    return table(["Value", "Label", *_BY_CLASS.values(), "Pixels"], rows)


def _figure(score: float | None) -> str:
    return "undefined" if score is None else f"{score:.4f}"


def _unlearned(card: ModelCard) -> list[MapClass]:
    """Classes without training pixels."""
    counts = card.training.get("pixels", {}).get("train", [])
    return [one for one, count in zip(card.classes, counts, strict=False) if not count]
