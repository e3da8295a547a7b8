# SPDX-License-Identifier: GPL-2.0-or-later
"""Which classes have objects where none are named."""

import pytest

from grassdl.core.class_rules import ClassRules
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.predict.objects.settings import ObjectSettings
from model_cards import card_of

OPTIONS = {"objects": "objects", "object_classes": "", "minsize": ""}
CUT = [MapClass(4, "roof", ""), MapClass(9, "shed", "")]


@pytest.mark.parametrize("label", ["background", "no building"])
def test_the_background_has_none_whatever_it_is_called(label):
    rules = ClassRules(labels={0: label}, background=0, borders=2)
    scheme = ClassScheme.from_json(rules.scheme(CUT, "areas").to_json())
    assert [one.label for one in scheme] == [label, "roof", "shed", "border"]
    found = ObjectSettings.from_options(OPTIONS, card_of(target=scheme))
    assert (found.classes, found.border, found.reach) == ((1, 2), 3, 2)
    # Which one it is tells no dataset from those that earlier versions have cut.
    assert not any("background" in one for one in scheme.hashed)
