# SPDX-License-Identifier: GPL-2.0-or-later
"""EfficientNet-Lite2: see `efficientnet_lite`."""

from .efficientnet_lite import EfficientNetLite

NETWORK = EfficientNetLite(
    "efficientnet_lite2", "efficientnet-lite2-9656183e.pth", width=1.1, depth=1.2
)

levels, imagenet_file, arrays = NETWORK.levels, NETWORK.imagenet_file, NETWORK.arrays
