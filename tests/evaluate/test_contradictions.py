# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps whose equal values mean different classes."""

from grassdl.evaluate.contradictions import contradictions


def test_labels_that_differ_are_named_with_both_maps():
    (sentence,) = contradictions({"truth": {1: "road", 2: "tree"}, "map": {1: "building"}})
    assert "class 1 is <road> in <truth> and <building> in <map>" in sentence
    assert "class 2" not in sentence


def test_case_and_blanks_make_no_contradiction():
    assert contradictions({"truth": {1: "Broad  leaf"}, "map": {1: "broad leaf"}}) == []


def test_a_third_map_is_held_against_both_others():
    labels = {"truth": {1: "road"}, "map": {1: "road", 2: "tree"}, "other": {1: "road", 2: "lawn"}}
    (sentence,) = contradictions(labels)
    assert "class 2 is <tree> in <map> and <lawn> in <other>" in sentence


def test_of_many_contradictions_the_first_are_listed():
    labels = {name: {value: f"{name} {value}" for value in range(9)} for name in ("a", "b")}
    (sentence,) = contradictions(labels)
    assert "class 2 is <a 2> in <a> and <b 2> in <b>, ..." in sentence
