# SPDX-License-Identifier: GPL-2.0-or-later
"""Links and pictures of all pages lead somewhere: Markdown, HTML, and as installed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from paths import CHECKOUT

PAGES = sorted(
    page
    for folder in (CHECKOUT, *CHECKOUT.glob("i.dl.*/"), CHECKOUT / "manual")
    for page in folder.glob("i.dl*.md")
)
NAMES = {page.stem: page for page in PAGES}
READMES = sorted(page for page in CHECKOUT.glob("**/[A-Z]*.md") if ".git" not in page.parts)


def relative(page: Path) -> Path:
    return page.relative_to(CHECKOUT)


def links(text: str) -> Iterator[str]:
    """The targets of a page that are neither in its code nor on the web, of links and pictures."""
    if "<h2>" in text:
        found = re.findall(
            r'(?:href|src)="([^"]*)"', re.sub(r"(?s)<(pre|script).*?</\1>", "", text)
        )
    else:
        found = re.findall(r"\]\(([^()\s]+)\)", re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", text))
    return (target for target in found if not re.match(r"https?:|mailto:", target))


def headings(page: Path) -> set[str]:
    """The anchors of a Markdown page. GRASS before 8.5 keeps punctuation in them: use none."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {title.lower().replace(" ", "-") for title in titles if re.fullmatch(r"[\w -]+", title)}


@pytest.fixture(scope="module")
def pages_of_grass() -> set[str]:
    """The names of GRASS's own manual pages."""
    command = [os.environ.get("GRASS", "grass"), "--config", "path"]
    gisbase = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    folder = Path(gisbase) / "docs" / "html"
    if not folder.is_dir():
        pytest.skip("GRASS is installed without its manual")
    return {page.stem for page in folder.glob("*.html")}


@pytest.mark.parametrize("ending", [".md", ".html"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_pictures_of_a_page_exist(pages_of_grass, page, ending):
    for link in links(page.with_suffix(ending).read_text(encoding="utf-8")):
        target, anchor = urldefrag(link)
        name = target.removesuffix(ending) if target else page.stem
        if target and not target.endswith(ending):
            assert (page.parent / target).is_file(), link
        elif name in NAMES:
            assert not anchor or anchor in headings(NAMES[name]), link
        else:
            assert name in pages_of_grass and not anchor, link


@pytest.mark.parametrize("page", READMES, ids=lambda page: str(relative(page)))
def test_links_of_files_that_are_read_in_the_repository_exist(page):
    for link in links(page.read_text(encoding="utf-8")):
        target = urldefrag(link).url
        assert (page.parent / target).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_a_picture(page):
    text = page.read_text(encoding="utf-8")
    (name, *_) = re.findall(r"^!\[[^]]+\]\(([^)]+\.png)\)$", text, re.MULTILINE)
    assert (page.parent / name).is_file()


def test_the_page_of_the_toolset_links_all_others():
    linked = {urldefrag(link).url for link in links(NAMES["i.dl"].read_text(encoding="utf-8"))}
    assert {f"{name}.md" for name in NAMES if name != "i.dl"} <= linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_g_extension_takes_only_links_to_pages_of_grass_for_such(page):
    # The pattern by which it finds them, in GRASS 8.2 to 8.4: it puts GRASS's folder before them.
    plain = re.findall(r'<a href="([^"]+)">[^>]+</a>', page.with_suffix(".html").read_text())
    assert [link for link in plain if link.startswith(("i.dl", "#"))] == []


def test_folders_of_pages_name_no_module():
    # g.extension takes every such line of every Makefile for the name of a module.
    text = (CHECKOUT / "manual" / "Makefile").read_text()
    assert re.findall(r"^PGM.*=", text, re.MULTILINE) == []


@pytest.mark.skipif(
    "GRASS_ADDON_BASE" not in os.environ, reason="the modules are not installed: use make test"
)
@pytest.mark.parametrize("name", NAMES)
def test_links_and_pictures_of_an_installed_page_exist(name):
    page = Path(os.environ["GRASS_ADDON_BASE"]) / "docs" / "html" / f"{name}.html"
    for link in links(page.read_text()):
        target, anchor = urldefrag(link.removeprefix("file://"))
        file = page.parent / unquote(target) if target else page
        assert file.is_file(), link
        anchors = re.findall(r'(?:name|id)="([^"]*)"', file.read_text()) if anchor else []
        assert not anchor or anchor in anchors, link
