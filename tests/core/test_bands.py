# SPDX-License-Identifier: GPL-2.0-or-later
"""Bands: derived values, dtypes, names, and statistics that merge exactly."""

import json
from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grassdl.core.band_statistics import BandStatistics, Histogram
from grassdl.core.bands import (
    Band,
    check_band_name,
    color_of,
    decibel,
    holds,
    names_mismatch,
    ndsm,
    ndvi,
    number_mismatch,
    smallest_dtype,
)
from grassdl.core.readers import by_layers, empty_layers, zero_layers


def band(name, declared=True):
    return Band(name, declared, {"map": f"{name}@here"}, None, 0.5, "nearest", "m", "uint8")


def integers(dtype):
    return arrays(dtype, st.integers(0, 30))


def parts_of(dtype):
    return st.lists(integers(dtype), min_size=1, max_size=5)


def merged(parts):
    return reduce(BandStatistics.merge, map(BandStatistics.of, parts))


def test_layers_have_each_a_piece_of_memory():
    interleaved = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    same = by_layers(interleaved)
    assert np.array_equal(same, interleaved)
    assert np.shares_memory(by_layers(same), same)
    zeros = zero_layers((3, 4, 5), np.uint16)
    assert not zeros.any()
    for values in (empty_layers((3, 4, 5), np.uint16), zeros, same):
        assert values.shape == (3, 4, 5) and values.dtype == np.uint16
        assert all(values[..., layer].flags.c_contiguous for layer in range(5))


def test_ndvi_is_the_normalised_difference_and_0_where_both_bands_are_0():
    red = np.array([100.0, 0.0, 0.0, 300.0])
    nir = np.array([300.0, 0.0, 50.0, 100.0])
    assert ndvi(red, nir).tolist() == [0.5, 0.0, 1.0, -0.5]
    assert ndvi(red, nir).dtype == np.float32


def test_ndsm_is_the_difference_of_the_heights():
    heights = ndsm(np.array([212.25, 7.0]), np.array([200.0, 9.5]))
    assert heights.tolist() == [12.25, -2.5]
    assert heights.dtype == np.float32


@pytest.mark.parametrize(
    "ranges, dtype",
    [
        ([(0, 255)], "uint8"),
        ([(0, 255), (0, 256)], "uint16"),
        ([(0, 65535)], "uint16"),
        ([(-1, 255)], "int16"),
        ([(-1, 0), (0, 65535)], "int32"),
        ([(0, 65536)], "int32"),
        ([(-32768, 32767)], "int16"),
        ([(-32769, 0)], "int32"),
        ([(0, 1), None], "float32"),
    ],
)
def test_the_smallest_dtype_that_holds_all_bands_is_taken(ranges, dtype):
    assert smallest_dtype(ranges) == np.dtype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize("beyond", [1, 1000, 2**31])
def test_a_type_holds_what_lies_within_its_limits(dtype, beyond):
    limits, cells = np.iinfo(dtype), np.iinfo(np.int32)
    inside = np.array([[limits.min, 0], [1, limits.max]], np.int32)
    assert holds(np.dtype(dtype), inside)
    for value in (max(limits.min - beyond, cells.min), min(limits.max + beyond, cells.max)):
        assert not holds(np.dtype(dtype), np.append(inside, np.int32(value)))


def test_names_are_compared_only_where_both_sides_declared_them():
    red, nir = band("red"), band("nir")
    assert names_mismatch([red, nir], [red, nir]) is None
    assert names_mismatch([red, nir], [band("lsat.3", False), nir]) is None
    assert names_mismatch([band("b1", False), nir], [red, nir]) is None
    assert names_mismatch([red, nir], [nir, red]) == (
        "band 1 is expected to be <red>, but <nir> is given"
    )


def test_numbers_of_bands_are_always_compared():
    wrong = names_mismatch([band("red", False), band("nir", False)], [band("x", False)])
    assert wrong == "2 bands are expected (red, nir), 1 are given (x)"


def test_bands_that_are_missing_or_too_many_are_named():
    four = ["nir", "red", "green", "blue"]
    assert number_mismatch(four, ["red", "green", "blue"]) == (
        "4 bands are expected (nir, red, green, blue), 3 are given (red, green, blue); missing: nir"
    )
    assert number_mismatch(["red"], ["red", "nir"]).endswith("; too many: nir")
    assert number_mismatch(["red", "nir"], ["red", "nir", "red"]).endswith("; too many: red")
    assert number_mismatch(four, four[::-1]) is None
    many = [f"b{place}" for place in range(448)]
    assert number_mismatch(many, many[1:]).endswith("missing: b0")
    assert len(number_mismatch(many, ["red"])) < 150


def test_a_band_comes_back_from_json_as_it_was():
    derived = Band("ndvi", True, {"red": "r", "nir": "n"}, "ndvi", 2.0, "nearest", "", "float32")
    for one in (band("red"), derived):
        assert Band.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32"])
@given(data=st.data())
def test_statistics_of_integers_merge_to_exactly_those_of_the_whole(dtype, data):
    parts = data.draw(parts_of(np.dtype(dtype)))
    values = [int(value) for part in parts for value in part]
    found = merged(parts)
    assert found.count == len(values)
    assert found.total == sum(values)
    assert found.total_squares == sum(value**2 for value in values)
    assert found.minimum == min(values, default=None)
    assert found.maximum == max(values, default=None)


finite = arrays(
    np.float32,
    st.integers(0, 30),
    elements=st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False),
)


@given(parts=st.lists(finite, min_size=1, max_size=5))
def test_statistics_of_floats_merge_to_those_of_the_whole_but_for_rounding(parts):
    found, whole = merged(parts), BandStatistics.of(np.concatenate(parts))
    scale = np.abs(np.concatenate(parts).astype(np.float64)).sum()
    assert found.count == whole.count
    assert found.total == pytest.approx(whole.total, rel=1e-12, abs=1e-12 * scale)
    assert found.total_squares == pytest.approx(whole.total_squares, rel=1e-12)
    assert (found.minimum, found.maximum) == (whole.minimum, whole.maximum)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
@given(data=st.data())
def test_histograms_merge_to_exactly_that_of_the_whole(dtype, data):
    values = finite if dtype == "float32" else integers(np.dtype(dtype))
    parts = data.draw(st.lists(values, min_size=1, max_size=5))
    found, whole = merged(parts).histogram, Histogram.of(np.concatenate(parts))
    assert (found.exponent, found.first) == (whole.exponent, whole.first)
    assert found.counts.tolist() == whole.counts.tolist()
    assert len(found.counts) <= Histogram.MAX_BINS


@given(values=finite.filter(len))
def test_every_value_is_counted_in_the_bin_that_holds_it(values):
    told = Histogram.of(values).to_json()
    edges = told["start"] + told["width"] * np.arange(len(told["counts"]) + 1)
    inside = (values >= edges[:-1, None]) & (values < edges[1:, None])
    assert told["counts"] == inside.sum(axis=1).tolist()


def test_a_constant_band_of_huge_values_has_its_histogram_in_the_right_place():
    values = np.full(7, -3.4028235e38, np.float32)
    told = Histogram.of(values).to_json()
    assert told["counts"] == [7]
    assert told["start"] <= float(values[0]) < told["start"] + told["width"]


@given(values=st.one_of(integers(np.int32), finite))
def test_statistics_come_back_from_json_as_they_were(values):
    told = BandStatistics.of(values).to_json()
    again = BandStatistics.from_json(json.loads(json.dumps(told, allow_nan=False)))
    assert again.to_json() == told


@given(values=arrays(np.uint16, st.integers(1, 50)))
def test_mean_and_deviation_are_numpys(values):
    found = BandStatistics.of(values)
    assert found.mean == pytest.approx(values.mean())
    assert found.deviation == pytest.approx(values.std())


def test_a_narrow_band_far_from_zero_keeps_its_deviation():
    values = np.tile(np.array([65534, 65535], np.uint16), 500_000)
    assert BandStatistics.of(values).deviation == 0.5


@pytest.mark.parametrize("parts", [1, 7])
@pytest.mark.parametrize("middle", [0.0, 1e6, -1e7])
def test_a_narrow_float_band_far_from_zero_keeps_its_deviation(middle, parts):
    values = (middle + np.random.default_rng(0).normal(0, 2, 70_000)).astype(np.float32)
    found = merged(np.split(values, parts))
    assert found.deviation == pytest.approx(values.astype(np.float64).std(), rel=1e-6)
    again = BandStatistics.from_json(json.loads(json.dumps(found.to_json())))
    assert again.deviation == found.deviation


@pytest.mark.parametrize("value", [0.1, 1e6 + 0.1, -3.4e38, 1e-30])
def test_a_constant_float_band_has_the_deviation_0(value):
    values = np.full(30_000, value, np.float32)
    assert merged(np.split(values, 3)).deviation == 0
    # Datasets of older versions have the sums alone, of which the difference is not quite 0.
    told = BandStatistics.of(values).to_json()
    del told["squared_differences"]
    assert BandStatistics.from_json(told).deviation == 0


def test_floats_of_older_datasets_and_integers_merge_with_floats():
    values = np.random.default_rng(1).normal(50, 9, 3000).astype(np.float32)
    whole = np.random.default_rng(2).integers(0, 255, 2000).astype(np.uint8)
    older = BandStatistics.of(values[:1000]).to_json()
    del older["squared_differences"]
    found = BandStatistics.from_json(older).merge(BandStatistics.of(values[1000:]))
    expected = np.concatenate([values, whole]).astype(np.float64).std()
    assert found.merge(BandStatistics.of(whole)).deviation == pytest.approx(expected)


def test_a_band_without_values_has_mean_and_deviation_0():
    assert (BandStatistics().mean, BandStatistics().deviation) == (0, 0)


@pytest.mark.parametrize(
    ("name", "colour"),
    [("red", "red"), ("ortho.red", "red"), ("2024_Blue", "blue"), ("S2_3", "green")]
    + [("L8_4", "red"), ("nir", None), ("infrared", None), ("red.edge", None), ("B4", None)],
)
def test_colours_are_known_by_name_or_semantic_label(name, colour):
    assert color_of(name) == colour


@pytest.mark.parametrize("name, length", [("", 0), ("\x1b[31m\t", 0), ("x" * 201, 201)])
def test_a_name_of_a_band_that_no_file_takes_is_refused(name, length):
    with pytest.raises(ValueError, match=f"bands has a name of {length} printable characters"):
        check_band_name(name)
    check_band_name("\x1b[31m" + "\u00e4" * 200)


def test_power_in_decibel_is_nothing_where_there_is_none():
    found = decibel(np.array([1000.0, 1.0, 0.01, 0.0, -3.0], np.float32))
    np.testing.assert_allclose(found, [30, 0, -20, np.nan, np.nan], rtol=1e-6)
    assert decibel(np.array([100, -5], np.int32)).dtype == np.float32


def test_a_band_of_no_maps_or_of_roles_of_another_is_refused():
    made = {"declared": True, "resolution": 0.5, "resampling": "nearest", "units": ""}
    for source in ({}, {"map": "a@here"}, {"2": "a@here"}):
        with pytest.raises(ValueError, match="do not belong to derivation observed"):
            Band("observed", source=source, derivation="observed", dtype="uint8", **made)


def test_a_file_tells_day_and_transform_only_where_there_are_some():
    plain = band("vv")
    assert {"day", "day_of_year", "transform"}.isdisjoint(plain.to_json())
    later = replace(plain, date=1, day=12, day_of_year=366, transform="db", dtype="float32")
    assert Band.from_json(later.to_json()) == later
