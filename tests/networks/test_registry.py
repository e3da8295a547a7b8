# SPDX-License-Identifier: GPL-2.0-or-later
"""The registry of networks and the normalisation it puts before each of them."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from grassdl import networks
from grassdl.model.weights import load_network, save_network
from grassdl.networks.analysis.receptive_field import reach

LIBRARY = Path(networks.__file__).resolve().parents[2]


DEFAULTS = {
    # name: (parameters, patch size is a multiple of, receptive field), 5 bands and 7 classes
    "unet": (1_947_383, 16, 204),
    "attention_unet": (2_013_147, 16, 236),
    "nicknet": (300_103, 1, 51),
    "dilated": (49_831, 1, 45),
    "fcn_dk": (118_311, 1, 85),
    "segnet": (29_464_071, 32, 404),
    "deeplabv3plus": (11_860_167, 16, None),
    "linknet": (2_898_023, 32, 499),
}
"""Also in the table of the manual of i.dl.train."""


@pytest.mark.parametrize("name", networks.names())
def test_every_network_is_described_in_one_line_and_builds_with_defaults(name):
    assert networks.describe(name)
    assert "\n" not in networks.describe(name)
    model = networks.build(name, 64, 5, 7)
    assert model.name == name
    assert model.output_shape == (None, None, None, 7)
    seen = reach(model)
    assert (model.count_params(), seen.stride, seen.receptive_field) == DEFAULTS[name]


def test_the_manual_tells_these_figures_of_every_network():
    page = (LIBRARY.parent / "i.dl.train" / "i.dl.train.md").read_text(encoding="utf-8")
    told = {}
    for row in re.findall(r"^\| `(\w+)` \|(.*\|.*\|.*\|.*\|.*)\|$", page, re.MULTILINE):
        name, (parameters, sees, stride, filters, depth) = row[0], map(str.strip, row[1].split("|"))
        seen = None if sees == "all" else int(sees)
        told[name] = int(parameters.replace(" ", "")), int(stride), seen
        options = networks.options(name)
        assert (filters, depth) == (str(options["filters"]), str(options.get("depth", "")))
    assert told == DEFAULTS


def test_names_and_descriptions_do_not_import_keras():
    code = (
        "import sys; from grassdl import networks\n"
        "for name in networks.names(): networks.describe(name)\n"
        "sys.exit('keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=LIBRARY).returncode == 0


def test_an_unknown_network_is_refused_with_the_list_of_networks():
    for call in (networks.describe, networks.options, lambda name: networks.build(name, 64, 5, 7)):
        with pytest.raises(ValueError, match="no network <resnet>, only unet, .*nicknet"):
            call("resnet")


def test_an_unknown_option_is_refused_with_the_list_of_options():
    with pytest.raises(ValueError, match="<nicknet> has no option <depth>, only filters"):
        networks.build("nicknet", 64, 5, 7, depth=3)


def test_options_are_told_with_their_defaults():
    assert networks.options("nicknet") == {"filters": 64}
    assert networks.options("unet") == {
        "filters": 16,
        "depth": 4,
        "dropout": 0.0,
        "batch_norm": True,
    }


@pytest.mark.parametrize(("size", "fitting"), [(100, "96 or 112"), (5, "16"), (0, "16")])
def test_a_size_that_the_stride_does_not_divide_is_refused_with_sizes_that_fit(size, fitting):
    with pytest.raises(ValueError, match=f"multiple of 16, such as {fitting}$"):
        networks.build("unet", size, 5, 7, filters=1)


def test_a_network_without_stride_takes_any_size():
    assert networks.build("nicknet", 51, 5, 7, filters=1).input_shape == (None, None, None, 5)


def test_statistics_of_other_bands_are_refused():
    with pytest.raises(ValueError, match="one finite mean for each of 2 bands"):
        networks.build("nicknet", 64, 2, 7, mean=[1, 2, 3])
    with pytest.raises(ValueError, match="one finite deviation for each of 2 bands"):
        networks.build("nicknet", 64, 2, 7, deviation=[1, np.nan])
    with pytest.raises(ValueError, match="No deviation may be negative, found -2"):
        networks.build("nicknet", 64, 2, 7, deviation=[1, -2])


def test_no_bands_or_no_classes_are_refused():
    with pytest.raises(ValueError, match="found 0 and 7"):
        networks.build("nicknet", 64, 0, 7)
    with pytest.raises(ValueError, match="found 5 and 0"):
        networks.build("nicknet", 64, 5, 0)


def normalise(model: keras.Model, pixel: list[float]) -> np.ndarray:
    return keras.ops.convert_to_numpy(
        model.get_layer("normalization")(np.array(pixel, np.float32).reshape(1, 1, 1, -1))
    ).ravel()


def test_raw_values_are_normalised_inside_the_network():
    model = networks.build("nicknet", 64, 2, 3, filters=1, mean=[10, 200], deviation=[2, 50])
    np.testing.assert_allclose(normalise(model, [14, 100]), [2, -2], rtol=1e-6)


def test_without_statistics_values_stay_as_they_are():
    model = networks.build("nicknet", 64, 2, 3, filters=1)
    np.testing.assert_array_equal(normalise(model, [14.5, -3]), [14.5, -3])


def test_the_band_mean_becomes_exactly_zero_also_in_a_constant_band():
    mean = [1234.56789, 0.1, 40000 / 3]
    model = networks.build("nicknet", 64, 3, 3, filters=1, mean=mean, deviation=[0, 0.3, 700])
    np.testing.assert_array_equal(normalise(model, mean), [0, 0, 0])
    assert np.isfinite(normalise(model, [0, 0, 0])).all()


def test_normalisation_has_no_weights():
    model = networks.build("nicknet", 64, 2, 3, filters=1, mean=[1, 2], deviation=[3, 4])
    assert model.get_layer("normalization").weights == []


SMALLEST = {
    "unet": {"filters": 2, "depth": 1},
    "attention_unet": {"filters": 2, "depth": 1},
    "nicknet": {"filters": 2},
    "dilated": {"filters": 2, "depth": 3},
    "fcn_dk": {"filters": 2, "depth": 2},
    "segnet": {"filters": 2, "depth": 1},
    "deeplabv3plus": {"filters": 2},
    "linknet": {"filters": 2, "depth": 1},
}
"""Options with which each network is built most quickly."""


def test_no_network_is_left_out_of_the_tests():
    assert list(SMALLEST) == networks.names()


@pytest.mark.parametrize("name", networks.names())
@pytest.mark.parametrize(("bands", "classes"), [(1, 2), (300, 254)])
def test_every_network_takes_one_to_300_bands_and_gives_2_to_254_classes(name, bands, classes):
    model = networks.build(name, 64, bands, classes, **SMALLEST[name])
    probabilities = keras.ops.convert_to_numpy(model(np.ones((1, 32, 16, bands))))
    assert probabilities.shape == (1, 32, 16, classes)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["unet", "segnet", "linknet"])
def test_a_sigmoid_gives_the_probabilities_of_both_of_two_classes_by_one_output(name):
    model = networks.build(name, 16, 3, 2, activation="sigmoid", **SMALLEST[name])
    pixels = np.random.default_rng(1).normal(size=(1, 16, 16, 3))
    score = keras.Model(model.input, model.get_layer("logits").output)(pixels)
    assert score.shape == (1, 16, 16, 1)
    second = 1 / (1 + np.exp(-keras.ops.convert_to_numpy(score)[..., 0]))
    found = keras.ops.convert_to_numpy(model(pixels))
    np.testing.assert_allclose(found, np.stack([1 - second, second], -1), atol=1e-6)
    assert reach(model) == reach(networks.build(name, 16, 3, 2, **SMALLEST[name]))


def test_a_sigmoid_for_more_than_two_classes_is_refused():
    with pytest.raises(ValueError, match="activation=sigmoid is for 2 classes, the data have 3"):
        networks.build("unet", 16, 3, 3, activation="sigmoid")


@pytest.mark.parametrize("wrong", [{"filters": 0}, {"depth": 0}, {"dropout": 1.0}])
def test_numbers_that_no_network_can_be_built_with_are_refused(wrong):
    with pytest.raises(ValueError, match=f"<{next(iter(wrong))}> must be at least"):
        networks.build("unet", 16, 3, 3, **wrong)


@pytest.mark.parametrize("name", networks.names())
def test_a_saved_network_gives_the_same_probabilities_again(name, tmp_path):
    statistics = {"mean": [1 / 3, 1e4 / 7], "deviation": [0.1, 3e3 / 7]}
    model = networks.build(name, 16, 2, 3, **statistics, **SMALLEST[name])
    save_network(model, tmp_path)
    again = load_network(tmp_path)
    pixels = np.random.default_rng(1).uniform(0, 3000, (1, 16, 16, 2))
    np.testing.assert_array_equal(model(pixels), again(pixels))


def test_half_precision_neither_blurs_16_bit_bands_nor_probabilities():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = networks.build("unet", 16, 2, 3, filters=2, mean=[40000, 0], deviation=[1, 1])
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(normalise(model, [40001, 0]), [1, 0])
    probabilities = keras.ops.convert_to_numpy(model(np.ones((1, 16, 16, 2))))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-6)
