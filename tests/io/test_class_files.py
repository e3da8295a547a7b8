# SPDX-License-Identifier: GPL-2.0-or-later
"""Files with values, labels and colours of classes, and what is said about doubtful classes."""

import pytest

from grassdl.core.class_rules import ClassRules
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.io.class_files import read_colors, read_labels


def told(classes):
    return [(one.value, one.label, one.color) for one in classes]


def test_texts_get_the_values_of_the_file_and_classes_its_colours():
    rules = ClassRules({7: "water", 40: "roof"}, {"water": "1:2:3", 40: "9:9:9"})
    table = rules.classes({1: "roof", 2: "water", 3: " roof "})
    assert told(rules.scheme(table.values(), "areas")) == [
        (7, "water", "1:2:3"),
        (40, "roof", "9:9:9"),
    ]
    assert not any(one.numbered for one in table.values())


def test_values_get_the_labels_of_the_file():
    rules = ClassRules({7: "water"})
    scheme = rules.scheme(rules.classes({1: "7", 2: "9"}).values(), "areas")
    assert scheme.labels == ["water", "9"]


def test_a_text_that_the_file_lacks_is_named_with_the_line_to_add():
    rules = ClassRules({7: "water"}, path="rules.txt")
    with pytest.raises(ValueError, match="<roof> has no value in <rules.txt>: add .* 8.roof"):
        rules.classes({1: "roof", 2: "water"})


def test_background_has_label_and_colour_of_the_files_too():
    rules = ClassRules({0: "sea"}, {0: "0:0:99"}, background=0)
    scheme = rules.scheme([MapClass(4, "ship", "")], "areas")
    assert told(scheme)[0] == (0, "sea", "0:0:99")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1|water\n20|bare soil, dry\n", {1: "water", 20: "bare soil, dry"}),
        ("# our legend\n\n1,water\n2,roof\n", {1: "water", 2: "roof"}),
        ("1\twater: deep\n", {1: "water: deep"}),
        ("\ufeff1:water\r\n2:roof\r\n", {1: "water", 2: "roof"}),
    ],
)
def test_class_values_are_read_as_r_category_reads_them(tmp_path, text, expected):
    file = tmp_path / "values.txt"
    file.write_bytes(text.encode())
    assert read_labels(file) == expected


@pytest.mark.parametrize(
    "text, words",
    [
        ("water|1\n", "Line 1 .* 'water|1': a class value and its label are expected"),
        ("1|water\n2\n", "Line 2 .* '2': a class value"),
        ("-1|water\n", "'-1|water': a class value"),
        ("1|water\n1|roof\n", "Line 2 .* value 1 and label <roof>, one of which an earlier line"),
        ("1|water\n2|water\n", "Line 2 .* value 2 and label <water>"),
        ("99999999999|water\n", "a class value and its label are expected"),
    ],
)
def test_what_is_no_class_value_is_refused_by_its_line(tmp_path, text, words):
    file = tmp_path / "values.txt"
    file.write_text(text)
    with pytest.raises(ValueError, match=words.replace("|", r"\|")):
        read_labels(file)


def test_class_colours_are_read_as_r_colors_reads_them(tmp_path):
    file = tmp_path / "colors.txt"
    file.write_text("7 0:114:178\nbare soil\tbrown\n# a remark\nnv 255:255:255\ndefault red\n")
    assert read_colors(file) == {7: "0:114:178", "bare soil": "180:77:25"}


@pytest.mark.parametrize("line", ["7", "7 256:0:0", "water pinkish", "0:0:255"])
def test_what_is_no_class_colour_is_refused_by_its_line(tmp_path, line):
    file = tmp_path / "colors.txt"
    file.write_text(f"1 red\n{line}\n")
    with pytest.raises(ValueError, match=f"Line 2 of .* is '{line}': .* such as 7 0:114:178"):
        read_colors(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="File of class values <.*nowhere> cannot be read"):
        read_labels(tmp_path / "nowhere")


def scheme_of(texts):
    rules = ClassRules()
    return rules.scheme(rules.classes(dict(enumerate(texts))).values(), "areas")


def test_numbers_among_texts_lose_their_values_and_the_user_hears_of_it():
    (sentence,) = ClassRules().doubts(scheme_of(["2", "10", "forest"]), 30)
    assert "<10> has the value 1" in sentence and "class_values=" in sentence
    assert "<2> " not in sentence
    assert ClassRules().doubts(scheme_of(["2", "10"]), 30) == []


def test_classes_that_look_like_numbers_of_objects_are_told():
    classes = ClassScheme(MapClass(one, str(one), "1:2:3") for one in range(1, 64))
    (sentence,) = ClassRules().doubts(classes, 63)
    assert "63 classes for 63 categories" in sentence
    assert "column=" in sentence and "value=" in sentence
    assert ClassRules().doubts(classes, 64) == []
    few = ClassScheme(list(classes)[:7])
    assert ClassRules().doubts(few, 7) == []


def test_other_values_for_texts_that_are_numbers_are_refused():
    rules = ClassRules(labels={10: "1", 20: "2"}, path="values.txt")
    with pytest.raises(ValueError, match="<values.txt> gives <1> the value 10: name classes by w"):
        rules.classes({1: "1", 2: "2"})
    assert [one.value for one in rules.classes({1: "3", 2: "4"}).values()] == [3, 4]
