# SPDX-License-Identifier: GPL-2.0-or-later
"""What a call must have in common with the unfinished run that it resumes."""

import pytest

from grassdl.io.resume import changes, check_unchanged

BEFORE = {"the model": "12ab", "option output": "classes", "option threshold": ""}


def test_an_equal_fingerprint_may_be_resumed_in_whatever_order_it_is_given():
    assert changes(BEFORE, dict(reversed(BEFORE.items()))) == []
    check_unchanged(BEFORE, BEFORE)


def test_what_has_changed_is_named_an_option_with_its_earlier_value():
    now = {"the model": "34cd", "option output": "other", "option threshold": "0.5"}
    assert changes(BEFORE, now) == [
        "the model",
        "option output (was classes)",
        "option threshold (was not given)",
    ]
    with pytest.raises(ValueError) as caught:
        check_unchanged(BEFORE, now)
    assert str(caught.value) == (
        "Cannot resume: the model, option output (was classes), option threshold (was not given) "
        "have changed. Give what the unfinished run was given, or leave out -r to start anew"
    )


def test_what_was_added_or_left_out_has_changed():
    assert changes({"the mask": "12ab"}, {"raster map <one@a>": "34cd"}) == [
        "raster map <one@a>",
        "the mask",
    ]
    with pytest.raises(ValueError, match="^Cannot resume: the mask has changed. Give"):
        check_unchanged({"the mask": "12ab"}, {})
