# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers that nobody can mean are refused before anything is read or held."""

import pytest

from grassdl.patches.settings import Settings

GIVEN = dict.fromkeys("stride npatches strata jitter split_map block_size buffer".split(), "") | {
    "size": "64",
    "sampling": "random",
    "npatches": "10",
    "negatives": "2",
    "min_labelled": "0",
    "split": "70,15,15",
    "split_method": "blocks",
    "seed": "1",
    "memory": "300",
    "nprocs": "1",
}


def test_usual_numbers_pass():
    assert Settings.from_options(GIVEN).npatches == 10


@pytest.mark.parametrize(
    ("option", "value", "highest"),
    [
        ("size", "100000", "8192"),
        ("npatches", "1000000000", "5000000"),
        ("buffer", "2000000000", "1000000000"),
        ("nprocs", "100000", "1024"),
    ],
)
def test_an_absurd_number_is_refused(option, value, highest):
    words = f"<{option}> must be at most {highest}, found {value}"
    with pytest.raises(ValueError, match=words):
        Settings.from_options({**GIVEN, option: value})


@pytest.mark.parametrize(
    ("option", "value", "highest"),
    [("negatives", "1000000", "1000"), ("jitter", "1000000000", "1000000")],
)
def test_an_absurd_number_of_objects_is_refused(option, value, highest):
    given = {**GIVEN, "sampling": "objects", "npatches": "", option: value}
    with pytest.raises(ValueError, match=f"<{option}> must be at most {highest}, found {value}"):
        Settings.from_options(given)
