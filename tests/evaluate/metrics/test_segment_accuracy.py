# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy by segment, against figures worked out segment by segment and object by object."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from array_rows import NULL_VALUE, ArrayMaps, ArrayRows, cells, classes_of
from grassdl.evaluate.map_assessment import assess
from grassdl.evaluate.metrics import class_rows as cells_module
from grassdl.evaluate.metrics.boundaries import border_report, count_borders
from grassdl.evaluate.metrics.class_rows import ClassRows
from grassdl.evaluate.metrics.segment_accuracy import segment_report
from grassdl.evaluate.report.formats import as_csv
from grassdl.evaluate.report.html import page
from grassdl.evaluate.report.text import plain
from grassdl.evaluate.settings import Settings

VALUES = [1, 2, 3]
KINDS = {
    "few": lambda rng, shape: rng.integers(-2, 4, shape),
    "cells": lambda rng, shape: rng.permutation(shape[0] * shape[1]).reshape(shape),
    "one": lambda rng, shape: np.full(shape, 2**31 - 1),
    "blocks": lambda rng, shape: np.add.outer(
        np.arange(shape[0]) // 3 * 99, np.arange(shape[1]) // 3
    ),
}


def report_of(mapped, truth, ids):
    rows = ClassRows([ArrayRows(mapped), ArrayRows(truth)], VALUES)
    return segment_report(rows, ArrayRows(ids), classes_of(VALUES))


def majority(values):
    found, count = np.unique(values, return_counts=True)
    return found[count.argmax()]


def expected_objects(truth, ids, counted):
    """Cells, over- and under-segmentation of every object of the truth."""
    inside = counted & (ids != NULL_VALUE)
    for value in VALUES:
        numbers, found = label(counted & (truth == value))
        for number in range(1, found + 1):
            own = numbers == number
            if (own & inside).any():
                best = majority(ids[own & inside])
                shared = np.count_nonzero(own & inside & (ids == best))
                yield own.sum(), 1 - shared / own.sum(), 1 - shared / np.sum(inside & (ids == best))


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(KINDS)),
    st.integers(2, 9),
    st.integers(2, 9),
    st.integers(0, 999),
    st.integers(1, 30),
)
def test_figures_are_those_worked_out_one_by_one(kind, rows, cols, seed, strip):
    rng = np.random.default_rng(seed)
    ids = KINDS[kind](rng, (rows, cols)).astype(np.int32)
    mapped, truth = rng.integers(1, 4, (2, rows, cols)).astype(np.int32)
    for one in (ids, mapped, truth):
        one[rng.random((rows, cols)) < 0.15] = NULL_VALUE
    ids[0, 0] = mapped[0, 0] = truth[0, 0] = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells_module, "STRIP_CELLS", strip)
        found = report_of(mapped, truth, ids)
    counted = (mapped != NULL_VALUE) & (truth != NULL_VALUE)
    inside = counted & (ids != NULL_VALUE)
    segments = [inside & (ids == one) for one in np.unique(ids[inside])]
    right = [majority(mapped[own]) == majority(truth[own]) for own in segments]
    sizes = [own.sum() for own in segments]
    smooth = mapped.copy()
    for own in segments:
        smooth[own] = majority(mapped[own])
    assert (found["segments"], found["pixels"]) == (len(segments), inside.sum())
    assert found["accuracy"] == pytest.approx(np.mean(right))
    assert found["accuracy_weighted"] == pytest.approx(np.average(right, weights=sizes))
    cells_right, by_segment = (np.mean((one == truth)[inside]) for one in (mapped, smooth))
    assert found["pixel_accuracy"] == pytest.approx(cells_right)
    assert found["pixel_accuracy_by_segment"] == pytest.approx(by_segment)
    assert found["pixel_accuracy_difference"] == pytest.approx(by_segment - cells_right)
    for one, key in ((mapped, "f1_macro"), (smooth, "f1_macro_by_segment")):
        both = ClassRows([ArrayRows(one), ArrayRows(truth)], VALUES)
        borders = border_report(count_borders(both, 3, (1, 2, 3)), classes_of(VALUES))
        assert [at[key] for at in found["borders"]] == [at["f1_macro"] for at in borders]
    objects = np.array(list(expected_objects(truth, ids, counted)))
    fit = found["segmentation"]
    assert fit["reference_objects"] == len(objects)
    weights, over, under = objects.T
    distance = np.sqrt((over**2 + under**2) / 2)
    for name, values in (("over", over), ("under", under), ("distance_d", distance)):
        assert fit[name] == pytest.approx(values.mean())
        assert fit[f"{name}_weighted"] == pytest.approx(np.average(values, weights=weights))


def test_perfect_segments_are_neither_over_nor_under_segmented():
    truth = cells("1122 1122 3322")
    found = report_of(truth, truth, truth * 1000)
    assert found["accuracy"] == found["pixel_accuracy_by_segment"] == 1
    fit = found["segmentation"]
    assert [fit[key] for key in ("reference_objects", "over", "under", "distance_d")] == [
        3,
        0,
        0,
        0,
    ]


def test_segments_that_hold_no_cell_have_undefined_figures():
    truth = cells("12")
    found = report_of(truth, truth, np.full((1, 2), NULL_VALUE, np.int32))
    assert (found["segments"], found["accuracy"], found["pixel_accuracy"]) == (0, None, None)
    assert found["segmentation"]["over"] is None


@pytest.fixture
def maps():
    rng = np.random.default_rng(1)
    truth = rng.integers(1, 4, (6, 8)).repeat(4, axis=0).repeat(4, axis=1).astype(np.int32)
    mapped = np.where(rng.random(truth.shape) < 0.2, 1, truth).astype(np.int32)
    maps = ArrayMaps(mapped, truth)
    maps.segments = ArrayRows(np.add.outer(np.arange(24) // 4 * 99, np.arange(32) // 4))
    maps.names["segments"] = "seg"
    return maps


def test_all_formats_tell_the_figures(maps):
    report = json.loads(json.dumps(assess(maps, Settings()), allow_nan=False))
    found = report["segments"]
    assert found["map"] == "seg"
    assert found["segments"] == 48
    assert found["pixel_accuracy"] == report["overall_accuracy"]
    listing = plain(report)
    assert max(map(len, listing.splitlines())) <= 80
    for figure in (found["accuracy"], found["borders"][2]["f1_macro_by_segment"]):
        assert f"{figure:.4f}" in listing
    table = as_csv(report)
    assert f"segments_accuracy,,,{found['accuracy']}\n" in table
    assert f"segments_borders_2_f1_macro,,,{found['borders'][1]['f1_macro']}\n" in table
    html = page(report, [], {}, {})
    assert 'data-path="segments.segmentation.under_weighted"' in html
    assert 'data-path="segments.borders.0.f1_macro_by_segment"' in html
