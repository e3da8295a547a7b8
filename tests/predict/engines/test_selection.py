# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of a model, found by what the option names it by."""

from dataclasses import replace

import pytest

from grassdl.model.ensemble import open_model
from grassdl.predict.engines.selection import load_engine
from grassdl.predict.settings import KERAS, MODEL, Settings
from small_model import DEVIATION, MEAN, plain_band, write_model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a file of names, and one of models, of which there is one."""
    place = tmp_path_factory.mktemp("place")
    folder = place / "models" / "only"
    folder.mkdir(parents=True)
    write_model(folder, [plain_band("one"), plain_band("two")], MEAN, DEVIATION)
    (place / "names.txt").write_text(f"# chosen\n{folder}\n")
    return place


@pytest.mark.parametrize("name", ["models/only", "models/*", "names.txt"])
def test_one_model_may_be_named_by_a_pattern_or_a_file_of_names(place, name):
    names = str(place / name)
    card = open_model(names).card
    settings = Settings.without_maps(names, card, normalization=MODEL, memory=1000, nprocs=0)
    loaded = load_engine(card, replace(settings, engine=KERAS), report=lambda line: None)
    assert (loaded.name, loaded.facts.bands, loaded.facts.classes) == (KERAS, 2, 3)
