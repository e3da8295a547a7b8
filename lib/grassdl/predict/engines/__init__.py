# SPDX-License-Identifier: GPL-2.0-or-later
"""What computes the network: Keras or OpenVINO, and which is taken."""
