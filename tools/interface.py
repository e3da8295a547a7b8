#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write what the library offers by name into the options of the modules and the manual.

Networks, losses, sampling designs and so on are listed in one place each, with a line that
describes them. From there come

- the `options` and `descriptions` of a module's option of that name, and
- the tables of the manual page of i.dl.train between `<!-- NAME -->` and `<!-- end -->`.

What a person has to write, it asks for: a row in each table of the manual whose first heading is
the option's name, and a word on each name on the module's page.

The options of i.dl.train that i.dl.tune has as well are copied to its script, and their names to
its manual page.

Example:
    python tools/interface.py            # write both
    python tools/interface.py --check    # exit with 1 if one is not up to date
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lib"))

from grassdl.exchange.formats import FORMATS  # noqa: E402
from grassdl.networks.encoders.catalog import ENCODERS  # noqa: E402
from grassdl.networks.registry import NETWORKS  # noqa: E402
from grassdl.patches.sampling import DESIGNS  # noqa: E402
from grassdl.patches.splits import SCHEMES  # noqa: E402
from grassdl.train.config import choices  # noqa: E402
from grassdl.train.data.augmentation import AUGMENTATIONS  # noqa: E402

TRAIN = ROOT / "i.dl.train" / "i.dl.train.py"
PAGE = TRAIN.with_suffix(".md")
TUNE = ROOT / "i.dl.tune" / "i.dl.tune.py"

NOT_TUNED = ("input", "output", "fold", "repeats", "format", "r")
"""Options and flags of i.dl.train that i.dl.tune does not have, or has as its own."""

OFFERS: dict[str, dict[str, dict[str, str]]] = {
    "i.dl.patches": {
        "sampling": {name: one.description for name, one in DESIGNS.items()},
        "split_method": {name: one.description for name, one in SCHEMES.items()},
    },
    "i.dl.train": {
        "network": NETWORKS,
        "encoder": {name: one.description for name, one in ENCODERS.items()},
        "activation": choices.ACTIVATIONS,
        "loss": choices.LOSSES,
        "optimizer": choices.OPTIMIZERS,
        "schedule": choices.SCHEDULES,
        "augmentation": {
            **{name: one.description for name, one in AUGMENTATIONS.items()},
            "none": "Patches unchanged",
        },
        "precision": choices.PRECISIONS,
    },
    "i.dl.export": {"format": {name: one.description for name, one in FORMATS.items()}},
}
"""What there is to choose from, with descriptions, by module and option."""


def with_options(script: str, offers: dict[str, dict[str, str]]) -> str:
    """A module's script with all that is offered in its header."""
    for key, offered in offers.items():
        told = ";".join(f"{name};{line}" for name, line in offered.items())
        block = re.compile(rf"# % ?option\n# % key: {key}\n(?:(?!# % ?end).*\n)*")
        found = block.search(script)
        if not found:
            raise ValueError(f"The script has no option <{key}>")
        header = re.sub(r"(?<=# % options: ).*", ",".join(offered), found[0])
        header = re.sub(r"(?<=# % descriptions: ).*", told, header)
        script = script[: found.start()] + header + script[found.end() :]
    return script


def with_tables(page: str) -> str:
    """A manual page with all that is offered in its tables."""
    for key, rows in {"augmentation": _augmentations(), "loss": _rows(choices.LOSSES)}.items():
        table = re.compile(rf"(?<=<!-- {key} -->\n\n).*?(?=<!-- end -->)", re.DOTALL)
        if not table.search(page):
            raise ValueError(f"{PAGE.name} has no table <!-- {key} -->")
        page = table.sub(lambda _, rows=rows: rows + "\n", page, count=1)
    return page


def untold(page: Path, offers: dict[str, dict[str, str]], every: bool) -> list[str]:
    """What a manual page does not tell of what is offered.

    Args:
        page: The page.
        offers: Descriptions by name, by option.
        every: Whether the page must tell all, or has only its tables complete.
    """
    text = page.read_text(encoding="utf-8")
    lacking = []
    for key, offered in offers.items():
        table = re.search(rf"^\| {key} \|.*\n(?:\|.*\n)+", text, re.MULTILINE)
        if not table and not every:
            continue
        place = f"the table of {key}" if table else "its text"
        told = re.findall(r"^\|([^|]*)\|", table[0], re.MULTILINE) if table else [text]
        lacking += [
            f"{page.name} lacks `{name}` ({key}): write it into {place}"
            for name in offered
            if not any(f"`{name}`" in one for one in told)
        ]
    return lacking


def with_options_of_train(script: str) -> str:
    """The script of i.dl.tune with the options of i.dl.train as they are now."""
    begin = "# begin of the options of i.dl.train, which tools/interface.py writes\n"
    end = "# end of the options of i.dl.train\n"
    before, _, rest = script.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{TUNE.name} has no place for the options of i.dl.train")
    return before + begin + "".join(_blocks_of_train().values()) + end + after


def with_names_of_train(page: str) -> str:
    """The manual page of i.dl.tune with the names of these options."""
    names = ", ".join(f"**{name}**" for name in _blocks_of_train() if len(name) > 1)
    block = re.compile(r"(?<=<!-- options of i.dl.train -->\n\n).*?(?=<!-- end -->)", re.DOTALL)
    return block.sub(lambda _: f"{names}\n\n", page, count=1)


def _blocks_of_train() -> dict[str, str]:
    """The lines of each option and flag of i.dl.train that i.dl.tune has, by its key."""
    script = with_options(TRAIN.read_text(encoding="utf-8"), OFFERS["i.dl.train"])
    blocks = re.findall(r"# % (?:option|flag)\b.*\n(?:(?!# % end).*\n)*# % end\n", script)
    keys = [re.search(r"# % key: (\w+)", block) for block in blocks]
    named = {key[1] if key else "nprocs": block for key, block in zip(keys, blocks, strict=True)}
    return {key: block for key, block in named.items() if key not in NOT_TUNED}


def _rows(offered: dict[str, str]) -> str:
    lines = "".join(f"| `{name}` | {line} |\n" for name, line in offered.items())
    return f"| name | what it is |\n|---|---|\n{lines}"


def _augmentations() -> str:
    lines = "".join(
        f"| `{name}` | {one.description} | {one.standard:g} |\n"
        for name, one in AUGMENTATIONS.items()
    )
    return f"| name | what it does (what the strength is) | strength |\n|---|---|---|\n{lines}"


def main(arguments: list[str]) -> int:
    check = arguments == ["--check"]
    if arguments and not check:
        print("usage: interface.py [--check]", file=sys.stderr)
        return 2
    status = 0
    renewals: list[tuple[Path, Callable[[str], str]]] = [
        (PAGE, with_tables),
        (TUNE, with_options_of_train),
        (TUNE.with_suffix(".md"), with_names_of_train),
    ]
    for module, offers in OFFERS.items():
        script = ROOT / module / f"{module}.py"
        renewals.append((script, partial(with_options, offers=offers)))
    for file, renewed in renewals:
        text = file.read_text(encoding="utf-8")
        if renewed(text) == text:
            continue
        if check:
            print(f"{file.name} is out of date: run make manual", file=sys.stderr)
            status = 1
        else:
            file.write_text(renewed(text), encoding="utf-8")
            print(f"wrote {file.name}")
    for module, offers in OFFERS.items():
        lacking = untold(ROOT / module / f"{module}.md", offers, every=True)
        lacking += untold(ROOT / "i.dl.md", offers, every=False)
        for line in lacking:
            print(line, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
