# SPDX-License-Identifier: GPL-2.0-or-later
"""The model folder on disk: weights, and everything that prediction must know."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .bands import Band
from .classes import ClassScheme
from .files import read_json, write_json

if TYPE_CHECKING:
    import keras

CARD_NAME = "model.json"
WEIGHTS_NAME = "model.keras"
FORMAT_NAME = "i.dl model"
FORMAT_VERSION = 1

SMALLEST = np.float32(1e-30)
"""What stands for a probability of 0, whose logarithm there is none of."""

RESOLUTION_TOLERANCE = 0.1
"""Part by which cells may differ in size from those of the training."""


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
    """

    name: str
    network: str
    network_options: dict
    bands: list[Band]
    mean: list[float]
    deviation: list[float]
    classes: ClassScheme
    resolution: tuple[float, float]
    size: int
    parameters: int
    stride: int
    halo: int | None
    receptive_field: int | None
    training: dict
    dataset_ids: list[str]
    versions: dict[str, str]
    test: dict | None
    command: str
    temperature: float = 1.0
    version: int = field(default=FORMAT_VERSION)

    @property
    def fill_values(self) -> np.ndarray:
        """Value of every band that stands for NULL: exactly 0 after normalisation (float32)."""
        return np.array(self.mean, np.float32)

    def tempered(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities (..., classes) as the model's temperature T has them.

        The softmax of the network's scores divided by T (Guo et al. 2017), computed from the
        probabilities: p_c^(1/T) / sum_k p_k^(1/T). The order of the classes stays.
        """
        return tempered(probabilities, self.temperature)

    def check_resolution(self, nsres: float, ewres: float) -> None:
        """Refuse a grid whose cells differ from the training's by more than `RESOLUTION_TOLERANCE`.

        Raises:
            ValueError: They do; the message tells the call of g.region that fits.
        """
        for found, trained in zip((nsres, ewres), self.resolution, strict=True):
            if abs(found / trained - 1) > RESOLUTION_TOLERANCE:
                rows, cols = self.resolution
                fitting = f"res={rows:g}" if rows == cols else f"nsres={rows:g} ewres={cols:g}"
                raise ValueError(
                    f"The model was trained on cells of {trained:g}, the region has cells "
                    f"of {found:g}: use 'g.region -a {fitting}'"
                )

    def save(self, folder: Path) -> None:
        """Write `model.json`; field names follow the STAC MLM extension where it has them."""
        bands = [
            {**band.to_json(), "mean": mean, "deviation": deviation}
            for band, mean, deviation in zip(self.bands, self.mean, self.deviation, strict=True)
        ]
        content = {
            "format": FORMAT_NAME,
            "version": self.version,
            "mlm:name": self.name,
            "mlm:architecture": self.network,
            "mlm:tasks": ["semantic-segmentation"],
            "mlm:framework": "Keras",
            "mlm:framework_version": self.versions.get("keras", ""),
            "mlm:total_parameters": self.parameters,
            "mlm:batch_size_suggestion": self.training.get("batch_size"),
            "mlm:input": [self._mlm_input()],
            "mlm:output": [self._mlm_output()],
            "bands": bands,
            "classes": self.classes.to_json(),
            "resolution": list(self.resolution),
            "size": self.size,
            "network_options": self.network_options,
            "stride": self.stride,
            "halo": self.halo,
            "receptive_field": self.receptive_field,
            "training": self.training,
            "dataset_ids": self.dataset_ids,
            "versions": self.versions,
            "test": self.test,
            "command": self.command,
            "temperature": self.temperature,
        }
        write_json(folder / CARD_NAME, content)

    def provenance(self) -> dict[str, str]:
        """What the metadata of a map tell about the model that made it, as r.support takes it."""
        return {
            "source1": f"model {self.name}, {self.network}",
            "source2": f"dataset {', '.join(one[:12] for one in self.dataset_ids)}",
        }

    def _mlm_input(self) -> dict:
        return {
            "name": "patch",
            "bands": [{"name": band.name} for band in self.bands],
            "input": {
                "shape": [-1, -1, -1, len(self.bands)],
                "dim_order": ["batch", "height", "width", "channel"],
                "data_type": "float32",
            },
            # Normalisation is the network's first layer: raw values go in.
            "value_scaling": [
                {"type": "z-score", "mean": mean, "stddev": deviation}
                for mean, deviation in zip(self.mean, self.deviation, strict=True)
            ],
            "pre_processing_function": None,
        }

    def _mlm_output(self) -> dict:
        return {
            "name": "class probabilities",
            "tasks": ["semantic-segmentation"],
            "result": {
                "shape": [-1, -1, -1, len(self.classes)],
                "dim_order": ["batch", "height", "width", "class"],
                "data_type": "float32",
            },
            "classification:classes": [
                {
                    "value": one.value,
                    "name": one.label,
                    "color_hint": "".join(f"{int(part):02X}" for part in one.color.split(":")),
                }
                for one in self.classes
            ],
            "post_processing_function": None,
        }

    @classmethod
    def load(cls, folder: str | Path) -> ModelCard:
        """Read and check `model.json`.

        Raises:
            ValueError: Missing, damaged, or of another format version.
        """
        folder = Path(folder).expanduser()
        if not folder.is_dir():
            raise ValueError(f"Model folder <{folder}> not found")
        content = read_json(folder / CARD_NAME, "Model")
        if content.get("format") != FORMAT_NAME:
            raise ValueError(f"<{folder / CARD_NAME}> does not describe a model of i.dl")
        if content.get("version") != FORMAT_VERSION:
            raise ValueError(
                f"Model <{folder}> has format version {content.get('version')}, this i.dl reads "
                f"version {FORMAT_VERSION}"
            )
        try:
            return cls._from_json(content)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"Model <{folder}> has a damaged {CARD_NAME} ({error})") from None

    @classmethod
    def _from_json(cls, content: dict) -> ModelCard:
        plain = "network_options training dataset_ids versions test command".split()
        reach = {name: content[name] for name in ("halo", "receptive_field")}
        return cls(
            name=content["mlm:name"],
            network=content["mlm:architecture"],
            parameters=_count(content["mlm:total_parameters"]),
            resolution=_cell_size(content["resolution"]),
            size=_count(content["size"]),
            stride=_count(content["stride"]),
            **{name: one if one is None else _count(one) for name, one in reach.items()},
            bands=[Band.from_json(item) for item in content["bands"]],
            mean=[float(item["mean"]) for item in content["bands"]],
            deviation=[float(item["deviation"]) for item in content["bands"]],
            classes=ClassScheme.from_json(content["classes"]),
            **{name: content[name] for name in plain},
            temperature=_temperature(content.get("temperature", 1.0)),
        )


def _count(number: object) -> int:
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"{number!r} is not a whole number above 0")
    return number


def _temperature(number: object) -> float:
    if not 0 < float(number) < math.inf:
        raise ValueError(f"the temperature {number!r} is not above 0")
    return float(number)


def _cell_size(numbers: object) -> tuple[float, float]:
    height, width = (float(one) for one in numbers)
    if not (height > 0 and width > 0):
        raise ValueError(f"cells of {height:g} x {width:g} are impossible")
    return height, width


def save_network(network: keras.Model, folder: Path) -> None:
    """Write architecture and weights as `model.keras`."""
    network.save(folder / WEIGHTS_NAME)


def load_network(folder: str | Path) -> keras.Model:
    """Load architecture and weights; nothing in the file is executed.

    Raises:
        ValueError: The file is missing, damaged, or holds code.
    """
    import keras

    # Keras knows our own layers by their names once these files are imported.
    from .networks import argmax_pooling, image_pooling  # noqa: F401

    path = Path(folder).expanduser() / WEIGHTS_NAME
    if not path.is_file():
        raise ValueError(f"Model is incomplete: <{path}> is missing")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"Model <{path}> cannot be loaded: the file is damaged")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # A damaged archive fails in zipfile, h5py, json or Keras, each with errors of its own.
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"Model <{path}> cannot be loaded: {first_line}") from error
