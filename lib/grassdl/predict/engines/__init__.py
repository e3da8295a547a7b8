# SPDX-License-Identifier: GPL-2.0-or-later
"""Engines that compute the network, Keras and OpenVINO, and their selection."""
