# SPDX-License-Identifier: GPL-2.0-or-later
"""The blocks of shell commands on the manual pages, and the calls of GRASS modules in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paths import CHECKOUT

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HERE_DOCUMENT = re.compile(r"(<<'?(\w+)'?[^\n]*\n).*?^\2$", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"(?:d|db|g|i|m|r|r3|t|v)\.[\w.]+")
_SEPARATORS = frozenset("();|&\n")


@dataclass(frozen=True)
class Block:
    """A block of shell commands.

    Attributes:
        page: Name of the manual page.
        number: Its place among the blocks of the page, from 1.
        text: The commands.
    """

    page: str
    number: int
    text: str

    @property
    def name(self) -> str:
        """Page and number."""
        return f"{self.page}:{self.number}"

    @property
    def calls(self) -> list[list[str]]:
        """The calls of GRASS modules, each as its words."""
        return list(_calls(self.text))


def pages() -> list[Path]:
    """The manual pages: of the toolset, its modules, its how-tos and explanations."""
    folders = (CHECKOUT, *CHECKOUT.glob("i.dl.*/"), CHECKOUT / "manual")
    return sorted(page for folder in folders for page in folder.glob("i.dl*.md"))


def blocks() -> list[Block]:
    """All blocks of all pages."""
    return [
        Block(page.stem, number, text)
        for page in pages()
        for number, text in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")), start=1)
    ]


def _calls(text: str) -> Iterator[list[str]]:
    for words in _commands(text):
        for place, word in enumerate(words):
            if _MODULE.fullmatch(word):
                yield words[place:]
                break
            if "\n" in word:
                # A script in quotes, as `sh -c` takes it.
                yield from _calls(word)


def _commands(text: str) -> Iterator[list[str]]:
    """The words of each command, without redirections and what a here document holds."""
    text = _HERE_DOCUMENT.sub(r"\1", text.replace("\\\n", ""))
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();|&<>\n")
    lexer.whitespace, lexer.whitespace_split = " \t", True
    words: list[str] = []
    redirected = False
    for token in lexer:
        if set(token) <= _SEPARATORS:
            yield words
            words = []
        elif set(token) <= set("<>"):
            redirected = True
        elif redirected:
            redirected = False
        else:
            words.append(token)
    yield words
