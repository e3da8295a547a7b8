# SPDX-License-Identifier: GPL-2.0-or-later
"""The registry of networks and the normalisation it puts before each of them."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from grassdl import networks
from grassdl.networks import registry

LIBRARY = Path(networks.__file__).resolve().parents[2]


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
        "encoder": "none",
    }


def test_an_encoder_may_change_the_defaults_of_a_network():
    assert networks.registry.completed("linknet", {"filters": 8}) == {
        "filters": 8,
        "depth": 4,
        "encoder": "none",
    }
    chosen = {"encoder": "mobilenetv2"}
    assert networks.registry.completed("linknet", chosen)["depth"] == 3
    assert networks.registry.completed("linknet", {**chosen, "depth": 2})["depth"] == 2
    assert networks.registry.encoder("unet", chosen) == networks.registry.encoder("linknet", chosen)
    assert networks.registry.encoder("unet") == ("encoder", "bottom")


@pytest.mark.parametrize("name", networks.registry.OWN_ENCODER)
def test_networks_have_by_default_the_encoder_that_the_registry_tells(name):
    default = networks.options(name).get("encoder", "resnet50")
    assert networks.registry.catalog_encoder(name, {}) == default
    assert networks.registry.catalog_encoder("unet", {}) is None
    assert networks.registry.catalog_encoder("unet", {"encoder": "none"}) is None


def test_a_network_without_that_option_takes_no_encoder():
    with pytest.raises(ValueError, match="Network <nicknet> has no option <encoder>, only filters"):
        networks.build("nicknet", 64, 3, 2, encoder="resnet50")


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


def test_a_sigmoid_for_more_than_two_classes_is_refused():
    with pytest.raises(ValueError, match="activation=sigmoid is for 2 classes, the data have 3"):
        networks.build("unet", 16, 3, 3, activation="sigmoid")


@pytest.mark.parametrize("wrong", [{"filters": 0}, {"depth": 0}, {"dropout": 1.0}])
def test_numbers_that_no_network_can_be_built_with_are_refused(wrong):
    with pytest.raises(ValueError, match=f"<{next(iter(wrong))}> must be at least"):
        networks.build("unet", 16, 3, 3, **wrong)


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


def build_of(monkeypatch, *names, activation="softmax"):
    """A network of 1x1 convolutions with these names, as one of the registry."""

    def narrow(pixels, outputs):
        for name in names:
            pixels = keras.layers.Conv2D(outputs, 1, name=name)(pixels)
        return pixels

    monkeypatch.setattr(registry, "_network", lambda name: narrow)
    monkeypatch.setattr(registry, "_check_options", lambda name, given: None)
    return networks.build("narrow", 8, 3, 2, activation=activation)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["one", "scores"],
            "network <narrow> is called scores: .*class_scores, or call it logits",
        ),
        (["logits", "one"], "last layer .* <narrow> is called one"),
        (["first", "logits"], "<narrow> has a layer called first, as one before or after all"),
        (["pixels", "logits"], "<narrow> has a layer called pixels, as one before or after all"),
    ],
)
def test_a_network_whose_layers_have_names_that_the_house_cannot_take_is_refused_in_one_line(
    monkeypatch, names, message, activation
):
    with pytest.raises(ValueError, match=message) as refused:
        build_of(monkeypatch, *names, activation=activation)
    assert "\n" not in str(refused.value)
    assert build_of(monkeypatch, "one", "logits", activation=activation).output_shape[-1] == 2
