# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that are damaged, or made to do harm: one line each, before memory is taken.

Valid files are changed at random. What is read all the same must be of use.
"""

import io
import json
import os
import shutil
import tracemalloc
import zipfile
from contextlib import suppress
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grassdl.dataset.areas import area_of, footprint
from grassdl.dataset.npy import read_array
from grassdl.dataset.patchset import PatchSet
from grassdl.model.folder import load_card, save_card
from grassdl.predict.checkpoint import check_checkpoint, open_checkpoint
from grassdl.train.model_readme import readme
from grassdl.train.resume.checkpoint import State
from grassdl.train.resume.run_folder import RunFolder
from model_cards import card_of
from paths import EARLIER_FORMATS
from tiny_dataset import joined, scene, write_dataset

CHECKPOINT = {
    "fingerprint": {"the model": "1234"},
    "of": 100,
    "rows": 40,
    "tile": [16, 32],
    "has_data": True,
    "naming": False,
}
RUN = {
    "format": "i.dl training run",
    "version": 2,
    "fingerprint": {"the data": "abc", "option bands": "red"},
    "environment": {"option nprocs": "0", "version of i.dl": "0.1"},
}
STATE = State(
    rows=[
        {
            "epoch": 1,
            "loss": 0.5,
            "val_loss": None,
            "mean_iou": 0.25,
            "val_mean_iou": None,
            "learning_rate": 0.001,
            "seconds": 2.0,
        }
    ],
    best={"value": -float("inf"), "epoch": 0, "waited": 1},
    network=[np.zeros((3, 4), np.float32), np.arange(2, dtype=np.uint32)],
    optimizer=[np.ones(5, np.float32)],
)

NASTY = st.sampled_from(
    [None, True, False, 0, 1, -1, 7, 254, 2**31, 2**53 + 1, 2**64, 10**400, -(10**400)]
    + [0.5, -0.5, 1e-320, 1e308, -1e308, "", "7", "x" * 9999, "\x1b[31m\n", "\ud800", "../../etc"]
    + [
        "nan",
        "uint8",
        "object",
        "O",
        "V9999999999",
        "ndvi",
        "256:0:0",
        [],
        {},
        [[]],
        [None],
        {"": 0},
    ]
).map(deepcopy)
"""What no field of a file expects, or just some other one."""

RAW = st.sampled_from(["NaN", "-Infinity", "1e999", "9" * 5000, "[" * 99999, '{"a":' * 99999])
"""What only a text can hold."""

FUZZ = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def places_in(content, place=()):
    """The places of all values in a JSON object, as keys from the top."""
    yield place
    if isinstance(content, dict | list):
        keys = content if isinstance(content, dict) else range(len(content))
        for key in keys:
            yield from places_in(content[key], (*place, key))


@st.composite
def changed(draw, content):
    """The text of a JSON object with one to three changes."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([one for one in places_in(content) if one]))
        holder = content
        for key in path:
            holder = holder[key]
        kind = draw(st.sampled_from(["put", "put", "put", "raw", "remove", "double", "add"]))
        if kind == "put":
            holder[last] = draw(NASTY)
        elif kind == "raw":
            holder[last] = "RAW"
            return json.dumps(content).replace('"RAW"', draw(RAW))
        elif kind == "remove":
            del holder[last]
        elif kind == "double" and isinstance(holder, list):
            holder.insert(last, holder[last])
        elif isinstance(holder, dict):
            holder["added"] = draw(NASTY)
    return json.dumps(content)


@st.composite
def broken(draw, whole):
    """Bytes of a file, cut off, or with some of them changed."""
    content = bytearray(whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole)
    for _ in range(draw(st.integers(0, 3)) if content else 0):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


def refusal(read):
    """The line with which a file is refused, or None if it is not."""
    try:
        read()
    except ValueError as error:
        line = str(error)
        assert "\n" not in line and line.isprintable() and 10 < len(line) < 900, line
        return line
    return None


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    arrays = {"train": scene(2, 1), "val": scene(1, 2)}
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset", arrays)


def use(folder):
    """Whatever is done with a dataset before its patches are read."""
    data = joined(folder, folder)
    assert [one.mean for one in data.statistics] + [one.deviation for one in data.statistics]
    assert data.pixels("train").sum() >= 0
    area_of(data.patch_sets[0].manifest)
    footprint([one.manifest for one in data.patch_sets])
    assert [one.read(slice(0, 1)) for one in data.arrays("train")]


@FUZZ
@given(st.data())
def test_a_changed_manifest_is_of_use_or_refused_in_one_line(dataset, data):
    file = dataset / "dataset.json"
    whole = file.read_text()
    try:
        file.write_text(data.draw(changed(json.loads(whole))))
        refusal(lambda: use(dataset))
    finally:
        file.write_text(whole)


@pytest.fixture(scope="module", params=["of today", "of format 1"])
def card_text(request, tmp_path_factory):
    if request.param == "of format 1":
        return (EARLIER_FORMATS / "model_1" / "model.json").read_text()
    folder = tmp_path_factory.mktemp("card")
    save_card(card_of(), folder)
    return (folder / "model.json").read_text()


@FUZZ
@given(st.data())
def test_a_changed_model_card_is_of_use_or_refused_in_one_line(card_text, tmp_path, data):
    (tmp_path / "model.json").write_text(data.draw(changed(json.loads(card_text))))

    def read():
        card = load_card(tmp_path)
        save_card(card, tmp_path)
        assert load_card(tmp_path) == card
        assert card.region_options and card.provenance("") and card.fill_values.size

    refusal(read)


def test_the_readme_of_a_card_that_was_read_can_be_written(tmp_path):
    save_card(card_of(), tmp_path)
    assert readme(load_card(tmp_path)) == readme(card_of())


@FUZZ
@given(st.data())
def test_a_changed_record_of_a_checkpoint_never_blocks_its_output(tmp_path, data):
    folder = tmp_path / "checkpoints" / "classes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lock").touch()
    (folder / "record.json").write_text(data.draw(changed(CHECKPOINT)))
    told = []
    line = refusal(lambda: check_checkpoint(folder, resume=True))
    assert line is None or "leave out -r" in line
    assert check_checkpoint(folder, resume=False) is False
    with open_checkpoint(folder, {}, 100, resume=False, report=told.append) as checkpoint:
        assert checkpoint.rows == 0
    assert len(told) == 1 and "replaced" in told[0] and told[0].isprintable()
    assert not folder.exists()


@FUZZ
@given(st.data())
def test_a_changed_description_of_a_run_is_whole_or_refused_in_one_line(tmp_path, data):
    (tmp_path / "run.json").write_text(data.draw(changed(RUN)))

    def read():
        about = RunFolder(tmp_path).description()
        for part in (about["fingerprint"], about["environment"]):
            assert all(isinstance(one, str) for item in part.items() for one in item)

    line = refusal(read)
    assert line is None or "leave out -r to start anew" in line


def test_a_state_comes_back_as_it_was(tmp_path):
    STATE.save(tmp_path / "checkpoint.npz")
    read = State.load(tmp_path / "checkpoint.npz")
    assert (read.rows, read.best, read.plateau) == (STATE.rows, STATE.best, {})
    for kind in State.ARRAYS:
        for one, other in zip(getattr(read, kind), getattr(STATE, kind), strict=True):
            assert one.dtype == other.dtype and np.array_equal(one, other)


@FUZZ
@given(st.data())
def test_a_changed_checkpoint_is_refused_in_one_line(tmp_path, data):
    file = tmp_path / "checkpoint.npz"
    STATE.save(file)
    file.write_bytes(data.draw(broken(file.read_bytes())))
    line = refusal(lambda: State.load(file))
    assert line is None or "leave out -r to start anew" in line


def npy(shape, dtype):
    """A `.npy` file of which only the header is there."""
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@FUZZ
@given(data=broken(npy((0, 4, 4), "|u1")), promised=st.sampled_from([0, 2]))
def test_a_changed_array_is_refused_in_one_line(tmp_path, data, promised):
    file = tmp_path / "labels.npy"
    file.write_bytes(data)
    refusal(lambda: read_array(file, (promised, 4, 4), np.dtype(np.uint8)))


@pytest.mark.parametrize(
    "content",
    [
        npy((37 * 10**9,), "|u1"),
        npy((-1, 4, 4), "|u1"),
        npy((2, 4, 4), "|O"),
        npy((2, 4, 4), "|V1000000000"),
        npy((2, 4, 4), [("a", "|u1"), ("b", "<f8")]),
        npy((2.5, "x"), "|u1"),
        npy(None, "|u1"),
        npy("(" * 5000, "|u1"),
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
        b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16,
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
    ],
)
@pytest.mark.parametrize("count", [0, 2])
def test_a_header_that_promises_what_is_not_there_takes_no_memory(tmp_path, content, count):
    file = tmp_path / "labels.npy"
    file.write_bytes(content)
    tracemalloc.start()
    line = refusal(lambda: read_array(file, (count, 4, 4), np.dtype(np.uint8)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "labels.npy>" in line
    assert peak < 4 << 20


def test_a_checkpoint_that_promises_more_than_it_has_takes_no_memory(tmp_path):
    file = tmp_path / "checkpoint.npz"
    packed = io.BytesIO()
    np.save(packed, np.zeros(10**7, np.uint8))
    for name, content, method in [
        ("network.0.npy", npy((37 * 10**9,), "<f4"), zipfile.ZIP_STORED),
        ("network.0.npy", packed.getvalue(), zipfile.ZIP_DEFLATED),
    ]:
        STATE.save(file)
        with zipfile.ZipFile(file) as whole, zipfile.ZipFile(tmp_path / "changed", "w") as other:
            for entry in whole.namelist():
                if entry != name:
                    other.writestr(entry, whole.read(entry))
            other.writestr(name, content, method)
        tracemalloc.start()
        line = refusal(lambda: State.load(tmp_path / "changed"))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()
        assert "cannot be read" in line


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("classes", 1, "value"), 3, "Two classes have the same value"),
        (("classes", 0, "value"), 7, "not in the order of their values"),
        (("classes", 0, "color"), "300:0:0", "color"),
        (("size",), 10**9, "size"),
        (("size",), -16, "size"),
        (("counts", "train"), -1, "counts.train"),
        (("dtype",), "object", "dtype"),
        (("bands", 0, "source"), {"dsm": "a"}, "source maps do not belong"),
        (("bands", 0, "statistics", "histogram", "width"), 0.3, "bins of 0.3"),
        (("bands", 0, "statistics", "sum"), 10**400, "statistic"),
        (("bands", 0, "statistics", "minimum"), 60000, "between its minimum and maximum"),
        (("region", "south"), 5.0, "the region has no area"),
    ],
)
def test_a_manifest_is_refused_with_the_field_that_is_wrong(dataset, tmp_path, place, value, words):
    folder = shutil.copytree(dataset, tmp_path / "dataset")
    content = json.loads((folder / "dataset.json").read_text())
    *path, last = place
    holder = content
    for key in path:
        holder = holder[key]
    holder[last] = value
    (folder / "dataset.json").write_text(json.dumps(content))
    line = refusal(lambda: PatchSet.open(folder))
    assert "has a damaged dataset.json (" in line and words in line


def test_neither_a_pipe_nor_a_file_without_end_is_read(dataset, tmp_path):
    folder = shutil.copytree(dataset, tmp_path / "dataset")
    file = folder / "dataset.json"
    whole = file.read_text()
    file.unlink()
    os.mkfifo(file)
    assert "it is no regular file" in refusal(lambda: PatchSet.open(folder))
    file.unlink()
    file.symlink_to("/dev/zero")
    assert "it is no regular file" in refusal(lambda: PatchSet.open(folder))
    file.unlink()
    file.write_text(whole)
    os.truncate(file, 20 << 20)
    assert "larger than 16 MB" in refusal(lambda: PatchSet.open(folder))
    file.write_text(whole)
    with suppress(FileNotFoundError):
        (folder / "val" / "labels.npy").unlink()
    os.mkfifo(folder / "val" / "labels.npy")
    assert "labels.npy> is missing" in refusal(lambda: PatchSet.open(folder))
