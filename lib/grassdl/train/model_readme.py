# SPDX-License-Identifier: GPL-2.0-or-later
"""`README.md` of a model folder, for a person who was only sent the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup

from ..core.bands import NDSM, NDVI, OBSERVED, OPTION_PREFIXES, Band, number_of_dates
from ..core.dates import begins, days_of, of_date
from ..core.markdown import environment, table
from ..core.target import ByTarget
from ..core.value_accuracy import TITLES
from ..core.values import ValueTarget
from ..dataset.manifest import SPLITS
from ..dataset.seen import sentence
from ..model.card import RESOLUTION_TOLERANCE, ModelCard
from .ensemble_scores import heads, rows_of
from .score_lines import HEADLINES

README_NAME = "README.md"

_BY_CLASS = {"precision": "Precision", "recall": "Recall", "f1": "F1", "iou": "IoU"}

_ORIGINS = {
    NDSM: "height above ground, dsm - dtm",
    NDVI: "vegetation index, (nir - red) / (nir + red)",
    OBSERVED: "1 where all maps of the date have data, else 0",
    None: "a raster map",
}
"""What a band is, by its derivation."""

_TRANSFORMED = {None: "", "db": ", of which 10 log10 is taken"}


def readme(card: ModelCard) -> str:
    """The text of the file, in Markdown."""
    training = card.training
    template = environment(Path(__file__).parent).get_template("model_readme.md.j2")
    return template.render(
        card=card,
        training=training,
        call=Markup(_call(card)),
        days=days_of(card.bands),
        begins=begins(card.bands),
        cells="{:g} x {:g} map units".format(*card.resolution),
        tolerance=f"{100 * RESOLUTION_TOLERANCE:g} %",
        bands=_bands(card),
        told=_TOLD.of(card.target)(card),
        members=_members(card),
        areas=_areas(card),
        leaks=[sentence(one) for one in training.get("leaks", [])],
        overall=_overall(card),
        versions=table(["Software", "Version"], list(card.versions.items())),
    )


def _call(card: ModelCard) -> str:
    """The call of i.dl.predict with what the model needs."""
    words = ["i.dl.predict"]
    if days_of(card.bands):
        words.append("strds=SERIES")
    else:
        words += _maps_of_dates(card)
    words += [f"model={card.name if _is_word(card.name) else 'FOLDER'}", "output=classes"]
    return " ".join(words)


def _maps_of_dates(card: ModelCard) -> list[str]:
    """The options that give the maps of one date or two."""
    words = []
    for date, prefix in zip(range(number_of_dates(card.bands)), OPTION_PREFIXES, strict=False):
        words += _maps_of_date(of_date(card.bands, date), prefix)
    return words


def _maps_of_date(bands: Sequence[Band], prefix: str) -> list[str]:
    """The options that give the maps of a date, whose names begin with a prefix."""
    plain = [band for band in bands if band.derivation is None]
    # The map of a later date is not called like the band.
    names = [one.name if _is_word(one.name) and not prefix else "MAP" for one in plain]
    words = [f"{prefix}input={','.join(names)}"] if plain else []
    derivations = [band.derivation for band in bands]
    if NDSM in derivations:
        words += [f"{prefix}dsm={prefix.upper()}DSM", f"{prefix}dtm={prefix.upper()}DTM"]
    if NDVI in derivations and not _has_red_and_nir(bands):
        words += [f"{prefix}red={prefix.upper()}RED", f"{prefix}nir={prefix.upper()}NIR"]
    return words


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
            band.label,
            _ORIGINS[band.derivation] + _TRANSFORMED[band.transform],
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
    titles = heads(card).values()
    columns = [f"{title} ({split})" for split in ("validation", "test") for title in titles]
    rows = [(name, *of_validation, *of_test) for name, of_validation, of_test in rows_of(card)]
    return table(["Network", *columns], rows)


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
    rows = [(title, _figure(test[key])) for key, title in HEADLINES.of(card.target).items() if test]
    return table(["Figure", "Value"], rows)


def _by_class(card: ModelCard) -> Markup:
    rows = [
        (one["value"], one["label"], *(_figure(one[key]) for key in _BY_CLASS), one["support"])
        for one in (card.test or {}).get("classes", [])
    ]
    return table(["Value", "Label", *_BY_CLASS.values(), "Pixels"], rows)


def _figure(score: float | None) -> str:
    return "undefined" if score is None else f"{score:.4f}"


def _unlearned(card: ModelCard) -> list[str]:
    """Sentences on classes without training pixels."""
    counts = card.training.get("pixels", {}).get("train", [])
    return [
        f"Class {one.full_name} had no training pixel: it cannot be recognised."
        for one, count in zip(card.classes, counts, strict=False)
        if not count
    ]


@dataclass(frozen=True)
class _Told:
    """The texts of the file that depend on the kind of target.

    Attributes:
        task: What the network does with images.
        title, table, note: The section on what is learnt.
        result: What maps of the model hold.
        averaged: What an ensemble averages.
        scores: A further table of scores.
        limits: Sentences.
    """

    task: str
    title: str
    table: Markup
    note: str
    result: str
    averaged: str
    scores: Markup
    limits: list[str]


def _of_classes(card: ModelCard) -> _Told:
    return _Told(
        task=f"that classifies images of {len(card.bands)} bands, cell by cell, into "
        f"{len(card.classes)} classes",
        title="Classes",
        table=_classes(card),
        note="Values are those of the class map; labels and colours come with it.",
        result="class map",
        averaged="probabilities",
        scores=_by_class(card),
        limits=[
            "Every cell gets one of the classes above, whatever is really there.",
            *_unlearned(card),
        ],
    )


def _of_patches(card: ModelCard) -> _Told:
    return replace(
        _of_classes(card),
        task=f"that gives a whole image of {card.size} x {card.size} cells and {len(card.bands)} "
        f"bands one of {len(card.classes)} classes",
        note="Values are those of the class map; labels and colours come with it. Pixels are "
        "numbers of patches.",
        limits=[
            "Every patch gets one of the classes above, whatever is really there.",
            *_unlearned(card),
        ],
    )


def _further(card: ModelCard) -> list[tuple[str, str]]:
    """Titles and figures of a value besides the headline ones."""
    test = card.test or {}
    names = [name for name in TITLES if name not in HEADLINES.of(card.target) and test]
    return [(TITLES[name], _figure(test[name])) for name in names]


def _of_value(card: ModelCard) -> _Told:
    value = card.target
    assert isinstance(value, ValueTarget)
    figures = (value.mean, value.deviation, value.minimum, value.maximum)
    row = (value.name, value.units, *(None if one is None else float(one) for one in figures))
    return _Told(
        task=f"that predicts a value, cell by cell, of images of {len(card.bands)} bands",
        title="Value",
        table=table("Name,Units,Mean,Deviation,Minimum,Maximum".split(","), [row]),
        note="Mean, standard deviation, minimum and maximum are those of the training patches.",
        result="map",
        averaged="values",
        scores=table(["Figure", "Value"], _further(card)),
        limits=["Values beyond those of the training patches are hardly ever predicted."],
    )


_TOLD: ByTarget[Callable[[ModelCard], _Told]] = ByTarget(
    classes=_of_classes, value=_of_value, patch=_of_patches
)
