# SPDX-License-Identifier: GPL-2.0-or-later
"""What a model's scores lose when a band tells nothing any more."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grassdl.core.bands import OBSERVED, Band
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.evaluate.band_importance import band_importance
from grassdl.evaluate.patch_assessment import score_patches
from grassdl.evaluate.provenance import describe
from grassdl.evaluate.report.formats import as_csv
from grassdl.evaluate.report.html import page
from grassdl.evaluate.report.text import plain
from grassdl.evaluate.scored_patches import ScoredPatches
from patches_of_arrays import dataset
from scored_model import BANDS, SIZE, card_of


def predict(images):
    """Roof where the first band is above 4, grass elsewhere; the second band does not matter."""
    roof = images[..., :1] > 4
    return np.concatenate([~roof, roof], axis=-1).astype(np.float32)


def patches_of(folder, labels):
    """Patches whose first band shows the class, and whose second is a gradient."""
    first = np.where(labels == 1, 9, 0)
    images = np.stack([first, np.indices(labels.shape)[2]], axis=-1).astype(np.uint8)
    return dataset(folder, labels, None, images=images)


def halves(count=20):
    """Labels of which a quarter is roof."""
    labels = np.zeros((count, SIZE, SIZE), np.uint8)
    labels[:, :, 6:] = 1
    return labels


def test_a_band_that_decides_loses_what_chance_leaves_and_another_nothing(tmp_path):
    """Of 3/4 grass and 1/4 roof a permuted band is right in 5/8 of the cells, by chance."""
    patches = ScoredPatches(card_of(), [patches_of(tmp_path / "a", halves())], "test")
    done = []
    found = band_importance(predict, card_of(), patches, 4, seed=1, progress=done.append)
    first, second = json.loads(json.dumps(found))["bands"]
    assert (found["repeats"], found["f1_macro"], done) == (4, 1, [16, 20])
    assert (first["band"], second["band"]) == ("a", "b")
    # F1 by chance is the share of the class: 0.75 and 0.25.
    assert first["f1_macro_loss"] == pytest.approx(0.5, abs=0.03)
    assert [one["f1_loss"] for one in first["classes"]] == pytest.approx([0.25, 0.75], abs=0.05)
    low, high = first["f1_macro_loss_interval"]
    assert low < first["f1_macro_loss"] < high < low + 0.1
    # At its mean of 9 all is roof: F1 is 0 and 2/5.
    assert first["f1_macro_loss_at_mean"] == pytest.approx(1 - 0.4 / 2)
    assert [one["f1_loss_at_mean"] for one in first["classes"]] == pytest.approx([1, 0.6])
    assert second["f1_macro_loss"] == second["f1_macro_loss_at_mean"] == 0
    assert second["f1_macro_loss_interval"] == [0, 0]


def test_the_values_of_a_permuted_band_are_those_of_cells_with_data(tmp_path):
    labels = halves(3)
    labels[1, 0] = NULL_INDEX
    patches = ScoredPatches(card_of(), [patches_of(tmp_path / "a", labels)], "test")
    seen = []

    def rule(images):
        seen.append(images.copy())
        return predict(images)

    band_importance(rule, card_of(), patches, 2, seed=1)
    plain, means, *permuted = seen
    assert len(seen) == 1 + 2 * 3
    assert (means[..., 0] == 9).all() and np.array_equal(means[..., 1], plain[..., 1])
    for images in permuted[:2]:
        assert np.array_equal(images[..., 1], plain[..., 1])
        assert (images[1, 0] == [9, 0]).all()
        assert set(np.unique(images[..., 0])) == {0, 9}
        assert not np.array_equal(images, plain)
    again = []
    band_importance(lambda one: again.append(one.copy()) or predict(one), card_of(), patches, 2, 1)
    assert np.array_equal(np.array(seen), np.array(again))


def test_one_repeat_has_no_interval_and_no_label_no_figure(tmp_path):
    patch_set = patches_of(tmp_path / "a", halves(2))
    found = band_importance(predict, card_of(), ScoredPatches(card_of(), [patch_set], "test"), 1, 1)
    assert found["bands"][0]["f1_macro_loss_interval"] is None
    with pytest.raises(ValueError, match="No pixel of the val patches is labelled"):
        band_importance(predict, card_of(), ScoredPatches(card_of(), [patch_set], "val"), 1, 1)


def test_the_most_important_band_comes_first_in_all_reports(tmp_path):
    """The bands are swapped, so that the one that decides is the second."""
    card = card_of(bands=card_of().bands[::-1], mean=[0.0, 9.0])
    patch_set = patches_of(tmp_path / "a", halves())
    report = score_patches(lambda one: predict(one[..., ::-1]), card, [patch_set], "test", seed=1)
    patches = ScoredPatches(card, [patch_set], "test")
    report["importance"] = band_importance(lambda one: predict(one[..., ::-1]), card, patches, 3, 1)
    report = json.loads(json.dumps(report))
    loss = report["importance"]["bands"][1]["f1_macro_loss"]
    listing = plain(report)
    rows = listing[listing.index("IMPORTANCE OF THE BANDS") :].splitlines()
    first, second = (next(row.split() for row in rows if row.startswith(f"{one} ")) for one in "ab")
    assert (first[1], second[1]) == (f"{loss:+.4f}", "+0.0000")
    assert rows.index(next(row for row in rows if row.startswith("a "))) < rows.index(
        next(row for row in rows if row.startswith("b "))
    )
    assert f"importance_bands_a_f1_macro_loss,,,{loss}\n" in as_csv(report)
    assert "importance_bands_a_f1_loss_at_mean,5,roof,0.6" in as_csv(report)
    text = page(report, [], {}, describe(card))
    assert 'data-path="importance.bands.1.f1_macro_loss"' in text
    assert text.index("<span>a</span>") < text.index("<span>b</span>")


class TestSeries:
    """Two dates of one band, which is 100 for roof and 50 for grass where its date was observed;
    the second date never was."""

    BANDS = [
        replace(one, date=date, day=30 * date)
        for date in (0, 1)
        for one in (
            replace(BANDS[0], source={"map": "a"}),
            Band(OBSERVED, True, {"1": "a"}, OBSERVED, 1.0, "nearest", "", "uint8"),
        )
    ]

    def seen(self, images):
        """Roof where a date shows it, else grass, as a network sees a date at its mean."""
        self.shown = np.unique(images[..., 0]).tolist()
        roof = ((images[..., ::2] > 80) & (images[..., 1::2] > 0)).any(axis=-1, keepdims=True)
        return np.concatenate([~roof, roof], axis=-1).astype(np.float32)

    def test_a_date_is_permuted_where_it_was_observed(self, tmp_path):
        labels = halves()
        images = np.zeros((*labels.shape, 4), np.uint8)
        images[..., 0] = np.where(labels == 1, 100, 50)
        images[..., 1] = 1
        images[:, ::2, :, :2] = 0
        labels[:, ::2] = UNLABELLED_INDEX
        patches = dataset(tmp_path / "a", labels, None, images=images, bands=self.BANDS)
        card = card_of(bands=self.BANDS, mean=[60.0, 0, 60, 0], deviation=[1.0] * 4)
        found = band_importance(self.seen, card, ScoredPatches(card, [patches], "test"), 2, seed=1)
        first, observed, second, _ = found["bands"]
        # 0, which no map holds, is never shown: a missing date is at its mean of 60.
        assert self.shown == [50, 60, 100]
        assert first["f1_macro_loss"] == pytest.approx(0.5, abs=0.05)
        assert observed["f1_macro_loss_at_mean"] > 0.5
        assert second["f1_macro_loss"] == 0
