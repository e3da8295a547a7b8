# SPDX-License-Identifier: GPL-2.0-or-later
"""`model.json` as a STAC item: the fields of the standard, and those of i.dl.

The item follows STAC 1.1 (https://github.com/radiantearth/stac-spec) and version 1.5 of its
machine learning model extension (https://github.com/stac-extensions/mlm). What neither has a
field for is among the item's properties, with `OWN` before its name: this is what i.dl reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from ..core.band_statistics import Histogram, HistogramRecord
from ..core.schema import Above0, AtLeastOne, Count, Edge, Text, checked
from ..core.target import ByTarget
from .card import KNOWLEDGE_SOURCES

if TYPE_CHECKING:
    from .card import ModelCard

STAC_VERSION = "1.1.0"
MLM_SCHEMA = "https://stac-extensions.github.io/mlm/v1.5.0/schema.json"

OWN = "idl:"
"""Prefix of the properties of i.dl."""

BYTES_PER_WEIGHT = 4
"""Weights are in single precision."""

PLAIN_FIELDS = (
    "resolution size network_options stride halo receptive_field training dataset_ids areas "
    "versions test command temperature"
).split()
"""Fields of a card that are JSON as they are."""

LATER_FIELDS = ("threshold", "members")
"""Those that only some cards have."""

NO_HYPERPARAMETERS = frozenset(
    "patches pixels epochs_run best_epoch monitor interrupted diverged seconds best nprocs parent "
    "teacher leaks validation members summary".split()
)
"""Fields of the record of a training besides its settings."""

ASSETS = {
    "model": {
        "href": "./model.keras",
        "type": "application/zip",
        "title": "Architecture and weights, for Keras 3",
        "roles": ["mlm:model", "mlm:weights", "data"],
        "mlm:artifact_type": "keras.Model.save",
    },
    "readme": {
        "href": "./README.md",
        "type": "text/markdown",
        "title": "What the model is and how to use it",
        "roles": ["metadata"],
    },
    "history": {
        "href": "./history.csv",
        "type": "text/csv",
        "title": "Loss and scores by epoch",
        "roles": ["metadata"],
    },
    "curves": {
        "href": "./history.png",
        "type": "image/png",
        "title": "Loss and scores by epoch, as a picture",
        "roles": ["overview"],
    },
    "logs": {
        "href": "./logs/",
        "title": "Loss and scores by epoch, for TensorBoard",
        "roles": ["metadata"],
    },
}
"""The other files of the model folder."""

ONNX_ASSET = {
    "href": "./model.onnx",
    "type": "application/octet-stream",
    "title": "Architecture and weights, for ONNX runtimes",
    "roles": ["mlm:model", "mlm:weights", "data"],
    "mlm:artifact_type": "onnx",
}
"""The file of a network that is none of Keras."""


def item_of(card: ModelCard) -> dict[str, Any]:
    """The STAC item of a model."""
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [MLM_SCHEMA],
        "id": card.name,
        **_place(card.footprint),
        "properties": {
            "title": card.name,
            "description": (
                f"Network {card.network} for {len(card.bands)} bands and {card.target.summary}, "
                f"{_made(card)} of GRASS GIS"
            ),
            # The dates of the images are unknown.
            "datetime": card.created,
            "created": card.created,
            **_mlm_fields(card),
            "bands": [_stac_band(card, place) for place in range(len(card.bands))],
            **{OWN + name: one for name, one in _own_fields(card).items()},
        },
        "links": [],
        "assets": _assets(card),
    }


def _made(card: ModelCard) -> str:
    return "imported with i.dl.import" if card.onnx else "trained with i.dl.train"


def _assets(card: ModelCard) -> dict[str, Any]:
    """The other files of the folder; STAC wants bands of an item to be those of one of them."""
    bands = [{"name": band.label} for band in card.bands]
    if card.onnx:
        return {"model": {**ONNX_ASSET, "bands": bands}, "readme": ASSETS["readme"]}
    weights = {**ASSETS["model"], "bands": bands}
    if not card.members:
        return {**ASSETS, "model": weights}
    members = {name: {**weights, "href": f"./{name}/model.keras"} for name in card.members}
    return {**members, "readme": ASSETS["readme"]}


def _place(footprint: dict[str, Any] | None) -> dict[str, Any]:
    """Geometry and bounding box; STAC wants none of a box where there is no geometry."""
    if footprint is None:
        return {"geometry": None}
    rings = [ring for polygon in footprint["coordinates"] for ring in polygon]
    north_south = [y for ring in rings for _, y in ring]
    west, east = _west_and_east([[x for x, _ in ring] for ring in rings])
    return {"geometry": footprint, "bbox": [west, min(north_south), east, max(north_south)]}


def _west_and_east(rings: list[list[float]]) -> tuple[float, float]:
    """The edges of a box around longitudes; west is above east if it holds 180 degrees (RFC 7946).

    It does where areas touch that meridian from both sides; the box ends at the widest gap then.
    """
    spans = sorted((min(ring), max(ring)) for ring in rings)
    west, east = spans[0][0], max(last for _, last in spans)
    if (west, east) != (-180, 180):
        return west, east
    reached, gaps = spans[0][1], []
    for first, last in spans[1:]:
        gaps.append((first - reached, first, reached))
        reached = max(reached, last)
    width, after, before = max(gaps, default=(0, west, east))
    return (after, before) if width > 0 else (west, east)


def _mlm_fields(card: ModelCard) -> dict[str, Any]:
    """The properties of the machine learning model extension."""
    source = _pretrained_source(card)
    framework = "ONNX" if card.onnx else "Keras"
    known = {
        "mlm:framework_version": _semantic_version(card.versions.get(framework.lower(), "")),
        "mlm:batch_size_suggestion": card.training.get("batch_size"),
        "mlm:hyperparameters": _hyperparameters(card),
    }
    return {
        "mlm:name": _mlm_name(card.name),
        "mlm:architecture": card.network,
        "mlm:tasks": [_OUTPUTS.of(card.target).task],
        "mlm:framework": framework,
        "mlm:total_parameters": card.parameters,
        "mlm:memory_size": BYTES_PER_WEIGHT * card.parameters,
        "mlm:pretrained": source is not None,
        "mlm:pretrained_source": source,
        # Any will do.
        "mlm:accelerator": None,
        "mlm:accelerator_constrained": False,
        **{name: one for name, one in known.items() if one},
        "mlm:input": [_mlm_input(card)],
        "mlm:output": [_OUTPUTS.of(card.target).told(card)],
    }


def _pretrained_source(card: ModelCard) -> str | None:
    """What the training started from; None if from random weights."""
    parent = card.training.get("parent")
    if card.onnx:
        return f"ONNX file {card.onnx.source}, SHA-256 {card.onnx.sha256}"
    if parent:
        return f"model {parent['name']}, SHA-256 {parent['sha256']}"
    if card.encoder:
        told = card.encoder
        return f"encoder {told.name}, weights {told.weights}: {told.source}, SHA-256 {told.sha256}"
    return None


def _mlm_input(card: ModelCard) -> dict[str, Any]:
    return {
        "name": "image",
        "description": (
            "Raw values of the bands: the network's first layer normalises them. NULL is replaced "
            "by the band means"
        ),
        "bands": [band.label for band in card.bands],
        "input": {
            "shape": [-1, -1, -1, len(card.bands)],
            "dim_order": ["batch", "height", "width", "bands"],
            "data_type": "float32",
        },
        "value_scaling": None,
        "resize_type": None,
        "pre_processing_function": None,
    }


class _ClassOutput:
    """Probabilities of classes in terms of the extension."""

    task = "semantic-segmentation"

    @classmethod
    def told(cls, card: ModelCard) -> dict[str, Any]:
        """The output."""
        return {
            "name": "probabilities",
            "description": "Probabilities of the classes of every cell",
            "tasks": [cls.task],
            "result": {
                "shape": [-1, -1, -1, len(card.classes)],
                "dim_order": ["batch", "height", "width", "class"],
                "data_type": "float32",
            },
            "classification:classes": [
                {
                    "value": one.value,
                    "name": _identifier(one.label) or f"class_{one.value}",
                    "description": one.label,
                    "color_hint": "".join(f"{int(part):02X}" for part in one.color.split(":")),
                }
                for one in card.classes
            ],
            "post_processing_function": None,
        }

    @staticmethod
    def own(card: ModelCard) -> dict[str, Any]:
        """Fields of i.dl of it."""
        return {"classes": card.classes.to_json()}


class _PatchOutput(_ClassOutput):
    """Classes of patches in terms of the extension."""

    task = "scene-classification"

    @classmethod
    def told(cls, card: ModelCard) -> dict[str, Any]:
        """The output."""
        return {
            **super().told(card),
            "description": "Probabilities of the classes of the whole image, the same in each cell",
        }

    @staticmethod
    def own(card: ModelCard) -> dict[str, Any]:
        """Our own fields of it; earlier versions, which look for classes, find none."""
        return {"classes": [], "target": card.target.to_json()}


class _ValueOutput:
    """A value in terms of the extension."""

    task = "regression"

    @classmethod
    def told(cls, card: ModelCard) -> dict[str, Any]:
        """The output."""
        return {
            "name": "values",
            "description": f"Every cell's {card.target.summary}",
            "tasks": [cls.task],
            "result": {
                "shape": [-1, -1, -1, 1],
                "dim_order": ["batch", "height", "width", "value"],
                "data_type": "float32",
            },
            "post_processing_function": None,
        }

    @staticmethod
    def own(card: ModelCard) -> dict[str, Any]:
        """Our own fields of it; earlier versions, which look for classes, find none."""
        return {"classes": [], "target": card.target.to_json()}


_OUTPUTS: ByTarget[type[_ClassOutput] | type[_ValueOutput]] = ByTarget(
    classes=_ClassOutput, value=_ValueOutput, patch=_PatchOutput
)


def _stac_band(card: ModelCard, place: int) -> dict[str, Any]:
    """A band in terms of STAC."""
    band = card.bands[place]
    minimum, maximum = card.ranges[place] if card.ranges else (None, None)
    statistics = {
        "mean": card.mean[place],
        "stddev": card.deviation[place],
        "minimum": minimum,
        "maximum": maximum,
    }
    told = {
        "name": band.label,
        "data_type": band.dtype,
        "unit": band.units,
        "statistics": {name: one for name, one in statistics.items() if one is not None},
    }
    return {name: one for name, one in told.items() if one}


def _hyperparameters(card: ModelCard) -> dict[str, Any]:
    """The settings of the training, those of the network among them."""
    chosen = {**card.training, "network_options": card.network_options}
    return {
        name: one
        for name, one in chosen.items()
        if name not in NO_HYPERPARAMETERS and one is not None
    }


def _mlm_name(name: str) -> str:
    """A name as the extension wants it: from a letter to a letter or digit, three at least."""
    plain = re.sub(r"[^A-Za-z0-9_.\-\s]+", "-", name).strip("_.- \t")
    if re.fullmatch(r"[A-Za-z].+[A-Za-z0-9]", plain):
        return plain
    return f"model-{plain}".strip("-")


def _identifier(label: str) -> str:
    """A label as a machine-readable name; "" if nothing is left of it."""
    return re.sub(r"[^0-9A-Za-z_-]+", "_", label).strip("_")


def _semantic_version(version: str) -> str | None:
    """A version if it is three numbers, which the extension asks for."""
    return version if re.fullmatch(r"\d+\.\d+\.\d+", version) else None


def _own_fields(card: ModelCard) -> dict[str, Any]:
    """Everything that i.dl reads and that STAC has no field for."""
    ranges = card.ranges or [(None, None)] * len(card.bands)
    known = [{"histogram": one} for one in card.histograms] or [{}] * len(card.bands)
    statistics = zip(card.bands, card.mean, card.deviation, ranges, known, strict=True)
    return {
        "bands": [
            {
                **band.to_json(),
                "mean": mean,
                "deviation": deviation,
                "range": list(extremes),
                **more,
            }
            for band, mean, deviation, extremes, more in statistics
        ],
        **_OUTPUTS.of(card.target).own(card),
        "encoder": asdict(card.encoder) if card.encoder else None,
        **({"onnx": asdict(card.onnx)} if card.onnx else {}),
        **{name: getattr(card, name) for name in PLAIN_FIELDS},
        **{name: one for name in LATER_FIELDS if (one := getattr(card, name)) not in (None, [])},
    }


class _Places(TypedDict):
    """Rows of a region's grid, each with the columns at which patches begin, see `dataset.seen`."""

    train: list[Annotated[list[Count], Meta(min_length=2)]]
    val: list[Annotated[list[Count], Meta(min_length=2)]]


class Area(TypedDict):
    """Where the patches of a dataset are from."""

    dataset_id: Text
    crs: str | None
    north: float
    south: float
    east: float
    west: float
    patches: dict[str, Count]
    wkt: NotRequired[str]
    project: NotRequired[str]
    maps: NotRequired[list[str]]
    nsres: NotRequired[Above0]
    ewres: NotRequired[Above0]
    size: NotRequired[Edge]
    places: NotRequired[_Places]
    fold: NotRequired[AtLeastOne]


class _Leak(TypedDict):
    """Patches that lie where a model has seen the ground."""

    model: Text
    seen_as: Literal["train", "val"]
    where: str
    patches: Count
    of: Count
    exact: bool


class _Source(TypedDict):
    """A model that a training started from, or that taught."""

    name: Text
    sha256: Text
    areas: NotRequired[list[Area]]


class _Training(TypedDict, total=False):
    """Fields that are read of the record of a training, which has more."""

    parent: _Source | None
    teacher: _Source | None
    leaks: list[_Leak]
    activation: Text
    network_file: str | None
    interrupted: bool
    fold: AtLeastOne


class _NetworkOptions(TypedDict, total=False):
    """The options that networks have."""

    filters: AtLeastOne
    depth: AtLeastOne
    dropout: Annotated[float, Meta(ge=0, lt=1)]
    batch_norm: bool
    kernel: list[AtLeastOne]
    dilations: list[AtLeastOne]
    encoder: Text


class _BandFigures(TypedDict):
    """Fields of a band besides its derivation."""

    mean: float
    deviation: float
    range: list[Any]
    histogram: NotRequired[HistogramRecord]


Degrees = Annotated[float, Meta(ge=-720, le=720)]


_Ring = Annotated[list[tuple[Degrees, Degrees]], Meta(min_length=4)]
_Polygon = Annotated[list[_Ring], Meta(min_length=1)]


class MultiPolygon(TypedDict):
    """The footprint: rings of longitude and latitude."""

    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[_Polygon], Meta(min_length=1)]


_Properties = TypedDict(
    "_Properties",
    {
        "datetime": Text,
        "mlm:architecture": Text,
        "mlm:total_parameters": int,
        # mypy reads names that are written out only; msgspec reads these.
        f"{OWN}bands": list[_BandFigures],  # type: ignore[misc]
        f"{OWN}classes": list,
        **{OWN + name: Any for name in PLAIN_FIELDS},
        # Some fields of these are read, all are kept.
        f"{OWN}training": _Training,
        f"{OWN}network_options": _NetworkOptions,
        f"{OWN}areas": list[Area],
    },
)
"""The properties that are read; values are checked again as those of the card."""


class _Item(TypedDict):
    """What is read of an item."""

    id: Text
    geometry: MultiPolygon | None
    properties: _Properties


def check_areas(areas: Iterable[Mapping[str, Any]]) -> None:
    """Refuse areas with places of patches that cannot be worked out.

    Raises:
        ValueError: There is one.
    """
    for area in areas:
        if "places" in area and not {"size", "nsres", "ewres"} <= area.keys():
            raise ValueError("an area has places of patches, but not their size")


def facts_of(item: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a card from its item, still as JSON.

    Raises:
        ValueError: The item is damaged.
    """
    checked(item, _Item)
    properties = item["properties"]
    own = {name.removeprefix(OWN): one for name, one in properties.items() if OWN in name}
    sources = [own["training"].get(name) or {} for name in KNOWLEDGE_SOURCES]
    for areas in (own["areas"], *(one.get("areas", []) for one in sources)):
        check_areas(areas)
    histograms = [band["histogram"] for band in own["bands"] if "histogram" in band]
    for one in histograms:
        Histogram.from_json(one)
    return {
        "name": item["id"],
        "footprint": item["geometry"],
        "created": properties["datetime"],
        "network": properties["mlm:architecture"],
        "parameters": properties["mlm:total_parameters"],
        "bands": own["bands"],
        "mean": [band["mean"] for band in own["bands"]],
        "deviation": [band["deviation"] for band in own["bands"]],
        "ranges": [band["range"] for band in own["bands"]],
        # Histograms of only some bands are dropped.
        "histograms": histograms if len(histograms) == len(own["bands"]) else [],
        "target": own.get("target", own["classes"]),
        "encoder": own.get("encoder"),
        "onnx": own.get("onnx"),
        **{name: own[name] for name in PLAIN_FIELDS},
        **{name: own[name] for name in LATER_FIELDS if name in own},
    }
