# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of an evaluation that do not go together."""

from collections import defaultdict

import pytest

from grassdl.evaluate.settings import Settings


def settings_of(**options):
    given = {"standard_error": "0.01", "seed": "1", **options}
    return Settings.from_options(defaultdict(str, given))


@pytest.mark.parametrize(
    "options, words",
    [
        ({"classification": "c", "importance": "5"}, "give model and dataset, instead of a class"),
        ({"model": "m", "importance": "0"}, "importance takes a whole number of 1 to 1000, not 0"),
        ({"model": "m", "importance": "some"}, "importance takes a whole number"),
    ],
)
def test_an_importance_that_cannot_be_had_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        settings_of(**options)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"reference": "r", "wanted_recall": "0.9"}, "give those of the map"),
        ({"model": "m", "wanted_precision": "90"}, "takes a number of 0 to 1, not 90"),
        ({"model": "m", "wanted_precision": "high"}, "takes a number of 0 to 1, not high"),
    ],
)
def test_a_wanted_precision_or_recall_is_a_share_and_needs_probabilities(options, words):
    with pytest.raises(ValueError, match=words):
        settings_of(**options)


def test_background_goes_with_areas_and_a_whole_raster_reference():
    assert settings_of(areas="a", background="0").background == 0
    assert settings_of(reference="a", background="3").background == 3
    assert settings_of(reference="a").background is None


def test_blocks_of_points_are_refused():
    with pytest.raises(ValueError, match="block_size needs a reference or areas, not points"):
        settings_of(points="p", block_size="5")
    assert settings_of(areas="a", block_size="5").block_size == 5


@pytest.mark.parametrize("text", ["0", "1e-300", "-0.1", "0.5"])
def test_a_standard_error_that_no_sample_reaches_is_refused(text):
    with pytest.raises(ValueError, match="must be at least 1e-06 and below 0.5, found"):
        settings_of(points="p", standard_error=text)
    assert settings_of(points="p", standard_error="1e-6").wanted_error == 1e-6


@pytest.mark.parametrize(
    "options, words",
    [
        ({"points": "p"}, "background needs a reference or areas, not points"),
        ({"reference": "r", "design": "stratified"}, "leave background out"),
        ({"model": "m"}, "background is for maps"),
        ({"areas": "a", "background": "-1"}, "background takes a whole number of 0"),
    ],
)
def test_background_that_means_nothing_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        settings_of(**{"background": "0", **options})
