# SPDX-License-Identifier: GPL-2.0-or-later
"""The import of an ONNX network: checked, run on a sample, then written as a model folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..core.bands import Band, DType, number_of_dates, options_of
from ..core.classes import ClassScheme, MapClass
from ..core.colors import default_colors
from ..core.markdown import environment
from ..core.schema import shortened
from ..io.folders import check_output_folder, file_digest, new_folder
from ..model.card import ModelCard, OnnxRecord
from ..model.folder import MODEL_FOLDER, save_card
from ..model.onnx_network import read_onnx
from ..model.weights import ONNX_NAME
from ..runtime.keras_backend import physical_memory
from .ground_units import metres_in
from .onnx_file import metadata, read_onnx_file
from .onnx_graph import OF_ONE_OUTPUT, Activation, Ending, Entry, entry_of, with_ending, with_entry
from .onnx_metadata import FileFacts, file_facts
from .onnx_trial import (
    Outputs,
    activation_of,
    check_halo,
    check_probabilities,
    run_once,
    strip_of,
)

if TYPE_CHECKING:
    import onnx

NETWORK = "onnx"
"""Name of the network on the card, since its architecture is unknown."""

README_NAME = "README.md"

PACKAGES = ("onnx", "openvino")

USUAL_STRIDE = 32
"""Default stride: that of encoders of five levels, and a multiple of others."""

SAMPLE_EDGE = 256
"""Edge of the sample in cells for networks of any size, and size on the card."""

LARGEST_SCALING = 1e12
"""The largest scale and offset: larger ones exceed float32."""

SMALLEST, LARGEST_CELL = 1e-12, 1e8
"""Bounds of the size of a cell in map units; others are typing errors, or of a damaged file."""

SAMPLE_BYTES = 12
"""Bytes per value of the sample while it is drawn: in double and in single precision."""

LARGEST_WINDOW = 1 << 15
"""Largest edge in cells of the images that a network takes, by the schema of the card."""


@dataclass(frozen=True)
class Wanted:
    """The user's description of a network; None and empty where the file or a default decides.

    Attributes:
        bands: Names of the bands.
        classes: The classes in the order of the outputs; without colour: "".
        scale, offset: Factor of the bands' values, and the number that is added then: one
            number, or one for each band.
        resolution: Height and width of a cell in map units.
        halo, stride: In cells.
        activation: What turns outputs into probabilities; "auto" to detect it.
        wkt: The coordinate reference system whose units cells are measured in.
    """

    bands: tuple[str, ...] = ()
    classes: tuple[MapClass, ...] = ()
    scale: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()
    resolution: tuple[float, float] | None = None
    halo: int | None = None
    stride: int | None = None
    activation: str = "auto"
    wkt: str = ""


@dataclass(frozen=True)
class Imported:
    """The result of an import.

    Attributes:
        folder: The model folder.
        card: Of the model.
        maps: The options of i.dl.predict that name its bands, as far as they are known.
    """

    folder: Path
    card: ModelCard
    maps: dict[str, str]

    @property
    def summary(self) -> str:
        """A sentence on how the network is going to be run."""
        card = self.card
        told = f"{len(card.bands)} bands, {len(card.classes)} classes"
        if card.halo is None:
            return f"The network has {told}; it {card.why_blended}: its tiles are blended"
        return f"The network has {told}; it is tiled exactly, with a halo of {card.halo} cells"


@dataclass(frozen=True)
class Import:
    """A checked import; see `planned`.

    Attributes:
        source: The ONNX file.
        network: Its content.
        facts: Its metadata.
        entry: The layout of its images.
        wanted: What the user tells.
        target: The folder to write.
    """

    source: Path
    network: onnx.ModelProto
    facts: FileFacts
    entry: Entry
    wanted: Wanted
    target: Path

    @classmethod
    def planned(cls, source: str, output: str, wanted: Wanted, overwrite: bool) -> Import:
        """Read the file, and check all that can be checked before it is run.

        Args:
            source: The ONNX file.
            output: The folder to write.
            wanted: What the user tells.
            overwrite: Whether an earlier model may be replaced.

        Raises:
            ValueError: The file, its description, or the output is not allowed.
            ModuleNotFoundError: Packages are missing; all are named.
        """
        missing = [name for name in PACKAGES if find_spec(name) is None]
        if missing:
            raise ModuleNotFoundError(name=" ".join(missing))
        path = Path(source).expanduser()
        network = read_onnx_file(path)
        try:
            facts = file_facts(metadata(network))
        except ValueError as error:
            raise ValueError(f"File <{path}> cannot be imported: {shortened(error)}") from None
        dates = number_of_dates(facts.own.bands) if facts.own else 1
        bands = len(wanted.bands) * dates or (len(facts.own.bands) if facts.own else None)
        entry = entry_of(network, bands)
        if entry.window and (wanted.halo, wanted.stride) != (None, None):
            raise ValueError(
                f"The network takes images of {entry.window} x {entry.window} cells, which are "
                "blended: leave out halo and stride"
            )
        target = check_output_folder(output, overwrite, MODEL_FOLDER)
        planned = cls(path, network, facts, entry, wanted, target)
        # These would fail at the end.
        planned._check_memory()
        planned.bands()
        planned.scaling()
        return planned

    def run(self, command: str, versions: dict[str, str]) -> Imported:
        """Try the network, and write the folder, which appears whole or not at all.

        Args:
            command: The call.
            versions: Versions of further software by name.

        Raises:
            ValueError: The network cannot be computed, or does not fit its description.
        """
        scale, offset = self.scaling()
        mean, deviation = self._statistics(scale, offset)
        halo, stride = self._reach()
        edge = self._edge()
        shape = (1, edge, edge, self.entry.bands)
        sample = np.random.default_rng(0).normal(mean, deviation, shape).astype(np.float32)
        inner = with_entry(self.network, self.entry, scale, offset)
        result = run_once(inner, sample)
        outputs = Outputs.of(result, edge)
        classes = self._classes(outputs.number)
        ending = self._ending(result, outputs, classes)
        with new_folder(self.target, MODEL_FOLDER) as folder:
            (folder / ONNX_NAME).write_bytes(with_ending(inner, ending).SerializeToString())
            network = read_onnx(folder / ONNX_NAME)
            check_probabilities(network, sample)
            if halo is not None:
                check_halo(network, halo, stride, mean, deviation)
            card = ModelCard(
                name=self.target.name,
                network=NETWORK,
                network_options={},
                bands=self.bands(),
                mean=mean,
                deviation=deviation,
                target=_coloured(classes),
                resolution=self._resolution(),
                size=self.entry.window or (self.facts.own.size if self.facts.own else SAMPLE_EDGE),
                parameters=network.parameters,
                stride=stride,
                halo=halo,
                receptive_field=None if halo is None else 2 * halo + 1,
                training={},
                dataset_ids=[],
                versions={**_versions(), **versions},
                test=None,
                command=command,
                ranges=self.facts.own.ranges if self.facts.own else [],
                threshold=self._threshold(ending),
                onnx=self._record(scale, offset, ending.activation),
                **self._ground(),
            )
            save_card(card, folder)
            (folder / README_NAME).write_text(_readme(card), encoding="utf-8")
        known = self.facts.own or self.wanted.bands
        maps = options_of(card.bands) if known else {"input": "MAPS"}
        return Imported(self.target, card, maps)

    def _edge(self) -> int:
        """Edge of the sample in cells."""
        _, stride = self._reach()
        return self.entry.window or -(-SAMPLE_EDGE // stride) * stride

    def _check_memory(self) -> None:
        """Refuse images that exceed the memory: a file may have any size and number of bands.

        Raises:
            ValueError: A sample of them takes more memory than this machine has.
        """
        halo, stride = self._reach()
        edge = self._edge()
        cells = max(edge**2, 0 if halo is None else math.prod(strip_of(halo, stride)))
        needed, there = SAMPLE_BYTES * cells * self.entry.bands, physical_memory()
        if edge > LARGEST_WINDOW or (there is not None and needed > there):
            raise ValueError(
                f"The network takes images of {edge} x {edge} cells and {self.entry.bands} bands, "
                f"whose trial would take {needed / 1e9:.1f} GB of memory: export it for smaller "
                "images"
            )

    def bands(self) -> list[Band]:
        """The bands: those of the file, by the names that the user gives, the same at each date.

        Raises:
            ValueError: The size of their cells is not known.
        """
        resolution = min(self._resolution())
        if self.facts.own:
            bands = self.facts.own.bands
        else:
            usual = [f"band_{place}" for place in range(1, self.entry.bands + 1)]
            kind: DType = "uint8" if self.facts.scale else "float32"
            bands = [
                Band(name, False, {"map": name}, None, resolution, "nearest", "", kind)
                for name in self.wanted.bands or usual
            ]
        names = [*self.wanted.bands] * number_of_dates(bands) or [one.name for one in bands]
        declared = bool(self.wanted.bands)
        return [
            replace(one, name=name, declared=declared or one.declared)
            for one, name in zip(bands, names, strict=True)
        ]

    def scaling(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale and offset of each band.

        Raises:
            ValueError: Another number of them than of bands is given, or one is too large.
        """
        own = [self.facts.own.scale] if self.facts.own else []
        return (
            self._of_bands("scale", self.wanted.scale or own or self.facts.scale, 1),
            self._of_bands("offset", self.wanted.offset or self.facts.offset, 0),
        )

    def _of_bands(self, name: str, values: Sequence[float], usual: float) -> np.ndarray:
        bands = self.entry.bands
        given = f"Option {name}" if getattr(self.wanted, name) else f"The file's {name}"
        if len(values) not in (0, 1, bands):
            raise ValueError(
                f"{given} has {len(values)} numbers: one is expected, or one for each of the "
                f"{bands} bands; give them by {name}"
            )
        if not all(abs(one) <= LARGEST_SCALING for one in values):
            raise ValueError(
                f"{given} has a number beyond {LARGEST_SCALING:g}: give those of the training by "
                f"{name}"
            )
        return np.resize(np.array([*values] or [usual], float), bands)

    def _resolution(self) -> tuple[float, float]:
        """Height and width of a cell in map units.

        Raises:
            ValueError: They are not known, or no size that cells have.
        """
        found = self.wanted.resolution
        metres = metres_in(self.wanted.wkt)
        if found is None and self.facts.own:
            found = self.facts.own.resolution
        elif found is None and self.facts.metres and metres:
            found = (self.facts.metres / metres,) * 2
        if found is None:
            raise ValueError(
                "The file does not give in map units the size of the cells that the network was "
                "trained on: give it by resolution"
            )
        if not all(SMALLEST <= one <= LARGEST_CELL for one in found):
            raise ValueError(
                f"Cells of {found[0]:g} x {found[1]:g} map units are not those of imagery: give "
                "their size by resolution"
            )
        return found

    def _reach(self) -> tuple[int | None, int]:
        """Halo, None for blended tiles, and stride."""
        own = self.facts.own
        if self.entry.window:
            return None, 1
        stride = self.wanted.stride or (own.stride if own else USUAL_STRIDE)
        halo = self.wanted.halo
        if halo is None and own:
            halo = own.halo
        return None if halo is None else -(-halo // stride) * stride, stride

    def _statistics(self, scale: np.ndarray, offset: np.ndarray) -> tuple[list[float], list[float]]:
        """Mean and deviation of each band: those of the file, else the value that the scaling maps
        to 0, and the difference from it that is mapped to 1."""
        own = self.facts.own
        if own:
            return own.mean, own.deviation
        return ((0 - offset) / scale).tolist(), np.abs(1 / scale).tolist()

    def _classes(self, outputs: int) -> list[MapClass]:
        """The classes in the order of the outputs; those without colour have "".

        Raises:
            ValueError: They are not known.
        """
        if self.wanted.classes:
            return list(self.wanted.classes)
        if self.facts.own:
            return list(self.facts.own.classes)
        labels = self.facts.labels
        if outputs == 1 and len(labels) == 1:
            # Deepness names the class of a single output.
            labels = ["background", *labels]
        if len(set(labels)) < len(labels):
            raise ValueError(
                "The file gives two classes the same label: name them in the order of the outputs "
                "by classes=value:label:colour,..., or in a file by class_values"
            )
        if not labels:
            raise ValueError(
                f"The file does not name its classes (outputs: {outputs}): name them in the order "
                "of the outputs by classes=value:label:colour,..., or in a file by class_values"
            )
        return [MapClass(value, label, "") for value, label in enumerate(labels)]

    def _ending(self, result: np.ndarray, outputs: Outputs, classes: Sequence[MapClass]) -> Ending:
        """What makes probabilities of the result of a sample, classes in the order of their values.

        Raises:
            ValueError: Outputs and classes do not match.
        """
        choice = self.wanted.activation
        activation = activation_of(choice, result, outputs.number, len(classes))
        order = sorted(range(len(classes)), key=lambda place: classes[place].value)
        return Ending(outputs.channels_first, outputs.rank, activation, tuple(order))

    def _threshold(self, ending: Ending) -> float | None:
        """The threshold of the second of two classes, if it is known."""
        if ending.order != (0, 1) or ending.activation == "index":
            return None
        if self.facts.own:
            return self.facts.own.threshold
        threshold = self.facts.threshold
        of_one = ending.activation in OF_ONE_OUTPUT
        return threshold if of_one and threshold is not None and threshold <= 1 else None

    def _ground(self) -> dict[str, Any]:
        """The areas that the network was trained on, and their footprint, if the file has them."""
        own = self.facts.own
        return {"areas": own.areas, "footprint": own.footprint} if own else {}

    def _record(self, scale: np.ndarray, offset: np.ndarray, activation: Activation) -> OnnxRecord:
        return OnnxRecord(
            self.source.name,
            file_digest(self.source),
            self.entry.window,
            scale.tolist(),
            offset.tolist(),
            activation,
        )


def _coloured(classes: Sequence[MapClass]) -> ClassScheme:
    """The classes, each with a colour."""
    without = [one.label for one in classes if not one.color]
    chosen = iter(default_colors(without, {one.color for one in classes if one.color}))
    return ClassScheme(one if one.color else replace(one, color=next(chosen)) for one in classes)


def _versions() -> dict[str, str]:
    return {"i.dl": __version__, **{name: version(name) for name in PACKAGES}}


def _readme(card: ModelCard) -> str:
    """What the model is, in Markdown."""
    template = environment(Path(__file__).parent).get_template("import_readme.md.j2")
    assert card.onnx is not None
    return template.render(card=card, onnx=card.onnx)
