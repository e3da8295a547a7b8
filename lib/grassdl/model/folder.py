# SPDX-License-Identifier: GPL-2.0-or-later
"""The model folder on disk: its files, and reading and writing of the card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.dates import dates_mismatch
from ..core.schema import checked
from ..io.folders import FolderKind
from ..io.format_versions import migrated
from ..io.json_records import LARGEST_FILE, write_json
from .card import KNOWLEDGE_SOURCES, ModelCard
from .migration import STEPS
from .stac import facts_of, item_of
from .weights import weights_file

CARD_NAME = "model.json"
FORMAT_NAME = "i.dl model"
FORMAT_VERSION = 2
DECIDING = "network mean deviation resolution size stride halo temperature threshold ranges".split()
"""Fields of a card that determine the class of a cell, beside bands and class values."""

MOST_BYTES_OF_PLACES = LARGEST_FILE * 3 // 4
"""Bytes that the locations of the patches may take on a card."""

BYTES_OF_LINE = 20
"""Indentation of a list in the file, and what separates it from the next one."""

MEMBER = r"(fold|seed)_\d+"
"""Names of the members of an ensemble that the toolset writes."""

MODEL_FOLDER = FolderKind(
    CARD_NAME,
    FORMAT_NAME,
    (
        MEMBER,
        *(
            rf"({MEMBER}/)?{name}"
            for name in (
                r"\.?model\.json(\.part)?",
                r"model\.(keras|onnx)",
                r"novelty_(means|whitening)\.npy",
                r"README\.md",
                r"history\.(csv|png)",
                r"logs(/(training|validation)(/events\.out\.tfevents\.[^/]*)?)?",
                # Networks that i.dl.predict has converted.
                r"\.?openvino-[^/]*(/.*)?",
            )
        ),
    ),
)
"""Files of a model folder, which --overwrite may remove."""


def save_card(card: ModelCard, folder: Path) -> None:
    """Write `model.json`, a STAC item with format and version in front.

    It stays readable however many patches there were: of the largest datasets there is then the
    region only, as `dataset.seen` has it where places are not known.
    """
    head = {"format": FORMAT_NAME, "version": FORMAT_VERSION}
    write_json(folder / CARD_NAME, {**head, **item_of(_readable(card))})


def _readable(card: ModelCard) -> ModelCard:
    """The card, without the places of patches that would make its file too large to be read."""
    training = card.training
    sources = {name: training[name] for name in KNOWLEDGE_SOURCES if training.get(name)}
    areas, *of_sources = _fitting([card.areas, *(one.get("areas", []) for one in sources.values())])
    told = {
        name: {**one, "areas": found} if "areas" in one else one
        for (name, one), found in zip(sources.items(), of_sources, strict=True)
    }
    return replace(card, areas=areas, training={**training, **told})


def _fitting(lists: Sequence[Sequence[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Lists of areas, the largest without the places of their patches if all would be too large."""
    sizes = {id(area): _bytes_of_places(area) for areas in lists for area in areas}
    left = sum(sizes.values())
    bare = set()
    for one in sorted(sizes, key=lambda one: -sizes[one]):
        if left <= MOST_BYTES_OF_PLACES:
            break
        left -= sizes[one]
        bare.add(one)
    return [[_without_places(one) if id(one) in bare else one for one in areas] for areas in lists]


def _bytes_of_places(area: Mapping[str, Any]) -> int:
    """About what the places of an area take in a file: indented, each list on one line."""
    rows = [row for split in area.get("places", {}).values() for row in split]
    return sum(BYTES_OF_LINE + len(json.dumps(row)) for row in rows)


def _without_places(area: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in area.items() if name != "places"}


def load_card(folder: str | Path) -> ModelCard:
    """Read and check `model.json`, of this format version or an earlier one.

    Raises:
        ValueError: Missing, damaged, or of a newer format version.
    """
    folder = Path(folder).expanduser()
    content = MODEL_FOLDER.description(folder, "Model", FORMAT_VERSION)
    try:
        card = checked(facts_of(migrated(content, STEPS)), ModelCard)
        if wrong := dates_mismatch(card.bands):
            raise ValueError(wrong)
        return card
    except ValueError as error:
        raise ValueError(f"Model <{folder}> has a damaged {CARD_NAME} ({error})") from None


def load_network_card(folder: str | Path) -> ModelCard:
    """The card of a model that must be one network of Keras.

    Raises:
        ValueError: It is an ensemble, or of another kind; or see `load_card`.
    """
    card = load_card(folder)
    check_keras(card, folder)
    if card.members:
        raise ValueError(
            f"Model <{folder}> is an ensemble, and one network is needed: name a member, such as "
            f"model={folder}/{card.members[0]}"
        )
    return card


def check_keras(card: ModelCard, folder: str | Path) -> None:
    """Refuse a network that is an ONNX file, where one of Keras is needed.

    Raises:
        ValueError: It is.
    """
    if card.onnx:
        raise ValueError(
            f"Model <{folder}> is an ONNX network that i.dl.import made: i.dl.predict and "
            "i.dl.evaluate compute it, but only networks of i.dl.train are trained on or exported"
        )


def deciding_hash(folder: str | Path) -> str:
    """A hash of a model's weights and of what on its card decides about the class of a cell.

    It does not depend on names, labels and colours.

    Raises:
        ValueError: One of the files is missing or damaged.
    """
    card = load_card(folder)
    told = {
        **{name: getattr(card, name) for name in DECIDING},
        "bands": [band.to_json() for band in card.bands],
        "classes": card.target.deciding,
    }
    found = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    with weights_file(folder).open("rb") as file:
        found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
