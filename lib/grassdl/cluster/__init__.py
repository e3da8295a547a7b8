# SPDX-License-Identifier: GPL-2.0-or-later
"""A prediction computed on the workers of a Dask cluster, strip by strip."""
