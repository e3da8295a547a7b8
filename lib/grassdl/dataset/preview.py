# SPDX-License-Identifier: GPL-2.0-or-later
"""`overview.png`: a picture of the content of a dataset.

Sample patches of every split over their labels, and the shares of the classes beside them. Of two
dates that are compared both are drawn, the first above the second.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.bands import OBSERVED, Band, color_of, number_of_dates
from ..core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from ..core.dates import days_of, of_date
from ..core.figures import new_figure
from ..core.plots import DPI, paint
from ..core.text import within_columns
from .manifest import SPLIT_COLORS, SPLITS, Manifest
from .patchset import PatchSet
from .reader import PatchReader

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OVERVIEW_NAME = "overview.png"

SHEET_WIDTH_PX, SHEET_HEIGHT_PX = 1640, 1340
"""Size in pixels that the patches may take."""

TILE_PX = 160
"""About the edge of a patch: its cells are drawn with a whole number of pixels each."""

GAP_PX = 5
"""White around each patch and its labels."""

TOP_PX, SIDE_PX, PANEL_PX, MARGIN_PX = 60, 44, 330, 16
"""Height of the title, widths of the splits' names, of the panel of classes and of the margin."""

PANEL_LABELS_PX = 195
"""The part of the panel that the labels of the classes take."""

LEAST_WIDTH_PX, LEAST_HEIGHT_PX, CLASS_PX, NOTE_PX = 1200, 420, 34, 100
"""Size of the smallest picture, height of a class in the panel and of the note below."""

LABEL_LENGTH = 26
STRETCH_PERCENT = (2, 98)

SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}

HATCH_CELLS = 4
CODE_GREYS = {UNLABELLED_INDEX: (255, 200), NULL_INDEX: (25, 110)}
"""Ground and stripes of cells that have no class: light if unlabelled, dark if NULL."""


def dataset_overview(
    patch_set: PatchSet, class_cells: Mapping[str, np.ndarray], path: str | os.PathLike[str]
) -> None:
    """Draw sample patches of every split over their labels, and the classes' shares by split.

    Args:
        patch_set: The dataset; only the patches that are drawn are read.
        class_cells: Cells of every class in every patch by split, (patches, classes); shares
            will do. They choose patches in which all classes appear.
        path: PNG file to write.
    """
    manifest = patch_set.manifest
    classes = manifest.target.counted
    step = max(1, round(manifest.export.size / TILE_PX))
    scale = max(1, TILE_PX // manifest.export.size)
    tile_px = -(-manifest.export.size // step) * scale
    columns = min(max(1, SHEET_WIDTH_PX // (tile_px + GAP_PX)), max(manifest.counts.values()))
    sample_px = (dates_drawn(manifest.bands) + 1) * tile_px + 2 * GAP_PX
    rows = _rows_by_split(manifest.counts, columns, SHEET_HEIGHT_PX // sample_px)
    samples = {
        split: _read_patches(
            patch_set, split, choose_patches(class_cells[split], n * columns), step
        )
        for split, n in rows.items()
    }
    low, high = _stretch(list(samples.values()))
    mosaics = {
        split: _mosaic(_sheets(*samples[split], low, high, scale, classes), columns)
        for split in rows
    }
    sheet_px = sum(len(one) for one in mosaics.values())
    sheet_width = SIDE_PX + columns * (tile_px + GAP_PX)
    width = max(LEAST_WIDTH_PX, sheet_width + PANEL_PX + 3 * MARGIN_PX)
    wanted = TOP_PX + len(classes) * CLASS_PX + NOTE_PX + MARGIN_PX
    height = max(LEAST_HEIGHT_PX, TOP_PX + sheet_px + MARGIN_PX, min(wanted, SHEET_HEIGHT_PX))
    figure = new_figure(width / DPI, height / DPI, dpi=DPI)
    _write_titles(figure, manifest, height)
    _draw_mosaics(figure, mosaics, height)
    _draw_panel(figure, manifest, list(rows), width, height)
    # A higher compression level hardly reduces photographs.
    figure.savefig(path, format="png", dpi=DPI, pil_kwargs={"compress_level": 3})


def choose_patches(class_cells: np.ndarray, count: int) -> np.ndarray:
    """Indices of patches that show every class, if that many can, and else are spread evenly.

    Args:
        class_cells: Cells of every class in every patch, (patches, classes).
        count: How many patches are wanted; there may be fewer.
    """
    best = class_cells.max(axis=0, initial=0)
    chosen: list[int] = []
    rarest_first = np.argsort((class_cells > 0).sum(axis=0), kind="stable")
    for index in rarest_first[best[rarest_first] > 0][:count]:
        # Half the cells of the best patch are enough to show the class.
        if class_cells[chosen, index].max(initial=0) * 2 < best[index]:
            chosen.append(int(class_cells[:, index].argmax()))
    left = np.setdiff1d(np.arange(len(class_cells)), chosen)
    wanted = min(count - len(chosen), len(left))
    spread = left[np.linspace(0, len(left) - 1, wanted).astype(int)]
    return np.sort([*chosen, *spread]).astype(int)


def picture_bands(bands: Sequence[Band]) -> list[int]:
    """Indices of the bands that are drawn red, green and blue.

    Those of natural colours by their names, the first of each; else the first three. Of fewer than
    three bands the first is drawn grey. Of several dates they are those of the first.
    """
    bands = [band for band in of_date(bands, 0) if band.derivation != OBSERVED]
    found = [color_of(band.name) for band in bands]
    if {"red", "green", "blue"} <= set(found):
        return [found.index(color) for color in ("red", "green", "blue")]
    return [0, 1, 2] if len(bands) >= 3 else [0, 0, 0]


def dates_drawn(bands: Sequence[Band]) -> int:
    """How many dates are drawn: both of a comparison; of a series one."""
    return 1 if days_of(bands) else number_of_dates(bands)


def first_observed(images: np.ndarray, dates: int) -> np.ndarray:
    """The bands (..., 3) of the first date at which each cell was observed.

    Args:
        images: Three bands and "observed" of each date (..., dates x 4).
        dates: Number of dates.
    """
    by_date = images.reshape(*images.shape[:-1], dates, 4)
    first = (by_date[..., 3:] != 0).argmax(axis=-2, keepdims=True)
    return np.take_along_axis(by_date[..., :3], first, axis=-2)[..., 0, :]


def _drawn_places(bands: Sequence[Band]) -> list[int]:
    """Indices of the bands that pictures are made of: red, green and blue of each date, and of a
    series "observed" of each date, too."""
    shown = picture_bands(bands)
    dates = number_of_dates(bands)
    per_date = len(bands) // dates
    if days_of(bands):
        shown = [*shown, per_date - 1]
    return [date * per_date + place for date in range(dates) for place in shown]


def _rows_by_split(counts: Mapping[str, int], columns: int, fitting: int) -> dict[str, int]:
    """Rows of every split that has patches: one each, and the rest to the first."""
    present = [split for split in SPLITS if counts[split]]
    wanted = {split: -(-counts[split] // columns) for split in present}
    rest = max(1, fitting - len(present) + 1)
    return {split: min(wanted[split], 1 if place else rest) for place, split in enumerate(present)}


def _read_patches(
    patch_set: PatchSet, split: str, places: np.ndarray, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every step-th cell of patches, one after the other, for whole ones may be large: three bands
    of each date that is drawn (n, cells, cells, 3 x dates) and label codes (n, cells, cells)."""
    bands = patch_set.manifest.bands
    drawn = _drawn_places(bands)
    reader = PatchReader([patch_set.patches(split, drawn)], np.zeros(len(drawn)))
    thin = (slice(None), slice(None, None, step), slice(None, None, step))
    # Copies: views would keep the whole patches in memory.
    tiles = [
        (images[thin].copy(), labels[thin].copy())
        for _, images, labels in reader.batches(1, places)
    ]
    values, codes = (np.concatenate(one) for one in zip(*tiles, strict=True))
    if days_of(bands):
        values = first_observed(values, number_of_dates(bands))
    return values, patch_set.manifest.target.counted_codes(codes)


def _stretch(samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The values of the three bands (3,) that are drawn black and white, at all dates."""
    valid = np.concatenate(
        [values[codes != NULL_INDEX].reshape(-1, 3) for values, codes in samples]
    )
    if not len(valid):
        return np.zeros(3), np.ones(3)
    low, high = np.percentile(valid, STRETCH_PERCENT, axis=0)
    return low, np.where(high > low, high, low + 1)


def _sheets(
    values: np.ndarray,
    codes: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    scale: int,
    classes: ClassScheme,
) -> np.ndarray:
    """Patches of each date over their labels, `scale` pixels for a cell, with white around:
    (n, rows, cols, 3) uint8."""
    dates = np.split(values, values.shape[-1] // 3, axis=-1)
    pictures = [
        *(
            (255 * np.clip((one - low) / (high - low), 0, 1)).round().astype(np.uint8)
            for one in dates
        ),
        paint(codes, classes),
    ]
    for code, (ground, stripe) in CODE_GREYS.items():
        grey = np.where(_stripes(codes.shape), stripe, ground)[..., np.newaxis].astype(np.uint8)
        where = (codes == code)[..., np.newaxis]
        # Imagery is known where only the label is missing.
        for place in range(len(pictures)) if code == NULL_INDEX else [len(dates)]:
            pictures[place] = np.where(where, grey, pictures[place])
    below = [2] * len(dates) + [2 * GAP_PX - 2]
    around = [
        np.pad(
            one.repeat(scale, axis=1).repeat(scale, axis=2),
            [(0, 0), (0, gap), (0, GAP_PX), (0, 0)],
            constant_values=255,
        )
        for one, gap in zip(pictures, below, strict=True)
    ]
    return np.concatenate(around, axis=1)


def _stripes(shape: tuple[int, ...]) -> np.ndarray:
    """Where every fourth diagonal runs through pictures (n, rows, cols)."""
    rows, cols = np.indices(shape[1:])
    return np.broadcast_to((rows + cols) % HATCH_CELLS == 0, shape)


def _mosaic(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Pictures (n, rows, cols, 3) beside and below each other; what is left over is white."""
    missing = -len(pictures) % columns
    filled = np.pad(pictures, [(0, missing), (0, 0), (0, 0), (0, 0)], constant_values=255)
    return np.concatenate(
        [
            np.concatenate(filled[first : first + columns], axis=1)
            for first in range(0, len(filled), columns)
        ]
    )


def _write_titles(figure: Figure, manifest: Manifest, height: int) -> None:
    counts, size = manifest.counts, manifest.export.size
    headline = f"{_number(sum(counts.values()))} patches of {size} × {size} cells: " + ", ".join(
        f"{_number(counts[split])} {SPLIT_NAMES[split]}" for split in SPLITS
    )
    names = [manifest.bands[place].name for place in picture_bands(manifest.bands)]
    shown = ", ".join(within_columns(name, LABEL_LENGTH) for name in dict.fromkeys(names))
    date = "" if days_of(manifest.bands) is None else " of the first date at hand"
    dates = "both dates over their" if dates_drawn(manifest.bands) > 1 else "over their"
    drawn = f"Samples {dates} labels; drawn: {shown}{date}, from their 2nd to 98th percentile"
    for y, text, points, weight in ((16, headline, 11, "bold"), (40, drawn, 8, "normal")):
        _write(figure, MARGIN_PX, y, height, text, fontsize=points, weight=weight)


def _draw_mosaics(figure: Figure, mosaics: Mapping[str, np.ndarray], height: int) -> None:
    """The mosaics below each other, pixel by pixel, with the splits' names at their left."""
    top = TOP_PX
    for split, mosaic in mosaics.items():
        figure.figimage(mosaic, MARGIN_PX + SIDE_PX, height - top - len(mosaic), origin="upper")
        name, middle = SPLIT_NAMES[split].capitalize(), top + len(mosaic) / 2
        _write(
            figure, MARGIN_PX + 20, middle, height, name, fontsize=10, weight="bold", rotation=90
        )
        top += len(mosaic)


def _draw_panel(
    figure: Figure, manifest: Manifest, splits: Sequence[str], width: int, height: int
) -> None:
    """The shares of the classes as bars, split by split: the most frequent ones if there is not
    room for all."""
    pixels = np.array([manifest.pixels[split] for split in splits], np.float64)
    shares = 100 * pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1)
    room = (height - TOP_PX - MARGIN_PX - NOTE_PX) // (CLASS_PX // 2)
    shown = np.sort(np.argsort(-shares.sum(axis=0), kind="stable")[:room])
    counted = manifest.target.counted
    classes = [counted.classes[place] for place in shown]
    panel_height = min(height - TOP_PX - MARGIN_PX - NOTE_PX, CLASS_PX * len(shown) + 10)
    left = width - PANEL_PX - MARGIN_PX + PANEL_LABELS_PX
    bottom = height - TOP_PX - panel_height
    axes = figure.add_axes(
        (
            left / width,
            bottom / height,
            (PANEL_PX - PANEL_LABELS_PX - 10) / width,
            panel_height / height,
        )
    )
    _draw_bars(axes, splits, shares[:, shown], classes)
    x = left - PANEL_LABELS_PX + 10
    _write(figure, x, 16, height, "Share of labelled cells (%)", fontsize=9, weight="bold")
    note = _note(manifest, splits, pixels, len(counted) - len(shown))
    _write(figure, x, height - bottom + 34, height, note, fontsize=7, va="top")


def _draw_bars(
    axes: Axes, splits: Sequence[str], shares: np.ndarray, classes: Sequence[MapClass]
) -> None:
    """Bars of shares (splits, classes) in percent, with labels and colours of the classes."""
    thickness = 0.8 / len(splits)
    places = np.arange(len(classes))
    for order, split in enumerate(splits):
        offset = (order - (len(splits) - 1) / 2) * thickness
        axes.barh(
            places + offset,
            shares[order],
            thickness,
            color=_rgb(split),
            label=SPLIT_NAMES[split],
        )
    names = axes.set_yticks(
        places, [within_columns(one.full_name, LABEL_LENGTH) for one in classes], fontsize=7
    )
    for name in names:
        name.label1.set_parse_math(False)
        name.label1.set_x(-0.09)
    axes.scatter(
        np.full(len(classes), -0.045),
        places,
        s=26,
        c=[one.rgb for one in classes],
        marker="s",
        edgecolors="#6e6e6e",
        linewidths=0.5,
        transform=axes.get_yaxis_transform(),
        clip_on=False,
    )
    axes.tick_params(length=0, labelsize=7)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlim(0, max(shares.max(), 1))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(
        ncols=len(splits),
        loc="lower right",
        bbox_to_anchor=(1.04, 1),
        borderaxespad=0.2,
        columnspacing=1,
        handlelength=1,
        fontsize=7,
        frameon=False,
    )


def _note(manifest: Manifest, splits: Sequence[str], pixels: np.ndarray, left_out: int) -> str:
    """The lines below the panel."""
    target = manifest.target
    _, edge = target.labelled_part(manifest.export.size)
    cells = [manifest.counts[split] * edge**2 for split in splits]
    shares = 100 * pixels.sum(axis=1) / np.maximum(cells, 1)
    labelled = " / ".join(f"{share:.0f}" for share in shares)
    lines = [f"and {left_out} rarer classes"] if left_out > 0 else []
    lines.append(f"labelled: {labelled} % of the {'patches' if target.of_patches else 'cells'}")
    lines.append("light hatching: unlabelled, dark: NULL")
    return "\n".join(lines)


def _write(figure: Figure, x: float, y: float, height: int, text: str, **style: Any) -> None:
    """A text whose place is given in pixels from the upper left corner."""
    width = figure.get_figwidth() * DPI
    # A dollar sign in a label does not begin a formula.
    figure.text(x / width, 1 - y / height, text, parse_math=False, **{"va": "center", **style})


def _number(count: int) -> str:
    return f"{count:,}".replace(",", "\u2009")


def _rgb(split: str) -> tuple[float, ...]:
    return tuple(int(part) / 255 for part in SPLIT_COLORS[split].split(":"))
