# SPDX-License-Identifier: GPL-2.0-or-later
"""A user's own network in a Python file; a sound one goes through `test_every_network.py`."""

import sys

import keras
import numpy as np
import pytest

from grassdl.model.weights import load_network, save_network
from grassdl.networks.user_network import build_from_file
from network_table import OWN_NETWORK


@pytest.fixture
def write(tmp_path):
    """Writes a network file: the sound one with something replaced."""

    def write(old="", new=""):
        assert old in OWN_NETWORK
        (tmp_path / "own.py").write_text(OWN_NETWORK.replace(old, new) if old else OWN_NETWORK)
        return tmp_path / "own.py"

    return write


def test_a_network_file_gives_a_network_like_those_of_the_registry(write):
    model = build_from_file(write(), 16, 3, 5, mean=[10, 20, 30], deviation=[1, 2, 3])
    assert model.name == "own"
    assert (model.input_shape[-1], model.output_shape[-1]) == (3, 5)
    normalised = model.get_layer("normalization")(np.array([[[[11.0, 16, 30]]]]))
    np.testing.assert_allclose(np.ravel(normalised), [1, -2, 0])


@pytest.mark.parametrize("unwritten", [False, True])
def test_nothing_is_left_beside_the_network_file(write, tmp_path, monkeypatch, unwritten):
    monkeypatch.setattr(sys, "dont_write_bytecode", unwritten)
    build_from_file(write(), 16, 3, 5)
    with pytest.raises(ValueError, match="fails: NameError"):
        build_from_file(write("import keras\n", "nothing\n"), 16, 3, 5)
    assert [one.name for one in tmp_path.iterdir()] == ["own.py"]
    assert sys.dont_write_bytecode == unwritten


def test_a_compiled_network_is_kept_as_a_network(write, tmp_path):
    compiled = write(
        "return keras.Model(pixels",
        "def model(*given):\n"
        "        made = keras.Model(*given)\n"
        '        made.compile("sgd", "mse")\n'
        "        return made\n"
        "    return model(pixels",
    )
    save_network(build_from_file(compiled, 16, 3, 5), tmp_path)
    assert load_network(tmp_path).output_shape[-1] == 5


def test_two_classes_may_come_from_one_output(write):
    one = write(
        'layers.Conv2D(classes, 1, activation="softmax")',
        'layers.Conv2D(1, 1, activation="sigmoid")',
    )
    model = build_from_file(one, 16, 3, 2)
    probabilities = keras.ops.convert_to_numpy(model(np.ones((1, 4, 4, 3))))
    assert probabilities.shape == (1, 4, 4, 2)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-6)
    with pytest.raises(ValueError, match=r"must give \(None, None, None, 3\)"):
        build_from_file(one, 16, 3, 3)


def test_a_size_that_does_not_suit_it_is_refused_with_sizes_that_do(write):
    with pytest.raises(ValueError, match="Patch size 15 does not fit network <own>.*14 or 16$"):
        build_from_file(write(), 15, 3, 5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("import keras\n", "import keras, nothing_like_it\n", "ModuleNotFoundError: No module"),
        ("def build(", "def model(", r"has no function build\(size, bands, classes\)"),
        ("size, bands, classes", "size", "fails: TypeError"),
        ("return keras.Model", "return (keras.Model)(pixels, features), ", "a built keras.Model"),
        ("(None, None, bands)", "(size, size, bands)", "images of any size"),
        ("(None, None, bands)", "(None, None, 4)", r"keras.Input\(\(None, None, 3\)\), it takes"),
        ("Conv2D(classes", "Conv2D(classes + 1", r"it gives \(None, None, None, 6\)"),
        (', activation="softmax"', "", "must give probabilities"),
        ("UpSampling2D(2)", "UpSampling2D(4)", "the resolution of its input"),
        (
            "UpSampling2D(2)",
            "Lambda(lambda x: keras.ops.repeat(keras.ops.repeat(x, 2, 1), 2, 2))",
            "no Lambda",
        ),
        ('padding="same")', 'padding="same", activation=lambda x: x)', "functions of Keras"),
        (
            'padding="same")',
            'padding="same", activation=layers.LeakyReLU(), name="own")',
            "without that file: layer <own> has in <activation> .*: use only layers and functions",
        ),
        ("UpSampling2D(2)", "TimeDistributed(layers.UpSampling1D(2))", "TimeDistributed"),
        (
            "def build",
            "@keras.saving.register_keras_serializable('own')\n"
            "class BatchNorm(layers.BatchNormalization):\n    pass\n\n"
            "layers.BatchNormalization = BatchNorm\n\ndef build",
            "only layers and functions of Keras",
        ),
    ],
)
def test_what_does_not_keep_to_the_contract_is_named(write, monkeypatch, old, new, words):
    monkeypatch.setattr(keras.layers, "BatchNormalization", keras.layers.BatchNormalization)
    path = write(old, new)
    with pytest.raises(ValueError, match=words) as caught:
        build_from_file(path, 16, 3, 5)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["import sys; sys.exit(0)", "def build(a, b, c): raise SystemExit"]
)
def test_a_file_that_ends_the_program_is_named(tmp_path, text):
    path = tmp_path / "own.py"
    path.write_text(text)
    with pytest.raises(ValueError, match="etwork file <.*own.py> fails: SystemExit"):
        build_from_file(path, 16, 3, 5)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="Network file <.*none.py> not found"):
        build_from_file(tmp_path / "none.py", 16, 3, 5)


def test_a_file_that_is_no_python_is_named(tmp_path):
    (tmp_path / "own.txt").write_text(OWN_NETWORK)
    with pytest.raises(ValueError, match="is not a Python file"):
        build_from_file(tmp_path / "own.txt", 16, 3, 5)


def test_what_a_file_registers_is_forgotten(write):
    before = dict(keras.saving.get_custom_objects())
    own_class = (
        "@keras.saving.register_keras_serializable()\nclass Own(layers.Layer):\n    pass\n\n"
    )
    build_from_file(write("def build", own_class + "def build"), 16, 3, 5)
    assert keras.saving.get_custom_objects() == before
