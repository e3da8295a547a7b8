# SPDX-License-Identifier: GPL-2.0-or-later
"""The process: Keras' backend, memory, worker processes, several GPUs."""
