# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run of i.dl.predict is told, checked against the model before any map is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.options import number, positive, whole
from ..model.card import ModelCard
from .segments.statistics import SegmentSettings
from .tiling.axis import Axis, Span, plan_axis, plan_blended_axis

AUTO, KERAS, OPENVINO = "auto", "keras", "openvino"
"""Values of the option `engine`."""

FLOAT32, BFLOAT16 = "float32", "bfloat16"
"""Values of the option `precision`."""

MODEL, MAPS = "model", "maps"
"""Values of the option `normalization`."""

MOST_PROCS = 1024
"""Threads beyond which nobody can mean them."""

WITHOUT_EFFECT = ("nprocs", "memory", "resumed", "stride", "halo")
"""Settings that say how a result is got and not which one, or come from the model."""

NAMES = {"turned": "flag -a", "segments": "how segments get their class"}
"""How users know settings that are no options."""


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    Attributes:
        tiling: "exact" or "blend".
        tile_size: Edge of a tile in cells, of its core where tiling is exact; None to choose it.
        stride: Total stride of the network in cells.
        halo: Cells that an exact tile reads around its core; 0 for a blended one.
        threshold: Least probability of a class, or None.
        turned: Whether to average over flips and turns.
        nprocs: Threads to compute with; 0 for all cores.
        memory: Memory for the whole process, in megabytes.
        resumed: Whether to go on where an earlier run ended.
        engine: "auto", "keras" or "openvino"; `loading.load_engine` tells what auto has become.
        precision: "float32" or "bfloat16".
        normalization: "model", or "maps" to bring the maps' mean and deviation to the training's.
        minsize: Cells that an area of the vector map has at least.
        segments: How segments get their class.
        segment_features: Layer whose features are averaged over segments, `networks.hidden.LAST`
            or a name; "" for none.
    """

    tiling: str
    tile_size: int | None
    stride: int
    halo: int
    threshold: float | None
    turned: bool
    nprocs: int
    memory: int
    resumed: bool
    engine: str = AUTO
    precision: str = FLOAT32
    normalization: str = MODEL
    minsize: int = 1
    segments: SegmentSettings = SegmentSettings()
    segment_features: str = ""

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], flags: Mapping[str, bool], card: ModelCard
    ) -> Settings:
        """Read the options of the module.

        Raises:
            ValueError: A value makes no sense, or the network cannot do what is asked for.
        """
        tiling = options["tiling"] or ("blend" if card.halo is None else "exact")
        if tiling == "exact" and card.halo is None:
            raise ValueError(
                f"Network {card.network} looks at the whole image at once and cannot be tiled "
                "exactly: leave out tiling=exact to blend its tiles"
            )
        if options["engine"] == KERAS and options["precision"] == BFLOAT16:
            raise ValueError(
                "engine=keras computes in float32, in bfloat16 it would be no faster: leave out "
                "precision=bfloat16, or use engine=openvino"
            )
        if options["segment_features"] and not (options["group"] or options["input"]):
            raise ValueError(
                "segment_features come from the network, which stored probabilities take the place "
                "of: give group or input to run it, or leave out segment_features"
            )
        return cls(
            tiling=tiling,
            tile_size=positive(options, "tile_size") if options["tile_size"] else None,
            stride=card.stride,
            halo=card.halo if tiling == "exact" else 0,
            threshold=number(options, "threshold", 0, 1) if options["threshold"] else None,
            turned=flags["a"],
            nprocs=whole(options, "nprocs", 0, MOST_PROCS),
            memory=positive(options, "memory"),
            resumed=flags["r"],
            engine=options["engine"],
            precision=options["precision"],
            normalization=options["normalization"],
            minsize=positive(options, "minsize", default=1),
            segments=SegmentSettings.from_options(options),
            segment_features=options["segment_features"],
        )

    def axis(self, length: int, output: Span, size: int) -> Axis:
        """The tiling of rows or of columns.

        Args:
            length: Cells of the frame.
            output: Cells of the output, counted from the frame's first.
            size: Cells of a tile; of its core, where tiling is exact.
        """
        if self.tiling == "exact":
            return plan_axis(length, output, size, self.stride, self.halo)
        return plan_blended_axis(length, output, size, self.stride)

    def that_decide(self) -> dict[str, str]:
        """The settings on which the result depends, by the names that users know."""
        return {
            NAMES.get(name, f"option {name}"): str(value)
            for name, value in vars(self).items()
            if name not in WITHOUT_EFFECT
        }
