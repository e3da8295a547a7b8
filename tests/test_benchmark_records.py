# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of benchmarks: recorded with where they come from, and shown in tables of READMEs."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paths import CHECKOUT

# Last, since names of benchmarks are names of other things, too.
sys.path.append(str(CHECKOUT / "benchmarks"))
import records  # noqa: E402
import tables  # noqa: E402

SPEED = {
    "speed": tables.Table(
        "cells | time | drawn | memory",
        [
            tables.Rows("cut", "{cells} x {cells} | {s:.1f} s | {drawn:,} | {gb:.2f} GB"),
            tables.Rows("cut", "twice | {s:.0f} s | {drawn} | {gb}", {"cells": 4000}),
        ],
    )
}
PAGE = "# Speed\n\n<!-- table: speed -->\nold\n<!-- end -->\n\nSo it is.\n"


class Bench:
    """A folder of records and a page that shows them."""

    def __init__(self, folder: Path):
        self.results = folder / "results"
        self.page = folder / "README.md"
        self.page.write_text(PAGE)

    def add(self, cells: int, seconds: float, *, days: int = 0, **changes: object) -> None:
        """A record of some days after the first one."""
        self.results.mkdir(exist_ok=True)
        line = {
            "configuration": {"cells": cells},
            "figures": {"s": seconds, "drawn": 50000, "gb": None},
            "commit": "abcdef0",
            "changed": False,
            "time": (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)).isoformat(),
            "machine": {"processor": "an abacus", "vectors": [], "cores": 2},
            **changes,
        }
        with (self.results / "cut.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def write(self, *arguments: str) -> int:
        return tables.main(list(arguments), (self.page,), SPEED, self.results)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_a_record_says_what_was_measured_and_where_it_comes_from(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(sys, "argv", ["/anywhere/patches.py", "--sizes", "4000 8000"])
    before = datetime.now(UTC).replace(microsecond=0)
    records.record("cut", {"cells": 4000}, least_s=2.25, f1={"road": 0.5})
    records.record("cut", {"cells": 8000}, least_s=4.5)
    first, second = tables.read(tmp_path / "results" / "cut.jsonl")
    assert first["configuration"] == {"cells": 4000}
    assert first["figures"] == {"least_s": 2.25, "f1": {"road": 0.5}}
    assert second["figures"] == {"least_s": 4.5}
    assert first["command"] == "patches.py --sizes '4000 8000'"
    monkeypatch.setattr(sys, "argv", ["patches.py", "--data", "/of/this/machine/scenes", "-v"])
    records.record("cut", {"cells": 9000}, least_s=5.5)
    *_, third = tables.read(tmp_path / "results" / "cut.jsonl")
    assert third["command"] == "patches.py --data scenes -v"
    assert before <= datetime.fromisoformat(first["time"]) <= datetime.now(UTC)
    assert set(first["machine"]) == {"processor", "vectors", "cores"}
    assert first["machine"]["cores"] >= 1
    assert {"python", "grass", "keras", "numpy"} <= set(first["versions"])
    assert len(first["commit"]) >= 7
    assert "cut, cells 4000: least_s 2.25, f1 (road 0.5)" in capsys.readouterr().out


def test_the_newest_record_of_each_configuration_is_shown_whatever_the_order_of_lines(bench):
    bench.add(4000, 3.26, days=1)
    bench.add(8000, 7.04, days=2, commit="1234567", changed=True)
    bench.add(4000, 9.99)
    assert bench.write() == 0
    assert bench.page.read_text() == (
        "# Speed\n\n<!-- table: speed -->\n\n"
        "| cells | time | drawn | memory |\n|---|---|---|---|\n"
        "| 4000 x 4000 | 3.3 s | 50 000 | - |\n"
        "| 8000 x 8000 | 7.0 s | 50 000 | - |\n"
        "| twice | 3 s | 50000 | - |\n\n"
        "*Measured 2026-01-02 at abcdef0, 2026-01-03 at 1234567 with changes, on 2 cores of an "
        "abacus.*\n\n<!-- end -->\n\nSo it is.\n"
    )


def test_the_check_fails_until_a_new_record_is_shown_and_changes_nothing(bench, capsys):
    bench.add(4000, 3.0)
    assert bench.write() == 0
    assert bench.write("--check") == 0
    bench.add(4000, 2.0, days=1)
    shown = bench.page.read_text()
    assert bench.write("--check") == 1
    assert "out of date" in capsys.readouterr().err
    assert bench.page.read_text() == shown


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("<!-- table: spede -->\n<!-- end -->\n", "no table is called <spede>; there are speed"),
        ("<!-- table: speed -->\n", "has no <!-- end -->"),
        ("<!-- table: speed -->\n" + PAGE, "has no <!-- end -->"),
    ],
)
def test_a_page_with_an_unknown_or_open_table_is_refused_and_left_alone(
    bench, capsys, page, complaint
):
    bench.add(4000, 3.0)
    bench.page.write_text(page)
    assert bench.write() == 1
    assert complaint in capsys.readouterr().err
    assert bench.page.read_text() == page


def test_a_table_without_a_record_is_refused(bench, capsys):
    bench.add(8000, 7.0)
    assert bench.write() == 1
    assert "no record in cut.jsonl has {'cells': 4000}" in capsys.readouterr().err
    assert bench.page.read_text() == PAGE


def test_a_record_without_the_figure_that_is_shown_is_refused(bench, capsys):
    bench.add(4000, 3.0, figures={"seconds": 3.0})
    assert bench.write() == 1
    assert "has no <s>; it has cells, seconds" in capsys.readouterr().err


def test_a_line_that_is_no_record_is_named(bench, capsys):
    bench.add(4000, 3.0)
    with (bench.results / "cut.jsonl").open("a") as file:
        file.write("<<<<<<< HEAD\n")
    assert bench.write() == 1
    assert "cut.jsonl, line 2, is not JSON" in capsys.readouterr().err
