# SPDX-License-Identifier: GPL-2.0-or-later
"""The model folder on disk: weights, and everything that prediction must know."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from msgspec import Meta

from .bands import Band
from .classes import ClassScheme
from .folders import FolderKind
from .model_item import facts_of, item_of
from .records import (
    Above0,
    AtLeastOne,
    Edge,
    Text,
    Value32,
    checked,
    read_json,
    shortened,
    write_json,
)
from .texts import printable_json

if TYPE_CHECKING:
    import keras

CARD_NAME = "model.json"
WEIGHTS_NAME = "model.keras"
FORMAT_NAME = "i.dl model"
FORMAT_VERSION = 2

DECIDING = "network mean deviation resolution size stride halo temperature ranges".split()
"""What on a model's card decides about the class of a cell, beside bands and class values."""

DESCRIPTION_NAME = "config.json"
"""The part of a file of Keras that tells its layers."""

KERAS_PARTS = {DESCRIPTION_NAME, "metadata.json", "model.weights.h5"}
"""All parts of a file of Keras whose layers keep nothing but weights."""

LARGEST_DESCRIPTION = 2**25
"""Bytes of a description; that of the largest network of the toolset has 170 000."""

MODEL_FOLDER = FolderKind(
    CARD_NAME,
    FORMAT_NAME,
    (
        r"\.?model\.json(\.part)?",
        r"model\.keras",
        r"README\.md",
        r"history\.(csv|png)",
        r"logs(/(training|validation)(/events\.out\.tfevents\.[^/]*)?)?",
        # Networks that i.dl.predict has converted.
        r"\.?openvino-[^/]*(/.*)?",
    ),
)
"""What a model's folder holds, and --overwrite may therefore remove."""

SMALLEST = np.float32(1e-30)
"""What stands for a probability of 0, whose logarithm there is none of."""

RESOLUTION_TOLERANCE = 0.1
"""Part by which cells may differ in size from those of the training."""


def utc_now() -> str:
    """Date and time in UTC as ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (..., classes) at a temperature, see `ModelCard.tempered`; float32."""
    if temperature == 1:
        return probabilities
    scores = np.log(np.maximum(probabilities, SMALLEST)) / np.float32(temperature)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@dataclass
class ModelCard:
    """The content of `model.json`.

    Attributes:
        name: Name of the model (of its folder).
        network: Name of the network in the registry.
        network_options: Options that the network was built with.
        bands: Bands in the order the network takes them.
        mean: Mean of every band over the training split; stands for NULL.
        deviation: Standard deviation of every band over the training split.
        classes: Classes by output channel.
        resolution: Height and width of a cell in map units that the network was trained at.
        size: Edge of the training patches in cells.
        parameters: Number of weights.
        stride: Total stride of the network in cells.
        halo: Cells around a stride-aligned core that decide about it; None if all do.
        receptive_field: Edge of the window that decides about one cell; None if all cells do.
        training: Settings of the training, seed among them, and how it went.
        dataset_ids: Content hashes of the datasets.
        versions: Versions of the software by name.
        test: Scores on the test split as `scores.report` gives them; None without a test split.
        command: The call.
        temperature: Makes probabilities honest, see `tempered`; 1 leaves them as the network's.
        ranges: Minimum and maximum of every band over the training split; empty if not known.
        areas: Where the patches of each dataset are from, see `dataset.seen`.
        footprint: The areas as a GeoJSON MultiPolygon in longitude and latitude (WGS 84); None if
            there is no telling.
        created: When training ended, as ISO 8601 in UTC.
    """

    name: Text
    network: Text
    network_options: dict
    bands: Annotated[list[Band], Meta(min_length=1)]
    mean: list[Value32]
    deviation: list[Annotated[float, Meta(ge=0, le=3.4e38)]]
    classes: ClassScheme
    resolution: tuple[Above0, Above0]
    size: Edge
    parameters: AtLeastOne
    stride: Edge
    halo: Edge | None
    receptive_field: AtLeastOne | None
    training: dict
    dataset_ids: list[Text]
    versions: dict[str, Text]
    test: dict | None
    command: str
    temperature: Above0 = 1.0
    ranges: list[tuple[Value32 | None, Value32 | None]] = field(default_factory=list)
    areas: list[dict] = field(default_factory=list)
    footprint: dict | None = None
    created: Text = field(default_factory=utc_now)

    @property
    def fill_values(self) -> np.ndarray:
        """Value of every band that stands for NULL: exactly 0 after normalisation (float32)."""
        return np.array(self.mean, np.float32)

    @property
    def seen_areas(self) -> list[dict]:
        """The areas of the training, and of the models from whose weights it went on."""
        parent = self.training.get("parent") or {}
        return [*self.areas, *parent.get("areas", [])]

    def tempered(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities (..., classes) as the model's temperature T has them.

        The softmax of the network's scores divided by T (Guo et al. 2017), computed from the
        probabilities: p_c^(1/T) / sum_k p_k^(1/T). The order of the classes stays.
        """
        return tempered(probabilities, self.temperature)

    def provenance(self, how: str) -> dict[str, str]:
        """Where maps of this model come from, as `r.support` takes it.

        Args:
            how: How they were computed.
        """
        return {
            "description": f"generated by i.dl.predict, {how}",
            "source1": f"model {self.name}, {self.network}",
            "source2": f"dataset {', '.join(one[:12] for one in self.dataset_ids)}",
        }

    def check_resolution(self, nsres: float, ewres: float) -> None:
        """Refuse a grid whose cells differ from the training's by more than `RESOLUTION_TOLERANCE`.

        Raises:
            ValueError: They do; the message tells the call of g.region that fits.
        """
        for found, trained in zip((nsres, ewres), self.resolution, strict=True):
            if abs(found / trained - 1) > RESOLUTION_TOLERANCE:
                raise ValueError(
                    f"The model was trained on cells of {trained:g}, the region has cells "
                    f"of {found:g}: use 'g.region -a {self.region_options}'"
                )

    @property
    def region_options(self) -> str:
        """What sets the region's resolution to the training's with g.region."""
        rows, cols = (f"{size:g}" for size in self.resolution)
        return f"res={rows}" if rows == cols else f"nsres={rows} ewres={cols}"


def save_card(card: ModelCard, folder: Path) -> None:
    """Write `model.json`, a STAC item with format and version in front."""
    head = {"format": FORMAT_NAME, "version": FORMAT_VERSION}
    write_json(folder / CARD_NAME, {**head, **item_of(card)})


def load_card(folder: str | Path) -> ModelCard:
    """Read and check `model.json`.

    Raises:
        ValueError: Missing, damaged, or of another format version.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise ValueError(f"Model folder <{folder}> not found")
    content = printable_json(read_json(folder / CARD_NAME, "Model"))
    if content.get("format") != FORMAT_NAME:
        raise ValueError(f"<{folder / CARD_NAME}> does not describe a model of i.dl")
    _check_version(content.get("version"), folder)
    try:
        return checked(facts_of(content), ModelCard)
    except ValueError as error:
        raise ValueError(f"Model <{folder}> has a damaged {CARD_NAME} ({error})") from None


def _check_version(version: object, folder: Path) -> None:
    if version == FORMAT_VERSION:
        return
    newer = isinstance(version, int) and version > FORMAT_VERSION
    remedy = "install a newer i.dl" if newer else "train it again with i.dl.train"
    raise ValueError(
        f"Model <{folder}> has format version {shortened(version)}, this i.dl reads version "
        f"{FORMAT_VERSION}: {remedy}"
    )


def deciding_hash(folder: str | Path) -> str:
    """A hash of a model's weights and of what on its card decides about the class of a cell.

    Names, labels and colours may be mended without another result.

    Raises:
        ValueError: One of the files is missing or damaged.
    """
    card = load_card(folder)
    told = {
        **{name: getattr(card, name) for name in DECIDING},
        "bands": [band.to_json() for band in card.bands],
        "classes": card.classes.values.tolist(),
    }
    found = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    with weights_file(folder).open("rb") as file:
        found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def weights_file(folder: str | Path) -> Path:
    """The file with architecture and weights in a model folder.

    Raises:
        ValueError: It is missing.
    """
    path = Path(folder).expanduser() / WEIGHTS_NAME
    if not path.is_file():
        raise ValueError(f"Model is incomplete: <{path}> is missing")
    return path


def save_network(network: keras.Model, folder: Path) -> None:
    """Write architecture and weights as `model.keras`."""
    network.save(folder / WEIGHTS_NAME)


def description_of(path: Path) -> str:
    """What a file of Keras tells of its layers, in JSON.

    Raises:
        ValueError: The file is damaged, or holds more than a network.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(set(names)) < len(names) or not set(names) <= KERAS_PARTS:
                raise ValueError("it holds other files than those of a network")
            if archive.getinfo(DESCRIPTION_NAME).file_size > LARGEST_DESCRIPTION:
                raise ValueError(f"its {DESCRIPTION_NAME} is too large for a network's")
            return archive.read(DESCRIPTION_NAME).decode()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, EOFError, zlib.error):
        raise ValueError("the file is damaged") from None


def load_network(folder: str | Path) -> keras.Model:
    """Load architecture and weights: the only place where files of Keras are loaded.

    Nothing in the file is executed: Keras gets to see it only once `check_description` has found
    nothing in it but layers that compute.

    Raises:
        ValueError: The file is missing or damaged, holds anything but layers that compute, or
            weights that are not numbers.
    """
    import keras

    from .networks.description import check_description

    path = weights_file(folder)
    try:
        check_description(json.loads(description_of(path)))
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # A damaged archive fails in zipfile, h5py, json or Keras, each with errors of its own.
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"Model <{path}> cannot be loaded: {first_line}") from error
    _check_weights(network, path)
    return network


def _check_weights(network: keras.Model, path: Path) -> None:
    for weight in network.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(
                f"Model <{path}> has weights that are not numbers (<{weight.path}>): its training "
                "has failed, or the file is damaged; train it again"
            )


def predictor(folder: str | Path) -> Callable[[np.ndarray], np.ndarray]:
    """The network of a model as a function from images (n, rows, cols, bands) float32 to
    probabilities (n, rows, cols, classes), which raises what `check_numbers` does.

    Raises:
        ValueError: See `load_network`.
    """
    network = load_network(folder)

    def predict(images: np.ndarray) -> np.ndarray:
        probabilities = network.predict_on_batch(images)
        check_numbers(probabilities, images)
        return probabilities

    return predict


def check_numbers(result: np.ndarray, values: np.ndarray) -> None:
    """Refuse what a network gives if not all of it are numbers: the first class would win.

    Args:
        result: What it gives.
        values: What it was given (..., bands).

    Raises:
        ValueError: The message tells whether network or bands are to blame.
    """
    with np.errstate(all="ignore"):
        # The sum takes little time, and is a number unless one of its terms is none.
        if np.isfinite(result.sum()) or np.isfinite(result).all():
            return
    if np.isfinite(values).all():
        raise ValueError(
            "The network of this model gives values that are not numbers: its weights are "
            "damaged, or too large for the precision; train it again"
        )
    band = int((~np.isfinite(values)).reshape(-1, values.shape[-1]).any(axis=0).argmax())
    raise ValueError(
        f"Band {band + 1} holds infinite values: make them NULL first, with r.mapcalc for instance"
    )
