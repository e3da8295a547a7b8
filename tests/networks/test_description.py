# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of Keras from strangers: whatever more than computing may come of is refused unseen by
Keras."""

import json
import zipfile

import keras
import numpy as np
import pytest
from keras import layers, ops

from grassdl.model.weights import load_network, save_network
from grassdl.networks.description import check_description


def small_network():
    pixels = keras.Input((None, None, 2), name="pixels")
    features = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(pixels)
    features = layers.Activation("tanh", name="second")(features)
    return keras.Model(pixels, layers.Conv2D(3, 1, activation="softmax", name="last")(features))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model folder whose file Keras must not load."""
    save_network(small_network(), tmp_path)

    def seen_by_keras(*_, **__):
        raise AssertionError("Keras was given the file")

    monkeypatch.setattr(keras.saving, "load_model", seen_by_keras)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", seen_by_keras)
    return tmp_path


def rewrite(folder, change):
    """Change the parts of a model file: `change` takes the description, and all parts by name."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    description = json.loads(parts["config.json"])
    change({one["name"]: one for one in description["config"]["layers"]}, description, parts)
    parts["config.json"] = json.dumps(description).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def function(name, module="keras.layers"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": None}


def instance(name, module="keras.layers", **config):
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def a_function_that_is_a_layer_class(by_name, *_):
    by_name["second"]["config"]["activation"] = function("TFSMLayer")


def a_function_of_another_module(by_name, *_):
    by_name["second"]["config"]["activation"] = function("system", "os")


def a_function_in_another_place(by_name, *_):
    by_name["first"]["config"]["padding"] = function("TFSMLayer")


def a_function_as_initialiser(by_name, *_):
    by_name["first"]["config"]["kernel_initializer"] = function("Lambda")


def a_layer_as_activation(by_name, *_):
    by_name["first"]["config"]["activation"] = instance("LeakyReLU")


def a_function_as_constraint(by_name, *_):
    by_name["first"]["config"]["kernel_constraint"] = function("TFSMLayer")


def an_object_within_an_initialiser(by_name, *_):
    by_name["first"]["config"]["kernel_initializer"]["config"]["seed"] = function("TFSMLayer")


def an_object_as_type_of_numbers(by_name, *_):
    by_name["first"]["config"]["dtype"] = instance("TFSMLayer")


def a_lambda(by_name, *_):
    code = {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}}
    by_name["second"].update(instance("Lambda", function=code))


def a_saved_model(by_name, *_):
    by_name["second"].update(instance("TFSMLayer", filepath="/nowhere"))


def a_table_of_words(by_name, *_):
    by_name["second"].update(instance("StringLookup", vocabulary="/etc/hostname"))


def a_layer_around_another(by_name, *_):
    by_name["second"].update(instance("TimeDistributed", layer=instance("TFSMLayer")))


def a_class_of_another_module(by_name, *_):
    by_name["second"].update(instance("Popen", "subprocess", args="true"))


def a_class_by_another_path(by_name, *_):
    by_name["second"].update(instance("Activation", "keras.src.layers", activation="relu"))


def a_registered_name_of_another_class(by_name, *_):
    by_name["second"]["registered_name"] = "stranger>Activation"


def an_operation_that_takes_a_function(by_name, *_):
    by_name["second"].update(instance("Map", "keras.src.ops.core"))


def a_text_in_a_call(by_name, *_):
    by_name["second"]["inbound_nodes"][0]["args"] = ["/nowhere"]


def a_text_in_a_named_argument(by_name, *_):
    by_name["second"]["inbound_nodes"][0]["kwargs"] = {"mask": ["/nowhere"]}


def an_object_in_a_call(by_name, *_):
    by_name["second"]["inbound_nodes"][0]["args"].append(function("TFSMLayer"))


def an_object_as_source(by_name, *_):
    tensor = by_name["second"]["inbound_nodes"][0]["args"][0]
    tensor["config"]["keras_history"][1] = function("TFSMLayer")


def calls_of_old_files(by_name, *_):
    by_name["second"]["inbound_nodes"] = [[["first", 0, 0, {"mask": "/nowhere"}]]]


def a_compiled_network(by_name, description, _):
    description["compile_config"] = {"optimizer": instance("Adam", "keras.optimizers")}


def a_layer_built_of_an_object(by_name, *_):
    by_name["first"]["build_config"]["input_shape"] = function("TFSMLayer")


def an_unknown_entry(by_name, *_):
    by_name["first"]["spec_name"] = "x"


def a_shared_object_of_another_class(by_name, *_):
    by_name["first"]["shared_object_id"] = 1
    by_name["last"]["config"]["kernel_initializer"]["shared_object_id"] = 1


def a_number_that_is_none(by_name, *_):
    by_name["first"]["config"]["groups"] = float("nan")


def a_nested_network(by_name, *_):
    inner = json.loads(small_network().to_json())
    inner["config"]["layers"][2]["config"]["activation"] = function("TFSMLayer")
    inner["inbound_nodes"] = by_name["second"]["inbound_nodes"]
    by_name["second"].clear()
    by_name["second"].update(inner, name="inner")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (a_function_that_is_a_layer_class, "layer <second> has in <activation>"),
        (a_function_of_another_module, "layer <second> has in <activation>"),
        (a_function_in_another_place, "layer <first> has in <padding> what is no number"),
        (a_function_as_initialiser, "<kernel_initializer> what is no initializer of Keras"),
        (a_function_as_constraint, "<kernel_constraint> what is no constraint of Keras"),
        (a_layer_as_activation, "layer <first> has in <activation>"),
        (an_object_within_an_initialiser, "layer <first> has in <kernel_initializer>"),
        (an_object_as_type_of_numbers, "layer <first> computes with a type of numbers"),
        (a_lambda, "layer <second> is of class <keras.layers.Lambda>"),
        (a_saved_model, "layer <second> is of class <keras.layers.TFSMLayer>"),
        (a_table_of_words, "layer <second> is of class <keras.layers.StringLookup>"),
        (a_layer_around_another, "layer <second> is of class <keras.layers.TimeDistributed>"),
        (a_class_of_another_module, "layer <second> is of class <subprocess.Popen>"),
        (a_class_by_another_path, "layer <second> is of class <keras.src.layers.Activation>"),
        (a_registered_name_of_another_class, "layer <second> is of class"),
        (an_operation_that_takes_a_function, "layer <second> is of class <keras.src.ops.core.Map>"),
        (a_text_in_a_call, "layer <second> is called on the text </nowhere>"),
        (a_text_in_a_named_argument, "layer <second> is called on the text </nowhere>"),
        (an_object_in_a_call, "layer <second> is called on an object"),
        (an_object_as_source, "layer <second> is called on what is no result"),
        (calls_of_old_files, "layer <second> is called in an unknown way"),
        (a_compiled_network, "is compiled"),
        (a_layer_built_of_an_object, "layer <first> has in <build_config>"),
        (an_unknown_entry, "layer <first> has an unknown entry <spec_name>"),
        (a_shared_object_of_another_class, "layer <last> shares an object of another class"),
        (a_number_that_is_none, "layer <first> has in <groups> a number that is not finite"),
        (a_nested_network, "layer <second> has in <activation>"),
    ],
)
def test_a_hostile_file_is_refused_before_keras_sees_it(folder, change, words):
    rewrite(folder, change)
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        load_network(folder)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def more_files(by_name, description, parts):
    parts["assets/x"] = b"x"


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("[" * 100_000, "cannot be loaded"),
        ("[]", "describes no network"),
        ('{"module": [], "class_name": {}}', "has no class"),
        ('{"module": "keras.layers", "class_name": "Dense"}', "describes no network"),
        ("\udce4", "damaged"),
    ],
)
def test_a_file_that_describes_no_network_is_refused(folder, description, words):
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", description.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=words) as caught:
        load_network(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_holds_other_files_is_refused(folder):
    rewrite(folder, more_files)
    with pytest.raises(ValueError, match="other files than those of a network"):
        load_network(folder)


def test_what_a_layer_is_called_cannot_reach_the_terminal(folder):
    def named(by_name, *_):
        a_lambda(by_name)
        by_name["second"]["name"] = "\x1b[31mred\n" + "x" * 100

    rewrite(folder, named)
    with pytest.raises(ValueError, match=r"layer <\?\[31mred\?x{51}\.\.\.> is of class"):
        load_network(folder)


def test_what_keras_alone_computes_passes():
    pixels = keras.Input((None, None, 4))
    features = layers.Conv2D(
        4,
        3,
        padding="same",
        activation=keras.activations.gelu,
        kernel_initializer=keras.initializers.HeNormal(3),
        kernel_regularizer="l2",
        bias_constraint=keras.constraints.MaxNorm(2),
        dtype="mixed_bfloat16",
    )(pixels)
    features = ops.relu(2 * features[..., 1:] + np.ones(3, np.float32))
    squeezed = ops.mean(features, axis=(1, 2), keepdims=True)
    features = layers.GroupNormalization(3)(features * ops.sigmoid(squeezed))
    shared = layers.PReLU(shared_axes=[1, 2])
    inner = keras.Sequential([keras.Input((None, None, 3)), shared, layers.Dropout(0.2)])
    features = layers.Concatenate()([inner(shared(features)), ops.cast(features, "float32")])
    model = keras.Model(pixels, layers.Softmax()(layers.Rescaling(np.ones(6))(features)))
    check_description(json.loads(model.to_json()))
