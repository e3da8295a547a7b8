# SPDX-License-Identifier: GPL-2.0-or-later
"""EfficientNet-Lite1: see `efficientnet_lite`."""

from .efficientnet_lite import EfficientNetLite

NETWORK = EfficientNetLite(
    "efficientnet_lite1", "efficientnet-lite1-77cc7160.pth", width=1.0, depth=1.1
)

levels, imagenet_file, arrays = NETWORK.levels, NETWORK.imagenet_file, NETWORK.arrays
