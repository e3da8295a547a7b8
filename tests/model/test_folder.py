# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a model's folder decides about the class of a cell, and how large its card may be."""

from dataclasses import replace

from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model import folder as model_folder
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


def test_a_card_stays_readable_however_many_patches_there_were(tmp_path, monkeypatch):
    few, many = (
        {**card_of().areas[0], "dataset_id": name, "size": 64, "nsres": 0.5, "ewres": 0.5}
        | {"places": {"train": [[row, 3] for row in range(rows)], "val": []}}
        for name, rows in (("few", 10), ("many", 100))
    )
    parent = {"name": "old", "sha256": "0", "areas": [many]}
    card = card_of(areas=[few, many, few], training={**card_of().training, "parent": parent})
    save_card(card, tmp_path)
    assert load_card(tmp_path).seen_areas == [few, many, few, many]

    monkeypatch.setattr(model_folder, "MOST_BYTES_OF_PLACES", 1000)
    save_card(card, tmp_path)
    bare = {name: one for name, one in many.items() if name != "places"}
    assert load_card(tmp_path).seen_areas == [few, bare, few, bare]
    # The card at hand keeps them.
    assert card.seen_areas == [few, many, few, many]
