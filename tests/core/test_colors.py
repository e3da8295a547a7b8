# SPDX-License-Identifier: GPL-2.0-or-later
"""Default colours of classes."""

import pytest

from grassdl.core.colors import (
    PALETTE,
    are_alike,
    default_colors,
    named_color,
    spare_colors,
    were_chosen,
)

DEMO = ["bare soil", "herbaceous", "asphalt", "building", "coniferous", "deciduous", "water"]


@pytest.mark.parametrize("label", ["water", "Water bodies", "lake_deep", "river/canal"])
def test_water_is_blue(label):
    red, green, blue = map(int, named_color(label).split(":"))
    assert blue > green > red


def test_the_kind_of_a_forest_decides_on_its_colour():
    assert named_color("coniferous forest") == named_color("conifers") != named_color("forest")


@pytest.mark.parametrize("label", ["7", "", "watermelon", "class 3", "other's"])
def test_what_names_nothing_known_has_no_colour_of_its_own(label):
    assert named_color(label) in (None, named_color("other"))
    assert named_color("watermelon") is None


def test_the_colours_of_common_classes_can_be_told_apart():
    colors = default_colors(DEMO, [])
    assert len({*colors}) == len(DEMO)
    assert not any(
        are_alike(one, other) for place, one in enumerate(colors) for other in colors[:place]
    )


def test_two_classes_of_one_name_or_a_colour_that_is_taken_get_spare_ones():
    first, second = default_colors(["water", "lake"], [])
    assert first == named_color("water")
    assert second == next(spare_colors({first}))
    assert default_colors(["water"], [named_color("water")]) != [named_color("water")]


def test_classes_without_name_have_the_palette():
    assert default_colors(["1", "2", "3"], []) == list(PALETTE[:3])


def test_default_colours_are_nobodys_choice():
    assert not were_chosen(*default_colors(DEMO, []))
    assert were_chosen("1:2:3")
