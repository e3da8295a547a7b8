# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers as users write them."""

import pytest

from grassdl.core.options import number, numbers, positive, whole, wholes


def refusal(parse, text, *bounds):
    with pytest.raises(ValueError) as error:
        parse({"size": text}, "size", *bounds)
    return str(error.value)


@pytest.mark.parametrize(
    "text", ["32.5", "1e3", "0x20", "nan", "inf", "", "1_0", "٣", "3 4", "--1"]
)
def test_what_is_no_whole_number_is_refused_in_one_line(text):
    assert refusal(whole, text) == f"Option size takes a whole number, not {text}"


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "0x20", "", "1_000", "abc", "1,5"])
def test_what_is_no_number_is_refused_in_one_line(text):
    assert refusal(number, text) == f"Option size takes a number, not {text}"


@pytest.mark.parametrize(
    "parse, text, bounds, words",
    [
        (whole, "-1", (0,), "a whole number of 0 or more, not -1"),
        (whole, "9", (0, 8), "a whole number of 0 to 8, not 9"),
        (whole, "9" * 12, (0, 8), f"a whole number of 0 to 8, not {'9' * 12}"),
        (whole, "9" * 12, (0, 2**32 - 1), f"of 0 or more up to {2**32 - 1}, not"),
        (whole, "9" * 12, (0,), f"of 0 or more up to {2**31 - 1}, not {'9' * 12}"),
        (whole, "9" * 40, (0,), f"of 0 or more up to {2**31 - 1}, not {'9' * 40}"),
        (positive, "0", (), "a whole number of 1 or more, not 0"),
        (number, "1.5", (0, 1), "a number of 0 to 1, not 1.5"),
        (number, "-0.1", (0,), "a number of 0 or more, not -0.1"),
        (wholes, "1,2.5", (), "a whole number, not 2.5"),
        (numbers, "1,nan", (0,), "a number of 0 or more, not nan"),
    ],
)
def test_the_bounds_are_told(parse, text, bounds, words):
    assert words in refusal(parse, text, *bounds)


def test_numbers_are_taken_as_they_are_meant():
    assert whole({"n": "+12"}, "n") == 12
    assert positive({"n": ""}, "n", default=3) == 3
    assert [number({"n": text}, "n") for text in (".5", "1.", "-2.5e-3")] == [0.5, 1, -0.0025]
    assert wholes({"n": "1,2"}, "n") == (1, 2)
    assert numbers({"n": ""}, "n") == ()
