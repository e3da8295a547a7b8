# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of i.dl.patches as settings.

Numbers that nobody can mean are refused before anything is read or held, and every sampling design
and split scheme is made of the options.
"""

import re

import numpy as np
import pytest

from array_reader import ArrayLabels
from grassdl.patches.sampling import DESIGNS
from grassdl.patches.settings import GOES_WITH, Settings
from grassdl.patches.splits import SCHEMES
from paths import CHECKOUT

GIVEN = dict.fromkeys([*GOES_WITH, "block_size"], "") | {
    "target": "",
    "borders": "",
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


def test_a_grid_of_more_patches_than_memory_holds_is_refused_before_anything_is_read():
    settings = Settings.from_options({**GIVEN, "sampling": "grid", "npatches": "", "stride": "1"})
    words = "A stride of 1 cells gives 9937 x 9937 patches, at most 5000000 are possible: choose a"
    with pytest.raises(ValueError, match=words):
        settings.grid(10_000, 10_000)
    assert settings.grid(2299, 2299).size == 64  # 2236 x 2236
    with pytest.raises(ValueError, match="gives 2237 x 2236 patches"):
        settings.grid(2300, 2299)
    assert Settings.from_options(GIVEN).grid(10_000, 10_000).rows == 10_000


@pytest.mark.parametrize(
    ("option", "value", "highest"),
    [("negatives", "1000000", "1000"), ("jitter", "1000000000", "1000000")],
)
def test_an_absurd_number_of_objects_is_refused(option, value, highest):
    given = {**GIVEN, "sampling": "objects", "npatches": "", option: value}
    with pytest.raises(ValueError, match=f"<{option}> must be at most {highest}, found {value}"):
        Settings.from_options(given)


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_is_made_of_the_options(name):
    number = "10" if name in GOES_WITH["npatches"][1] else ""
    settings = Settings.from_options({**GIVEN, "sampling": name, "npatches": number})
    design = settings.design(None, np.zeros((1, 2)), 0)
    assert type(design) is DESIGNS[name]
    assert design.limit() == (int(number) if number else None)


@pytest.mark.parametrize("name", SCHEMES)
def test_every_split_scheme_is_made_of_the_options(name):
    areas = "areas" if name in GOES_WITH["split_map"][1] else ""
    settings = Settings.from_options({**GIVEN, "split_method": name, "split_map": areas})
    scheme = settings.split(ArrayLabels(np.zeros((8, 8), np.uint8)), 1, 1)
    assert type(scheme) is SCHEMES[name]


@pytest.mark.parametrize(
    "option", [name for name, (other, _) in GOES_WITH.items() if other == "sampling"]
)
def test_form_and_manual_name_the_designs_that_an_option_goes_with(option):
    script = (CHECKOUT / "i.dl.patches" / "i.dl.patches.py").read_text(encoding="utf-8")
    page = (CHECKOUT / "i.dl.patches" / "i.dl.patches.md").read_text(encoding="utf-8")
    places = {
        "the header of i.dl.patches.py": rf"^# % key: {option}\n(?:(?!# % ?end).*\n)*",
        "i.dl.patches.md": rf"^- [^:]*\*\*{option}\*\*.*\n(?:  .*\n)*",
    }
    for place, text in zip(places, (script, page), strict=True):
        [told] = re.findall(places[place], text, re.MULTILINE)
        lacking = [name for name in GOES_WITH[option][1] if not re.search(rf"\b{name}\b", told)]
        assert not lacking, f"name {', '.join(lacking)} with <{option}> in {place}"
