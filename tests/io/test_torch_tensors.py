# SPDX-License-Identifier: GPL-2.0-or-later
"""Tensors of PyTorch's files, and files that would rather do something else."""

import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from io import BytesIO

import numpy as np
import pytest

from grassdl.io import torch_tensors
from grassdl.io.torch_tensors import LEGACY_MAGIC, MOST_OPCODES, read_tensors


class Named:
    """Pickled as the name of a class or function of a module that need not exist."""

    def __init__(self, module, name):
        self.__module__, self.__qualname__, self.__name__ = module, name, name


class Call:
    """Pickled as the call of a function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Changed:
    """Pickled as a thing whose attributes are set."""

    def __init__(self, thing, attributes):
        self.thing, self.attributes = thing, attributes


class Storage:
    """Pickled as the numbers of an array, apart from the pickle."""

    def __init__(self, key, kind, count):
        self.pid = ("storage", Named("torch", kind), key, "cpu", count)


class Pickler(pickle._Pickler):
    """Writes the above as PyTorch would."""

    def save(self, thing, *arguments, **named):
        if isinstance(thing, Named):
            self.write(f"c{thing.__module__}\n{thing.__name__}\n".encode())
        elif isinstance(thing, Call):
            self.save(thing.function)
            self.save(thing.arguments)
            self.write(pickle.REDUCE)
        elif isinstance(thing, Changed):
            self.save(thing.thing)
            self.save(thing.attributes)
            self.write(pickle.BUILD)
        else:
            super().save(thing, *arguments, **named)

    def persistent_id(self, thing):
        return thing.pid if isinstance(thing, Storage) else None


def pickled(thing, protocol=2):
    file = BytesIO()
    Pickler(file, protocol).dump(thing)
    return file.getvalue()


REBUILD = Named("torch._utils", "_rebuild_tensor_v2")


def tensor(storage, shape, steps, offset=0):
    return Call(REBUILD, storage, offset, shape, steps, False, OrderedDict())


WEIGHT = np.arange(24, dtype=np.float32)
NUMBER = np.array([7], np.int64)


def state():
    weight, number = Storage("a", "FloatStorage", 24), Storage("b", "LongStorage", 1)
    return {
        "weight": tensor(weight, (2, 3, 4), (12, 4, 1)),
        "turned": tensor(weight, (3, 2), (1, 4), offset=5),
        "number": tensor(number, (), ()),
    }


def of_before_1_6(state, arrays=(("a", WEIGHT), ("b", NUMBER)), magic=LEGACY_MAGIC):
    parts = [pickled(magic), pickled(1001), pickled({"little_endian": True}), pickled(state)]
    parts.append(pickled([key for key, _ in arrays]))
    for _, values in arrays:
        parts += [struct.pack("<q", len(values)), values.tobytes()]
    return b"".join(parts)


def of_today(state, method=zipfile.ZIP_STORED):
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("net/data.pkl", pickled(state))
        archive.writestr("net/data/a", WEIGHT.tobytes())
        archive.writestr("net/data/b", NUMBER.tobytes())
    return file.getvalue()


@pytest.fixture
def read(tmp_path):
    """Reads tensors out of a file of the given bytes."""

    def read_bytes(content):
        path = tmp_path / "net.pth"
        path.write_bytes(content)
        return read_tensors(path)

    return read_bytes


@pytest.mark.parametrize("written", [of_before_1_6, of_today])
def test_tensors_of_both_formats_are_read_with_their_shapes_and_types(read, written):
    found = read(written(state()))
    np.testing.assert_array_equal(found["weight"], WEIGHT.reshape(2, 3, 4))
    np.testing.assert_array_equal(found["turned"], [[5, 9], [6, 10], [7, 11]])
    assert (found["number"].shape, found["number"].dtype, int(found["number"])) == ((), "<i8", 7)


HOSTILE_CALLS = {
    "a command": Call(Named("os", "system"), "touch {victim}"),
    "a command by another way": Call(Named("posix", "system"), "touch {victim}"),
    "code": Call(Named("builtins", "exec"), "open('{victim}', 'w')"),
    "an attribute": Call(Named("builtins", "getattr"), OrderedDict(), "clear"),
    "a file": Call(Named("builtins", "open"), "{victim}", "w"),
    "a name with a dot": Call(Named("collections", "OrderedDict.fromkeys"), "ab"),
    "another class of torch": Call(Named("torch", "load"), "{victim}"),
    "NumPy": Call(Named("numpy.core.multiarray", "_reconstruct"), Named("numpy", "ndarray")),
    "pickle": Call(Named("pickle", "loads"), b"cos\nsystem\n"),
}


@pytest.mark.parametrize("written", [of_before_1_6, of_today])
@pytest.mark.parametrize("what", HOSTILE_CALLS)
def test_a_pickle_that_calls_something_else_is_refused_and_calls_nothing(
    read, written, what, tmp_path
):
    victim = tmp_path / "victim"
    call = HOSTILE_CALLS[what]
    arguments = [
        one.replace("{victim}", str(victim)) if isinstance(one, str) else one
        for one in call.arguments
    ]
    for place in ({"weight": Call(call.function, *arguments)}, Call(call.function, *arguments)):
        with pytest.raises(ValueError, match=r"net.pth> holds no plain tensors of PyTorch \(it "):
            read(written(place))
    assert not victim.exists()


def test_hostile_pickles_before_the_tensors_are_refused_too(read, tmp_path):
    victim = tmp_path / "victim"
    with pytest.raises(ValueError, match="it asks for os.system"):
        read(of_before_1_6(state(), magic=Call(Named("os", "system"), f"touch {victim}")))
    assert not victim.exists()


class Late:
    """Pickled as a call by the newer opcodes."""

    def __reduce__(self):
        return os.getpid, ()


def deep(levels):
    """A pickle of tuples in tuples that is the key of a dictionary."""
    return b"\x80\x02})" + b"\x85" * levels + b"K\x01s."


DAMAGED = {
    "nothing": b"",
    "text": b"weights\n" * 9,
    "an opcode of newer calls": pickle.dumps(Late(), 4),
    "a place as high as the memory": b"\x80\x02}r\xff\xff\xff\x7f.",
    "a text that is longer than the file": b"\x80\x02X\xff\xff\xff\x7fab.",
    "deep nesting": deep(3 * MOST_OPCODES),
    "nesting that is just allowed": deep(MOST_OPCODES - 10),
    "another number": pickled(1),
    "half of it": of_before_1_6(state())[:300],
    "no numbers": of_before_1_6(state())[:-40],
    "half of a ZIP file": of_today(state())[:-200],
    "packed": of_today(state(), zipfile.ZIP_DEFLATED),
    "a list": of_today([1, 2]),
    "numbers": of_today({"weight": 1}),
    "nothing in it": of_today({}),
    "no storage": of_today({"weight": tensor(1, (2,), (1,))}),
    "a shape beyond its numbers": of_today(
        {"weight": tensor(Storage("a", "FloatStorage", 24), (25,), (1,))}
    ),
    "a shape that is blown up": of_today(
        {"weight": tensor(Storage("a", "FloatStorage", 24), (10**6, 10**6), (0, 0))}
    ),
    "a negative step": of_today(
        {"weight": tensor(Storage("a", "FloatStorage", 24), (2,), (-1,), 3)}
    ),
    "an unknown type": of_today({"weight": tensor(Storage("a", "Storage", 24), (2,), (1,))}),
    "a storage of another length": of_today(
        {"weight": tensor(Storage("a", "FloatStorage", 99), (2,), (1,))}
    ),
    "a storage that is missing": of_today(
        {"weight": tensor(Storage("../c", "FloatStorage", 24), (2,), (1,))}
    ),
}


@pytest.mark.parametrize("attributes", [{"shape": (1,)}, (None, {"__defaults__": (1,)})])
def test_a_pickle_cannot_change_what_the_reader_works_with(read, attributes):
    one = tensor(Storage("a", "FloatStorage", 24), (2,), (1,))
    for changed in (REBUILD, Named("torch", "FloatStorage"), one, Storage("a", "FloatStorage", 24)):
        with pytest.raises(ValueError, match="holds no plain tensors"):
            read(of_today({"weight": one, "other": Changed(changed, attributes)}))


def test_a_dictionary_may_have_attributes_as_those_of_pytorch_have(read):
    changed = Changed(OrderedDict(state()), {"_metadata": OrderedDict()})
    assert read(of_before_1_6(changed)).keys() == state().keys()


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_file_ends_in_one_line(read, what):
    with pytest.raises(ValueError, match="net.pth> holds no plain tensors of PyTorch") as error:
        read(DAMAGED[what])
    assert "\n" not in str(error.value)


def test_a_random_byte_more_or_less_is_an_error_of_one_line_or_none(read):
    whole = of_before_1_6(state())
    rng = np.random.default_rng(1)
    for place, value in zip(
        rng.integers(0, len(whole), 100), rng.integers(0, 256, 100), strict=True
    ):
        changed = bytearray(whole)
        changed[place] = value
        try:
            read(bytes(changed))
        except ValueError as error:
            assert "\n" not in str(error)


def test_a_file_that_is_missing_or_huge_is_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="none.pth> cannot be read: No such file"):
        read_tensors(tmp_path / "none.pth")
    monkeypatch.setattr(torch_tensors, "LARGEST_FILE", 1)
    (tmp_path / "net.pth").write_bytes(of_today(state()))
    with pytest.raises(ValueError, match="it is larger than"):
        read_tensors(tmp_path / "net.pth")
