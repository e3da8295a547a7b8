# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a run of i.dl.patches, checked before any map is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

from ..core.options import check_range, number, numbers, positive, whole
from ..core.readers import BandReader, CodeReader, StratumReader
from ..core.target import PATCH
from ..dataset.manifest import MOST_FOLDS, SPLITS, Export
from .sampling import DESIGNS, Grid, SamplingDesign, default_block_size
from .splits import SCHEMES, SplitScheme, buffer_margin, parse_shares


def _that_take(attribute: str, classes: Mapping[str, type]) -> tuple[str, ...]:
    """Names of the designs or schemes that have an attribute."""
    return tuple(name for name, one in classes.items() if attribute in _attributes(one))


def _attributes(one: type) -> set[str]:
    return {field.name for field in fields(one)} if is_dataclass(one) else set()


GOES_WITH = {
    "stride": ("sampling", _that_take("stride", DESIGNS)),
    "npatches": ("sampling", _that_take("npatches", DESIGNS)),
    "strata": ("sampling", _that_take("strata", DESIGNS)),
    "jitter": ("sampling", _that_take("jitter", DESIGNS)),
    "split_map": ("split_method", _that_take("areas", SCHEMES)),
    "buffer": ("split_method", _that_take("margin", SCHEMES)),
    "folds": ("split_method", _that_take("folds", SCHEMES)),
}
"""Options that require certain values of another option."""

NPY, JSON = "npy", "json"
"""Values of the option `format`: the default of patches, and that of a plan for scripts."""

LEAST_MEMORY = 50
"""Least memory in megabytes."""

HIGHEST = {
    "size": 8192,
    "stride": 1_000_000,
    "npatches": 5_000_000,
    "negatives": 1000,
    "jitter": 1_000_000,
    "buffer": 1_000_000_000,
    "nprocs": 1024,
}
"""Upper limits of numbers: larger ones are typing errors, and need more memory or processes than
machines have."""

OVERHEAD_BYTES = 8
"""Bytes of memory per cell while it is cut, besides its bands: codes, masks and their copies."""


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    Attributes:
        size: Edge of a patch in cells.
        stride: Step between the patches of a grid in cells.
        sampling: Name of the sampling design.
        npatches: How many patches are wanted; 0 for a design that needs no number.
        strata: Map of the strata; "" for the blocks.
        negatives: Patches without objects for each patch with one.
        jitter: Largest displacement of patches from their objects, in cells.
        min_labelled: Least share of labelled cells of a patch in percent.
        shares: Wanted parts of train, val and test, summing to 1.
        split_method: Name of the split scheme.
        split_map: Map of the splits, for a split by a map.
        block_size: Edge of the blocks in cells; 0 for the default.
        buffer: Least distance between patches of two splits, in map units.
        seed: Seed of all random numbers.
        memory: Memory for maps and patches, in megabytes, of all processes together.
        nprocs: Number of processes that read and cut.
        folds: Number of folds; 0 for none.
        centred: Whether a patch gets the class of the cell at its centre.
    """

    size: int
    stride: int
    sampling: str
    npatches: int
    strata: str
    negatives: float
    jitter: int
    min_labelled: float
    shares: np.ndarray
    split_method: str
    split_map: str
    block_size: int
    buffer: float
    seed: int
    memory: int
    nprocs: int
    folds: int = 0
    centred: bool = False

    def __post_init__(self) -> None:
        for name, highest in HIGHEST.items():
            check_range(name, getattr(self, name), 0, highest)

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> Settings:
        """Read the options of the module.

        Raises:
            ValueError: A value is invalid, or options contradict each other.
        """
        for name, (other, values) in GOES_WITH.items():
            if options[name] and options[other] not in values:
                raise ValueError(f"Option {name} goes with {other}={' or '.join(values)}")
        _check_target(options)
        size = positive(options, "size")
        sampling, split_method = options["sampling"], options["split_method"]
        if sampling in GOES_WITH["npatches"][1] and not options["npatches"]:
            raise ValueError(f"sampling={sampling} needs the option npatches")
        if split_method == "map" and not options["split_map"]:
            raise ValueError("split_method=map needs the option split_map")
        npatches = positive(options, "npatches") if options["npatches"] else 0
        shares = parse_shares(numbers(options, "split", 0))
        folds = _folds(options, shares)
        _check_enough(npatches if split_method == "blocks" else 0, folds, shares)
        return cls(
            size=size,
            stride=positive(options, "stride", size),
            sampling=sampling,
            npatches=npatches,
            strata=options["strata"],
            negatives=number(options, "negatives", lowest=0),
            jitter=whole(options, "jitter", 0) if options["jitter"] else 0,
            min_labelled=number(options, "min_labelled", lowest=0, highest=100),
            shares=shares,
            split_method=split_method,
            split_map=options["split_map"],
            block_size=positive(options, "block_size") if options["block_size"] else 0,
            buffer=number(options, "buffer", lowest=0) if options["buffer"] else 0.0,
            seed=whole(options, "seed", 0),
            memory=whole(options, "memory", LEAST_MEMORY),
            nprocs=_processes(options),
            folds=folds,
            centred=options["target"] == PATCH,
        )

    def grid(self, rows: int, cols: int) -> Grid:
        """The cells of a region, the patch size, and the blocks.

        Raises:
            ValueError: The step between the patches of a grid gives more of them than memory holds.
        """
        self._check_positions(rows, cols)
        if not self._has_blocks:
            block_size = max(rows, cols, self.size)
        else:
            block_size = self.block_size or default_block_size(rows, cols, self.size)
        return Grid(rows, cols, self.size, block_size)

    def _check_positions(self, rows: int, cols: int) -> None:
        if self.sampling not in GOES_WITH["stride"][1]:
            return
        along = [max(0, cells - self.size) // self.stride + 1 for cells in (rows, cols)]
        if along[0] * along[1] > HIGHEST["npatches"]:
            raise ValueError(
                f"A stride of {self.stride} cells gives {along[0]} x {along[1]} patches, at most "
                f"{HIGHEST['npatches']} are possible: choose a larger stride or a smaller region"
            )

    @property
    def _has_blocks(self) -> bool:
        """Whether blocks matter, for the split or as strata."""
        return self.split_method == "blocks" or (
            self.sampling in GOES_WITH["strata"][1] and not self.strata
        )

    def design(
        self, strata: StratumReader | None, places: np.ndarray | None, background: int | None
    ) -> SamplingDesign:
        """The sampling design.

        Args:
            strata: Stratum of every cell, for stratified sampling; None for the blocks.
            places: Row and column of every object.
            background: Class index of what is no object.
        """
        return _made(
            DESIGNS[self.sampling],
            stride=self.stride,
            npatches=self.npatches,
            strata=strata,
            places=places,
            jitter=self.jitter,
            negatives=self.negatives,
            background=background,
            centred=self.centred,
        )

    def split(self, split_codes: CodeReader | None, nsres: float, ewres: float) -> SplitScheme:
        """The split scheme.

        Args:
            split_codes: Split of every cell, for split_method=map.
            nsres: Height of a cell in map units.
            ewres: Width of a cell in map units.
        """
        margin = buffer_margin(self.buffer, nsres, ewres)
        return _made(
            SCHEMES[self.split_method],
            shares=self.shares,
            areas=split_codes,
            margin=margin,
            folds=self.folds,
        )

    def strip_cells(self, reader: BandReader) -> int:
        """Cells to read at a time in each process, so that `memory` suffices."""
        # While the patches of a strip are cut, the next is read.
        per_cell = 2 * (reader.cell_bytes + OVERHEAD_BYTES)
        return max(1, int(self.memory * 1e6 / self.nprocs / per_cell))

    def export(self, grid: Grid, region: dict[str, Any], command: str, **session: str) -> Export:
        """How the patches were cut, for the manifest; `session` as `gis.session.provenance`."""
        return Export(
            size=self.size,
            stride=self.stride if self.sampling in GOES_WITH["stride"][1] else 0,
            sampling=self.sampling,
            split_method=self.split_method,
            split_shares=tuple((100 * self.shares).round(6).tolist()),
            block_size=grid.block_size if self._has_blocks else 0,
            buffer=self.buffer,
            seed=self.seed,
            region=region,
            command=command,
            **session,
        )


def format_of_patches(form: str, only_plan: bool) -> str:
    """The format of patches that the option `format` gives; the default one for a plan in JSON.

    Raises:
        ValueError: Patches are to be written in it.
    """
    if form == JSON and not only_plan:
        raise ValueError(
            f"format={JSON} is for the plan: add -p, or choose {NPY} or geotiff for the patches"
        )
    return NPY if form == JSON else form


def _check_target(options: Mapping[str, str]) -> None:
    """Refuse options that have no effect where a patch has one class.

    Raises:
        ValueError: There is one.
    """
    for name in ("jitter", "borders"):
        if options["target"] == PATCH and options[name] not in ("", "0"):
            raise ValueError(
                f"With target={PATCH} the object at the centre of a patch gives it its class: "
                f"leave out {name}"
            )


def _folds(options: Mapping[str, str], shares: np.ndarray) -> int:
    """The number of folds; 0 for none.

    Raises:
        ValueError: Fewer than two, too many, or all patches are for test.
    """
    if not options["folds"]:
        return 0
    if shares[SPLITS.index("test")] == 1:
        raise ValueError("folds are made of what is not for test: give train or val a share")
    return whole(options, "folds", 2, MOST_FOLDS)


def _check_enough(npatches: int, folds: int, shares: np.ndarray) -> None:
    """Refuse fewer patches than there are splits, or folds and a test split; 0 are all there are.

    Raises:
        ValueError: They are fewer.
    """
    parts = int(np.count_nonzero(shares))
    named = f"{parts} splits"
    remedy = "leave a split out by a share of 0 (split=80,20,0)"
    if folds:
        has_test = bool(shares[SPLITS.index("test")])
        parts, named = folds + has_test, f"{folds} folds{' and test' * has_test}"
        remedy = "make fewer folds"
    if 0 < npatches < parts:
        raise ValueError(
            f"npatches={npatches} is too few for {named}: want more patches, or {remedy}"
        )


Made = TypeVar("Made", bound=SamplingDesign | SplitScheme)


def _processes(options: Mapping[str, str]) -> int:
    """The number of processes; 0, the default of GRASS 8.5, is for all cores."""
    return whole(options, "nprocs", lowest=0) or len(os.sched_getaffinity(0))


def _made(kind: type[Made], **given: object) -> Made:
    """A design or scheme made from those of the given values that are attributes of it."""
    if lacking := _attributes(kind) - given.keys():
        raise TypeError(
            f"{kind.__name__} has the attribute {', '.join(lacking)}, which no option gives: see "
            "'How to add' in CONTRIBUTING.md"
        )
    return kind(**{name: given[name] for name in _attributes(kind)})
