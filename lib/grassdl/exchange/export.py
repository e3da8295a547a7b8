# SPDX-License-Identifier: GPL-2.0-or-later
"""The export of a model: converted, run again and compared, described, and only then there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..io.folders import FolderKind, check_output_folder, new_folder
from ..io.json_records import write_json
from ..model.card import ModelCard
from ..model.folder import load_network_card
from ..model.stac import item_of
from ..model.weights import load_network
from ..networks.window_sizes import interpolates
from .formats import FORMATS, Format
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
"""What the folder of an export holds, and --overwrite may therefore remove."""

AGREEMENT = 1e-3
"""Mean difference of probabilities that rounding may make, as between engines of i.dl.predict."""

SAMPLE_CELLS = 128
"""Edge of the sample on which both are compared, at least."""


@dataclass(frozen=True)
class Exported:
    """What an export has led to.

    Attributes:
        path: The file or folder for the other tool.
        largest, mean: Difference of the probabilities from the model's own on the sample.
        same_class: Share of the sample's cells that get the same class.
    """

    path: Path
    largest: float
    mean: float
    same_class: float


@dataclass(frozen=True)
class Export:
    """An export that nothing is known to stand in the way of; see `planned`.

    Attributes:
        model: The model folder.
        card: The model's card.
        target: The folder to write.
        format: The format.
        layout: Of images and probabilities.
    """

    model: Path
    card: ModelCard
    target: Path
    format: Format
    layout: Layout

    @classmethod
    def planned(
        cls,
        model: str | Path,
        output: str | Path,
        format_name: str,
        size: int | None,
        overwrite: bool,
    ) -> Export:
        """Check all that can be checked without Keras.

        Args:
            model: The model folder.
            output: The folder to write.
            format_name: One of `FORMATS`.
            size: Edge of the images in cells; None for any, where the network and the format can.
            overwrite: Whether an earlier export may be replaced.

        Raises:
            ValueError: The model, the size or the output will not do.
            ModuleNotFoundError: Packages that the format takes are missing; all are named.
        """
        chosen = FORMATS[format_name]
        missing = [name for name in chosen.packages if find_spec(name) is None]
        if missing:
            raise ModuleNotFoundError(name=" ".join(missing))
        card = load_network_card(model)
        chosen.check(card)
        if size is not None and size % card.stride:
            fitting = max(1, round(size / card.stride)) * card.stride
            raise ValueError(
                f"Size {size} is no multiple of {card.stride}, by which the network "
                f"{card.network} moves: choose {fitting}"
            )
        target = check_output_folder(output, overwrite, EXPORT_FOLDER)
        return cls(Path(model), card, target, chosen, chosen.layout(size))

    def run(self) -> Exported:
        """Write the folder, which appears whole or not at all; a backend of Keras is prepared.

        Raises:
            ValueError: The network is damaged or needs a size, the converter cannot take it, or
                what was written gives other probabilities than the model.
        """
        network = load_network(self.model)
        if self.layout.size is None and interpolates(network):
            raise ValueError(
                f"The network {self.card.network} interpolates: it can only be exported for images "
                f"of one size, name it by size={self.card.size}"
            )
        whole = whole_network(network, self.card, self.layout)
        with new_folder(self.target, EXPORT_FOLDER) as folder:
            self.format.write(whole, self.card, self.layout, folder)
            found = _compare(network, self.card, self.layout, self.format.open(folder))
            write_json(folder / MARK, _item(self.card, self.format, self.layout))
            text = _readme(self.card, self.format, self.layout, found)
            (folder / README_NAME).write_text(text, encoding="utf-8")
        return Exported(self.target / self.format.main, *found)


def _compare(
    network: keras.Model,
    card: ModelCard,
    layout: Layout,
    run: Callable[[np.ndarray], np.ndarray],
) -> tuple[float, float, float]:
    """Largest and mean difference of the probabilities, and the share of equal classes.

    Raises:
        ValueError: They are not the model's.
    """
    edge = layout.size or -(-SAMPLE_CELLS // card.stride) * card.stride
    values = sample(card, edge)
    expected = card.tempered(np.array(network(values)))
    found = layout.probabilities(run(layout.images(values)))
    difference = np.abs(found - expected)
    # Not "greater": NaN is no agreement.
    if found.shape != expected.shape or not difference.mean() <= AGREEMENT:
        raise ValueError(
            "The exported network gives other probabilities than the model (mean difference "
            f"{difference.mean():.2g} on a sample): nothing is written, use another format"
        )
    same = (found.argmax(axis=-1) == expected.argmax(axis=-1)).mean()
    return float(difference.max()), float(difference.mean()), float(same)


def sample(card: ModelCard, edge: int) -> np.ndarray:
    """Values (1, edge, edge, bands) float32 as the training had them; bytes where bands are."""
    shape = (1, edge, edge, len(card.bands))
    values = np.random.default_rng(0).normal(card.mean, card.deviation, shape)
    for place, band in enumerate(card.bands):
        if np.dtype(band.dtype).kind in "iu":
            limits = np.iinfo(band.dtype)
            values[..., place] = values[..., place].round().clip(limits.min, limits.max)
    return values.astype(np.float32)


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
        "bands": item["assets"]["model"]["bands"],
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
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    largest, _, same = found
    axes = ("bands, rows, cols" if layout.channels_first else "rows, cols, bands").split(", ")
    sizes = dict(zip(axes, layout.shape(len(card.bands)), strict=True))
    return environment.get_template("export_readme.md.j2").render(
        card=card,
        chosen=chosen,
        axes=", ".join(axes),
        shape=", ".join(f"{sizes[axis] or axis}" for axis in axes),
        size=layout.size,
        scale=layout.scale,
        fills=zip(card.bands, card.mean, strict=True),
        largest=f"{largest:.2g}",
        same=f"{100 * same:.4g}",
    )
