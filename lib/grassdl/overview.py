# SPDX-License-Identifier: GPL-2.0-or-later
"""`overview.png`: what is in a dataset at a glance.

The pictures are painted cell by cell into one array, which matplotlib only writes upon: cells stay
sharp, and hundreds of patches cost little more than their reading.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .bands import Band
from .classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from .dataset.manifest import SPLIT_COLORS, SPLITS, Manifest
from .dataset.patchset import PatchSet
from .plots import DPI, paint

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OVERVIEW_NAME = "overview.png"

SHEET_WIDTH_PX, SHEET_HEIGHT_PX = 1640, 1340
"""What the patches may take."""

TILE_PX = 160
"""About the edge of a patch: its cells are drawn with a whole number of pixels each."""

TITLE_PX, SIDE_PX, PANEL_PX, MARGIN_PX = 58, 42, 330, 16
TILE_GAP_PX, PAIR_GAP_PX, ROW_GAP_PX = 5, 2, 9
LEAST_WIDTH_PX = 1250

ROW_PX, LEAST_ROW_PX, TEXT_PX = 50, 27, 18
"""Height of a class in the panel, where there is room and where there are many, and its label's."""

LABEL_LENGTH = 26
STRETCH_PERCENT = (2, 98)

SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test"}

WHITE, LIGHT, DARK, BLACK = 255, 200, 110, 25
HATCH_PX = 8


def dataset_overview(
    patch_set: PatchSet, class_cells: Mapping[str, np.ndarray], path: str | os.PathLike
) -> None:
    """Draw sample patches of every split over their labels, and the classes' shares by split.

    Args:
        patch_set: The dataset; only the patches that are drawn are read.
        class_cells: Cells of every class in every patch by split, (patches, classes); shares
            will do. They choose patches in which all classes appear.
        path: PNG file to write.
    """
    manifest = patch_set.manifest
    sheet = _Sheet.of(manifest)
    tiles = {
        split: _read_tiles(
            patch_set, split, choose_patches(class_cells[split], rows * sheet.columns), sheet
        )
        for split, rows in sheet.rows.items()
    }
    canvas = np.full((sheet.height_px, sheet.width_px, 3), WHITE, np.uint8)
    _paint_tiles(canvas, tiles, sheet, manifest.classes)
    texts = [*_titles(manifest, sheet), *_paint_panel(canvas, manifest, sheet)]
    _save(_with_texts(canvas, texts), path)


def choose_patches(class_cells: np.ndarray, count: int) -> np.ndarray:
    """Places of patches that show every class, if so many can, and else are spread evenly.

    Args:
        class_cells: Cells of every class in every patch, (patches, classes).
        count: How many patches are wanted; there may be fewer.
    """
    best = class_cells.max(axis=0, initial=0)
    chosen: list[int] = []
    rarest_first = np.argsort((class_cells > 0).sum(axis=0), kind="stable")
    for index in rarest_first[best[rarest_first] > 0][:count]:
        # Half of what the best patch has is enough to see the class.
        if class_cells[chosen, index].max(initial=0) * 2 < best[index]:
            chosen.append(int(class_cells[:, index].argmax()))
    left = np.setdiff1d(np.arange(len(class_cells)), chosen)
    wanted = min(count - len(chosen), len(left))
    spread = left[np.linspace(0, len(left) - 1, wanted).astype(int)]
    return np.sort([*chosen, *spread]).astype(int)


@dataclass(frozen=True)
class _Sheet:
    """Where everything goes.

    Attributes:
        step: Every so manieth cell of a patch is drawn.
        scale: Pixels per drawn cell.
        tile_px: Edge of a drawn patch.
        columns: Patches side by side.
        rows: Rows of patches of every split that has some.
        classes: Number of classes that the panel has room for.
        row_px: Height of a class in the panel.
    """

    step: int
    scale: int
    tile_px: int
    columns: int
    rows: dict[str, int]
    classes: int
    row_px: int
    width_px: int
    height_px: int

    @classmethod
    def of(cls, manifest: Manifest) -> _Sheet:
        size, counts = manifest.export.size, manifest.counts
        step, scale = max(1, round(size / TILE_PX)), max(1, round(TILE_PX / size))
        tile_px = -(-size // step) * scale
        fitting = max(1, SHEET_WIDTH_PX // (tile_px + TILE_GAP_PX))
        columns = min(fitting, max(counts.values()))
        rows = _rows_by_split(counts, columns, SHEET_HEIGHT_PX // _pair_px(tile_px))
        sheet_width = SIDE_PX + columns * (tile_px + TILE_GAP_PX)
        sheet_height = sum(rows.values()) * _pair_px(tile_px)
        # Four rows for what is no class, for what is left out, and for the headings.
        wanted = (len(manifest.classes) + 4) * ROW_PX
        body_px = max(sheet_height, min(wanted, SHEET_HEIGHT_PX))
        row_px = max(LEAST_ROW_PX, min(ROW_PX, body_px // (len(manifest.classes) + 4)))
        return cls(
            step=step,
            scale=scale,
            tile_px=tile_px,
            columns=columns,
            rows=rows,
            classes=min(len(manifest.classes), body_px // row_px - 4),
            row_px=row_px,
            width_px=max(LEAST_WIDTH_PX, sheet_width + PANEL_PX + 3 * MARGIN_PX),
            height_px=TITLE_PX + body_px + MARGIN_PX,
        )

    def top_px(self, split: str) -> int:
        """Where a split's rows begin."""
        before = list(self.rows)[: list(self.rows).index(split)]
        return TITLE_PX + sum(self.rows[one] for one in before) * _pair_px(self.tile_px)

    @property
    def panel_px(self) -> int:
        """Where the panel begins."""
        return self.width_px - PANEL_PX - MARGIN_PX


def _pair_px(tile_px: int) -> int:
    """Height of a patch over its labels."""
    return 2 * tile_px + PAIR_GAP_PX + ROW_GAP_PX


def _rows_by_split(counts: dict[str, int], columns: int, fitting: int) -> dict[str, int]:
    """Rows of every split that has patches: one each, and the rest to the first."""
    present = [split for split in SPLITS if counts[split]]
    wanted = {split: -(-counts[split] // columns) for split in present}
    rest = max(1, fitting - len(present) + 1)
    return {split: min(wanted[split], 1 if place else rest) for place, split in enumerate(present)}


@dataclass(frozen=True)
class _Tiles:
    """Drawn patches of a split: three bands (n, cells, cells, 3) and label codes."""

    values: np.ndarray
    codes: np.ndarray


def _read_tiles(patch_set: PatchSet, split: str, places: np.ndarray, sheet: _Sheet) -> _Tiles:
    """The cells that are drawn, patch by patch: whole ones may be large."""
    images, labels = patch_set.arrays(split)
    bands = picture_bands(patch_set.manifest.bands)
    thin = (slice(None), slice(None, None, sheet.step), slice(None, None, sheet.step))
    values = [images[place : place + 1][thin][..., bands] for place in places]
    codes = [labels[place : place + 1][thin] for place in places]
    return _Tiles(np.concatenate(values), np.concatenate(codes))


def picture_bands(bands: Sequence[Band]) -> list[int]:
    """Places of the bands that are drawn red, green and blue.

    Those of these names, as they are or after a dot (r.in.gdal calls them NAME.red), else the
    first three. Of fewer than three bands the first is drawn grey.
    """
    names = [band.name.lower().rpartition(".")[2] for band in bands]
    if {"red", "green", "blue"} <= set(names):
        return [names.index(color) for color in ("red", "green", "blue")]
    return [0, 1, 2] if len(bands) >= 3 else [0, 0, 0]


def _stretched(tiles: Mapping[str, _Tiles]) -> dict[str, np.ndarray]:
    """Images as uint8, each band stretched over the whole sheet."""
    valid = np.concatenate([one.values[one.codes != NULL_INDEX] for one in tiles.values()])
    if not len(valid):
        return {split: np.zeros(one.values.shape, np.uint8) for split, one in tiles.items()}
    low, high = np.percentile(valid, STRETCH_PERCENT, axis=0)
    span = np.where(high > low, high - low, 1)
    return {
        split: (255 * np.clip((one.values - low) / span, 0, 1)).round().astype(np.uint8)
        for split, one in tiles.items()
    }


def _paint_tiles(
    canvas: np.ndarray, tiles: Mapping[str, _Tiles], sheet: _Sheet, classes: ClassScheme
) -> None:
    images = _stretched(tiles)
    for split, one in tiles.items():
        for place, (image, codes) in enumerate(zip(images[split], one.codes, strict=True)):
            row, column = divmod(place, sheet.columns)
            top = sheet.top_px(split) + row * _pair_px(sheet.tile_px)
            left = MARGIN_PX + SIDE_PX + column * (sheet.tile_px + TILE_GAP_PX)
            below = top + sheet.tile_px + PAIR_GAP_PX
            null = np.where(codes == NULL_INDEX, NULL_INDEX, 0)
            _put(canvas, top, left, _magnified(image, null, sheet.scale))
            _put(canvas, below, left, _magnified(paint(codes, classes), codes, sheet.scale))


def _magnified(picture: np.ndarray, codes: np.ndarray, scale: int) -> np.ndarray:
    """A picture (cells, cells, 3) with whole pixels, hatched where the codes are no class."""
    large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    large_codes = codes.repeat(scale, axis=0).repeat(scale, axis=1)
    for code in (UNLABELLED_INDEX, NULL_INDEX):
        where = large_codes == code
        large[where] = _hatch(code, where.shape)[where]
    return large


def _hatch(code: int, shape: tuple[int, int]) -> np.ndarray:
    """Light stripes on white for unlabelled cells, dark ones on black for NULL; (rows, cols, 3)."""
    rows, cols = np.indices(shape)
    stripe = (rows + cols) % HATCH_PX < HATCH_PX // 4
    ink, ground = (LIGHT, WHITE) if code == UNLABELLED_INDEX else (DARK, BLACK)
    grey = np.where(stripe, ink, ground).astype(np.uint8)
    return grey[..., np.newaxis].repeat(3, axis=2)


def _put(canvas: np.ndarray, top: int, left: int, picture: np.ndarray) -> None:
    rows, cols = picture.shape[:2]
    canvas[top : top + rows, left : left + cols] = picture


@dataclass(frozen=True)
class _Text:
    """A text on the canvas; `x`, `y` from its upper left corner in pixels."""

    x: float
    y: float
    text: str
    points: float = 8
    align: str = "left"
    upright: bool = False
    bold: bool = False
    color: tuple[float, float, float] = (0, 0, 0)

    def write(self, figure: Figure) -> None:
        width, height = figure.get_size_inches() * DPI
        figure.text(
            self.x / width,
            1 - self.y / height,
            self.text,
            fontsize=self.points,
            ha=self.align,
            va="center",
            rotation=90 if self.upright else 0,
            weight="bold" if self.bold else "normal",
            color=self.color,
            # A dollar sign of a label is no formula.
            parse_math=False,
        )


def _titles(manifest: Manifest, sheet: _Sheet) -> list[_Text]:
    counts, size = manifest.counts, manifest.export.size
    headline = f"{_number(sum(counts.values()))} patches of {size} × {size} cells: " + ", ".join(
        f"{_number(counts[split])} {SPLIT_NAMES[split]}" for split in SPLITS
    )
    names = [manifest.bands[place].name for place in picture_bands(manifest.bands)]
    shown = ", ".join(_short(name) for name in dict.fromkeys(names))
    drawn = f"Samples over their labels; drawn: {shown}, from their 2nd to 98th percentile"
    titles = [
        _Text(MARGIN_PX, 18, headline, points=11, bold=True),
        _Text(MARGIN_PX, 42, drawn, points=8),
    ]
    for split, rows in sheet.rows.items():
        middle = sheet.top_px(split) + rows * _pair_px(sheet.tile_px) / 2
        name = SPLIT_NAMES[split].capitalize()
        titles.append(_Text(MARGIN_PX + 16, middle, name, 10, "center", upright=True, bold=True))
    return titles


def _paint_panel(canvas: np.ndarray, manifest: Manifest, sheet: _Sheet) -> list[_Text]:
    """The classes with bars of their shares, painted; the texts, to be written."""
    pixels = np.array([manifest.pixels[split] for split in sheet.rows], np.float64)
    shares = pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1)
    left, top = sheet.panel_px, TITLE_PX
    texts = [_Text(left, 18, "Share of labelled cells", 9, bold=True)]
    for place, split in enumerate(sheet.rows):
        x = left + place * 118
        canvas[36:48, x : x + 12] = _rgb(split)
        texts.append(_Text(x + 18, 42, SPLIT_NAMES[split], 8))
    # The frequent ones, if there is not room for all.
    shown = np.sort(np.argsort(-shares.sum(axis=0), kind="stable")[: sheet.classes])
    for place in shown:
        texts += _paint_class(
            canvas, top, manifest.classes.classes[place], shares[:, place], shares.max(), sheet
        )
        top += sheet.row_px
    if len(shown) < len(manifest.classes):
        more = f"and {len(manifest.classes) - len(shown)} rarer classes"
        texts.append(_Text(left, top + TEXT_PX / 2, more, 7.5))
        top += sheet.row_px
    cells = [manifest.counts[split] * manifest.export.size**2 for split in sheet.rows]
    labelled = pixels.sum(axis=1) / np.maximum(cells, 1)
    for code, name in ((UNLABELLED_INDEX, "unlabelled"), (NULL_INDEX, "NULL")):
        _frame(canvas, top, left, _hatch(code, (TEXT_PX - 4, 22)))
        texts.append(_Text(left + 30, top + TEXT_PX / 2, name, 7.5))
        top += TEXT_PX + 4
    told = " / ".join(f"{100 * share:.0f}" for share in labelled)
    texts.append(_Text(left, top + TEXT_PX / 2, f"labelled: {told} % of the cells", 7.5))
    return texts


def _paint_class(
    canvas: np.ndarray,
    top: int,
    one: MapClass,
    shares: np.ndarray,
    longest: float,
    sheet: _Sheet,
) -> list[_Text]:
    """A class's colour, label and, split by split, bar; `longest` share fills the panel."""
    left = sheet.panel_px
    color = [round(255 * part) for part in one.rgb]
    _frame(canvas, top, left, np.full((TEXT_PX - 4, 22, 3), color, np.uint8))
    bar_px = min(8, (sheet.row_px - TEXT_PX - 2) // 3)
    for place, (split, share) in enumerate(zip(sheet.rows, shares, strict=True)):
        y = top + TEXT_PX + place * bar_px
        width = round(PANEL_PX * share / longest) if longest else 0
        canvas[y : y + bar_px - (bar_px > 3), left : left + width] = _rgb(split)
    middle = top + TEXT_PX / 2 - 2
    # In figures the first split only, which is training, and in its colour.
    ink = tuple(level / 255 for level in _rgb(next(iter(sheet.rows))))
    percent = _Text(left + PANEL_PX, middle, f"{100 * shares[0]:.1f} %", 7.5, "right", color=ink)
    return [_Text(left + 30, middle, _short(one.full_name), 7.5), percent]


def _frame(canvas: np.ndarray, top: int, left: int, picture: np.ndarray) -> None:
    """A sample of a colour with a thin dark edge, which shows white ones."""
    rows, cols = picture.shape[:2]
    canvas[top : top + rows, left : left + cols] = DARK
    _put(canvas, top + 1, left + 1, picture[1:-1, 1:-1])


def _with_texts(canvas: np.ndarray, texts: Sequence[_Text]) -> np.ndarray:
    """The canvas with texts.

    They are drawn on a white page of their own: matplotlib would resample a picture below them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, cols = canvas.shape[:2]
    figure = Figure(figsize=(cols / DPI, rows / DPI), dpi=DPI, facecolor="white")
    for text in texts:
        text.write(figure)
    page = FigureCanvasAgg(figure)
    page.draw()
    return np.minimum(canvas, np.asarray(page.buffer_rgba())[..., :3])


def _save(picture: np.ndarray, path: str | os.PathLike) -> None:
    from matplotlib.image import imsave

    # Photographs do not get much smaller, however long they are squeezed.
    imsave(path, picture, format="png", dpi=DPI, pil_kwargs={"compress_level": 3})


def _number(count: int) -> str:
    return f"{count:,}".replace(",", "\u2009")


def _short(label: str) -> str:
    return label if len(label) <= LABEL_LENGTH else label[: LABEL_LENGTH - 1] + "…"


def _rgb(split: str) -> tuple[int, ...]:
    return tuple(int(part) for part in SPLIT_COLORS[split].split(":"))
