# SPDX-License-Identifier: GPL-2.0-or-later
"""What the encoders from `keras.applications` have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
from keras import KerasTensor

from ...core.schema import shortened


def levels_of(
    build: Callable[..., keras.Model], pixels: KerasTensor, ends: Sequence[str]
) -> list[KerasTensor]:
    """What the layers `ends` of an application give for some pixels of any number of bands."""
    application = build(include_top=False, weights=None, input_tensor=pixels)
    return [application.get_layer(name).output for name in ends]


def downloaded(encoder: str, url: str, md5: str | None) -> Path:
    """The file of an address, from Keras' folder if it is there.

    Raises:
        ValueError: It cannot be downloaded.
    """
    name = url.rpartition("/")[2]
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    place = {"cache_dir": str(home), "cache_subdir": "models"}
    try:
        return Path(keras.utils.get_file(name, url, file_hash=md5, **place))
    # Whatever the network, the server or the disk reports.
    except Exception as error:
        raise ValueError(
            f"The ImageNet weights of encoder <{encoder}> cannot be downloaded "
            f"({shortened(error)}): put the file of {url} into folder <{home / 'models'}>, or name "
            "it with encoder_weights=FILE"
        ) from None
