# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run of i.dl.predict is told, checked against the model before any map is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model import ModelCard
from ..options import number, positive
from .segments import SegmentSettings
from .tiles import Axis, Span, plan_axis, plan_blended_axis


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    Attributes:
        tiling: "exact" or "blend".
        tile_size: Edge of a tile in cells; of its core, where tiling is exact.
        stride: Total stride of the network in cells.
        halo: Cells that an exact tile reads around its core; 0 for a blended one.
        threshold: Least probability of a class, or None.
        turned: Whether to average over flips and turns.
        nprocs: Threads to compute with; 0 for all cores.
        segments: How segments get their class.
    """

    tiling: str
    tile_size: int
    stride: int
    halo: int
    threshold: float | None
    turned: bool
    nprocs: int
    segments: SegmentSettings

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
        return cls(
            tiling=tiling,
            tile_size=positive(options, "tile_size"),
            stride=card.stride,
            halo=card.halo if tiling == "exact" else 0,
            threshold=number(options, "threshold", 0, 1) if options["threshold"] else None,
            turned=flags["a"],
            nprocs=int(number(options, "nprocs", lowest=0)),
            segments=SegmentSettings.from_options(options),
        )

    def axis(self, length: int, output: Span) -> Axis:
        """The tiling of rows or of columns.

        Args:
            length: Cells of the frame.
            output: Cells of the output, counted from the frame's first.
        """
        if self.tiling == "exact":
            return plan_axis(length, output, self.tile_size, self.stride, self.halo)
        return plan_blended_axis(length, output, self.tile_size, self.stride)

    def tiling_told(self, card: ModelCard, rows: int, cols: int) -> str:
        """How the region is tiled, as a sentence.

        Args:
            card: The model.
            rows, cols: Numbers of tiles.
        """
        tiles = f"{rows} x {cols} tiles of {self.tile_size} cells"
        if card.halo is None:
            return (
                f"Network {card.network} looks at the whole image at once and cannot be tiled "
                f"exactly: its {tiles} overlap by half and are blended"
            )
        return f"{tiles} with a halo of {self.halo} cells, tiling={self.tiling}"
