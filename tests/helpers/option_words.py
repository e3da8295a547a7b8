# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of a module as the parser gives them where nothing is given."""

import re

from grassdl.train.config.options import standard_words
from paths import CHECKOUT


def unset_options(module: str) -> dict[str, str]:
    """The words of all options of i.dl.train or i.dl.tune, which has the same and more."""
    script = (CHECKOUT / module / f"{module}.py").read_text(encoding="utf-8")
    keys = re.findall(r"^# % key: (\w\w+)$", script, re.MULTILINE)
    return {**dict.fromkeys(keys, ""), **standard_words()}
