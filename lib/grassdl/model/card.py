# SPDX-License-Identifier: GPL-2.0-or-later
"""The model card: what prediction needs besides the weights."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from ..core.band_statistics import Histogram, HistogramRecord
from ..core.bands import Band
from ..core.classes import ClassScheme
from ..core.patch_classes import PatchClasses
from ..core.schema import Above0, AtLeastOne, Edge, Probability, Reach, Text, Value32
from ..core.target import Target
from ..core.values import ValueTarget

SMALLEST = np.float32(1e-30)
"""Replaces a probability of 0, which has no logarithm."""

TARGETS: tuple[type[Target], ...] = (ClassScheme, ValueTarget, PatchClasses)
"""Kinds of targets on cards; `Target.from_json` reads them."""

MemberName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
"""Name of a folder inside an ensemble's, not a path."""

MOST_MEMBERS = 100

KNOWLEDGE_SOURCES = ("parent", "teacher")
"""In the record of a training, the model whose weights it started from, and the teacher."""

RESOLUTION_TOLERANCE = 0.1
"""Relative difference of the cell size from the training that is accepted."""


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


def second_of_two(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Which cells (...) with probabilities (..., 2) belong to the second of two classes.

    Args:
        probabilities: In single precision, in which the threshold is compared, too.
        threshold: Least probability of the second class.
    """
    return probabilities[..., 1] >= threshold


@dataclass(frozen=True)
class EncoderRecord:
    """The weights that the encoder of a network started with.

    Attributes:
        name: Name of the encoder.
        weights: "imagenet", or the name of a file.
        source: Where they are from.
        licence: Theirs, as SPDX names it; None if it is not known.
        sha256: SHA-256 of the file of the weights.
    """

    name: Text
    weights: Text
    source: Text
    licence: Text | None
    sha256: Text


@dataclass(frozen=True)
class OnnxRecord:
    """Where a network came from that is an ONNX file, and what was done to it.

    Attributes:
        source: Name of the file.
        sha256: SHA-256 of the file.
        window: Edge of the square images that the network takes, in cells; None for any size.
        scale, offset: Factor of each band's values, and the number that is added then.
        activation: Turns the network's output into probabilities: a function or "none".
    """

    source: Text
    sha256: Text
    window: Edge | None
    scale: list[Value32]
    offset: list[Value32]
    activation: Text


@dataclass
class ModelCard:
    """The content of `model.json`.

    Attributes:
        name: Name of the model (of its folder).
        network: Name of the network in the registry.
        network_options: Options that the network was built with.
        bands: Bands in the order the network takes them.
        mean: Mean of every band over the training split; replaces NULL.
        deviation: Standard deviation of every band over the training split.
        target: What the network gives: probabilities of classes by output channel, or a value.
        resolution: Height and width of a cell in map units that the network was trained at.
        size: Edge of the training patches in cells.
        parameters: Number of weights.
        stride: Total stride of the network in cells.
        halo: Cells around a stride-aligned core that it depends on; None if on all.
        receptive_field: Edge of the window that one cell depends on; None if it is everything.
        training: Settings and result of the training.
        dataset_ids: Content hashes of the datasets.
        versions: Versions of the software by name.
        test: Scores on the test split as `accuracy.report` gives them; None without a test split.
        command: The call.
        temperature: Calibrates probabilities, see `tempered`; 1 leaves them unchanged.
        threshold: Of two classes, the least probability of the second; None for the more probable
            one.
        ranges: Minimum and maximum of every band over the training split; empty if not known.
        areas: Where the patches of each dataset are from, see `dataset.seen`.
        footprint: The areas as a GeoJSON MultiPolygon in longitude and latitude (WGS 84); None if
            there is no telling.
        encoder: The weights that the encoder started with; None for random ones.
        created: When training ended, as ISO 8601 in UTC.
        onnx: Of a network that is an ONNX file, which OpenVINO computes; None for one of Keras.
        members: Of an ensemble the folders of its members, see `model.ensemble`; else empty.
        histograms: Of every band over the training split, as JSON; empty if not known.
    """

    name: Text
    network: Text
    network_options: dict[str, Any]
    bands: Annotated[list[Band], Meta(min_length=1)]
    mean: list[Value32]
    deviation: list[Annotated[float, Meta(ge=0, le=3.4e38)]]
    target: Target
    resolution: tuple[Above0, Above0]
    size: Edge
    parameters: AtLeastOne
    stride: Edge
    halo: Reach | None
    receptive_field: AtLeastOne | None
    training: dict[str, Any]
    dataset_ids: list[Text]
    versions: dict[str, Text]
    test: dict[str, Any] | None
    command: str
    temperature: Above0 = 1.0
    threshold: Probability | None = None
    ranges: list[tuple[Value32 | None, Value32 | None]] = field(default_factory=list)
    areas: list[dict[str, Any]] = field(default_factory=list)
    footprint: dict[str, Any] | None = None
    encoder: EncoderRecord | None = None
    onnx: OnnxRecord | None = None
    created: Text = field(default_factory=utc_now)
    members: Annotated[list[MemberName], Meta(max_length=MOST_MEMBERS)] = field(
        default_factory=list
    )
    histograms: list[HistogramRecord] = field(default_factory=list)

    @property
    def band_histograms(self) -> list[Histogram]:
        """The histogram of every band over the training split; empty if not known."""
        return [Histogram.from_json(one) for one in self.histograms]

    @property
    def classes(self) -> ClassScheme:
        """Classes by output channel.

        Raises:
            ValueError: The model is of values.
        """
        return self.target.scheme(f"Model <{self.name}>")

    @property
    def fill_values(self) -> np.ndarray:
        """Value of every band that replaces NULL: exactly 0 after normalisation (float32).

        NaN for an ensemble, whose members have means of their own: see `ensemble.Member.filled`.
        """
        return np.full(len(self.mean), np.nan, np.float32) if self.members else self.own_fill_values

    @property
    def own_fill_values(self) -> np.ndarray:
        """The means of the bands (float32)."""
        return np.array(self.mean, np.float32)

    @property
    def seen_areas(self) -> list[dict[str, Any]]:
        """The areas of the training, and of the models that it started from or learnt from."""
        sources = [self.training.get(name) or {} for name in KNOWLEDGE_SOURCES]
        return [*self.areas, *(area for one in sources for area in one.get("areas", []))]

    def likely_values(self, edge: int) -> np.ndarray:
        """Random values (edge, edge, bands) float32 with the training's means and deviations, with
        a fixed seed; integers within the range for bands of integer type."""
        shape = (edge, edge, len(self.bands))
        values = np.random.default_rng(0).normal(self.mean, self.deviation, shape)
        for place, band in enumerate(self.bands):
            if np.dtype(band.dtype).kind in "iu":
                limits = np.iinfo(band.dtype)
                values[..., place] = values[..., place].round().clip(limits.min, limits.max)
        return values.astype(np.float32)

    @property
    def why_blended(self) -> str:
        """Why its tiles can only be blended, as words after its name; for models without halo."""
        if self.onnx is None:
            return "depends on the whole image"
        if self.onnx.window:
            return f"takes images of {self.onnx.window} x {self.onnx.window} cells"
        return "has no known halo (option halo of i.dl.import)"

    def tempered(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities (..., classes) at the model's temperature T.

        The softmax of the network's scores divided by T (Guo et al. 2017), computed from the
        probabilities: p_c^(1/T) / sum_k p_k^(1/T). The order of the classes stays.
        """
        return tempered(probabilities, self.temperature)

    def retempered(self, temperature: float) -> ModelCard:
        """The card with another temperature and threshold; classes of cells do not change.

        The threshold is transformed as the probabilities are.
        """
        threshold = self.threshold
        if threshold is not None:
            both = np.array([1 - threshold, threshold])
            threshold = float(tempered(both, temperature / self.temperature)[1])
        return replace(self, temperature=temperature, threshold=threshold)

    def index_of(self, probabilities: np.ndarray) -> np.ndarray:
        """Class index (...) of probabilities (..., classes): the most probable class, or that which
        the threshold gives."""
        if self.threshold is not None and len(self.classes) == 2:
            return second_of_two(probabilities, self.threshold).astype(np.intp)
        return probabilities.argmax(axis=-1)

    def provenance(self, how: str) -> dict[str, str]:
        """Where maps of this model come from, as `r.support` takes it.

        Args:
            how: How they were computed.
        """
        sources = []
        if self.dataset_ids or not self.onnx:
            sources.append(f"dataset {', '.join(one[:12] for one in self.dataset_ids)}")
        # An ensemble may have members of both kinds.
        if self.onnx:
            sources.append(f"ONNX file {self.onnx.source}, SHA-256 {self.onnx.sha256[:12]}")
        return {
            "description": f"generated by i.dl.predict, {how}",
            "source1": f"model {self.name}, {self.network}",
            "source2": "; ".join(sources),
        }

    def check_resolution(self, nsres: float, ewres: float, dataset: Path | None = None) -> None:
        """Refuse a grid whose cells differ from the training's by more than `RESOLUTION_TOLERANCE`.

        Args:
            nsres, ewres: Height and width of its cells.
            dataset: Folder of the dataset that has the grid; None for the region.

        Raises:
            ValueError: They do; the message has the call of g.region that fits.
        """
        for found, trained in zip((nsres, ewres), self.resolution, strict=True):
            if abs(found / trained - 1) > RESOLUTION_TOLERANCE:
                whose = "the region" if dataset is None else f"dataset <{dataset}>"
                then = "" if dataset is None else " and cut the patches again with i.dl.patches"
                raise ValueError(
                    f"The model was trained on cells of {trained:g}, {whose} has cells "
                    f"of {found:g}: use 'g.region -a {self.region_options}'{then}"
                )

    @property
    def region_options(self) -> str:
        """Options of g.region that set the resolution of the training."""
        rows, cols = (f"{size:g}" for size in self.resolution)
        return f"res={rows}" if rows == cols else f"nsres={rows} ewres={cols}"
