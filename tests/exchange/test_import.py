# SPDX-License-Identifier: GPL-2.0-or-later
"""Imported networks: what i.dl.import makes of ONNX files of others."""

import json
from dataclasses import replace

import numpy as np
import pytest

import stac_check
from grassdl.core.bands import Band, options_of
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.exchange.import_options import wanted_of
from grassdl.exchange.importing import Import, Wanted
from grassdl.model.ensemble import open_model
from grassdl.model.folder import load_card, load_network_card
from grassdl.model.onnx_network import read_onnx
from grassdl.model.weights import load_network
from onnx_files import BANDS, CLASSES, kernels, scores, softmax, write_onnx

pytest.importorskip("onnx")
pytest.importorskip("openvino")

# Not in the order of their values, as outputs of others may be.
ROAD, WATER, TREE = (
    MapClass(7, "road", ""),
    MapClass(2, "water", "0:0:255"),
    MapClass(5, "tree", ""),
)
PLACES = [1, 2, 0]
"""The outputs by class index."""

DEEPNESS = {
    "model_type": "Segmentor",
    "class_names": {"0": "other", "1": "field", "2": "tree"},
    "resolution": 50,
}
METRIC = 'PROJCRS["somewhere",LENGTHUNIT["metre",1]]'


@pytest.fixture
def imported(tmp_path):
    """Imports a file made by hand; returns its kernels, the card, and what the model gives."""

    def run(wanted=None, **file):
        weights = write_onnx(tmp_path / "net.onnx", **file)
        told = {"classes": (ROAD, WATER, TREE), "resolution": (0.5, 0.5), **(wanted or {})}
        one = Import.planned(str(tmp_path / "net.onnx"), tmp_path / "model", Wanted(**told), False)
        one.run("i.dl.import ...", {})
        return (
            weights,
            load_card(tmp_path / "model"),
            open_model(str(tmp_path / "model")).predictor(),
        )

    return run


def image(edge=32, bands=BANDS):
    return np.random.default_rng(1).normal(0, 1, (edge, edge, bands)).astype(np.float32)


@pytest.mark.parametrize("last", [False, True])
def test_the_layout_is_found_and_classes_come_in_the_order_of_their_values(imported, last):
    weights, card, run = imported(size=32, last=last)
    expected = softmax(scores(weights, image()))[..., PLACES]
    assert run(image()[None])[0] == pytest.approx(expected, abs=1e-5)
    assert card.classes.values.tolist() == [2, 5, 7]
    assert (card.onnx.window, card.halo, card.stride, card.size) == (32, None, 1, 32)
    assert card.onnx.activation == "softmax"


def test_raw_values_are_multiplied_by_scale_and_offset_is_added(imported):
    weights, card, run = imported({"scale": (0.1, 0.2), "offset": (-1.0, 0.5)}, size=32)
    raw = 10 * image() + 5
    expected = softmax(scores(weights, raw * (0.1, 0.2) + (-1, 0.5)))[..., PLACES]
    assert run(raw[None].astype(np.float32))[0] == pytest.approx(expected, abs=1e-4)
    # What the network gets as 0 stands for NULL.
    assert card.mean == pytest.approx([10, -2.5])
    assert card.deviation == pytest.approx([10, 5])


@pytest.mark.parametrize(
    "tail, result, activation, expected",
    [
        ([("Softmax", {"axis": 1})], None, "none", softmax),
        (
            [("Sigmoid", {})],
            None,
            "shares",
            lambda one: (share := 1 / (1 + np.exp(-one))) / share.sum(axis=-1, keepdims=True),
        ),
        (
            [("ArgMax", {"axis": 1, "keepdims": 0})],
            [1, 32, 32],
            "index",
            lambda one: np.eye(CLASSES)[one.argmax(axis=-1)],
        ),
    ],
)
@pytest.mark.parametrize("opset", [11, 17])
def test_probabilities_shares_and_class_indices_are_told_apart(
    imported, tail, result, activation, expected, opset
):
    changes = {"result": result, "type": 7} if result else {}
    tail = [(kind, dict(attributes)) for kind, attributes in tail]
    weights, card, run = imported(size=32, tail=tail, opset=opset, **changes)
    assert card.onnx.activation == activation
    found = run(image()[None])[0]
    assert found == pytest.approx(expected(scores(weights, image()))[..., PLACES], abs=1e-4)


def test_one_output_is_the_score_of_the_second_of_two_classes(imported):
    weights, card, run = imported({"classes": (WATER, TREE)}, size=32, outputs=1)
    second = 1 / (1 + np.exp(-scores(weights, image())[..., 0]))
    assert run(image()[None])[0, ..., 1] == pytest.approx(second, abs=1e-5)
    assert (card.onnx.activation, len(card.classes)) == ("sigmoid", 2)


def test_a_network_of_any_size_gets_the_halo_that_the_user_names(imported):
    weights, card, run = imported({"halo": 1, "stride": 1})
    assert (card.onnx.window, card.halo, card.stride, card.receptive_field) == (None, 1, 1, 3)
    expected = softmax(scores(weights, image(40)))[..., PLACES]
    assert run(image(40)[None])[0] == pytest.approx(expected, abs=1e-5)
    # Smaller patches than a network of one size takes are filled up.
    assert card.parameters >= kernels().size


def test_a_halo_that_is_too_small_is_refused(imported, tmp_path):
    with pytest.raises(
        ValueError, match="With a halo of 1 and a stride of 1 cells tiles would not"
    ):
        imported({"halo": 1, "stride": 1}, edge=9)
    assert not (tmp_path / "model").exists()


def test_what_deepness_knows_need_not_be_told(imported):
    told = {"standardization_mean": [0.5, 0.25], "standardization_std": [0.1, 0.2]}
    wanted = {"classes": (), "resolution": None, "wkt": METRIC}
    weights, card, run = imported(wanted, size=32, told={**DEEPNESS, **told})
    assert card.resolution == (0.5, 0.5)
    assert [(one.value, one.label) for one in card.classes] == [
        (0, "other"),
        (1, "field"),
        (2, "tree"),
    ]
    raw = np.random.default_rng(0).integers(0, 256, (32, 32, 2)).astype(np.float32)
    expected = softmax(scores(weights, (raw / 255 - (0.5, 0.25)) / (0.1, 0.2)))
    assert run(raw[None])[0] == pytest.approx(expected, abs=1e-4)
    assert [one.name for one in card.bands] == ["band_1", "band_2"]
    assert card.mean == pytest.approx([127.5, 63.75])


def test_the_next_call_names_the_maps_as_the_user_names_the_bands(tmp_path):
    write_onnx(tmp_path / "net.onnx", size=32)
    wanted = Wanted(("red", "nir"), (ROAD, WATER, TREE), resolution=(0.5, 0.5))
    planned = Import.planned(str(tmp_path / "net.onnx"), tmp_path / "model", wanted, False)
    assert options_of(planned.bands()) == {"input": "red,nir"}


def test_the_card_is_a_stac_item_and_the_network_none_of_keras(imported, tmp_path):
    imported(size=32)
    stac_check.check(json.loads((tmp_path / "model" / "model.json").read_text()))
    assert "ONNX file" in load_card(tmp_path / "model").provenance("")["source2"]
    for use in (load_network_card, load_network):
        with pytest.raises(ValueError, match="ONNX network|no network of Keras"):
            use(tmp_path / "model")


OF_PATCHES = {"kind": "patch", "classes": []}
CUSTOM = [("Magic", {"domain": "com.example"})]
LOOPING = [("RandomUniformLike", {})]
TINY = {"standardization_mean": [1.0, 1.0], "standardization_std": [1e-300, 1e-300]}
HUGE = {"standardization_mean": [10**400], "standardization_std": [1]}


@pytest.mark.parametrize(
    "file, wanted, complaint",
    [
        ({"tail": CUSTOM}, {}, "operator <Magic> is a custom one of <com.example>"),
        ({"tail": LOOPING}, {}, "operator <RandomUniformLike> draws at random"),
        (
            {"shape": None},
            {},
            "input <image> may have any number of dimensions (dynamic rank): export",
        ),
        ({"shape": [2, 8, 8]}, {}, "The network takes arrays of 3 dimensions: 4 are expected"),
        ({"shape": [4, 2, 32, 32]}, {}, "takes 4 images at once"),
        ({"shape": [1, 2, 32, 64]}, {}, "images of 2 x 32 x 64"),
        ({"size": 32}, {"bands": ("r", "g", "b")}, "images of 2 x 32 x 32: these are not 3 bands"),
        ({"size": 32}, {"classes": (WATER, TREE)}, "2 classes are named, but the network has 3"),
        ({"size": 32, "outputs": 1}, {}, "3 classes are named, but the network has one output"),
        ({"size": 32}, {"classes": ()}, "The file does not name its classes (outputs: 3)"),
        ({"size": 32}, {"resolution": None}, "give it by resolution"),
        ({"size": 32}, {"scale": (1.0, 2.0, 3.0)}, "Option scale has 3 numbers"),
        ({"size": 32}, {"halo": 4}, "which are blended: leave out halo"),
        ({"size": 32}, {"stride": 4}, "which are blended: leave out halo and stride"),
        ({"size": 32, "told": {"model_type": "Detector"}}, {}, "its model_type is Detector"),
        ({"size": 32, "told": {"i.dl": {"bands": 3}}}, {}, "cannot be imported"),
        ({"size": 32, "told": {"i.dl": {"classes": OF_PATCHES}}}, {}, "a whole patch one class"),
        ({"size": 32, "told": {"i.dl": "none"}}, {}, "its entry i.dl is damaged (Expected"),
        ({"size": 32, "told": {**DEEPNESS, "resolution": 10**400}}, {}, "cannot be imported"),
        ({"size": 32, "told": {**DEEPNESS, "resolution": "1.2.3"}}, {}, "(resolution is '1.2.3')"),
        ({"size": 32, "told": {**DEEPNESS, "class_names": "{0: f()}"}}, {}, "no dictionary of"),
        ({"size": 32, "told": {**DEEPNESS, "class_names": {"x": "y"}}}, {}, "not numbered 0, 1"),
        ({"size": 32, "told": {**DEEPNESS, **TINY}}, {}, "The file's scale has a number beyond"),
        ({"size": 32}, {"resolution": (1e300, 1e300)}, "Cells of 1e+300 x 1e+300 map units are"),
        (
            {"size": 32, "told": {**DEEPNESS, "class_names": {"0": "a", "1": "b", "2": "b"}}},
            {"classes": ()},
            "The file gives two classes the same label",
        ),
        ({"size": 32}, {"scale": (1e300,)}, "Option scale has a number beyond 1e+12"),
        ({"size": 32}, {"offset": (0.0, -1e300)}, "Option offset has a number beyond 1e+12"),
        ({"size": 32, "told": {**DEEPNESS, **HUGE}}, {}, "metadata are damaged"),
        ({"shape": [1, 2, 2**40, 2**40]}, {}, "takes images of 1099511627776 x"),
        ({"shape": [1, 2**50, "h", "w"]}, {}, "256 cells and 1125899906842624 bands"),
        ({"size": 32, "tail": [("GlobalAveragePool", {})]}, {}, "array of 1 x 3 x 1 x 1"),
        (
            {"size": 32, "outputs": 1},
            {"classes": (WATER, TREE), "activation": "softmax"},
            "needs an output for each class",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line_and_nothing_written(
    imported, tmp_path, file, wanted, complaint
):
    with pytest.raises(ValueError) as refused:
        imported(wanted, **file)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["net.onnx"]


def test_weights_in_other_files_are_refused_wherever_they_lie(tmp_path):
    import onnx

    write_onnx(tmp_path / "net.onnx", size=32)
    model = onnx.load(str(tmp_path / "net.onnx"))
    (tmp_path / "model").mkdir()
    (tmp_path / "weights").write_bytes(kernels().tobytes())
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../weights")
    model.graph.initializer[0].ClearField("raw_data")
    for path in (tmp_path / "net.onnx", tmp_path / "model" / "model.onnx"):
        path.write_bytes(model.SerializeToString())
    wanted = Wanted(classes=(ROAD, WATER, TREE), resolution=(1.0, 1.0))
    with pytest.raises(ValueError, match="weights <weights> lie in another file"):
        Import.planned(str(tmp_path / "net.onnx"), tmp_path / "new", wanted, False)
    # A model folder that somebody spoiled later.
    with pytest.raises(ValueError, match="cannot be loaded: .*outside"):
        read_onnx(tmp_path / "model" / "model.onnx")


def test_operators_of_a_folder_that_somebody_sent_are_looked_at_again(tmp_path):
    path = tmp_path / "model.onnx"
    write_onnx(path, size=32, tail=[("RandomUniformLike", {})])
    with pytest.raises(ValueError, match="cannot be loaded: operator RandomUniform draws at"):
        read_onnx(path)


def facts_of_pair(*dates):
    """What i.dl.export writes of a model of a band at two dates."""
    red = Band("red", True, {"map": "red"}, None, 0.5, "nearest", "", "uint8")
    scheme = ClassScheme([replace(one, color="0:0:0") for one in (WATER, TREE, ROAD)])
    return {
        "bands": [red.at(date, red).to_json() for date in dates],
        "mean": [1.0, 1.0], "deviation": [2.0, 2.0], "ranges": [], "classes": scheme.to_json(),
        "resolution": [0.5, 0.5], "size": 32, "stride": 1, "halo": None, "threshold": None,
        "scale": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("names", [(), ("rouge",)])
def test_the_bands_of_an_export_keep_their_dates_and_names_are_those_of_each(imported, names):
    told = {"i.dl": facts_of_pair(0, 1)}
    _, card, _ = imported({"bands": names, "classes": ()}, size=32, told=told)
    name = names[0] if names else "red"
    assert [one.label for one in card.bands] == [name, f"{name} (date 1)"]


def test_an_export_of_impossible_dates_is_damaged(imported):
    with pytest.raises(ValueError, match="i.dl is damaged .2 bands are not the same number at ea"):
        imported(size=32, told={"i.dl": facts_of_pair(0, 2)})


@pytest.mark.parametrize("content", [b"", b"no network", bytes(range(256)) * 9])
def test_a_file_that_is_none_of_onnx_is_refused(tmp_path, content):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match="is no ONNX network that can be imported"):
        Import.planned(str(tmp_path / "net.onnx"), tmp_path / "model", Wanted(), False)


NO_OPTIONS = dict.fromkeys(
    "bands classes class_values class_colors scale offset resolution halo stride".split(), ""
) | {"activation": "auto"}


def test_classes_are_read_from_the_option_or_from_files(tmp_path):
    told = wanted_of(NO_OPTIONS | {"classes": "7:road,2:water:blue,5:tree crown:1:99:3"}, "")
    assert [(one.value, one.label, one.color) for one in told.classes] == [
        (7, "road", ""),
        (2, "water", "0:0:255"),
        (5, "tree crown", "1:99:3"),
    ]
    values, colors = tmp_path / "values", tmp_path / "colors"
    values.write_text("7|road\n2|water\n")
    colors.write_text("water 1:2:3\n")
    files = {"class_values": str(values), "class_colors": str(colors), "resolution": "0.5,0.25"}
    told = wanted_of(NO_OPTIONS | files, "")
    assert [(one.value, one.color) for one in told.classes] == [(7, ""), (2, "1:2:3")]
    assert told.resolution == (0.5, 0.25)


@pytest.mark.parametrize(
    "option, complaint",
    [
        ({"classes": "road"}, "Option classes has 'road'"),
        ({"classes": "1:road:purplish"}, "Option classes has '1:road:purplish'"),
        ({"classes": "1:a,1:b"}, "Two classes have the same value"),
        ({"classes": "1:a,2: a"}, "Two classes have the same label"),
        ({"resolution": "1e300"}, r"Option resolution takes a number of 1e-12 to 100000000"),
        ({"bands": "a,a"}, "a name of its own for each band"),
        ({"scale": "0"}, "Option scale takes a number"),
        ({"resolution": "1,2,3"}, "takes height and width of a cell"),
    ],
)
def test_options_that_make_no_sense_are_refused(option, complaint):
    with pytest.raises(ValueError, match=complaint):
        wanted_of(NO_OPTIONS | option, "")
