# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a model's folder decides about the class of a cell."""

from dataclasses import replace

from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model.folder import deciding_hash, load_card, save_card
from model_cards import card_of


def test_a_repaired_label_may_be_resumed_and_another_value_may_not(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"weights")
    save_card(card_of(), tmp_path)
    card, before = load_card(tmp_path), deciding_hash(tmp_path)
    first, *others = card.classes
    for own, is_equal in (
        (MapClass(first.value, "repaired", "1:2:3"), True),
        (MapClass(first.value + 1000, first.label, first.color), False),
    ):
        save_card(replace(card, target=ClassScheme([*others, own])), tmp_path)
        assert (deciding_hash(tmp_path) == before) is is_equal
