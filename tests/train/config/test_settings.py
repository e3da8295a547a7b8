# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a network is trained where the options leave it open."""

import pytest

from grassdl.train.config.settings import Settings, standard_epochs


@pytest.mark.parametrize(
    ("patches", "size", "epochs"),
    [(1000, 128, 31), (4000, 64, 31), (344, 128, 89), (100, 64, 200), (30_000, 128, 20)],
)
def test_small_datasets_are_shown_more_often(patches, size, epochs):
    assert standard_epochs(patches, size) == epochs


def test_epochs_and_patience_follow_from_the_patches_unless_they_are_told():
    def settled(**told):
        settings = Settings(**told).for_patches(1000, 128)
        return settings.epochs, settings.patience

    assert settled(schedule="plateau") == (31, 13)
    assert settled(schedule="constant", epochs=8) == (8, 4)
    assert settled(schedule="plateau", patience=0) == (31, 0)
    assert settled(epochs=8, patience=3) == (8, 3)


def test_a_network_that_starts_from_a_model_learns_at_a_tenth_of_the_usual_rate():
    def rate(**given):
        return Settings(**given).for_patches(1000, 128).learning_rate

    assert rate() == 0.002
    assert rate(model="old") == pytest.approx(0.0002)
    # A new head learns at the usual rate while the encoder is frozen.
    assert rate(model="old", freeze=True) == 0.002
    assert rate(model="old", learning_rate=0.01) == 0.01


def test_nothing_stops_a_cosine_before_its_rate_has_fallen_unless_the_user_wants_it():
    settings = Settings().for_patches(1000, 128)
    assert (settings.schedule, settings.epochs, settings.patience) == ("cosine", 31, 0)
    assert Settings(patience=5).for_patches(1000, 128).patience == 5
