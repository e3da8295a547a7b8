# SPDX-License-Identifier: GPL-2.0-or-later
"""Finished strips on disk, which wait until all rows before them are written.

The file of a strip holds the arrays of its row bands in NumPy's format. It is renamed when it is
complete and on disk, so that a strip may be computed twice. Names contain the run, so that a later
run ignores strips that a process of an earlier one is still writing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.lib import format as npy_format

from ..io.atomic import sync, sync_folder
from ..io.npy_files import VERSION, read_npy
from ..io.resume import START_ANEW
from .cell_decision import CellDecision, RowBands
from .tiling.tile_shape import TileShape

PREFIX, SUFFIX = "strip-", ".bands"
"""Prefix and suffix of the names of the files."""

PART = ".part"
"""Suffix of the names of files that are not complete yet."""


@dataclass(frozen=True)
class StripFiles:
    """The files of a run's strips.

    Attributes:
        folder: Their folder.
        run: Word for the run.
    """

    folder: Path
    run: str

    @classmethod
    def of_run(
        cls, folder: Path, fingerprint: Mapping[str, str], shape: TileShape | None
    ) -> StripFiles:
        """Those of the run with this fingerprint and this shape of tiles."""
        told = json.dumps([dict(fingerprint), str(shape)], sort_keys=True)
        return cls(folder, hashlib.sha256(told.encode()).hexdigest()[:16])

    def path(self, start: int, stop: int) -> Path:
        """The file of the strip of rows `start` to `stop`."""
        return self.folder / f"{PREFIX}{self.run}-{start}-{stop}{SUFFIX}"

    def write(self, path: Path, bands: Iterable[Any]) -> None:
        """Write the file of a strip; any number of processes may write the same one.

        Nothing is written if `remove` of another process was faster.

        Args:
            path: As `path` gives it.
            bands: Its row bands.
        """
        # The folder may be removed meanwhile, and must not be made again.
        part = path.with_name(f".{path.name}.{uuid4().hex}{PART}")
        try:
            with part.open("wb") as file:
                for band in bands:
                    for array in _arrays(band).values():
                        npy_format.write_array(file, array, VERSION, allow_pickle=False)
                sync(file)
            if not part.exists() and path.parent.is_dir():
                return
            part.replace(path)
            sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)

    def remove(self, path: Path) -> None:
        """Remove the file of a strip whose rows are written elsewhere, and what processes that were
        killed left of it, or still write.

        Args:
            path: As `path` gives it.
        """
        for part in path.parent.glob(f".{path.name}.*{PART}"):
            part.unlink(missing_ok=True)
        path.unlink()

    def bands(self, path: Path, decision: CellDecision, start: int, done: int) -> RowBands:
        """The row bands of a strip's file, without rows that are done.

        Args:
            path: As `path` gives it.
            decision: Made the bands.
            start: First row of the strip.
            done: Finished rows of the output.

        Raises:
            ValueError: The file is damaged.
        """
        size, row = path.stat().st_size, start
        with path.open("rb") as file:
            while file.tell() < size:
                try:
                    null = read_npy(file, size)
                    band = decision.empty(*null.shape)
                    band.null[...] = null
                    for name, array in _arrays(band).items():
                        if name != "null":
                            np.copyto(array, read_npy(file, size).reshape(array.shape))
                except (TypeError, ValueError) as error:
                    raise ValueError(f"<{path}> cannot be read, {error}: {START_ANEW}") from None
                if row >= done:
                    yield band
                row += len(null)


def _arrays(band: Any) -> dict[str, np.ndarray]:
    """The arrays of a row band by name, those without data first; of layers, each is whole."""
    found = {name: part for name, part in vars(band).items() if part is not None}
    return {
        name: np.moveaxis(part, -1, 0) if part.ndim > 2 else part for name, part in found.items()
    }


def has_strips(folder: Path) -> bool:
    """Whether any strip waits in a folder."""
    return any(folder.glob(f"{PREFIX}*{SUFFIX}"))
