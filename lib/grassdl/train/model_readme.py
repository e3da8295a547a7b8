# SPDX-License-Identifier: GPL-2.0-or-later
"""`README.md` of a model folder, for a person who was sent the model and knows nothing of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..core.bands import NDSM, NDVI, Band
from ..dataset.manifest import SPLITS
from ..dataset.seen import sentence
from ..model.card import RESOLUTION_TOLERANCE, ModelCard

README_NAME = "README.md"

_SUMMARY = {
    "overall_accuracy": "Overall accuracy",
    "kappa": "Kappa",
    "f1_macro": "Macro F1",
    "mean_iou": "Mean IoU",
}
"""Figures over all classes, by their key in the report."""

_BY_CLASS = {"precision": "Precision", "recall": "Recall", "f1": "F1", "iou": "IoU"}

Cell = str | float | int | None


def readme(card: ModelCard) -> str:
    """The text of the file, in Markdown."""
    sections = [
        f"# {escaped(card.name)}",
        _introduction(card),
        _use(card),
        _bands(card),
        _classes(card),
        _training(card),
        _scores(card),
        _limits(card),
        _versions(card),
        _licence(),
    ]
    return "\n\n".join(sections) + "\n"


def escaped(text: str) -> str:
    """Text on one line in which Markdown and HTML find nothing to act on."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", " ".join(text.split()))


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A Markdown table whose columns are aligned in the source as well; numbers to the right.

    Args:
        heads: Titles of the columns.
        rows: Cells; text is escaped, None is left empty.
    """
    numeric = [
        all(not isinstance(one, str) for one in column) for column in zip(*rows, strict=True)
    ]
    lines = [list(heads), *([_cell(one) for one in row] for row in rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = [
        "-" * (width - right) + ":" * right for width, right in zip(widths, numeric, strict=True)
    ]
    padded = [
        [
            one.rjust(width) if right else one.ljust(width)
            for one, width, right in zip(line, widths, numeric, strict=True)
        ]
        for line in (lines[0], *lines[1:])
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:]))


def _cell(one: Cell) -> str:
    if one is None:
        return ""
    return escaped(one) if isinstance(one, str) else _number(one)


def _number(number: float) -> str:
    """A number with four digits that count, a whole one with all."""
    return str(number) if isinstance(number, int) else f"{number:.4g}"


def _introduction(card: ModelCard) -> str:
    return (
        f"A neural network that classifies images of {len(card.bands)} bands, cell by cell, into "
        f"{len(card.classes)} classes. It was trained on {card.created[:10]} with *i.dl.train*, a "
        "module of i.dl, the deep learning toolset of GRASS GIS, which also applies it to maps. "
        "All that follows, and more, is in `model.json`, a STAC item with the machine learning "
        "model extension; `model.keras` holds architecture and weights, and executes nothing when "
        "it is loaded."
    )


def _use(card: ModelCard) -> str:
    plain = [band for band in card.bands if band.derivation is None]
    maps = ",".join(band.name if _is_word(band.name) else "MAP" for band in plain)
    words = ["i.dl.predict", f"input={maps}"] if plain else ["i.dl.predict"]
    derivations = [band.derivation for band in card.bands]
    if NDSM in derivations:
        words += ["dsm=DSM", "dtm=DTM"]
    if NDVI in derivations and not _has_red_and_nir(card.bands):
        words += ["red=RED", "nir=NIR"]
    words += [f"model={card.name if _is_word(card.name) else 'FOLDER'}", "output=classes"]
    return (
        "## How to use it\n\n"
        "In a GRASS session, with raster maps of the bands below, in their order:\n\n"
        f"```sh\ng.region -a raster=MAP {card.region_options}\n{' '.join(words)}\n```\n\n"
        "For `model=` give the path of this folder; for `input=` the names of your maps, or name "
        "an imagery group with `group=`. The manual page of *i.dl.predict* tells the rest."
    )


def _is_word(name: str) -> bool:
    """Whether a name can stand in a command as it is."""
    return re.fullmatch(r"[\w.@-]+", name, re.ASCII) is not None


def _has_red_and_nir(bands: Sequence[Band]) -> bool:
    """Whether the maps that NDVI is made of are bands themselves."""
    source = next(band.source for band in bands if band.derivation == NDVI)
    return set(source.values()) <= {band.source.get("map") for band in bands}


def _bands(card: ModelCard) -> str:
    ranges = card.ranges or [(None, None)] * len(card.bands)
    lines = zip(card.bands, card.mean, card.deviation, ranges, strict=True)
    rows = [
        (
            place,
            band.name,
            _origin(band),
            band.units,
            band.resolution,
            band.dtype,
            *(None if one is None else float(one) for one in (mean, deviation, *extremes)),
        )
        for place, (band, mean, deviation, extremes) in enumerate(lines, start=1)
    ]
    heads = "Band,Name,What it is,Units,Resolution,Type,Mean,Deviation,Minimum,Maximum".split(",")
    return (
        "## Bands\n\n"
        f"{table(heads, rows)}\n\n"
        "Resolution is that of the source in map units; mean, standard deviation, minimum and "
        "maximum are those of the training patches, without NULL. Other images should have "
        "values of the same kind, that is, of the same sensor, bit depth and units."
    )


def _origin(band: Band) -> str:
    """What a band is, or how it was made."""
    if band.derivation == NDSM:
        return "height above ground, dsm - dtm"
    if band.derivation == NDVI:
        return "vegetation index, (nir - red) / (nir + red)"
    return "a raster map"


def _classes(card: ModelCard) -> str:
    pixels = card.training.get("pixels", {})
    rows = [
        (one.value, one.label, one.color, *(counts[place] for counts in pixels.values()))
        for place, one in enumerate(card.classes)
    ]
    heads = ["Value", "Label", "Colour (R:G:B)", *(f"Pixels in {split}" for split in pixels)]
    return (
        "## Classes\n\n"
        f"{table(heads, rows)}\n\n"
        "Values are those of the class map; labels and colours come with it."
    )


def _training(card: ModelCard) -> str:
    told = card.training
    field = card.receptive_field
    sentences = [
        f"Network `{card.network}` with {card.parameters} parameters; "
        + (f"each cell is judged by {field} x {field} cells." if field else "each cell is judged "
           "by the whole image."),
        f"Patches of {card.size} x {card.size} cells of {_cells(card)}.",
    ]  # fmt: skip
    if told:
        sentences.append(
            f"{told['epochs_run']} epochs in {told['seconds'] / 60:.1f} minutes; the weights are "
            f"those of epoch {told['best_epoch']}. Loss `{told['loss']}`, optimiser "
            f"`{told['optimizer']}`, learning rate {told['learning_rate']:g}, batches of "
            f"{told['batch_size']}, augmentation {', '.join(told['augmentation']) or 'none'}."
        )
        sentences += _course(told)
    account = " ".join(sentences)
    return f"## Training\n\n{account}\n\n{_areas(card)}\n\n```text\n{_fenced(card.command)}\n```"


def _course(told: dict[str, Any]) -> list[str]:
    """Sentences on how the training began and ended, where that was not as usual."""
    sentences = []
    if parent := told.get("parent"):
        sentences.append(f"It began with the weights of model {escaped(parent['name'])}.")
    if told.get("interrupted"):
        sentences.append("It was interrupted: more epochs might have made the model better.")
    if told.get("diverged"):
        sentences.append("It ended early, because its loss was not a number any more.")
    return sentences


def _fenced(text: str) -> str:
    """Text that cannot close the code block it is in."""
    return " ".join(text.replace("```", "'''").split())


def _areas(card: ModelCard) -> str:
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
    heads += [f"Patches in {split}" for split in SPLITS]
    return table(heads, rows) if rows else "Where the patches are from is not known."


def _cells(card: ModelCard) -> str:
    rows, cols = card.resolution
    return f"{rows:g} x {cols:g} map units"


def _scores(card: ModelCard) -> str:
    if card.test is None:
        return "## Accuracy\n\nNot known: the model was not scored on test patches."
    test = card.test
    overall = table(
        ["Figure", "Value"], [(title, _figure(test[key])) for key, title in _SUMMARY.items()]
    )
    by_class = table(
        ["Value", "Label", *_BY_CLASS.values(), "Pixels"],
        [
            (one["value"], one["label"], *(_figure(one[key]) for key in _BY_CLASS), one["support"])
            for one in test["classes"]
        ],
    )
    leaked = "".join(f"{escaped(sentence(one))}.\n\n" for one in card.training.get("leaks", []))
    return (
        f"## Accuracy\n\nOn the test patches, which the training never saw: {test['pixels']} "
        f"labelled pixels.\n\n{leaked}{overall}\n\n{by_class}\n\n"
        "They are from the same areas and images as the training patches. Elsewhere, at another "
        "time or with another sensor the accuracy may be lower: *i.dl.evaluate* measures it."
    )


def _figure(score: float | None) -> str:
    return "undefined" if score is None else f"{score:.4f}"


def _limits(card: ModelCard) -> str:
    tolerance = f"{100 * RESOLUTION_TOLERANCE:g} %"
    lines = [
        f"Cells of {_cells(card)}; a region whose cells differ by more than {tolerance} is "
        "refused.",
        "A cell that is NULL in one band is NULL in the class map. To its neighbours it looks as "
        "if it had the band means.",
        "Every cell gets one of the classes above, whatever is really there.",
        *_unlearned(card),
    ]
    if card.halo is None:
        lines.append(
            "The network looks at the whole image, so that maps are computed in blended tiles and "
            "depend a little on them."
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _unlearned(card: ModelCard) -> list[str]:
    """Sentences on classes without training pixels."""
    counts = card.training.get("pixels", {}).get("train", [])
    return [
        f"Class {escaped(one.full_name)} had no training pixel: it cannot be recognised."
        for one, count in zip(card.classes, counts, strict=False)
        if not count
    ]


def _versions(card: ModelCard) -> str:
    rows = [(name, version) for name, version in card.versions.items()]
    return f"## Versions\n\n{table(['Software', 'Version'], rows)}" if rows else "## Versions"


def _licence() -> str:
    return (
        "## Licence\n\n"
        "Not stated yet: whoever hands this model on should say here under which terms, also "
        "those of the images and labels that it was trained on."
    )
