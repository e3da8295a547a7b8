# SPDX-License-Identifier: GPL-2.0-or-later
"""The dates of a space time raster dataset, out of the maps that are registered in it."""

from datetime import datetime

import pytest

from grassdl.core.bands import transforms_of
from grassdl.core.registered_maps import Registered, by_start, check_order

MAY, JUNE = datetime(2021, 5, 1), datetime(2021, 6, 11, 10, 30)


def registered(*maps):
    return [Registered(f"{label or 'map'}_{start:%m}", label, start) for start, label in maps]


def test_dates_follow_time_and_bands_the_numbers_in_their_labels():
    found = by_start(
        "s", registered((JUNE, "S2_11"), (MAY, "S2_11"), (JUNE, "S2_2"), (MAY, "S2_2"))
    )
    names = {start: [one.name for one in maps] for start, maps in found.items()}
    assert names == {MAY: ["S2_2_05", "S2_11_05"], JUNE: ["S2_2_06", "S2_11_06"]}
    assert list(found) == [MAY, JUNE]


def test_maps_without_labels_are_one_band():
    found = by_start("s", registered((MAY, ""), (JUNE, "")))
    assert [len(maps) for maps in found.values()] == [1, 1]


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ([(MAY, "red"), (JUNE, "nir")], "differ in bands: 2021-05-01 00:00:00 has red, 2021-06-11"),
        ([(MAY, "red"), (JUNE, "red"), (JUNE, "nir")], "10:30:00 has nir, red; choose dates"),
        ([(MAY, "red"), (JUNE, "")], "has without label; choose dates of equal bands by where"),
        ([(MAY, "red"), (MAY, "red")], "<s> has 2 maps of band red on 2021-05-01 00:00:00"),
        ([(MAY, ""), (MAY, "")], "has 2 maps of no semantic label on .*: a date has one map"),
        ([(MAY, "red"), (MAY, "nir")], "<s> has one date, 2021-05-01 00:00:00, among"),
    ],
)
def test_what_makes_no_series_is_refused_in_one_line(maps, message):
    with pytest.raises(ValueError, match=message) as refusal:
        by_start("s", registered(*maps))
    assert "\n" not in str(refusal.value)


def test_names_that_would_change_places_with_labels_are_refused():
    check_order(["vh", "VV"], ["S1_VH", "S1_VV"])
    check_order(["red", "nir"], ["S2_4", "S2_8"])
    check_order(["2", "12"], ["S2_2", "S2_12"])
    check_order([""], ["S1_VH", "S1_VV"])
    message = "name vv to the maps of semantic label S1_VH, .* which are S1_VH, S1_VV"
    with pytest.raises(ValueError, match=message):
        check_order(["vv", "vh"], ["S1_VH", "S1_VV"])


def test_a_transform_is_told_by_the_name_of_a_band():
    assert transforms_of("vv:db, vh:db") == {"vv": "db", "vh": "db"}
    assert transforms_of("") == {}


@pytest.mark.parametrize("text", ["db", "vv:log", "vv"])
def test_another_transform_is_refused(text):
    with pytest.raises(ValueError, match=f"BAND:TRANSFORM, with transforms db, .* found {text}"):
        transforms_of(text)
