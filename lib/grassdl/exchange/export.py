# SPDX-License-Identifier: GPL-2.0-or-later
"""The export of a model: converted, compared with the model, described, then renamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from ..core.dates import days_of
from ..core.markdown import environment
from ..io.folders import FolderKind, check_output_folder, new_folder
from ..io.json_records import write_json
from ..model.card import ModelCard
from ..model.ensemble import Model, open_model
from ..model.stac import item_of
from ..model.weights import load_network
from ..networks.window_sizes import interpolates
from ..runtime.keras_backend import physical_memory
from .formats import FORMATS, Format, Runner
from .whole_network import Layout, whole_network

if TYPE_CHECKING:
    import keras

MARK, README_NAME = "export.json", "README.md"
FORMAT_NAME, FORMAT_VERSION = "i.dl export", 1

EXPORT_FOLDER = FolderKind(
    MARK,
    FORMAT_NAME,
    (
        rf"\.?{MARK}(\.part)?",
        README_NAME,
        r"model\.(onnx|xml|bin)",
        r"saved_model(/.*)?",
    ),
)
"""Files of an export, which --overwrite may remove."""

AGREEMENT = 1e-3
"""Mean difference of probabilities that rounding may make, as between engines of i.dl.predict."""

LARGEST_SIZE = 8192
"""Edge of the exported network's images in cells, at most."""

SAMPLE_CELLS = 128
"""Edge of the sample on which both are compared, at least."""


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes:
        path: The file or folder for the other tool.
        largest, mean: Difference of the probabilities from the model's own on the sample.
        same_class: Share of the sample's cells that get the same class.
        calling: Lines of Python that run it in its folder.
    """

    path: Path
    largest: float
    mean: float
    same_class: float
    calling: str


@dataclass(frozen=True)
class Export:
    """A checked export; see `planned`.

    Attributes:
        model: The model.
        target: The folder to write.
        format: The format.
        layout: Of images and probabilities.
    """

    model: Model
    target: Path
    format: Format
    layout: Layout

    @classmethod
    def planned(
        cls,
        names: str,
        output: str | Path,
        format_name: str,
        size: int | None,
        overwrite: bool,
    ) -> Export:
        """Check all that can be checked without Keras.

        Args:
            names: The model, as the option `model` names it: a folder, or several.
            output: The folder to write.
            format_name: One of `FORMATS`.
            size: Edge of the images in cells; None for any, where the network and the format can.
            overwrite: Whether an earlier export may be replaced.

        Raises:
            ValueError: The model, the size or the output is not allowed.
            ModuleNotFoundError: Packages that the format takes are missing; all are named.
        """
        chosen = FORMATS[format_name]
        missing = [name for name in chosen.packages if find_spec(name) is None]
        if missing:
            raise ModuleNotFoundError(name=" ".join(missing))
        model = open_model(names)
        model.check_keras()
        card = model.card
        # Only probabilities of classes are compared, and described for other tools.
        card.target.scheme(f"Model <{card.name}>")
        chosen.check(card)
        if card.target.of_patches:
            size = card.size if size is None else size
            if wrong := card.target.size_difference(card.size, size):
                raise ValueError(
                    f"Model <{card.name}> cannot be exported by size: {wrong}; leave out size"
                )
        if size is not None and size % card.stride:
            fitting = max(1, round(size / card.stride)) * card.stride
            raise ValueError(
                f"Size {size} is no multiple of {card.stride}, the stride of network "
                f"{card.network}: choose {fitting}"
            )
        target = check_output_folder(output, overwrite, EXPORT_FOLDER)
        return cls(model, target, chosen, chosen.layout(size))

    def run(self) -> Exported:
        """Write the folder, which appears whole or not at all; a backend of Keras is prepared.

        Raises:
            ValueError: The network is damaged or needs a size, the converter cannot take it, or
                what was written gives other probabilities than the model.
        """
        card = self.model.card
        networks = [(load_network(one.folder), one.card) for one in self.model.members]
        if self.layout.size is None and any(interpolates(network) for network, _ in networks):
            raise ValueError(
                f"The network {card.network} interpolates: it can only be exported for images of "
                f"one size, name it by size={card.size}"
            )
        if self.layout.size:
            _check_memory([network for network, _ in networks], self.layout.size)
        whole = whole_network(networks, self.layout)
        with new_folder(self.target, EXPORT_FOLDER) as folder:
            self.format.write(whole, card, self.layout, folder)
            found = self._compare(self.format.open(folder))
            write_json(folder / MARK, _item(card, self.format, self.layout))
            text = _readme(card, self.format, self.layout, found)
            (folder / README_NAME).write_text(text, encoding="utf-8")
        return Exported(self.target / self.format.main, *found, self.format.calling)

    def _compare(self, run: Runner) -> tuple[float, float, float]:
        """Largest and mean difference of the probabilities, and the share of equal classes.

        Raises:
            ValueError: They are not the model's.
        """
        card = self.model.card
        edge = self.layout.size or -(-SAMPLE_CELLS // card.stride) * card.stride
        values = card.likely_values(edge)[None]
        # Of a single network without temperature, of an ensemble with its members' temperatures.
        expected = card.tempered(self.model.predictor()(values))
        found = self.layout.probabilities(run(self.layout.images(values)))
        difference = np.abs(found - expected)
        # Not ">", so that NaN counts as a difference.
        if found.shape != expected.shape or not difference.mean() <= AGREEMENT:
            raise ValueError(
                "The exported network gives other probabilities than the model (mean difference "
                f"{difference.mean():.2g} on a sample): nothing is written, use another format"
            )
        # Other tools take the most probable class, whatever the threshold of the model.
        same = (found.argmax(axis=-1) == card.index_of(expected)).mean()
        return float(difference.max()), float(difference.mean()), float(same)


def _check_memory(networks: Sequence[keras.Model], size: int) -> None:
    """Refuse images that are too large for the comparison.

    Raises:
        ValueError: They take more memory than this machine has.
    """
    from ..networks.analysis.memory_estimate import working_bytes

    needed = max(working_bytes(network) for network in networks) * size**2
    there = physical_memory()
    if there is not None and needed > there:
        raise ValueError(
            f"Images of {size} x {size} cells take about {needed / 1e9:.1f} GB of memory, this "
            f"machine has {there / 1e9:.1f} GB: name a smaller size"
        )


def _item(card: ModelCard, chosen: Format, layout: Layout) -> dict[str, Any]:
    """A STAC item with the exported files as assets, format and version in front."""
    item = item_of(card)
    (entry,), (result,) = item["properties"]["mlm:input"], item["properties"]["mlm:output"]
    axes = ["bands", "height", "width"] if layout.channels_first else ["height", "width", "bands"]
    entry["input"] |= {
        "shape": [1, *(edge or -1 for edge in layout.shape(len(card.bands)))],
        "dim_order": ["batch", *axes],
    }
    classes = [axis.replace("bands", "class") for axis in axes]
    result["result"] |= {
        "shape": [1, *(edge or -1 for edge in layout.shape(len(card.classes)))],
        "dim_order": ["batch", *classes],
    }
    if layout.scale != 1:
        entry["description"] = f"Values of the bands divided by {layout.scale:g}"
    asset = {
        "href": f"./{chosen.main}",
        "type": chosen.media_type,
        "title": chosen.description,
        "roles": ["mlm:model", "mlm:weights", "data"],
        "mlm:artifact_type": chosen.artifact,
        "bands": [{"name": band.label} for band in card.bands],
    }
    item["assets"] = {
        "model": {name: one for name, one in asset.items() if one},
        "readme": item["assets"]["readme"],
    }
    return {"format": FORMAT_NAME, "version": FORMAT_VERSION, **item}


def _readme(
    card: ModelCard, chosen: Format, layout: Layout, found: tuple[float, float, float]
) -> str:
    """How to use the export, in Markdown."""
    largest, _, same = found
    axes = ("bands, rows, cols" if layout.channels_first else "rows, cols, bands").split(", ")
    sizes = dict(zip(axes, layout.shape(len(card.bands)), strict=True))
    return (
        environment(Path(__file__).parent)
        .get_template("export_readme.md.j2")
        .render(
            card=card,
            chosen=chosen,
            axes=", ".join(axes),
            shape=", ".join(f"{sizes[axis] or axis}" for axis in axes),
            size=layout.size,
            scale=layout.scale,
            calling=Markup(chosen.calling),
            series=days_of(card.bands) is not None,
            fills=zip(card.bands, card.mean, strict=True),
            largest=f"{largest:.2g}",
            same=f"{100 * same:.4g}",
        )
    )
