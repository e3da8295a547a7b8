# SPDX-License-Identifier: GPL-2.0-or-later
"""The records of a training in the model folder: the model card and the history."""

from __future__ import annotations

import csv
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from .. import __version__
from ..core import plots
from ..core.epoch_scores import EpochScores
from ..dataset.areas import footprint
from ..dataset.manifest import SPLITS
from ..dataset.patchset import JoinedPatchSets
from ..dataset.seen import area_seen
from ..model.card import ModelCard
from ..networks import registry
from ..networks.analysis.receptive_field import reach
from .callbacks.history import EpochRow
from .config.settings import Settings
from .data.band_values import deviations, means
from .optimization.precision import resolve

HISTORY_TABLE = "history.csv"
HISTORY_PICTURE = "history.png"


@dataclass(frozen=True)
class Fitted:
    """How a fit went.

    Attributes:
        rows: The rows of `History` by epoch.
        best_epoch: The epoch, counted from 1, whose weights were kept.
        monitor: The column that decided which epoch was the best.
        interrupted: Whether it was ended early by Ctrl-C or SIGTERM.
        diverged: Whether it was ended early by a loss that is not finite.
    """

    rows: list[EpochRow]
    best_epoch: int
    monitor: str
    interrupted: bool = False
    diverged: bool = False


def model_card(
    name: str,
    network: keras.Model,
    data: JoinedPatchSets,
    settings: Settings,
    fitted: Fitted,
    test: dict[str, Any] | None,
    command: str,
) -> ModelCard:
    """The card of a trained network.

    Args:
        name: Name of the model.
        network: The trained network.
        data: What it was trained on.
        settings: The recipe.
        fitted: How it went.
        test: Scores on the test split, or None.
        command: The call.
    """
    extent = reach(network)
    return ModelCard(
        name=name,
        network=settings.network_name,
        network_options=_all_network_options(settings),
        bands=data.bands,
        mean=means(data),
        deviation=deviations(data),
        target=data.target,
        resolution=data.resolution,
        size=data.size,
        parameters=network.count_params(),
        stride=extent.stride,
        halo=extent.halo,
        receptive_field=extent.receptive_field,
        training=_account(data, settings, fitted),
        dataset_ids=data.ids,
        ranges=[(one.minimum, one.maximum) for one in data.statistics],
        histograms=[one.histogram.to_json() for one in data.statistics],
        areas=[area_seen(one) for one in data.patch_sets],
        footprint=footprint([one.manifest for one in data.patch_sets]),
        versions=_versions(),
        test=test,
        command=command,
    )


def _all_network_options(settings: Settings) -> dict[str, Any]:
    """Chosen options and defaults of the network: the defaults may change in later versions."""
    if settings.network_file:
        return {}
    return registry.completed(settings.network, settings.network_options)


def _account(data: JoinedPatchSets, settings: Settings, fitted: Fitted) -> dict[str, Any]:
    """Settings, duration and result of a training."""
    return {
        **settings.to_json(),
        "nprocs": settings.nprocs or os.cpu_count(),
        "precision": resolve(settings.precision),
        **({"fold": data.fold} if data.fold else {}),
        "patches": {split: data.count(split) for split in SPLITS},
        "pixels": {split: data.pixels(split).tolist() for split in SPLITS},
        "epochs_run": len(fitted.rows),
        "best_epoch": fitted.best_epoch,
        "monitor": fitted.monitor,
        "interrupted": fitted.interrupted,
        "diverged": fitted.diverged,
        "seconds": round(sum(row["seconds"] for row in fitted.rows), 1),
        "best": _finite(fitted.rows[fitted.best_epoch - 1]),
    }


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the history for JSON: None for infinite and undefined figures."""
    known = {name: one for name, one in row.items() if one is not None and math.isfinite(one)}
    return {name: known.get(name) for name in row}


def _versions() -> dict[str, str]:
    backend = keras.backend.backend()
    return {
        "i.dl": __version__,
        "keras": keras.version(),
        backend: sys.modules[backend].__version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
    }


def write_history(rows: list[EpochRow], scores: EpochScores, folder: Path) -> None:
    """Write the rows of `History` as `history.csv` and `history.png`."""
    with (folder / HISTORY_TABLE).open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    plots.history(rows, folder / HISTORY_PICTURE, scores)
