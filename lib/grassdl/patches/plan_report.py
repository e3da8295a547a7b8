# SPDX-License-Identifier: GPL-2.0-or-later
"""A plan of patches: a table for people, an object for programs."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from ..core.classes import ClassScheme
from ..core.text import duration, listed
from ..dataset.manifest import SPLITS
from ..io.json_records import as_json
from .plan import Plan
from .sampling import Grid
from .settings import JSON

COLUMNS = 80
"""Width of the plan's text."""


def report(
    form: str,
    plan: Plan,
    classes: ClassScheme,
    grid: Grid,
    bytes_needed: int,
    seconds: float | None,
) -> str:
    """The plan as the option `format` asks for it; the other arguments are those of `describe`."""
    told = plan, classes, grid, bytes_needed, seconds
    return as_json(record(*told)).rstrip() if form == JSON else describe(*told)


def describe(
    plan: Plan, classes: ClassScheme, grid: Grid, bytes_needed: int, seconds: float | None = None
) -> str:
    """The plan as a table of at most 80 columns: patches, and share of every class by split.

    Args:
        plan: The plan.
        classes: The classes.
        grid: Region, patch size and block size.
        bytes_needed: Disk size of the dataset.
        seconds: Expected time of writing it, if known.
    """
    pixels = plan.class_pixels()
    seen = [
        f"Candidates: {plan.candidates}",
        f"too few labelled cells: {plan.unlabelled}",
        f"across two splits: {plan.dropped}",
    ]
    if plan.buffered:
        seen.append(f"within the buffer: {plan.buffered}")
    edges = f"Edge of a patch: {grid.size} cells"
    if grid.block_size < max(grid.rows, grid.cols):
        edges += f", of a block: {grid.block_size} cells"
    cost = f"Disk size: {bytes_needed / 1e6:.1f} MB"
    if seconds is not None:
        cost += f"; expected time: {_about(seconds)}"
    lines = [
        *_wrapped("; ".join(seen)),
        edges,
        cost,
        "",
        f"{'':32}" + "".join(f"{name:>14}" for name in SPLITS),
        f"{'patches':32}" + "".join(f"{plan.split_counts[name]:14d}" for name in SPLITS),
        f"{'labelled pixels':32}" + "".join(f"{count:14d}" for count in pixels.sum(axis=1)),
    ]
    shares = 100 * pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1)
    for one, share in zip(classes, shares.T, strict=True):
        name = f"  {one.full_name}"[:31]
        lines.append(f"{name:32}" + "".join(f"{percent:12.2f} %" for percent in share))
    if plan.number_of_folds:
        numbers = np.bincount(plan.folds)[1:].tolist()
        told = f"Folds: {len(numbers)}, of {listed(numbers, most=len(numbers))} patches; fold 1 "
        lines += ["", *_wrapped(f"{told}is the split val, the others are the split train")]
    for place, note in enumerate(plan.notes):
        lines += [*([] if place else [""]), *_wrapped(note)]
    return "\n".join(lines)


def record(
    plan: Plan, classes: ClassScheme, grid: Grid, bytes_needed: int, seconds: float | None = None
) -> dict[str, Any]:
    """The same as an object for JSON, in the same order; the arguments are those of `describe`.

    Times are in seconds, sizes in bytes, edges in cells, shares of classes in per cent.
    """
    pixels = plan.class_pixels()
    totals = pixels.sum(axis=1)
    shares = 100 * pixels / np.maximum(totals, 1)[:, np.newaxis]
    return {
        "candidates": plan.candidates,
        "too_few_labelled": plan.unlabelled,
        "across_splits": plan.dropped,
        "within_buffer": plan.buffered,
        "size": grid.size,
        "block_size": grid.block_size,
        "bytes": bytes_needed,
        "seconds": seconds,
        "patches": plan.split_counts,
        "labelled_pixels": _by_split(totals),
        "classes": [
            {
                "value": one.value,
                "label": one.label,
                "pixels": _by_split(pixels[:, place]),
                "percent": _by_split(shares[:, place]),
            }
            for place, one in enumerate(classes)
        ],
        "folds": np.bincount(plan.folds)[1:].tolist(),
        "notes": list(plan.notes),
    }


def _by_split(figures: np.ndarray) -> dict[str, Any]:
    return dict(zip(SPLITS, figures.tolist(), strict=True))


def _about(seconds: float) -> str:
    return "below 1 s" if seconds < 1 else f"about {duration(seconds)}"


def _wrapped(text: str) -> list[str]:
    # A number and its unit stay together.
    kept = text.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.wrap(kept, COLUMNS, subsequent_indent="  ")
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
