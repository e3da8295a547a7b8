# SPDX-License-Identifier: GPL-2.0-or-later
"""What a network of the registry needs beside its function.

No network is built here, so that `make check` tells what a new one lacks; the battery of
`test_every_network.py` tries them.
"""

import re

import pytest

from grassdl import networks
from grassdl.model.stac import _NetworkOptions
from grassdl.networks import registry
from network_table import OF_REGISTRY
from paths import CHECKOUT

PAGE = (CHECKOUT / "i.dl.train" / "i.dl.train.md").read_text(encoding="utf-8")


def test_every_network_has_a_row_in_the_table_of_the_battery():
    assert [row.name for row in OF_REGISTRY] == networks.names(), (
        "OF_REGISTRY of tests/helpers/network_table.py has a NetworkRow for each, in its order"
    )


@pytest.mark.parametrize("row", OF_REGISTRY, ids=lambda row: row.name)
def test_the_manual_tells_the_figures_of_the_table_and_the_defaults(row):
    options = networks.options(row.name)
    figures = [
        f"`{row.name}`",
        f"{row.parameters:,}".replace(",", " "),
        row.receptive_field or "all",
        row.stride,
        options.get("filters", ""),
        options.get("depth", ""),
    ]
    line = "".join(f"| {one} " if one != "" else "| " for one in figures) + "|"
    told = line in PAGE.splitlines()
    assert told, f"write into the table of networks of i.dl.train.md: {line}"


def test_the_manual_has_figures_of_these_networks_only():
    listed = re.findall(r"^\| `(\w+)` \|.*\|.*\|.*\|.*\|.*\|$", PAGE, re.MULTILINE)
    assert listed == networks.names(), (
        "the table of networks of i.dl.train.md has their rows in the registry's order"
    )


@pytest.mark.parametrize("name", networks.names())
def test_a_network_tells_what_the_names_of_its_encoders_layers_begin_with(name):
    encoder = registry.encoder(name)
    assert isinstance(encoder, tuple) and all(isinstance(prefix, str) for prefix in encoder)
    assert encoder and all(encoder)


@pytest.mark.parametrize("name", networks.names())
def test_the_options_of_a_network_are_checked_where_a_models_file_is_read(name):
    undeclared = networks.options(name).keys() - _NetworkOptions.__annotations__.keys()
    assert not undeclared, (
        f"declare {', '.join(undeclared)} in _NetworkOptions of model/stac.py; what i.dl.train "
        "needs besides is in CONTRIBUTING.md"
    )
