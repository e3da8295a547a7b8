# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenVINO against Keras on the same networks, and what is kept of a conversion."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from grassdl.core.readers import by_layers
from grassdl.model.weights import save_network
from grassdl.networks import registry
from grassdl.networks.analysis.feature_extraction import LAST, with_features
from grassdl.predict.engines.keras_engine import KerasEngine
from grassdl.predict.engines.network_facts import NetworkFacts
from grassdl.predict.engines.openvino_cache import ConversionError, cache_folder, find_cached
from grassdl.predict.engines.openvino_conversion import can_be_cached, converted
from grassdl.predict.engines.openvino_engine import MOST_SIZES, OpenVinoEngine, has_bfloat16
from openvino_networks import convert, in_openvino, trial
from scenes import MEAN, everything, small_network, tiled

pytest.importorskip("openvino", reason="the optional package openvino is not installed")


@pytest.fixture
def network():
    """A small U-Net."""
    return small_network("unet", filters=3, depth=2)


@pytest.fixture
def folder(network, tmp_path):
    """A folder with its weights."""
    save_network(network, tmp_path)
    return tmp_path


def kept(folder):
    return sorted(one.name for one in folder.iterdir() if one.name != "model.keras")


def silent(line):
    raise AssertionError(line)


def global_network():
    """A network that looks at the whole image at once and interpolates, as DeepLabV3+ does."""
    pixels = keras.Input((None, None, 2))
    normalised = layers.Normalization(mean=MEAN, variance=[400.0, 2500.0])(pixels)
    features = layers.Conv2D(8, 3, strides=4, padding="same", activation="relu")(normalised)
    everywhere = layers.GlobalAveragePooling2D(keepdims=True)(features)
    wide = layers.UpSampling2D(4, interpolation="bilinear")(features + everywhere)
    return keras.Model(pixels, layers.Conv2D(3, 1, activation="softmax")(wide))


def test_a_network_that_looks_at_the_whole_image_agrees_with_keras(tmp_path):
    keras.utils.set_random_seed(1)
    network = global_network()
    engine = in_openvino(network, tmp_path)
    for window in (trial(64, 96), trial(32, 48)):
        expected = KerasEngine(network)(window)
        assert np.abs(engine(window) - expected).max() < 1e-5
        assert expected.std(axis=(0, 1)).max() > 1e-2


def test_more_sizes_than_are_kept_in_memory_give_the_same_again(network, tmp_path):
    engine = in_openvino(network, tmp_path)
    windows = [trial(8 + 4 * place, 16) for place in range(MOST_SIZES + 2)]
    first = [engine(one) for one in windows]
    for window, expected in zip(windows, first, strict=True):
        again = engine(window)
        assert np.array_equal(again, expected)
        assert again.flags.writeable
        assert np.abs(again - KerasEngine(network)(window)).max() < 1e-5


def test_to_get_ready_lets_go_of_the_sizes_that_were_tried(network, folder):
    asked = []

    class Listening:
        def for_windows_of(self, shape):
            asked.append(shape)
            return inner.for_windows_of(shape)

    inner = convert(network, folder, silent)
    engine = OpenVinoEngine(Listening())
    small, large = (trial(8, 16), trial(16, 16))
    for window in (small, large):
        engine(window)
    engine.prepare(large.shape)
    engine(large)
    engine(small)
    assert asked == [small.shape, large.shape]
    engine.prepare((24, 16, 2))
    engine(large)
    assert asked[2:] == [(24, 16, 2), large.shape]


def test_the_temperature_and_the_number_of_threads_are_heeded(network, tmp_path):
    engine = in_openvino(network, tmp_path, temperature=2.5, nprocs=1)
    expected = KerasEngine(network, temperature=2.5)(trial())
    assert np.abs(engine(trial()) - expected).max() < 1e-5


@pytest.mark.parametrize("nprocs", [0, 1])
def test_threads_may_run_on_all_cores(network, tmp_path, nprocs):
    every, seen = os.sched_getaffinity(0), set()
    engine = in_openvino(network, tmp_path, nprocs=nprocs)
    with ThreadPoolExecutor(1) as background:
        # To compile ties the thread to a core for 3 ms.
        background.submit(engine.prepare, trial(1024, 1024).shape).result()
        computed = background.submit(engine, trial(1024, 1024))
        while not computed.done():
            for thread in Path("/proc/self/task").iterdir():
                with suppress(ProcessLookupError):
                    seen.add(frozenset(os.sched_getaffinity(int(thread.name))))
    assert seen == {frozenset(every)}


def test_a_result_is_good_until_the_engine_has_been_called_twice_more(network, tmp_path):
    engine = in_openvino(network, tmp_path)
    sizes = [(64, 64), (64, 64), (32, 64), (64, 64), (32, 32), (64, 32), (96, 32), (96, 32)]
    earlier = None
    for place, size in enumerate(sizes):
        result = engine(trial(*size) + place)
        if earlier:
            assert np.array_equal(*earlier)
        result[0] = 0
        earlier = result, result.copy()
    assert np.array_equal(*earlier)


def test_windows_may_lie_in_memory_in_any_order_and_results_lie_by_layers(network, tmp_path):
    engine = in_openvino(network, tmp_path)
    window = trial(32, 48)
    result = engine(window).copy(order="K")
    for order in (by_layers(window), np.asfortranarray(window), window[::-1].copy()[::-1]):
        assert order.strides != window.strides
        assert np.array_equal(engine(order), result)
    assert all(result[..., place].flags.c_contiguous for place in range(result.shape[-1]))


def test_bfloat16_rounds_but_hardly_changes_classes(network, tmp_path):
    if not has_bfloat16():
        pytest.skip("this processor does not compute in bfloat16")
    exact = KerasEngine(network)(trial(256, 256))
    engine = in_openvino(network, tmp_path, precision="bfloat16")
    found = engine(trial(256, 256))
    assert np.abs(found - exact).max() > 1e-4
    assert (found.argmax(axis=-1) == exact.argmax(axis=-1)).mean() > 0.98
    # Tiles are as exact as in float32.
    values, null = trial(256, 256), np.zeros((256, 256), bool)
    joined, *_ = tiled(network, values, null, *everything(null.shape), 100, inner=engine)
    assert np.abs(joined["probabilities"] - found).max() < 1e-5


def kept_engine(folder):
    """The engine of what is kept of a network."""
    return OpenVinoEngine(find_cached(cache_folder(folder)))


def test_what_is_kept_computes_without_keras_and_not_once_the_weights_change(network, folder):
    assert find_cached(cache_folder(folder)) is None
    convert(network, folder, silent)
    (first,) = kept(folder)
    assert first.startswith("openvino-")
    found = find_cached(cache_folder(folder))
    assert found.facts == NetworkFacts.of(network)
    assert np.abs(kept_engine(folder)(trial()) - KerasEngine(network)(trial())).max() < 1e-5
    network.set_weights([weights * 1.1 for weights in network.get_weights()])
    save_network(network, folder)
    assert find_cached(cache_folder(folder)) is None
    convert(network, folder, silent)
    assert np.abs(kept_engine(folder)(trial()) - KerasEngine(network)(trial())).max() < 1e-5
    (second,) = kept(folder)
    assert second != first


def test_a_network_with_features_is_kept_beside_the_plain_one(network, folder):
    convert(network, folder, silent)
    joined, layer = with_features(network, LAST)
    facts = NetworkFacts.of(joined, joined.output_shape[-1] - 3, layer)
    converted(joined, facts, cache_folder(folder, LAST), trial(), silent)
    assert kept(folder) == sorted([cache_folder(folder).name, cache_folder(folder, LAST).name])
    found = find_cached(cache_folder(folder, LAST))
    assert found.facts == facts and (facts.classes, facts.features) == (3, 3)
    expected = KerasEngine(joined, features=3)(trial())
    assert np.abs(OpenVinoEngine(found, features=3)(trial()) - expected).max() < 1e-4


def damage_the_network(place):
    (place / "network.xml").write_text("half")


def damage_the_record(place):
    (place / "network.json").write_text("half")


def lose_the_numbers(place):
    (place / "network.bin").unlink()


def tell_another_halo(place):
    record = json.loads((place / "network.json").read_text())
    (place / "network.json").write_text(json.dumps({**record, "halo": record["halo"] + 4}))


def negate_the_numbers(place):
    numbers = np.fromfile(place / "network.bin", np.float32)
    (-numbers).tofile(place / "network.bin")


def test_a_kept_network_that_was_changed_is_converted_anew(network, folder, tmp_path):
    convert(network, folder, silent)
    place, whole = cache_folder(folder), tmp_path / "whole"
    place.rename(whole)
    changes = [damage_the_network, damage_the_record, lose_the_numbers, tell_another_halo]
    for change in [*changes, negate_the_numbers]:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(whole, place)
        assert find_cached(place) is not None
        change(place)
        assert find_cached(place) is None, change
    shutil.rmtree(whole)
    convert(network, folder, silent)
    assert np.abs(kept_engine(folder)(trial()) - KerasEngine(network)(trial())).max() < 1e-5


def test_a_kept_network_is_not_taken_for_another_layer_or_other_weights(network, folder):
    convert(network, folder, silent)
    cache_folder(folder).rename(cache_folder(folder, LAST))
    assert find_cached(cache_folder(folder, LAST)) is None
    cache_folder(folder, LAST).rename(cache_folder(folder))
    assert find_cached(cache_folder(folder)) is not None
    before = cache_folder(folder)
    network.set_weights([-weights for weights in network.get_weights()])
    save_network(network, folder)
    before.rename(cache_folder(folder))
    assert find_cached(cache_folder(folder)) is None


def test_only_networks_that_do_not_interpolate_can_be_kept(network, folder, tmp_path):
    assert can_be_cached(folder)
    save_network(registry.build("deeplabv3plus", 64, 2, 3), tmp_path)
    assert not can_be_cached(tmp_path)


def test_what_a_killed_conversion_left_goes_with_the_next_one(network, folder):
    debris = folder / ".openvino-4194304.123456789012.part"
    debris.mkdir()
    (debris / "network.xml").write_text("half")
    convert(network, folder, silent)
    assert [one[:9] for one in kept(folder)] == ["openvino-"]


def test_a_model_folder_that_cannot_be_written_is_told_and_does(network, folder):
    told = []
    # Root may write anywhere, so a file takes the place of the folder.
    cache_folder(folder).write_text("")
    engine = OpenVinoEngine(convert(network, folder, told.append))
    assert np.abs(engine(trial()) - KerasEngine(network)(trial())).max() < 1e-5
    assert len(told) == 1
    assert f"Model folder <{folder}> cannot be written" in told[0]
    assert cache_folder(folder).is_file()


@keras.saving.register_keras_serializable("tests")
class Sorting(keras.layers.Layer):
    """A layer that OpenVINO has no translation of."""

    def call(self, features):
        return keras.ops.erfinv(keras.ops.tanh(features))


def test_a_network_that_openvino_does_not_know_is_refused_in_one_line(tmp_path):
    pixels = keras.Input((None, None, 2))
    network = keras.Model(pixels, keras.layers.Softmax()(Sorting()(pixels)))
    save_network(network, tmp_path)
    with pytest.raises(ConversionError, match="cannot convert the network") as caught:
        convert(network, tmp_path, silent)
    assert "\n" not in str(caught.value)
    assert kept(tmp_path) == []
