# SPDX-License-Identifier: GPL-2.0-or-later
"""The sections of a report, and how the listing lays out their tables."""

import numpy as np

from array_rows import ArrayMaps
from grassdl.core.accuracy import SUMMARY_FIGURES
from grassdl.core.text import columns
from grassdl.evaluate.map_assessment import assess
from grassdl.evaluate.report.sections import facts, sections
from grassdl.evaluate.report.tables import Cell, Figure, Part
from grassdl.evaluate.report.text import WIDTH, plain
from grassdl.evaluate.settings import Settings


def census(size, **settings):
    """The report on two random maps of so many rows and columns."""
    mapped, truth = np.random.default_rng(1).choice([1, 2], (2, size, size)).astype(np.int32)
    return assess(ArrayMaps(mapped, truth), Settings(**settings))


def lines_below(text, title):
    """The lines of a section."""
    return text.partition(f"\n{title}\n\n")[2].splitlines()


def test_a_sentence_holds_its_figures_with_their_places():
    part = Part({"a": {"list": [{"n": 1200}, {"n": 5}]}}, "a.list.1")
    assert part.words("{n:d} cells") == [Figure("a.list.1.n", 5, "d"), " cells"]
    assert part.cell("absent") == Cell(Figure("a.list.1.absent", None))


def test_names_in_braces_are_only_names():
    report = census(12) | {"reference": "{pixels}", "left_out": {"masked": 3}}
    assert dict(facts(report))["Reference"] == ["{pixels}"]
    assert dict(facts(report))["Left out"] == [Figure("left_out.masked", 3, "d"), " masked"]
    assert "Reference:      {pixels}\n" in plain(report)


def test_the_summary_shows_every_figure_that_has_an_interval():
    summary = next(one for one in sections(census(12), 20) if one.title == "Summary")
    shown = {cell.content.path for _, cells in summary.tables[0].rows for cell in cells}
    hidden = SUMMARY_FIGURES.keys() - shown
    assert not hidden, f"give {', '.join(hidden)} a line in _SUMMARY of report/sections.py"


def test_intervals_stand_beside_their_figures_where_the_line_is_wide_enough():
    report = census(12)
    low, high = report["intervals"]["kappa"]
    heads, *rows = lines_below(plain(report), "SUMMARY")
    assert heads.split() == ["Figure", "95", "%", "interval"]
    [kappa] = [row for row in rows if row.startswith("Kappa ")]
    assert kappa.split("  ")[-1] == f"[{low:.4f}, {high:.4f}]"


def test_intervals_that_do_not_fit_stand_below_in_a_table_of_the_rows_that_have_any():
    report = census(12)
    low, high = report["intervals"]["classes"][0]["f1"]
    rows = lines_below(plain(report), "95 % INTERVALS BY CLASS")[2:]
    assert rows[0].split()[-2] == f"{low:.4f}-{high:.4f}"
    assert rows[2] == ""


def test_intervals_of_bands_are_called_so():
    loss = {
        f"{name}{end}": figure
        for name in ("r2_loss", "rmse_increase")
        for end, figure in (("", 1.0), ("_interval", [0.9, 1.1]), ("_at_mean", 0.5))
    }
    bands = [{"band": "near infrared", **loss}]
    importance = {"repeats": 5, "seed": 1, "rmse": 1.0, "r2": 0.9, "bands": bands}
    report = {"target": "value", "pixels": 9, "importance": importance}
    report |= {"ranges": [{"label": "below 5"}], "intervals": {"blocks": 1, "block_size": 5}}
    text = plain(report)
    assert "95 % INTERVALS BY BAND" in text and "BY CLASS" not in text


def test_a_table_that_is_too_wide_is_folded_with_its_names_in_each_panel():
    values = np.arange(1, 21, dtype=np.int32).reshape(4, 5) * 1000
    report = assess(ArrayMaps(values, values), Settings())
    lines = plain(report).splitlines()
    matrix = lines[lines.index("CONFUSION MATRIX") : lines.index("ACCURACY BY CLASS")]
    assert sum(line.split()[:1] == ["20000"] for line in matrix) > 1
    assert max(map(columns, matrix)) <= WIDTH


def test_too_few_blocks_for_intervals_are_reported():
    summary = sections(census(3, block_size=1), 20)[2]
    text = " ".join(plain(census(3, block_size=1)).split())
    assert "No intervals: 9 blocks of 1 x 1 cells are too few for a bootstrap." in text
    assert not any(cell.interval for _, cells in summary.tables[0].rows for cell in cells)
