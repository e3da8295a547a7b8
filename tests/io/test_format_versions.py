# SPDX-License-Identifier: GPL-2.0-or-later
"""Versions of record formats."""

import pytest

from grassdl.io.format_versions import check_version, migrated
from grassdl.io.json_records import write_json
from grassdl.train.resume.run_folder import FORMAT_NAME, RunFolder


def steps():
    """From 1 to 2 a length in feet becomes one in metres, from 2 to 3 it gets a unit."""
    return (
        lambda content: {"version": 2, "length": content["length"] * 0.3048},
        lambda content: {**content, "version": 3, "unit": "m"},
    )


@pytest.mark.parametrize(
    ("content", "length"),
    [
        ({"version": 1, "length": 10}, 3.048),
        ({"version": 2, "length": 10}, 10),
        ({"version": 3, "length": 10, "unit": "m"}, 10),
    ],
)
def test_a_record_goes_through_the_steps_from_its_version_on(content, length):
    assert migrated(content, steps()) == {"version": 3, "length": length, "unit": "m"}


def test_a_newer_version_needs_a_newer_program():
    check_version({"version": 2}, "Model <m>", 2)
    with pytest.raises(ValueError) as refusal:
        check_version({"version": 3}, "Model <m>", 2)
    assert str(refusal.value) == (
        "Model <m> has format version 3, this i.dl reads versions 1 to 2: install a newer i.dl"
    )


@pytest.mark.parametrize("version", [None, "2", 0, -1, 1.0, True, [1]])
def test_what_is_no_version_is_damage(version):
    with pytest.raises(ValueError, match="Dataset <d> is damaged: a format version from 1 to 2"):
        check_version({"version": version}, "Dataset <d>", 2)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"format": FORMAT_NAME, "version": 99}, "install a newer i.dl, or leave out -r to start"),
        ({"format": FORMAT_NAME}, "damaged: .* found None, or leave out -r to start anew"),
        ({"format": "other"}, "does not describe a training of i.dl: leave out -r to start anew"),
    ],
)
def test_an_unfinished_training_of_another_version_tells_what_to_do(tmp_path, head, words):
    write_json(tmp_path / "run.json", head)
    with pytest.raises(ValueError, match=words):
        RunFolder(tmp_path).description()
