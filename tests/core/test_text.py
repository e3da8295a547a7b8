# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts of others: what is left of them, and what is refused."""

import pytest

from grassdl.core.text import (
    check_output_name,
    columns,
    duration,
    listed,
    none_if_nan,
    one_line,
    printable,
    printable_json,
    value_label,
    within_bytes,
    within_columns,
)


@pytest.mark.parametrize(
    "text, left",
    [
        ("\x1b[2J\x1b[1;31mforest\x1b[0m", "forest"),
        ("\x1b]0;title\x07forest", "forest"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mforest", "forest"),
        ("forest\x1b", "forest"),
        ("\u202etserof", "tserof"),
        ("a\x00b\x7fc\x08", "abc"),
        ("a\tb\r\nc\u2028d", "a b  c d"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        ("Forêt, 森林 <dense> 100 %", "Forêt, 森林 <dense> 100 %"),
    ],
)
def test_escapes_and_controls_reach_nobody(text, left):
    assert printable(text) == left


def test_runs_of_white_space_are_one_blank():
    assert one_line("\n forest \t\N{NO-BREAK SPACE}closed\r\n") == "forest closed"


def test_all_texts_of_a_json_object_are_printable():
    given = {"a\x1b[m": ["x\n", 1, None, {"b": "\x07"}]}
    assert printable_json(given) == {"a": ["x ", 1, None, {"b": ""}]}


def test_a_long_text_keeps_its_begin_and_end():
    assert within_bytes("forest", 6) == "forest"
    assert within_bytes("a" * 50 + "b" * 50, 13) == "aaaaa...bbbbb"
    assert len(within_bytes("ü" * 50, 14).encode()) <= 14


def test_names_of_outputs_leave_space_for_what_is_put_around_them():
    check_output_name("ü" * 100)
    with pytest.raises(ValueError, match="<xxxxxxxxxxxxxxxxxxxx...> has 201 bytes: .* at most 200"):
        check_output_name("x" * 201)


@pytest.mark.parametrize("name", ["ne\nw", "\x1b[31mne w", "ne\tw", "ne \x9dw\x9c w"])
def test_names_of_outputs_are_one_printable_line(name):
    words = "^Output name <ne ?w> has control characters, such as a line break: choose one without$"
    with pytest.raises(ValueError, match=words):
        check_output_name(name)
    check_output_name("n\u00e9 w\u00a0")


def test_a_long_list_of_names_is_cut_and_says_by_how_much():
    names = [f"b{place}" for place in range(1, 449)]
    assert listed(names) == "b1, b2, b3, b4, b5, b6, b7, b8 and 440 more"
    assert listed(names[:8]) == "b1, b2, b3, b4, b5, b6, b7, b8"
    assert listed(iter([3, 7])) == "3, 7"
    assert listed([]) == ""


def test_a_wide_text_is_cut_at_its_end_to_the_columns_of_a_terminal():
    assert within_columns("meadow", 6) == "meadow"
    assert within_columns("meadows", 6) == "mead.."
    # East Asian letters take two columns, combining marks none.
    assert within_columns("森林森林", 7) == "森林.."
    assert columns("森林..") == 6
    assert within_columns("e\N{COMBINING ACUTE ACCENT}te", 3) == "e\N{COMBINING ACUTE ACCENT}te"


def test_a_class_is_named_by_its_value_where_its_label_says_no_more():
    assert value_label(3, "forest") == "3 forest"
    assert value_label(3, "3") == value_label(3, "") == "3"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.1, "0 s"), (12.3, "12 s"), (89, "89 s"), (400, "7 min"), (600, "10 min"), (36e3, "10.0 h")],
)
def test_times_are_written_in_the_unit_that_suits_them(seconds, told):
    assert duration(seconds) == told


def test_undefined_figures_are_none():
    assert none_if_nan(float("nan")) is None
    assert none_if_nan(0.5) == 0.5
