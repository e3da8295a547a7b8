# SPDX-License-Identifier: GPL-2.0-or-later
"""What `parameters=` may say, and what is made of it."""

import pytest

from grassdl.tune.parameters import (
    Choice,
    Range,
    check,
    number_of_combinations,
    parsed,
    words_of,
)
from option_words import unset_options

OPTIONS = {
    **unset_options("i.dl.train"),
    "input": "patches",
    "output": "model",
}


def test_ranges_and_choices_are_taken_apart():
    text = "learning_rate:0.001..1e-1:log,filters:4..8,loss:dice|focal,augmentation:flip|flip+noise"
    rate, filters, loss, augmentation = parsed(text, OPTIONS)
    assert rate == Range("learning_rate", 0.001, 0.1, log=True, whole=False)
    assert filters == Range("filters", 4, 8, log=False, whole=True)
    assert loss == Choice("loss", ("dice", "focal"))
    assert augmentation.ends == ("flip", "flip,noise")
    assert str(rate) == "learning_rate:0.001..0.1:log"


def test_values_become_words_that_a_call_can_repeat():
    parameters = parsed("dropout:0..0.7,depth:2..4,bands:red+nir|red", OPTIONS)
    values = {"dropout": 0.123456789, "depth": 3, "bands": "red+nir"}
    words = {"dropout": "0.123457", "depth": "3", "bands": "red,nir"}
    assert words_of(parameters, values) == words
    # Rounded, it would leave the range.
    [narrow] = parsed("dropout:0.1..0.12345678", OPTIONS)
    assert narrow.word(narrow.high) == "0.12345678"


def test_combinations_are_counted_where_they_can_be():
    assert number_of_combinations(parsed("depth:2..4,loss:dice|focal", OPTIONS)) == 6
    assert number_of_combinations(parsed("depth:2..4,dropout:0..0.5", OPTIONS)) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("speed:1..2", "<speed> is none of them: activation, augmentation, averaging, bands"),
        ("loss", "takes name:low..high, .* with two values or more, not loss:"),
        ("loss:dice", "with two values or more, not loss:dice"),
        ("loss:dice||focal", "with two values or more"),
        ("loss:dice|dice", "has a value of <loss> twice"),
        ("depth:2..3,depth:4..5", "has <depth> twice"),
        ("loss:1..2", "<loss> is no number, so it has no range 1..2"),
        ("filters:4.5..8", "Option filters takes a whole number, not 4.5"),
        ("dropout:low..high", "Option dropout takes a number, not low"),
        ("dropout:0.5..0.1", "<dropout> must begin with its lower end, found 0.5..0.1"),
        ("dropout:0.1..0.5:ln", "takes name:low..high, .* not dropout:0.1..0.5:ln"),
        ("dropout:0..0.5:log", "must begin above 0, found dropout:0..0.5:log"),
        ("nprocs:1..2", "cannot have <nprocs>: the number of threads does not change the"),
        ("input:a|b", "cannot have <input>"),
    ],
)
def test_what_cannot_be_tried_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        parsed(text, OPTIONS)


def test_an_option_is_not_both_tried_and_given():
    with pytest.raises(ValueError, match="<epochs> is among the parameters .* epochs=30 for all"):
        parsed("epochs:5..9", {**OPTIONS, "epochs": "30"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learning_rate:0..0.1", "<learning_rate> must be above 0.*allows learning_rate=0"),
        ("loss:dice|best", "<loss> must be one of .* found <best>.*allows loss=best"),
        ("loss:cross_entropy|dice,label_smoothing:0..0.1", "loss=dice, label_smoothing=0.1"),
    ],
)
def test_a_combination_that_training_refuses_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        check(parsed(text, OPTIONS), OPTIONS, freeze=False)


def test_what_is_wrong_whatever_is_tried_is_not_blamed_on_the_parameters():
    given = {**OPTIONS, "epochs": "0"}
    with pytest.raises(ValueError, match="^<epochs> must be at least 1, found 0$"):
        check(parsed("learning_rate:0.001..0.01", given), given, freeze=False)
