# SPDX-License-Identifier: GPL-2.0-or-later
"""The reach worked out from the layer graph against what the networks themselves depend on."""

import keras
import numpy as np
import pytest
from keras import layers

from grassdl import networks
from grassdl.networks.analysis.receptive_field import ROWS_AND_COLUMNS, RULES, Reach, reach

NETWORKS = {
    # name: (network and options, reach of a core in pixels before and after it, expected reach)
    "nicknet": ("nicknet", {}, (25, 25), Reach(stride=1, halo=25, receptive_field=51)),
    "unet2": ("unet", {"depth": 2}, (22, 22), Reach(stride=4, halo=24, receptive_field=44)),
    "unet3": ("unet", {"depth": 3}, (46, 46), Reach(stride=8, halo=48, receptive_field=100)),
    "unet4": ("unet", {"depth": 4}, (94, 94), Reach(stride=16, halo=96, receptive_field=204)),
    "dilated": ("dilated", {}, (22, 22), Reach(stride=1, halo=22, receptive_field=45)),
    "fcn_dk3": ("fcn_dk", {"depth": 3}, (12, 12), Reach(stride=1, halo=12, receptive_field=25)),
    "fcn_dk6": ("fcn_dk", {}, (42, 42), Reach(stride=1, halo=42, receptive_field=85)),
    "linknet1": ("linknet", {"depth": 1}, (26, 29), Reach(stride=4, halo=32, receptive_field=59)),
    "linknet2": ("linknet", {"depth": 2}, (58, 57), Reach(stride=8, halo=64, receptive_field=123)),
    "attention1": (
        "attention_unet",
        {"depth": 1},
        (10, 10),
        Reach(stride=2, halo=10, receptive_field=20),
    ),
    "segnet1": ("segnet", {"depth": 1}, (4, 4), Reach(stride=2, halo=4, receptive_field=10)),
    "segnet2": ("segnet", {"depth": 2}, (14, 14), Reach(stride=4, halo=16, receptive_field=28)),
}
"""Source of reaches and halos: oracles of the project, recomputed and tried (tiled = whole);
NickNet's receptive field: FOSS4G 2019 slides; FCN-DK's: Persello and Stein 2017; others' and
U-Net's: the probe below."""

NOT_ON_ZEROS = ("attention1", "segnet1", "segnet2")
"""Networks in which zeros hide what they depend on: a gate times 0, or maxima that are all the
same. Their probe is a change of random pixels, in double precision, which shows the least of it."""

BRIGHT = 0.01
"""Value of lit pixels; from larger ones sigmoids of gates would come out as exactly 1."""


def small(name: str, filters: int = 2) -> keras.Model:
    network, options, _, _ = NETWORKS[name]
    return networks.build(network, 16, 1, 2, filters=filters, **options)


def probed(name: str) -> tuple[keras.Model, bool]:
    """The scores of a network with positive weights, and whether they are probed on zeros."""
    on_zeros = name not in NOT_ON_ZEROS
    keras.config.set_dtype_policy("float32" if on_zeros else "float64")
    try:
        model = set_weights(small(name), positive=True)
    finally:
        keras.config.set_dtype_policy("float32")
    return keras.Model(model.input, model.get_layer("logits").output), on_zeros


def set_weights(model: keras.Model, *, positive: bool) -> keras.Model:
    """Random weights. If positive, with no shifts: then every output grows with every pixel on
    which it depends, and is exactly 0 where all those are 0."""
    rng = np.random.default_rng(7)
    for weight in model.weights:
        kind = weight.path.rpartition("/")[2]
        if kind in ("gamma", "moving_variance"):
            value = rng.uniform(0.5, 1.5, weight.shape)
        elif "kernel" in kind:
            spread = np.sqrt(2 / np.prod(weight.shape[:-1]))
            value = rng.normal(0, spread, weight.shape)
        else:
            value = rng.normal(0, 0.3, weight.shape) * (not positive)
        weight.assign(np.abs(value) if positive else value)
    return model


def turned(arrays: np.ndarray, axis: int) -> np.ndarray:
    """Arrays (batch, rows, columns, channels) with rows along `axis`."""
    return arrays if axis == 0 else arrays.swapaxes(1, 2)


def responses(
    model: keras.Model, size: int, width: int, lit: list[int], axis: int, on_zeros: bool = True
) -> np.ndarray:
    """Which outputs along the axis answer to which lit row (or column) of an image.

    Returns:
        (rows lit, rows of the output), true where the output depends on the lit row.
    """
    images = np.zeros((len(lit) + 1, size, width, model.input_shape[-1]), np.float32)
    if not on_zeros:
        images += np.random.default_rng(5).uniform(0, BRIGHT / 10, images.shape[1:])
    images[np.arange(len(lit)), lit] = BRIGHT
    answers = turned(keras.ops.convert_to_numpy(model(turned(images, axis))), axis)
    return (answers[:-1] != answers[-1]).any(axis=(2, 3))


@pytest.mark.parametrize("name", NETWORKS)
def test_reach_of_a_network_is_that_of_the_oracles(name):
    assert reach(small(name)) == NETWORKS[name][3]


@pytest.mark.parametrize("axis", ROWS_AND_COLUMNS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_core_depends_on_pixels_at_its_reach_and_on_none_beyond(name, axis):
    _, _, (before, after), expected = NETWORKS[name]
    stride, start = expected.stride, expected.halo + expected.stride
    logits, on_zeros = probed(name)
    at_reach = [start - before, start + stride - 1 + after]
    beyond = [start - before - 1, start + stride + after]
    answers = responses(logits, 2 * start + stride, 4 * stride, at_reach + beyond, axis, on_zeros)
    core = answers[:, start : start + stride].any(axis=1)
    assert core.tolist() == [True, True, False, False]


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "unet4"])
def test_receptive_field_is_the_widest_span_a_pixel_depends_on(name):
    expected = NETWORKS[name][3]
    stride, start = expected.stride, expected.halo + expected.stride
    logits, on_zeros = probed(name)
    size = 2 * start + stride
    answers = responses(logits, size, 4 * stride, list(range(size)), 0, on_zeros)
    spans = [np.ptp(np.flatnonzero(answers[:, start + phase])) + 1 for phase in range(stride)]
    assert max(spans) == expected.receptive_field


def in_tiles(model: keras.Model, image: np.ndarray, core: int, halo: int) -> np.ndarray:
    """Probabilities of an image (1, rows, columns, bands), tile by tile."""
    _, rows, cols, _ = image.shape
    tiled = np.full((1, rows, cols, model.output_shape[-1]), np.nan)
    for top in range(0, rows, core):
        for left in range(0, cols, core):
            # Slices end at the image's lower and right edges by themselves.
            above, before = max(top - halo, 0), max(left - halo, 0)
            window = image[:, above : top + core + halo, before : left + core + halo]
            tile = keras.ops.convert_to_numpy(model(window))[:, top - above :, left - before :]
            place = tiled[:, top : top + core, left : left + core]
            place[:] = tile[:, : place.shape[1], : place.shape[2]]
    return tiled


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("unet2", 16),
        ("unet2", 20),
        ("nicknet", 17),
        ("attention1", 12),
        ("segnet2", 16),
        ("linknet1", 24),
        ("fcn_dk3", 19),
    ],
)
def test_tiles_with_their_halo_give_what_the_whole_gives(name, core):
    # With fewer filters ReLU lets too little through for the network to see far.
    model = set_weights(small(name, filters=8), positive=False)
    halo, stride = reach(model).halo, reach(model).stride
    image = np.random.default_rng(3).normal(size=(1, 72, 84, 1)).astype(np.float32)
    whole = keras.ops.convert_to_numpy(model(image))
    np.testing.assert_allclose(in_tiles(model, image, core, halo), whole, rtol=0, atol=1e-5)
    assert np.abs(in_tiles(model, image, core, halo - stride) - whole).max() > 1e-5


LAYERS = [
    layers.Conv2D(1, (3, 5), padding="same"),
    layers.Conv2D(1, (4, 2), padding="same"),
    layers.Conv2D(1, (3, 5), strides=2, padding="same"),
    layers.Conv2D(1, (4, 7), strides=(2, 3), padding="same"),
    layers.Conv2D(1, 1, strides=2, padding="same"),
    layers.Conv2D(1, (3, 4), strides=(2, 1), padding="valid"),
    layers.Conv2D(1, (3, 5), dilation_rate=(2, 3), padding="same"),
    layers.Conv2D(1, 3, dilation_rate=6),
    layers.DepthwiseConv2D(3, strides=2, padding="same"),
    layers.DepthwiseConv2D(3, dilation_rate=2, padding="same"),
    layers.SeparableConv2D(1, (5, 3), padding="same"),
    layers.MaxPooling2D(2),
    layers.MaxPooling2D((3, 2), strides=(1, 2), padding="same"),
    layers.AveragePooling2D(3, strides=2, padding="same"),
    layers.AveragePooling2D((2, 4)),
    layers.Conv2DTranspose(1, 2, strides=2),
    layers.Conv2DTranspose(1, 2, strides=2, padding="same"),
    layers.Conv2DTranspose(1, (3, 4), strides=2, padding="same"),
    layers.Conv2DTranspose(1, (3, 5), strides=(2, 3)),
    layers.Conv2DTranspose(1, (5, 4), padding="same"),
    layers.Conv2DTranspose(1, 3, dilation_rate=2, padding="same"),
    layers.UpSampling2D((2, 3)),
    layers.UpSampling2D((2, 3), interpolation="bilinear"),
    layers.UpSampling2D((4, 5), interpolation="bilinear"),
    layers.ZeroPadding2D(((1, 2), (3, 0))),
    layers.Cropping2D(((1, 2), (3, 0))),
    layers.LeakyReLU(),
    layers.Rescaling(2.0),
    layers.Dense(1),
    layers.SpatialDropout2D(0.5),
]


@pytest.mark.parametrize("axis", ROWS_AND_COLUMNS)
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_layer_needs_the_inputs_that_its_rule_tells(layer, axis):
    size = 48
    model = set_weights(keras.Sequential([keras.Input((None, None, 1)), layer]), positive=True)
    answers = responses(model, size, 24, list(range(size)), axis)
    window = RULES[type(layer)](layer, axis)
    assert answers.shape[1] / size == pytest.approx(1 / window.step, rel=0.3)
    compared = 0
    for output in range(answers.shape[1]):
        first, last = window.needs((output, output))
        if first >= 0 and last < size:
            needed = np.flatnonzero(answers[:, output])
            assert (first, last) == (needed[0], needed[-1])
            compared += 1
    assert compared >= 10


def model_of(*stack: layers.Layer) -> keras.Model:
    inputs = keras.Input((None, None, 2))
    outputs = inputs
    for layer in stack:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize(
    "layer",
    [
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.GroupNormalization(2),
        layers.Softmax(axis=1),
        layers.Softmax(axis=(1, 2)),
        layers.Resizing(8, 8),
        layers.UpSampling2D(1, interpolation="bicubic"),
        layers.Conv2DTranspose(2, 3, padding="same", output_padding=0),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_of_unknown_reach_counts_as_global(layer):
    model = model_of(layers.Conv2D(2, 3, padding="same"), layer)
    assert reach(model) == Reach(stride=1, halo=None, receptive_field=None)


def test_a_subclass_of_a_known_layer_counts_as_global():
    class Mirrored(layers.Conv2D):
        def call(self, inputs):
            return super().call(keras.ops.flip(inputs, axis=1))

    assert reach(model_of(Mirrored(2, 3, padding="same"))).halo is None


def test_squeeze_and_excite_is_global_but_leaves_the_stride_known():
    inputs = keras.Input((None, None, 4))
    features = layers.MaxPooling2D(2)(inputs)
    weights = layers.GlobalAveragePooling2D(keepdims=True)(features)
    weights = layers.Conv2D(4, 1, activation="sigmoid")(weights)
    outputs = layers.UpSampling2D(2)(layers.Multiply()([features, weights]))
    expected = Reach(stride=2, halo=None, receptive_field=None)
    assert reach(keras.Model(inputs, outputs)) == expected


def test_the_wider_of_two_branches_and_of_two_directions_counts():
    inputs = keras.Input((None, None, 2))
    rows = layers.Conv2D(2, (9, 1), padding="same")(inputs)
    columns = layers.Conv2D(2, (1, 13), padding="same")(inputs)
    model = keras.Model(inputs, layers.Add()([rows, columns, inputs]))
    assert reach(model) == Reach(stride=1, halo=6, receptive_field=13)


def test_strides_that_do_not_divide_each_other_multiply():
    inputs = keras.Input((None, None, 2))
    halves = layers.UpSampling2D(2)(layers.AveragePooling2D(2)(inputs))
    thirds = layers.UpSampling2D(3)(layers.AveragePooling2D(3)(inputs))
    model = keras.Model(inputs, layers.Concatenate()([halves, thirds]))
    assert reach(model) == Reach(stride=6, halo=0, receptive_field=4)


def test_the_reach_of_a_shared_layer_counts_at_each_call():
    shared = layers.Conv2D(2, 5, padding="same")
    assert reach(model_of(shared, shared, shared)).halo == 6


def test_nested_models_are_opened_at_each_call():
    inner = keras.Sequential([layers.MaxPooling2D(2), layers.Conv2D(2, 3, padding="same")])
    nested = model_of(inner, model_of(inner), layers.UpSampling2D(4))
    flat = model_of(
        layers.MaxPooling2D(2),
        layers.Conv2D(2, 3, padding="same"),
        layers.MaxPooling2D(2),
        layers.Conv2D(2, 3, padding="same"),
        layers.UpSampling2D(4),
    )
    assert reach(nested) == reach(flat) == Reach(stride=4, halo=8, receptive_field=16)


def test_a_saved_network_has_the_same_reach(tmp_path):
    model = small("unet2")
    model.save(tmp_path / "model.keras")
    assert reach(keras.saving.load_model(tmp_path / "model.keras")) == reach(model)


def test_an_output_of_another_resolution_is_refused():
    with pytest.raises(ValueError, match="must have the resolution of its input"):
        reach(model_of(layers.MaxPooling2D(2)))
