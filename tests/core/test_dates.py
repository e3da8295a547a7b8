# SPDX-License-Identifier: GPL-2.0-or-later
"""Bands of several dates."""

from dataclasses import replace

import numpy as np
import pytest

from grassdl.core.band_statistics import BandStatistics
from grassdl.core.bands import OBSERVED, Band, names_mismatch, options_of, places_of
from grassdl.core.dates import (
    dates_mismatch,
    dates_to_show,
    days_of,
    days_off,
    far_dates,
    joined_dates,
    number_of_dates,
    of_date,
    present_cells,
    shared_statistics,
)


def band(name, date=0, declared=True):
    source = {"map": f"{name}_{date}@here"}
    return Band(name, declared, source, None, 0.5, "nearest", "", "uint8", date)


PAIR = [band("red"), band("nir"), band("red", 1), band("nir", 1)]


def test_a_file_tells_the_date_of_later_dates_only():
    assert [one.to_json().get("date") for one in PAIR] == [None, None, 1, 1]
    assert [Band.from_json(one.to_json()) for one in PAIR] == PAIR


def test_the_bands_of_each_date_follow_each_other_and_have_labels_of_their_own():
    alone = [[band("red"), band("nir")], [band("red"), band("nir")]]
    joined = joined_dates(alone)
    assert [one.label for one in joined] == ["red", "nir", "red (date 1)", "nir (date 1)"]
    assert number_of_dates(joined) == 2
    assert of_date(joined, 1) == joined[2:]
    assert dates_mismatch(joined) is None


def test_bands_without_declared_names_are_called_as_at_the_first_date():
    maps = [band("naip_2014.red", declared=False), band("naip_2014.nir", declared=False)]
    joined = joined_dates([PAIR[:2], maps])
    assert [(one.name, one.date, one.declared) for one in joined[2:]] == [
        ("red", 1, True),
        ("nir", 1, True),
    ]
    assert joined[2].source == {"map": "naip_2014.red_0@here"}


def test_dates_of_other_bands_are_refused():
    with pytest.raises(ValueError, match=r"date 1 are not .*: band 1 is expected to be <red>, but"):
        joined_dates([PAIR[:2], [band("nir"), band("red")]])


def test_maps_of_the_same_names_in_another_order_are_refused_though_nobody_declared_them():
    first = [band("red", declared=False), band("nir", declared=False)]
    with pytest.raises(ValueError, match=r"date 1 .*: they are nir, red, in another order than re"):
        joined_dates([first, first[::-1]])


@pytest.mark.parametrize(
    ("bands", "fault"),
    [
        (PAIR[:3], "3 bands are not the same number at each of 2 dates"),
        ([*PAIR[2:], *PAIR[:2]], "4 bands are not the same number at each of 2 dates"),
        ([*PAIR[:3], band("blue", 1)], "the bands of date 1 are not called like those of date 0"),
        ([band("red", 1000)], "1 bands are not the same number at each of 1001 dates"),
    ],
)
def test_a_file_with_other_bands_at_a_date_is_found_damaged(bands, fault):
    assert dates_mismatch(bands) == fault


def test_bands_are_found_by_date_and_name():
    three = [*PAIR[:2], band("blue"), *PAIR[2:], band("blue", 1)]
    assert places_of(PAIR, three) == [0, 1, 3, 4]
    assert places_of(three, PAIR) == [0, 1, None, 2, 3, None]
    assert places_of(PAIR, PAIR[:2]) == [0, 1, None, None]


def test_two_dates_of_two_bands_are_not_four_bands_of_one_date():
    four = [band(name, declared=False) for name in "abcd"]
    assert names_mismatch(PAIR, four) == "bands of 2 dates are expected, of one date are given"


def test_a_band_is_normalised_by_its_values_at_all_dates():
    statistics = [
        BandStatistics.of(np.array(values, np.uint8))
        for values in ([10, 20], [1, 1], [30, 40], [3, 3])
    ]
    shared = shared_statistics(PAIR, statistics)
    assert [one.mean for one in shared] == [25, 2, 25, 2]
    assert [one.deviation for one in shared] == pytest.approx([np.sqrt(125), 1, np.sqrt(125), 1])


def test_the_options_that_give_the_maps_again_tell_both_dates():
    heights = Band(
        "ndsm", True, {"dsm": "s@p", "dtm": "t@p"}, "ndsm", 1.0, "nearest", "", "float32"
    )
    pair = [PAIR[0], heights, PAIR[2], replace(heights, date=1, source={"dsm": "u", "dtm": "t@p"})]
    assert options_of(pair) == {
        "input": "red_0@here",
        "dsm": "s@p",
        "dtm": "t@p",
        "after_input": "red_1@here",
        "after_dsm": "u",
        "after_dtm": "t@p",
    }


def test_bands_of_one_date_keep_their_own_statistics_whatever_they_are_called():
    statistics = [BandStatistics.of(np.array(one, np.uint8)) for one in ([10, 20], [1, 1])]
    assert shared_statistics([band("red"), band("red")], statistics) == statistics


def series_of(*days):
    """Bands red, nir and observed at each day."""
    found = []
    for date, day in enumerate(days):
        maps = [band("red", date), band("nir", date)]
        source = {str(place): one.source["map"] for place, one in enumerate(maps, start=1)}
        observed = replace(maps[0], name=OBSERVED, source=source, derivation=OBSERVED)
        found += [replace(one, day=day) for one in [*maps, observed]]
    return found


def test_a_series_tells_the_days_of_its_dates():
    assert days_of(series_of(0, 25, 60)) == (0, 25, 60)
    assert days_of(PAIR) is None


def test_a_series_tells_where_it_was_observed_last_at_each_date():
    bands = series_of(0, 25)
    assert dates_mismatch(bands) is None
    for wrong in ([0, 2, 1, 3, 5, 4], [2, 5]):
        assert "<observed> is not the last" in dates_mismatch([bands[place] for place in wrong])


def test_values_count_where_their_date_was_observed_and_no_date_is_null():
    values = np.zeros((3, 6))
    values[:, 2], values[:, 5] = [1, 0, 1], [1, 1, 0]
    runs = present_cells(series_of(0, 25), values, np.array([True, True, False]))
    assert [(one.start, one.stop, there.tolist()) for one, there in runs] == [
        (0, 2, [True, False, False]),
        (2, 3, [True, True, False]),
        (3, 5, [True, True, False]),
        (5, 6, [True, True, False]),
    ]


def test_what_tells_where_a_date_was_observed_is_not_scaled():
    each = [BandStatistics.of(np.array([one, one + 2])) for one in range(6)]
    shared = shared_statistics(series_of(0, 25), each)
    assert [one.mean for one in shared] == [2.5, 3.5, 0, 2.5, 3.5, 0]
    assert shared[2].deviation == shared[5].deviation == 1


def test_the_name_of_a_series_is_left_to_the_reader():
    assert options_of(series_of(0, 25)) == {"strds": "SERIES"}


class TestTransforms:
    DECIBEL = replace(band("vv"), transform="db")

    def test_bands_of_power_are_no_bands_of_decibel(self):
        message = "band <vv> is expected to hold decibel, but the values of the map are given"
        assert message in names_mismatch([self.DECIBEL], [band("vv")])
        power = replace(band("vv", declared=False), transform=None)
        assert "hold the values of the map, but decibel" in names_mismatch([power], [self.DECIBEL])

    def test_a_band_is_found_only_as_it_was_transformed(self):
        offered = [band("red"), self.DECIBEL]
        assert places_of([self.DECIBEL], offered) == [1]
        assert places_of([band("vv"), band("red")], offered) == [None, 0]


def test_days_are_off_where_a_date_is_far_from_that_of_the_training():
    assert days_off([0, 30, 60], [0, 50, 60]) == 0
    assert days_off([0, 30, 60], [0, 31, 81]) == 21


@pytest.mark.parametrize(
    ("trained", "given", "days"),
    [(100, 160, 60), (100, 115, None), (350, 10, 25), (10, 350, 25), (0, 160, None)],
)
def test_a_series_of_another_season_is_told_of_though_its_dates_are_as_far_apart(
    trained, given, days
):
    def begun(day):
        return [replace(one, day_of_year=day) for one in series_of(0, 30)]

    told = far_dates(begun(trained), begun(given), "the series", "the training")
    assert told == (
        [
            f"The dates of the series begin on day {given} of the year, {days} days off those of "
            f"the training, which begin on day {trained}"
        ]
        if days
        else []
    )


def test_maps_of_no_series_are_in_no_season():
    assert far_dates(PAIR, PAIR, "these", "those") == []


def test_an_area_is_shown_by_the_dates_that_miss_fewest_of_its_cells():
    assert dates_to_show([3, 0, 7, 0]) == [1, 3]
    assert dates_to_show([3, 2, 7]) == [1]
