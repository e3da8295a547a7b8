# SPDX-License-Identifier: GPL-2.0-or-later
"""Temperature and threshold fitted to validation patches, and what they do to classes."""

import json
from dataclasses import replace

import numpy as np
import pytest

from array_rows import ArrayMaps
from grassdl.core.classes import ClassScheme
from grassdl.evaluate.fitting import check_fit, fitted, threshold_of
from grassdl.evaluate.map_assessment import assess
from grassdl.evaluate.metrics.thresholds import NOTHING_WANTED, Wanted
from grassdl.evaluate.patch_assessment import score_patches
from grassdl.evaluate.provenance import describe
from grassdl.evaluate.report.html import page
from grassdl.evaluate.report.text import plain
from grassdl.evaluate.settings import Settings
from grassdl.model.ensemble import Member, Model
from grassdl.model.folder import deciding_hash, load_card, save_card
from patches_of_arrays import dataset
from scored_model import GRASS, ROOF, SIZE, WATER, card_of

ROW = np.array([5, 10, 20, 37, 35, 40, 60, 80])
"""Probabilities of roof in a row of a patch, in percent; the last four cells are roof."""


def predict(images):
    """Roof as probable as the first band says, in percent."""
    roof = images[..., :1] / np.float32(100)
    return np.concatenate([1 - roof, roof], axis=-1)


@pytest.fixture
def patch_set(tmp_path):
    labels = np.zeros((2, SIZE, SIZE), np.uint8)
    labels[:, :, 4:] = 1
    return dataset(tmp_path / "val", labels, np.broadcast_to(ROW, labels.shape), split="val")


def test_a_threshold_is_fitted_to_the_validation_patches(patch_set):
    card = card_of()
    found = threshold_of(predict, card, [patch_set], NOTHING_WANTED)
    assert found == pytest.approx(0.275, abs=1e-4)
    assert threshold_of(predict, card, [patch_set], Wanted(precision=1)) == pytest.approx(
        0.385, abs=1e-4
    )


def test_the_stored_threshold_decides_in_scores_and_is_told(patch_set):
    plainly = score_patches(predict, card_of(), [patch_set], "val", 1)
    assert plainly["confusion_matrix"]["counts"] == [[64, 32], [0, 32]]
    card, lines = fitted(predict, card_of(), [patch_set], Wanted(precision=1), 1, "s")
    assert lines == [f"Threshold {card.threshold:g} of class 5 roof"]
    report = score_patches(predict, card, [patch_set], "val", 1, Wanted(precision=1, recall=0.9))
    report = json.loads(json.dumps(report))
    assert report["confusion_matrix"]["counts"] == [[64, 16], [0, 48]]
    assert report["thresholds"]["used"]["recall"] == 0.75
    listing = " ".join(plain(report).split())
    assert "THRESHOLDS FOR CLASS 5 ROOF" in listing.upper()
    assert "Precision of 1 0.3850 1.0000 0.7500 0.8571" in listing
    text = page(report, [], {}, describe(card))
    assert 'aria-label="Precision-recall curve"' in text
    assert 'data-path="thresholds.used.threshold" value="0.385' in text


def test_a_new_temperature_moves_the_threshold_so_that_no_cell_changes_its_class(patch_set):
    before = card_of(threshold=0.375, temperature=0.8)
    after, (told,) = fitted(predict, before, [patch_set], NOTHING_WANTED, 1, "t")
    assert told == f"Temperature {after.temperature:.3f}" and after.temperature != 0.8
    images = np.linspace(0, 100, 401, dtype=np.float32)[None, None, :, None]
    classes = [card.index_of(card.tempered(predict(images))) for card in (before, after)]
    assert np.array_equal(*classes)
    assert 0 < classes[0].sum() < 401
    assert after.threshold != 0.375


def test_a_threshold_is_kept_in_the_card_and_changes_what_the_model_decides(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.keras").write_bytes(b"weights")
    save_card(card_of(), folder)
    before = deciding_hash(folder)
    assert load_card(folder).threshold is None
    assert "idl:threshold" not in (folder / "model.json").read_text()
    save_card(card_of(threshold=0.25), folder)
    assert load_card(folder).threshold == 0.25
    assert deciding_hash(folder) != before
    save_card(card_of(threshold=1.5), folder)
    with pytest.raises(ValueError, match=r"damaged model.json .*<= 1.0 - at `\$.threshold`"):
        load_card(folder)


def model_in(folder, card):
    return Model((Member(folder, card),), card)


def test_of_more_classes_no_threshold_decides(tmp_path):
    three = card_of(target=ClassScheme([GRASS, ROOF, WATER]), threshold=0.1)
    assert three.index_of(np.array([[0.5, 0.3, 0.2]], np.float32)).tolist() == [0]
    model = model_in(tmp_path, three)
    with pytest.raises(ValueError, match="for two classes, model <small> has 3"):
        check_fit(model, Wanted(recall=0.5), "")
    with pytest.raises(ValueError, match="for two classes, model <small> has 3"):
        check_fit(model, NOTHING_WANTED, "s")
    with pytest.raises(ValueError, match="give wanted_precision or wanted_recall, not both"):
        check_fit(model_in(tmp_path, card_of()), Wanted(0.5, 0.5), "s")
    check_fit(model, NOTHING_WANTED, "t")
    check_fit(model_in(tmp_path, card_of()), Wanted(0.5, 0.5), "")


@pytest.mark.parametrize("what", ["t", "s", "ts"])
def test_what_cannot_be_stored_is_refused_before_anything_is_fitted(tmp_path, what):
    (tmp_path / "gone").write_text("a file in place of the model's folder")
    model = model_in(tmp_path / "gone", card_of())
    with pytest.raises(ValueError, match="^Folder <.*/gone> is not writable$"):
        check_fit(model, NOTHING_WANTED, what)
    check_fit(model, NOTHING_WANTED, "")


def maps_of(shares):
    """Maps of two classes whose truth is 5 in the last four columns."""
    truth = np.where(np.arange(8) < 4, 2, 5) * np.ones((3, 1), np.int32)
    mapped = np.where(shares > 0.5, 5, 2) * np.ones((3, 1), np.int32)
    layers = [layer * np.ones((3, 1), np.float32) for layer in (1 - shares, shares)]
    return ArrayMaps(mapped.astype(np.int32), truth.astype(np.int32), probabilities=layers)


def test_maps_of_probabilities_have_thresholds_too():
    settings = Settings(probabilities="p", wanted=Wanted(recall=1))
    found = assess(maps_of(ROW.astype(np.float32) / 100), settings)["thresholds"]
    assert (found["class"]["value"], found["pixels"], found["support"]) == (5, 24, 12)
    assert found["wanted_recall"]["found"]["threshold"] == pytest.approx(0.275, abs=1e-4)
    assert "used" not in found


def test_a_wanted_precision_of_more_classes_is_refused():
    maps = maps_of(ROW.astype(np.float32) / 100)
    maps._probabilities = [*maps._probabilities, maps._probabilities[0]]
    assert "thresholds" not in assess(maps, Settings(probabilities="p"))
    with pytest.raises(ValueError, match="are for two classes with maps"):
        assess(maps, replace(Settings(probabilities="p"), wanted=Wanted(recall=1)))


def test_a_threshold_of_0_is_kept(tmp_path):
    save_card(card_of(threshold=0.0), tmp_path)
    assert load_card(tmp_path).threshold == 0
