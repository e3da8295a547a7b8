# SPDX-License-Identifier: GPL-2.0-or-later
"""The forms that GRASS's GUI makes of the modules' options."""

import pytest

from interfaces import interface, parameters, tabs, text

ESSENTIAL = {
    "i.dl.patches": ["group", "input", "labels", "training", "output"],
    "i.dl.train": ["input", "output"],
    "i.dl.predict": ["group", "input", "model", "output"],
    "i.dl.evaluate": ["classification", "reference"],
    "i.dl.review": ["model", "dataset", "suggestions", "suspects"],
    "i.dl.export": ["model", "output"],
    "i.dl.import": ["input", "output"],
    "i.dl.tune": ["input", "parameters", "output"],
}
MODULES = list(ESSENTIAL)
WORK = {
    "i.dl.patches": ["Bands", "Dates", "Labels", "Sampling", "Split", "Output"],
    "i.dl.train": ["Network", "Transfer", "Training", "Ensemble", "Computing"],
    "i.dl.predict": ["Bands", "Dates", "Output", "Segments", "Computing"],
    "i.dl.evaluate": ["Reference", "Held-back", "Comparison", "Details", "Intervals", "Output"],
    "i.dl.review": ["Imagery", "Suggestions", "Suspects", "Computing"],
    "i.dl.export": ["Output"],
    "i.dl.import": ["Bands", "Classes", "Tiles"],
    "i.dl.tune": ["Study", "Network", "Transfer", "Training", "Computing"],
}


@pytest.fixture(scope="module")
def described(new_project, tmp_path_factory):
    """The modules' descriptions by name."""
    project = new_project(tmp_path_factory.mktemp("forms"))
    return {module: interface(project, module) for module in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_what_most_users_give_stands_in_the_first_tab(described, module):
    assert next(iter(tabs(described[module]).items())) == ("Required", ESSENTIAL[module])


@pytest.mark.parametrize("module", MODULES)
def test_the_order_of_the_tabs_is_the_order_of_work(described, module):
    found = tabs(described[module])
    assert list(found) == ["Required", *WORK[module], "Optional"]
    assert found["Optional"] == ["overwrite", "help", "verbose", "quiet"]


def test_what_a_training_begins_with_and_the_networks_of_an_ensemble_have_tabs_of_their_own(
    described,
):
    of_train, of_tune = tabs(described["i.dl.train"]), tabs(described["i.dl.tune"])
    assert of_train["Transfer"] == of_tune["Transfer"] == ["model", "teacher", "f"]
    assert of_train["Ensemble"] == ["fold", "repeats"]
    assert of_tune["Study"] == ["trials", "time", "study"]


@pytest.mark.parametrize("module", MODULES)
def test_the_form_shows_0_for_integers_that_are_empty_so_that_their_labels_tell(described, module):
    untold = [
        name
        for name, one in parameters(described[module]).items()
        if one.get("type") == "integer"
        and one.find("default") is None
        and not text(one, "label").endswith("empty)")
    ]
    assert untold == []


@pytest.mark.parametrize("module", MODULES)
def test_the_number_of_processes_is_the_same_and_explained_in_all_versions_of_grass(
    described, module
):
    found = parameters(described[module]).get("nprocs")
    if found is not None:
        # The standard option has neither a label in 8.2 nor the same default in 8.5.
        assert found.findtext("default").strip() == ("1" if module == "i.dl.patches" else "0")
        assert "0 for all cores" in text(found, "label")


WRITTEN_BY_HAND = {"class_values", "class_colors", "segment_classes"}
"""Files whose few lines may be entered in the form itself."""


@pytest.mark.parametrize("module", MODULES)
def test_the_form_offers_to_enter_lists_directly_but_no_files_of_programs(described, module):
    entered = {
        name
        for name, one in parameters(described[module]).items()
        if one.find("gisprompt") is not None
        and one.find("gisprompt").get("element") == "file"
        and one.find("gisprompt").get("age") == "old"
    }
    assert entered <= WRITTEN_BY_HAND


@pytest.mark.parametrize("module", MODULES)
def test_no_label_is_the_one_that_grass_gives_to_any_map(described, module):
    plain = {"Name of input vector map", "Name of input raster map", "Name for output raster map"}
    found = parameters(described[module])
    assert {name for name, one in found.items() if text(one, "label") in plain} == set()


@pytest.mark.parametrize("module", MODULES)
def test_labels_are_no_wider_than_the_form(described, module):
    wide = {}
    for name, one in parameters(described[module]).items():
        # As the form shows them, which is a hundred characters wide before parts of it are hidden.
        several = "[multiple] " if one.get("multiple") == "yes" else ""
        kind = one.findtext("keydesc/item") or one.get("type")
        shown = f"{several}{text(one, 'label') or text(one, 'description')}: ({name}={kind})"
        if len(shown) > 100:
            wide[name] = shown
    assert wide == {}
