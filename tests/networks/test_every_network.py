# SPDX-License-Identifier: GPL-2.0-or-later
"""The battery that every network runs through: those of the registry, and a network file.

A network takes a row in `network_table.py` to be here. What it needs besides, without building
one, is in `test_registered_networks.py`.
"""

from dataclasses import replace
from functools import cached_property, partial

import keras
import numpy as np
import pytest

from grassdl import networks
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model.card import ModelCard
from grassdl.model.weights import load_network, save_network
from grassdl.networks.analysis.feature_extraction import LAST, with_features
from grassdl.networks.analysis.memory_estimate import working_bytes
from grassdl.networks.analysis.planned import number_of_weights, planned
from grassdl.networks.analysis.receptive_field import ROWS_AND_COLUMNS, reach
from grassdl.predict.engines.openvino_cache import cache_folder, find_cached
from grassdl.predict.engines.openvino_conversion import can_be_cached
from grassdl.predict.engines.openvino_engine import OpenVinoEngine
from grassdl.predict.engines.test_time_augmentation import AugmentedEngine
from grassdl.predict.settings import Settings
from grassdl.train.config.settings import Settings as TrainingSettings
from grassdl.train.optimization import transfer as transfer_module
from grassdl.train.optimization.transfer import frozen_layers
from grassdl.train.preflight import feature_bytes
from model_cards import card_of
from network_table import EVERY_NETWORK, OF_REGISTRY, WITH_ENCODER
from openvino_networks import convert, trial
from probing import responses, set_weights
from scenes import (
    CLASSES,
    blended,
    everything,
    filled_frame,
    keras_engine,
    made_lively,
    scene,
    tiled,
    whole,
)
from tiny_dataset import BANDS, band
from tiny_dataset import CLASSES as SCHEME

LONGEST_LIT = 150
"""Receptive fields up to which every pixel is lit."""

TILEABLE = [row for row in EVERY_NETWORK if row.receptive_field is not None]
OF_EACH_KIND = [row for row in TILEABLE if row.name in ("unet", "nicknet")]
GLOBAL = [row for row in EVERY_NETWORK if row.receptive_field is None]


def each(rows):
    """Parameters that are told by the names of networks."""
    return {"params": rows, "ids": [row.label for row in rows]}


def _planned(row):
    """The network by default, without weights."""
    return planned(partial(row.build, row.of_all_dates(5), 7))


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


class TestANetworkOfTheRegistry:
    """What a name in the registry promises."""

    @pytest.fixture(scope="class", **each(OF_REGISTRY))
    @classmethod
    def row(cls, request):
        return request.param

    def test_is_described_in_one_line(self, row):
        assert networks.describe(row.name)
        assert "\n" not in networks.describe(row.name)

    def test_has_as_many_weights_when_it_is_only_planned(self, row):
        assert number_of_weights(_planned(row)) == row.parameters

    def test_gives_both_of_two_classes_by_one_sigmoid(self, row):
        bands = row.of_all_dates(3)
        model = row.build(bands, 2, activation="sigmoid", **row.small)
        pixels = np.random.default_rng(1).normal(size=(1, 16, 16, bands))
        logits = model.get_layer("logits").output
        score, both = map(numbers, keras.Model(model.input, [logits, model.output])(pixels))
        assert score.shape == (1, 16, 16, 1)
        second = 1 / (1 + np.exp(-score[..., 0]))
        np.testing.assert_allclose(both, np.stack([1 - second, second], -1), atol=1e-6)
        assert reach(model) == reach(planned(partial(row.build, bands, 2, **row.small)))

    def test_tells_its_last_hidden_layer_of_which_the_scores_are_made(self, row, small):
        model, pixels = small(row).network, trial(64, 96)[None]
        found, told = with_features(model, LAST)
        assert told == row.last_hidden
        result = numbers(found(pixels))
        hidden = model.get_layer(told).output
        features, scores = map(numbers, keras.Model(model.input, [hidden, model.output])(pixels))
        # It may have a lower resolution.
        for axis in (1, 2):
            features = features.repeat(pixels.shape[axis] // features.shape[axis], axis)
        np.testing.assert_allclose(result[..., :CLASSES], scores, atol=1e-6)
        np.testing.assert_allclose(result[..., CLASSES:], features, atol=1e-5)
        assert result.dtype == np.float32
        assert features.std() > 0
        assert (reach(found).stride, reach(found).halo) == (reach(model).stride, reach(model).halo)


class TestANetworkThatStartsFromAnother:
    """What `i.dl.train model=` takes over, and what its flag -f freezes."""

    @pytest.fixture(scope="class", **each(OF_REGISTRY))
    @classmethod
    def started(cls, request):
        """A network that was given the weights of one with a band less and another class."""
        row, folder = request.param, "old"
        build = partial(row.build, **row.small)
        card = ModelCard.__new__(ModelCard)
        bands, more = (
            [replace(one, date=date) for date in range(row.dates) for one in some]
            for some in (BANDS, [*BANDS, band("ndsm")])
        )
        card.name, card.bands, card.target, card.dataset_ids = "old", bands, SCHEME, []
        old, network = build(len(bands), len(SCHEME)), build(len(more), len(SCHEME))
        other = ClassScheme([MapClass(1, "wet", "0:0:255"), *list(SCHEME)[1:]])
        with pytest.MonkeyPatch.context() as patch:
            # As if it were saved and loaded.
            known = {"load_card": card, "load_network": old, "digest": ""}
            for name, one in known.items():
                patch.setattr(transfer_module, name, lambda folder, one=one: one)
            transfer = transfer_module.take_over(
                network, more, other, folder, lambda *sizes: planned(partial(build, *sizes))
            )
        new = [
            weight.path.rpartition("/")[0].rpartition("/")[2]
            for weight, kept in zip(network.weights, transfer.kept, strict=True)
            if not kept
        ]
        new = [layer for layer in new if layer not in row.beside_the_bands]
        settings = TrainingSettings(
            network=row.name, network_options=row.small, model=folder, freeze=True
        )
        return row.head, new, [layer.name for layer in frozen_layers(network, settings, transfer)]

    def test_takes_over_all_but_the_layer_that_reads_the_bands_and_the_head(self, started):
        own_head, (_, *head), _ = started
        assert set(head) == {own_head}

    def test_freezes_its_encoder_and_no_layer_that_reads_a_new_band(self, started):
        _, (first, *_), frozen = started
        assert first not in frozen
        assert frozen, (
            f"ENCODER of the network's file names no layer with weights besides {first}, which "
            "reads the bands and so is never frozen"
        )
        later = ("decoder", "head", "logits", "scales")
        assert [name for name in frozen if any(word in name for word in later)] == []


class TestANetworkByDefault:
    """The figures of a network with default options."""

    @pytest.fixture(scope="class", **each(EVERY_NETWORK))
    @classmethod
    def row(cls, request):
        return request.param

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, row):
        return row.build(row.of_all_dates(5), 7)

    def test_has_the_parameters_the_stride_and_the_receptive_field_of_the_table(self, row, model):
        assert model.name == row.name
        assert model.output_shape == (None, None, None, 7)
        seen = reach(model)
        figures = model.count_params(), seen.stride, seen.receptive_field
        assert figures == (row.parameters, row.stride, row.receptive_field)

    def test_takes_memory_in_training_that_grows_with_the_area(self, model):
        taken = feature_bytes(model, 128)
        assert taken == pytest.approx(4 * feature_bytes(model, 64), rel=0.03)

    def test_tells_the_memory_that_it_works_in(self, model):
        assert 4 * (5 + 7) <= working_bytes(model) < 100_000
        least = working_bytes(model) / 2
        assert least <= working_bytes(model, "bfloat16") < working_bytes(model)


@pytest.mark.parametrize("row", WITH_ENCODER, ids=lambda row: row.label)
class TestANetworkWithAnEncoder:
    """A network whose encoder is one of the catalogue; its layers are those of all others."""

    def test_has_the_parameters_the_stride_and_the_receptive_field_of_the_table(self, row):
        model = _planned(row)
        seen = reach(model)
        figures = number_of_weights(model), seen.stride, seen.receptive_field
        assert figures == (row.parameters, row.stride, row.receptive_field)
        own = ("encoder0", "stem_pool")
        assert not any(layer.name.startswith(own) for layer in model.layers)

    def test_gives_in_tiles_what_it_gives_run_once(self, row):
        network = made_lively(row.build, **row.small)
        # Higher than a tile with its halos.
        shape = (2 * reach(network).halo + 43, 53)
        values, null = scene(*shape)
        expected = whole(network, values, null)
        found, _, engine = tiled(network, values, null, *everything(shape), (16, 64))
        assert engine.calls > 1
        assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5
        assert expected.std(axis=(0, 1)).max() > 1e-3


class TestTheReachOfANetwork:
    """The reach that its layer graph tells, and what its outputs answer to."""

    @pytest.fixture(
        scope="class",
        params=[(row, one) for row in [*EVERY_NETWORK, *WITH_ENCODER] for one in row.reaches],
        ids=[
            f"{row.label}{one.options or ''}"
            for row in [*EVERY_NETWORK, *WITH_ENCODER]
            for one in row.reaches
        ],
    )
    @classmethod
    def known(cls, request):
        return request.param

    @pytest.fixture(scope="class")
    @classmethod
    def answers_of(cls, known):
        """What answers to which lit row (or column) of an image: see `responses`.

        Zeros may hide what a network depends on. Its probe is a change of random pixels, in double
        precision, which shows the least of it.
        """
        row, one = known
        keras.config.set_dtype_policy("float64" if row.hidden_by_zeros else "float32")
        try:
            takes_filters = not row.code and "filters" in networks.options(row.name)
            narrow = {"filters": 2} if takes_filters else {}
            model = set_weights(row.build(row.dates, 2, **{**narrow, **one.options}), positive=True)
        finally:
            keras.config.set_dtype_policy("float32")
        scores = model if row.code else keras.Model(model.input, model.get_layer("logits").output)
        width = 4 * one.reach.stride

        def answers(size, lit, axis):
            return responses(scores, size, width, lit, axis, not row.hidden_by_zeros)

        assert reach(model) == one.reach
        return answers

    @pytest.mark.parametrize("axis", ROWS_AND_COLUMNS)
    def test_a_core_depends_on_pixels_at_its_reach_and_on_none_beyond(
        self, known, answers_of, axis
    ):
        one = known[1]
        stride, halo = one.reach.stride, one.reach.halo
        # One stride less would be too small a halo.
        assert halo - stride < max(one.before, one.after) <= halo
        start = halo + stride
        at_reach = [start - one.before, start + stride - 1 + one.after]
        beyond = [start - one.before - 1, start + stride + one.after]
        answers = answers_of(2 * start + stride, at_reach + beyond, axis)
        core = answers[:, start : start + stride].any(axis=1)
        assert core.tolist() == [True, True, False, False]

    def test_the_receptive_field_is_the_widest_span_a_pixel_depends_on(self, known, answers_of):
        one = known[1].reach
        if one.receptive_field > LONGEST_LIT:
            pytest.skip("to light every pixel takes too long; those at the reach are lit")
        start = one.halo + one.stride
        size = 2 * start + one.stride
        answers = answers_of(size, list(range(size)), 0)
        spans = [
            np.ptp(np.flatnonzero(answers[:, start + phase])) + 1 for phase in range(one.stride)
        ]
        assert max(spans) == one.receptive_field


@pytest.mark.parametrize("row", EVERY_NETWORK, ids=lambda row: row.label)
@pytest.mark.parametrize(("bands", "classes"), [(1, 2), (300, 254)])
def test_a_network_takes_1_to_300_bands_and_gives_2_to_254_classes(row, bands, classes):
    bands = row.of_all_dates(bands)
    model = row.build(bands, classes, **row.small)
    stride = reach(model).stride
    # Any multiples of the stride will do.
    pixels = np.random.default_rng(1).normal(size=(2, 3 * stride, stride, bands))
    probabilities = numbers(model(pixels))
    assert probabilities.shape == (2, 3 * stride, stride, classes)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)


class Small:
    """The small network of a row, for scenes; made, saved and converted once."""

    def __init__(self, row, folder):
        self.network, self.folder = made_lively(row.build, **row.small), folder
        save_network(self.network, folder)

    @cached_property
    def in_openvino(self):
        pytest.importorskip("openvino")
        return OpenVinoEngine(convert(self.network, self.folder, print))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Makes the small network of a row once for all tests."""
    made = {}

    def of(row):
        if row.label not in made:
            made[row.label] = Small(row, tmp_path_factory.mktemp(row.label))
        return made[row.label]

    return of


@pytest.mark.parametrize("row", EVERY_NETWORK, ids=lambda row: row.label)
def test_a_saved_network_gives_the_same_again_when_it_is_loaded(row, small):
    one = small(row)
    again = load_network(one.folder)
    np.testing.assert_array_equal(one.network(trial()[None]), again(trial()[None]))
    assert reach(again) == reach(one.network)


def tiles_along(length, size, extent):
    """How many windows cover one axis: neighbours overlap by two halos."""
    step, filled = (-(-cells // extent.stride) * extent.stride for cells in (size, length))
    return max(1, -(-(filled - 2 * extent.halo) // step))


def joins_without_a_seam(network, shape, tile_size):
    """Whether tiles of a scene give what the network gives that is run once over the scene."""
    values, null = scene(*shape, null_share=0.05 if min(shape) > 1 else 0)
    expected = whole(network, values, null)
    found, _, engine = tiled(network, values, null, *everything(shape), tile_size)
    extent = reach(network)
    assert engine.calls == np.prod(
        [tiles_along(*sizes, extent) for sizes in zip(shape, tile_size, strict=True)]
    )
    assert engine.calls > 1 or min(shape) < 60
    assert np.array_equal(found["null"], null)
    assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5
    assert min(shape) == 1 or expected.std(axis=(0, 1)).max() > 1e-3


class TestATileableNetwork:
    """A network that looks at a part of the image only: its tiles join without a seam."""

    @pytest.fixture(scope="class", **each(TILEABLE))
    @classmethod
    def one(cls, request, small):
        return small(request.param)

    # Prime sizes, which no tile size divides, and one tile high.
    @pytest.mark.parametrize(("shape", "tile_size"), [((67, 89), (8, 8)), ((13, 97), (16, 16))])
    def test_gives_in_tiles_what_it_gives_run_once(self, one, shape, tile_size):
        joins_without_a_seam(one.network, shape, tile_size)

    def test_gives_the_same_in_tiles_that_are_turned(self, one):
        shape = (37, 43)
        values, null = scene(*shape)
        joined = [
            tiled(one.network, values, null, *everything(shape), size, wrap=AugmentedEngine)[0]
            for size in (16, 64)
        ]
        difference = np.abs(joined[0]["probabilities"] - joined[1]["probabilities"])
        assert difference[~null].max() < 1e-5
        plain = whole(one.network, values, null)
        assert np.abs(joined[0]["probabilities"] - plain)[~null].max() > 1e-4

    def test_gives_in_tiles_of_openvino_what_it_gives_there_run_once(self, one):
        shape = (43, 61)
        values, null = scene(*shape)
        filled = filled_frame(values, null, reach(one.network).stride)
        expected = one.in_openvino(filled)[: shape[0], : shape[1]].copy()
        found, *_ = tiled(one.network, values, null, *everything(shape), 16, inner=one.in_openvino)
        assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5
        in_keras = keras_engine(one.network)(filled)[: shape[0], : shape[1]]
        assert np.abs(expected - in_keras).max() < 1e-5

    def test_is_kept_for_openvino_if_it_does_not_interpolate(self, one):
        expected = one.in_openvino(trial()).copy()
        found = find_cached(cache_folder(one.folder))
        assert (found is not None) == can_be_cached(one.folder)
        if found:
            assert np.abs(OpenVinoEngine(found)(trial()) - expected).max() < 1e-6


class TestTilesOfAnyShape:
    """How tiles are laid out depends on nothing but stride and halo: a network that has a stride
    larger than 1, and one that has not, show it for all."""

    @pytest.fixture(scope="class", **each(OF_EACH_KIND))
    @classmethod
    def one(cls, request, small):
        return small(request.param)

    # Smaller than most halos; a single cell; strips over the whole width and the whole height, and
    # oblong tiles.
    @pytest.mark.parametrize(
        ("shape", "tile_size"),
        [
            ((11, 7), (4, 4)),
            ((1, 1), (8, 8)),
            ((67, 53), (4, 64)),
            ((53, 67), (64, 8)),
            ((61, 71), (16, 4)),
        ],
    )
    def test_join_without_a_seam(self, one, shape, tile_size):
        joins_without_a_seam(one.network, shape, tile_size)


class TestAGlobalNetwork:
    """A network that looks at the whole image: its tiles are blended, and never called exact.

    That OpenVINO agrees is tried on a smaller one, in `test_openvino_engine.py`.
    """

    @pytest.fixture(scope="class", **each(GLOBAL))
    @classmethod
    def one(cls, request, small):
        return small(request.param)

    def test_is_refused_exact_tiles(self, one):
        card = card_of(network=one.network.name, halo=reach(one.network).halo)
        with pytest.raises(ValueError, match="depends on the whole image and cannot be"):
            Settings.from_options({"tiling": "exact"}, {}, card)

    def test_is_the_weighted_mean_of_its_blended_tiles(self, one):
        values, null = scene(41, 70)
        expected = blended(one.network, values, null, 32)
        tiles = tiled(one.network, values, null, *everything(null.shape), 32, "blend")
        found, _, engine = tiles
        assert engine.calls == 2 * 4
        assert engine.by_layers
        assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5
