#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the HTML manual pages, which GRASS 8.2 to 8.4 want, from the Markdown ones.

Every ``i.dl*.md`` in the root, the module folders and ``manual/`` (how-tos and explanations)
gives an ``.html`` beside it: a fragment that begins with its first heading. GRASS's build puts
header, synopsis and footer around it. The Markdown is that of GRASS 8.5: links to other manual
pages end in ``.md``, and a page may begin with a block that GRASS's build takes the page's title
from (the modules' own pages need none, their scripts describe themselves)::

    ---
    name: i.dl
    description: Toolset for deep learning
    ---

Example:
    python tools/manual.py            # write the pages
    python tools/manual.py --check    # exit with 1 if a page is not up to date
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import markdown

ROOT = Path(__file__).resolve().parent.parent
EXTENSIONS = ["tables", "fenced_code", "sane_lists"]


def pages() -> list[Path]:
    """The Markdown manual pages: of the toolset, its modules, its how-tos and explanations."""
    folders = (ROOT, *ROOT.glob("i.dl.*/"), ROOT / "manual")
    return sorted(page for folder in folders for page in folder.glob("i.dl*.md"))


def split_header(text: str) -> tuple[dict[str, str], str]:
    """Part the ``---`` block at the top of a page, if there is one, from its text."""
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if not match:
        return {}, text
    fields = (line.partition(":") for line in match.group(1).splitlines())
    header = {key.strip(): value.strip().strip("\"'") for key, _, value in fields}
    return header, text[match.end() :]


def meta_comments(header: dict[str, str]) -> str:
    """The comments from which GRASS's mkhtml takes a page's name and description."""
    names = {"name": "name", "description": "name description"}
    return "".join(
        f"<!-- meta page {names[key]}: {header[key]} -->\n" for key in names if key in header
    )


def grass_style(html: str) -> str:
    """Bring Python-Markdown's HTML into the form of GRASS's manual pages."""
    # blocks of code
    html = re.sub(r"<pre><code[^>]*>", '<div class="code"><pre>\n', html)
    html = html.replace("</code></pre>", "</pre></div>")
    # links to manual pages, those whose text is the page's name in italics
    html = re.sub(r'href="([\w.]+)\.md(#[^"]*)?"', r'href="\1.html\2"', html)
    link = r'<a href="([\w.]+)\.html">\1</a>'
    html = re.sub(rf"(?<!<em>){link}", r'<em><a href="\1.html">\1</a></em>', html)
    # g.extension takes a link of the plain form `<a href="...">` for one to a page of GRASS
    # itself. With a class, links within the toolset stay as they are.
    html = re.sub(r'<a (?=href="(i\.dl[\w.]*\.html|#))', '<a class="i-dl" ', html)
    # pictures that stand alone
    html = re.sub(
        r"<p>(<img [^>]*?) ?/?></p>",
        r'<div align="center" style="margin: 10px">\n\1>\n</div>',
        html,
    )
    # air around headings and code, as in pages written by hand
    html = re.sub(r"(</h\d>)\n", r"\1\n\n", html)
    return re.sub(r"\n+(<h\d>)", r"\n\n\1", html)


def to_html(text: str) -> str:
    """The manual page of a Markdown text.

    Raises:
        ValueError: The page does not begin with its DESCRIPTION, as GRASS's pages do.
    """
    header, body = split_header(text)
    html = markdown.markdown(body, extensions=EXTENSIONS, output_format="html")
    if not html.startswith("<h2>DESCRIPTION</h2>"):
        raise ValueError('a manual page begins with "## DESCRIPTION"')
    html = meta_comments(header) + grass_style(html) + "\n"
    # GRASS declares its pages as ISO 8859-1: beyond ASCII only entities are safe.
    return html.encode("ascii", "xmlcharrefreplace").decode()


def main(arguments: list[str]) -> int:
    check = arguments == ["--check"]
    if arguments and not check:
        print("usage: manual.py [--check]", file=sys.stderr)
        return 2
    status = 0
    for page in pages():
        name = page.relative_to(ROOT)
        target = page.with_suffix(".html")
        try:
            html = to_html(page.read_text(encoding="utf-8"))
        except ValueError as error:
            print(f"{name}: {error}", file=sys.stderr)
            status = 1
            continue
        if target.exists() and target.read_text(encoding="utf-8") == html:
            continue
        if check:
            print(f"{name.with_suffix('.html')} is out of date: run make manual", file=sys.stderr)
            status = 1
        else:
            target.write_text(html, encoding="utf-8")
            print(f"wrote {name.with_suffix('.html')}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
