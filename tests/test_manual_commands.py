# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command on the manual pages: its modules, options, flags and choices exist.

`tools/run_manual.py` runs the blocks themselves, which takes minutes.
"""

from __future__ import annotations

import shutil
from functools import cache

import pytest

from interfaces import interface, parameters
from manual_blocks import Block, blocks

ADDONS = {
    "i.segment.stats": "an addon that is installed with g.extension",
    "v.class.mlR": "an addon that is installed with g.extension, and needs R",
}
"""Modules that GRASS does not bring along, and why their options are not checked."""

OFFERED_BY_ALL = {"--overwrite", "--quiet", "--verbose", "--o", "--q", "--help"}


@pytest.fixture(scope="module")
def described(new_project, tmp_path_factory):
    """Gives the description of a module."""
    project = new_project(tmp_path_factory.mktemp("commands"))

    @cache
    def describe(module):
        found = module.startswith("i.dl.") or shutil.which(module, path=project.environment["PATH"])
        assert found, f"there is no module {module}"
        return interface(project, module)

    return describe


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.name)
def test_modules_options_and_choices_of_a_block_exist(described, block):
    wrong = []
    for module, *words in block.calls:
        if module not in ADDONS:
            # GRASS takes the first option without its name.
            unnamed = words[:1] if words and words[0].replace(".", "").isalnum() else []
            named = words[len(unnamed) :]
            wrong += [f"{module} {word}" for word in named if not fits(described(module), word)]
    assert wrong == []


def fits(description, word):
    """Whether a module takes a word of its call."""
    if word.startswith("--"):
        return word in OFFERED_BY_ALL
    if word.startswith("-"):
        flags = {one.get("name") for one in description.iter("flag")}
        return set(word[1:]) <= flags
    key, equals, value = word.partition("=")
    found = parameters(description).get(key)
    if not equals or found is None:
        return False
    offered = [one.findtext("name") for one in found.iter("value")]
    choices = value.split(",") if found.get("multiple") == "yes" else [value]
    one_of_many = offered and "-" not in "".join(offered) and "$" not in value
    return not one_of_many or set(choices) <= set(offered)


def test_the_blocks_of_all_pages_are_found():
    pages = {block.page for block in blocks()}
    assert {"i.dl", "i.dl.patches", "i.dl.train", "i.dl.predict", "i.dl.evaluate"} <= pages
    assert {"i.dl_howto_drone", "i.dl_howto_segments", "i.dl_howto_many_maps"} <= pages


def test_calls_are_found_in_loops_quotes_pipes_and_after_exec():
    text = """
for n in $(seq 3); do
    grass -c /p/$n --exec sh -c "
        g.region region=$n
        r.info -g map=a | grep x"
done
# r.nothing
cat > f <<END
r.grow in=a
END
srun grass --exec i.dl.train input=a \\
    output=b > log
db.select -c sql="select a, b from c" >> out; v.info map=c
"""
    assert [call[0] for call in Block("page", 1, text).calls] == [
        "g.region", "r.info", "i.dl.train", "db.select", "v.info",
    ]  # fmt: skip
    assert Block("page", 1, text).calls[2] == ["i.dl.train", "input=a", "output=b"]
    assert Block("page", 1, text).calls[3][1:] == ["-c", "sql=select a, b from c"]
