# SPDX-License-Identifier: GPL-2.0-or-later
"""A model scored on held-back patches."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.dataset.footprints import Footprint, write_footprints
from grassdl.dataset.seen import area_seen
from grassdl.evaluate.band_importance import band_importance
from grassdl.evaluate.fitting import temperature_of
from grassdl.evaluate.patch_assessment import score_patches
from grassdl.evaluate.provenance import describe
from grassdl.evaluate.report.formats import as_csv
from grassdl.evaluate.report.html import page
from grassdl.evaluate.report.text import plain
from grassdl.evaluate.scored_patches import ScoredPatches
from grassdl.model.card import tempered
from grassdl.model.folder import load_card, save_card
from grassdl.model.weights import save_network
from patches_of_arrays import dataset
from scored_model import BANDS, GRASS, SIZE, WATER, card_of


def write_positions(patch_set):
    """Footprints of a dataset's test patches, side by side from the upper left on."""
    manifest = patch_set.manifest
    region, size = manifest.export.region, manifest.export.size
    shares = np.zeros(len(manifest.classes))
    footprints = [
        Footprint("test", place, 0, place * size, shares)
        for place in range(manifest.counts["test"])
    ]
    write_footprints(patch_set.folder, footprints, manifest.classes, size, region, "")


def predict(images):
    """Roof where the first band is above 4, grass elsewhere."""
    roof = images[..., :1] > 4
    return np.concatenate([~roof, roof], axis=-1).astype(np.float32)


@pytest.fixture
def two_areas(tmp_path):
    """20 patches that the rule gets right, and 20 of which half the cells are wrong."""
    labels = np.zeros((20, SIZE, SIZE), np.uint8)
    labels[:, :, 4:] = 1
    right = np.where(labels == 1, 9, 0)
    wrong = right.copy()
    wrong[:, :4] = 9 - wrong[:, :4]
    return dataset(tmp_path / "north", labels, right), dataset(tmp_path / "south", labels, wrong)


def test_areas_are_scored_as_a_whole_and_each(two_areas):
    report = score_patches(predict, card_of(), two_areas, "test", seed=1)
    assert report["pixels"] == 2 * 20 * SIZE**2
    assert report["overall_accuracy"] == 0.75
    assert [one["dataset"] for one in report["areas"]] == ["north", "south"]
    assert [one["overall_accuracy"] for one in report["areas"]] == [1, 0.5]
    assert [one["kappa"] for one in report["areas"]] == [1, 0]
    assert report["intervals"]["blocks"] == 40
    low, high = report["intervals"]["overall_accuracy"]
    assert 0.6 < low < 0.75 < high < 0.9


def test_listing_and_page_tell_the_areas(two_areas):
    card = card_of()
    report = json.loads(json.dumps(score_patches(predict, card, two_areas, "test", seed=1)))
    listing = plain(report)
    assert "Classification: model small" in listing
    assert "\nBY DATASET\n" in listing
    assert listing.splitlines()[-1].split() == [
        "south",
        "0.5000",
        "0.0000",
        "0.5000",
        "0.3333",
        "1280",
    ]
    text = page(report, [], {}, describe(card))
    assert 'data-path="areas.1.kappa"' in text
    assert "<img" not in text
    assert "unet, 10 parameters" in text


def test_null_and_unlabelled_pixels_do_not_count(tmp_path):
    labels = np.zeros((1, SIZE, SIZE), np.uint8)
    labels[0, 0] = NULL_INDEX
    labels[0, 1, :3] = UNLABELLED_INDEX
    report = score_patches(
        predict, card_of(), [dataset(tmp_path / "a", labels, labels * 0)], "test", seed=1
    )
    assert report["left_out"] == {"null": 8, "unlabelled": 3}
    assert report["pixels"] == 64 - 11
    assert report["overall_accuracy"] == 1


def test_class_that_the_model_does_not_know_counts_as_missed(tmp_path):
    labels = np.zeros((1, SIZE, SIZE), np.uint8)
    labels[0, :2] = 1
    patches = dataset(tmp_path / "a", labels, labels * 0, classes=(GRASS, WATER))
    report = score_patches(predict, card_of(), [patches], "test", seed=1)
    assert [one["value"] for one in report["classes"]] == [2, 5, 7]
    assert report["overall_accuracy"] == 0.75
    assert report["classes"][2]["recall"] == 0
    assert report["calibration"]["classes_without_probability"] == [7]
    assert report["calibration"]["pixels"] == SIZE * SIZE


def test_what_does_not_fit_is_refused(tmp_path):
    labels = np.zeros((1, SIZE, SIZE), np.uint8)
    good = dataset(tmp_path / "a", labels, labels)
    for card, message in [
        (card_of(bands=[BANDS[0], replace(BANDS[1], name="c")]), "its <c> cannot be found among"),
        (
            card_of(bands=[BANDS[0], BANDS[0].at(1, BANDS[0])]),
            "bands of 2 dates are expected, of one date are given: cut the patches with a second",
        ),
        (card_of(bands=[*BANDS, replace(BANDS[1], name="c")]), r"the dataset's bands \(a, b\)"),
        (card_of(stride=16), "no multiple of the stride 16"),
        (card_of(resolution=(0.5, 0.5)), "trained on cells of 0.5"),
        (card_of(target=ClassScheme([GRASS, MapClass(5, "tree", "1:1:1")])), "class 5 is <tree>"),
    ]:
        with pytest.raises(ValueError, match=message):
            score_patches(predict, card, [good], "test", seed=1)
    with pytest.raises(ValueError, match="No pixel of the val patches"):
        score_patches(predict, card_of(), [good], "val", seed=1)


def float_images(labels, other):
    """Images of three float bands: `other`, then 9 on roofs and 0 elsewhere, and noise; 0 at
    NULL, as they are stored."""
    noise = np.random.default_rng(3).normal(size=labels.shape)
    images = np.stack([other, np.where(labels == 1, 9.0, 0.0), noise], axis=-1)
    images[labels == NULL_INDEX] = 0
    return images.astype(np.float32)


def test_a_model_of_some_bands_is_scored_on_float_data_of_any_format_that_stay_as_they_are(
    tmp_path,
):
    """Where NULL the model sees its means: the first band's 9, of which its rule makes roof."""
    model_bands = [BANDS[1], BANDS[0]]
    given = []

    def rule(images):
        given.append(images.copy())
        return predict(images)

    card = card_of(bands=model_bands, mean=[9.0, -2.0])
    labels = np.zeros((3, SIZE, SIZE), np.uint8)
    labels[:, :, 4:], labels[1, 0] = 1, NULL_INDEX
    images = float_images(labels, np.full(labels.shape, 5.5))
    bands = [*BANDS, replace(BANDS[0], name="height", dtype="float32")]
    sets = [
        dataset(tmp_path / name, labels, None, bands=bands, images=images, file_format=form)
        for name, form in (("arrays", "npy"), ("chips", "geotiff"))
    ]
    before = [path.read_bytes() for path in sorted(tmp_path.rglob("*.[nt][pi][yf]"))]
    report = score_patches(rule, card, sets, "test", seed=1)
    assert report["pixels"] == 2 * (3 * SIZE**2 - SIZE)
    assert report["overall_accuracy"] == 1
    assert report["left_out"]["null"] == 2 * SIZE
    seen = np.concatenate(given)
    assert seen.dtype == np.float32
    assert np.array_equal(seen[:3], seen[3:])
    assert np.array_equal(seen[1, 0], np.tile(np.float32([9, -2]), (SIZE, 1)))
    assert np.array_equal(seen[0], images[0][..., [1, 0]])
    assert before == [path.read_bytes() for path in sorted(tmp_path.rglob("*.[nt][pi][yf]"))]


def test_a_temperature_is_fitted_to_some_bands_of_float_data(tmp_path):
    labels = np.zeros((4, SIZE, SIZE), np.uint8)
    labels[:, :, 4:] = 1
    images = float_images(labels, np.zeros(labels.shape))
    images[:, ::4, :, 1] = 9 - images[:, ::4, :, 1]
    labels[:, 3, 2:6], images[:, 3, 2:6] = NULL_INDEX, 0
    labels[:, 4, 2:3], images[:, 4, 2:3] = NULL_INDEX, 0
    bands = [*BANDS, replace(BANDS[0], name="height")]
    patch_set = dataset(tmp_path / "val", labels, None, bands=bands, images=images, split="val")
    card = card_of(bands=[BANDS[1]], mean=[9.0], deviation=[1.0])
    right = (64 - 5 - 15) / (64 - 5)
    expected = np.log(99) / np.log(right / (1 - right))
    assert temperature_of(overconfident, card, [patch_set], seed=1) == pytest.approx(
        expected, rel=1e-3
    )


def test_patches_where_the_model_was_trained_are_told_in_all_reports(two_areas):
    """The model's datasets were cut in the same XY project from the same maps, one from others."""
    north, south = two_areas
    areas = [
        {**area_seen(north), "dataset_id": "7", "places": {"train": [[0, 0, 12]], "val": []}},
        {**area_seen(south), "dataset_id": "8", "maps": ["other"]},
    ]
    areas[0]["size"] = SIZE
    card = card_of(areas=areas, training={"parent": {"name": "old", "areas": areas}})
    write_positions(south)
    report = json.loads(json.dumps(score_patches(predict, card, two_areas, "test", seed=1)))
    (first, second) = report["leaks"]
    assert (first["where"], first["patches"], first["exact"]) == (
        "test patches of dataset north",
        20,
        False,
    )
    assert (second["where"], second["patches"], second["of"], second["exact"]) == (
        "test patches of dataset south",
        3,
        20,
        True,
    )
    listing = " ".join(plain(report).split())
    assert "3 of 20 test patches of dataset south lie where model <small> was trained" in listing
    assert "leaks_2_patches,,,3\n" in as_csv(report)
    text = page(report, [], {}, describe(card))
    assert 'data-path="leaks.1.patches" value="3"' in text
    assert "<dd>parent old</dd>" in text and "places" not in text
    assert score_patches(predict, card_of(), two_areas, "test", seed=1)["leaks"] == []


def test_many_patches_share_blocks_and_are_counted_alike(two_areas, monkeypatch):
    single = score_patches(predict, card_of(), two_areas, "test", seed=1)
    monkeypatch.setattr("grassdl.evaluate.patch_assessment.MAX_BLOCKS", 12)
    shared = score_patches(predict, card_of(), two_areas, "test", seed=1)
    assert (single["intervals"]["blocks"], shared["intervals"]["blocks"]) == (40, 10)
    for key in ("confusion_matrix", "areas", "calibration"):
        assert shared[key] == single[key]


def test_module_scores_a_model_without_maps(run, tmp_path, two_areas):
    from grassdl.networks import registry

    network = registry.build(
        "unet", SIZE, 2, 2, mean=[9.0, 0.0], deviation=[1.0, 1.0], filters=2, depth=1
    )
    (tmp_path / "model").mkdir()
    save_card(card_of(stride=2), tmp_path / "model")
    save_network(network, tmp_path / "model")
    datasets = f"{tmp_path / 'north'},{tmp_path / 'south'}"
    options = {"model": tmp_path / "model", "dataset": datasets, "format": "json"}
    done = run("i.dl.evaluate", report=tmp_path / "page.html", importance=2, **options)
    report = json.loads(done.stdout)
    expected = score_patches(network.predict_on_batch, card_of(), two_areas, "test", seed=1)
    assert report["confusion_matrix"] == expected["confusion_matrix"]
    assert [one["dataset"] for one in report["areas"]] == ["north", "south"]
    assert "By dataset" in (tmp_path / "page.html").read_text()
    patches = ScoredPatches(card_of(), two_areas, "test")
    losses = band_importance(network.predict_on_batch, card_of(), patches, 2, seed=1)
    found = [band["f1_macro_loss"] for band in report["importance"]["bands"]]
    assert found == pytest.approx([band["f1_macro_loss"] for band in losses["bands"]])
    refused = run("i.dl.evaluate", check=False, distance=2, **options)
    assert refused.returncode == 1
    assert "Option distance is for maps" in refused.stderr
    absent = run("i.dl.evaluate", check=False, **{**options, "dataset": "absent"})
    assert absent.returncode == 1
    assert "absent" in absent.stderr


def test_the_module_stores_a_temperature_and_a_threshold_only_when_asked(run, tmp_path):
    from grassdl.networks import registry

    labels = np.random.default_rng(2).integers(0, 2, (20, SIZE, SIZE))
    images = float_images(labels, np.where(labels == 1, 9.0, 0.5))[..., :2]
    dataset(tmp_path / "val", labels, None, images=images, split="val")
    network = registry.build(
        "unet", SIZE, 2, 2, mean=[9.0, 0.0], deviation=[1.0, 1.0], filters=2, depth=1
    )
    model = tmp_path / "model"
    model.mkdir()
    save_card(card_of(stride=2), model)
    save_network(network, model)
    options = {"model": model, "dataset": tmp_path / "val", "split": "val", "format": "json"}
    cold = json.loads(run("i.dl.evaluate", **options).stdout)
    assert cold["calibration"]["temperature"] == load_card(model).temperature == 1
    done = run("i.dl.evaluate", flags="t", **options)
    stored = load_card(model).temperature
    warm = json.loads(done.stdout)
    assert stored == warm["calibration"]["temperature"] != 1
    assert "Temperature" in done.stderr and "is stored in model" in done.stderr
    assert warm["confusion_matrix"] == cold["confusion_matrix"]
    done = run("i.dl.evaluate", flags="s", wanted_recall=1, **options)
    report = json.loads(done.stdout)["thresholds"]
    assert load_card(model).threshold == report["used"]["threshold"]
    assert load_card(model).temperature == stored
    assert report["used"]["recall"] == report["wanted_recall"]["found"]["recall"] == 1
    assert "Threshold" in done.stderr and "of class 5 roof is stored in model" in done.stderr
    assert [path.name for path in sorted(model.iterdir())] == ["model.json", "model.keras"]


def overconfident(images):
    """Roof at a probability of 0.99 where the first band is above 4, and at 0.01 elsewhere."""
    roof = np.where(images[..., :1] > 4, 0.99, 0.01)
    return np.concatenate([1 - roof, roof], axis=-1).astype(np.float32)


def test_the_temperature_makes_probabilities_as_high_as_cells_are_right(tmp_path):
    """Three of four cells are right: with odds of 99 the temperature is ln 99 / ln 3."""
    labels = np.zeros((20, SIZE, SIZE), np.uint8)
    labels[:, :, 4:] = 1
    seen = np.where(labels == 1, 9, 0)
    seen[:, ::4] = 9 - seen[:, ::4]
    patch_set = dataset(tmp_path / "val", labels, seen, split="val")
    card = card_of()
    card.temperature = temperature_of(overconfident, card, [patch_set], seed=1)
    assert card.temperature == pytest.approx(np.log(99) / np.log(3), rel=1e-3)
    warm = card.tempered(overconfident(np.full((1, 1, 1, 2), 9.0)))
    assert warm[0, 0, 0] == pytest.approx([0.25, 0.75], abs=1e-3)
    before = score_patches(overconfident, card_of(), [patch_set], "val", seed=1)["calibration"]
    after = score_patches(overconfident, card, [patch_set], "val", seed=1)["calibration"]
    assert before["expected_calibration_error"] == pytest.approx(0.24, abs=1e-3)
    assert after["expected_calibration_error"] == pytest.approx(0, abs=1e-3)
    assert after["brier_score"] < before["brier_score"]
    assert after["temperature"] == card.temperature


def test_a_temperature_is_not_fitted_to_nothing(tmp_path):
    labels = np.full((2, SIZE, SIZE), UNLABELLED_INDEX, np.uint8)
    patch_set = dataset(tmp_path / "val", labels, np.zeros(labels.shape), split="val")
    with pytest.raises(ValueError, match="No validation pixel is labelled"):
        temperature_of(predict, card_of(), [patch_set], seed=1)


def test_temperatures_are_the_softmax_of_scores_divided_by_them():
    scores = np.random.default_rng(0).normal(0, 3, (50, 4))
    warm = np.exp(scores / 2.5)
    found = tempered((np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)).astype("f4"), 2.5)
    assert found == pytest.approx(warm / warm.sum(axis=1, keepdims=True), abs=1e-6)
    assert tempered(found, 1) is found
    certain = np.array([[0.0, 1.0]], np.float32)
    assert tempered(certain, 0.5).tolist() == [[0, 1]]


def test_the_temperature_is_kept_in_the_model_card(tmp_path):
    save_card(card_of(temperature=1.7), tmp_path)
    assert load_card(tmp_path).temperature == 1.7
    content = json.loads((tmp_path / "model.json").read_text())
    content["properties"]["idl:temperature"] = -1
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match=r"damaged model.json \(Expected `float` > 0.0 - at `\$.temperature`\)"
    ):
        load_card(tmp_path)
