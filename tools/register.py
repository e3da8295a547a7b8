# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes GRASS know the toolset as an addon, or forget it.

    python3 tools/register.py add ADDONS TOPDIR    after the files were copied to ADDONS
    python3 tools/register.py missing ADDONS       tells which Python packages are missing
    python3 tools/register.py remove ADDONS        takes all files and entries away

ADDONS is the folder of the user's addons, TOPDIR that of GRASS. What is written is what g.extension
writes and reads: extensions.xml, with the files of the toolset, and modules.xml, which
`g.extension -a` and the GUI list. Run by the Python that GRASS has, without further packages.
"""

from __future__ import annotations

import compileall
import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

NAME = "i.dl"
CHECKOUT = Path(__file__).resolve().parents[1]
MODULES = sorted(path.parent.name for path in CHECKOUT.glob(f"{NAME}.*/{NAME}.*.py"))

SHARED = ("grassdocs.css", "grass_logo.png", "hamburger_menu.svg", "hamburger_menu_close.svg")
"""Files of GRASS that the manual pages show."""

PAGES = ("docs/html", "docs/mkdocs/source", "docs/man/man1")


def add(addons: Path, topdir: Path) -> None:
    """Finish the installed files, and enter the toolset among the addons."""
    absent = [name for name in MODULES if not (addons / "scripts" / name).exists()]
    if absent:
        sys.exit(
            f"{NAME}: error: {absent[0]} was not installed in {addons}; see the messages above"
        )
    for page in (addons / "docs" / "html").glob(f"{NAME}*.html"):
        page.write_text(_finished(page.read_text(encoding="utf-8"), topdir), encoding="utf-8")
    for name in SHARED:
        if (topdir / "docs/html" / name).exists() and not (addons / "docs/html" / name).exists():
            shutil.copy(topdir / "docs/html" / name, addons / "docs/html")
    # g.extension removes files that are listed only: Python writes no others later.
    compileall.compile_dir(addons / "etc" / NAME, quiet=1)

    version = (topdir / "etc" / "VERSIONNUMBER").read_text(encoding="utf-8")[0]
    extensions = _read(addons / "extensions.xml", version)
    _forget(extensions, [NAME])
    task = ElementTree.SubElement(extensions, "task", name=NAME)
    _list(task, "binary", "file", map(str, _files(addons)))
    _list(task, "modules", "module", MODULES)
    _write(addons / "extensions.xml", extensions)

    modules = _read(addons / "modules.xml", version)
    _forget(modules, MODULES)
    for name in MODULES:
        header = (CHECKOUT / name / f"{name}.py").read_text(encoding="utf-8")
        task = ElementTree.SubElement(modules, "task", name=name)
        description = re.findall(r"^# % (?:label|description): (.*)$", header, re.MULTILINE)[0]
        ElementTree.SubElement(task, "description").text = description
        keywords = re.findall(r"^# % keyword: (.*)$", header, re.MULTILINE)
        ElementTree.SubElement(task, "keywords").text = ",".join(keywords)
    _write(addons / "modules.xml", modules)


def remove(addons: Path) -> None:
    """Take away the files of the toolset, also those of earlier versions, and its entries."""
    for path in _files(addons):
        path.unlink()
    shutil.rmtree(addons / "etc" / NAME, ignore_errors=True)
    for file, names in (("extensions.xml", [NAME]), ("modules.xml", _known(addons))):
        if (addons / file).exists():
            entries = _read(addons / file, "")
            _forget(entries, names)
            _write(addons / file, entries)


def missing(addons: Path) -> None:
    """Tell which packages are missing in the environment of the installed toolset."""
    sys.path.insert(0, str(addons / "etc" / NAME))
    from grassdl.runtime import environment

    environment.enter_environment()
    if environment.absent(environment.REQUIRED):
        told, commands = environment.how_to_install([])
        print(told, *(f"    {command}" for command in commands), sep="\n", file=sys.stderr)


def _known(addons: Path) -> list[str]:
    """The modules of the toolset, and those of an earlier version that is entered."""
    if not (addons / "extensions.xml").exists():
        return MODULES
    tasks = _read(addons / "extensions.xml", "").findall("task")
    entered = [one for task in tasks if task.get("name") == NAME for one in task.iter("module")]
    return sorted({*MODULES, *((one.text or "").strip() for one in entered)})


def _files(addons: Path) -> list[Path]:
    """The installed files of the toolset."""
    names = [NAME, *_known(addons)]
    found = [addons / "scripts" / name for name in names]
    for folder in PAGES:
        found += [
            addons / folder / f"{name}{end}" for name in names for end in (".html", ".md", ".1")
        ]
        found += (addons / folder).glob(f"{NAME}_*")
        found += (addons / folder).glob(f"{NAME.replace('.', '_')}_*")
    found += (addons / "etc" / NAME).rglob("*")
    return sorted(path for path in found if path.is_file())


def _finished(page: str, topdir: Path) -> str:
    """A page whose links to GRASS's own pages lead to where these are.

    The section on the source code names a place in GRASS's repository, and the links of keywords
    lead to lists of GRASS's own modules, which lack most of these: both are taken out.
    """
    page = re.sub(r'<h2>SOURCE CODE</h2>.*?(?=<hr class="header">)', "", page, flags=re.DOTALL)
    page = re.sub(r'<a href="[^"]*(?:keywords\.html#|topic_)[^"]*">([^<]*)</a>', r"\1", page)
    own = re.escape(NAME)
    return re.sub(rf'href="(?!{own})([^":#/]+\.html)', rf'href="file://{topdir}/docs/html/\1', page)


def _read(file: Path, version: str) -> ElementTree.Element:
    """The entries of a file; none where it is absent or damaged, as g.extension has it."""
    try:
        return ElementTree.fromstring(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ElementTree.ParseError):
        return ElementTree.Element("addons", version=version)


def _forget(entries: ElementTree.Element, names: list[str]) -> None:
    for task in entries.findall("task"):
        if task.get("name") in names:
            entries.remove(task)


def _list(task: ElementTree.Element, plural: str, singular: str, texts: object) -> None:
    parent = ElementTree.SubElement(task, plural)
    for text in texts:
        ElementTree.SubElement(parent, singular).text = text


def _write(file: Path, entries: ElementTree.Element) -> None:
    ElementTree.indent(entries, "    ")
    text = ElementTree.tostring(entries, encoding="unicode")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE task SYSTEM "grass-addons.dtd">\n'
    new = file.with_name(f"{file.name}.new")
    new.write_text(f"{head}{text}\n", encoding="utf-8")
    new.replace(file)


if __name__ == "__main__":
    act, *folders = sys.argv[1:]
    {"add": add, "missing": missing, "remove": remove}[act](
        *(Path(one).absolute() for one in folders)
    )
