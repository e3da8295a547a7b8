# SPDX-License-Identifier: GPL-2.0-or-later
"""fold=all with an encoder that has learned on ImageNet, whose heads learn a fold each."""

import numpy as np

from folded_dataset import COUNTS, write_folds
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.model.ensemble import open_model
from grassdl.model.weights import load_network
from grassdl.train.config.members import trainings
from grassdl.train.config.settings import Settings
from grassdl.train.ensemble import train_ensemble
from tiny_dataset import SIZE, scene

HYPERCOLUMN = Settings(
    network="hypercolumn",
    network_options={"depth": 1, "filters": 8},
    encoder_weights="imagenet",
    epochs=1,
    batch_size=4,
    learning_rate=0.01,
    augmentation=(),
)


def test_every_fold_starts_from_the_encoder_and_all_become_one_model(tmp_path):
    data = JoinedPatchSets([PatchSet.open(write_folds(tmp_path / "dataset", number=2))])
    wanted = trainings({"fold": "all", "repeats": ""}, data, HYPERCOLUMN)
    lines = []
    told = {"command": "", "versions": {}, "report": lines.append, "warn": lines.append}
    card = train_ensemble(wanted, tmp_path / "model", **told)
    assert card.members == ["fold_1", "fold_2"]
    assert [one["validation"] is not None for one in card.training["members"]] == [True] * 2
    started = [one for one in lines if one.startswith("Encoder <efficientnet_lite0> starts with")]
    assert len(started) == 2

    model = open_model(str(tmp_path / "model"))
    assert [one.card.encoder.weights for one in model.members] == ["imagenet"] * 2
    first, other = [load_network(one.folder) for one in model.members]
    kernel = first.get_layer("encoder_block0_depth_conv").get_weights()[0]
    # What a head learns on stays as it is.
    assert (other.get_layer("encoder_block0_depth_conv").get_weights()[0] == kernel).all()
    heads = [one.get_layer("head_conv").get_weights()[0] for one in (first, other)]
    assert (heads[0] != heads[1]).any()
    images, _ = scene(COUNTS["test"], 9)
    shares = model.predictor()(images.astype(np.float32))
    assert shares.shape == (COUNTS["test"], SIZE, SIZE, 3)
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)
