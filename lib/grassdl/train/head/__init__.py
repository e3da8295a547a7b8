# SPDX-License-Identifier: GPL-2.0-or-later
"""A head that learns on features of labelled cells, which are computed once."""
