# SPDX-License-Identifier: GPL-2.0-or-later
"""The toolset as an addon of GRASS: what g.extension sees of it, installs, lists and removes.

tools/run_on_debian.sh installs it by g.extension itself, from a folder and from a ZIP file.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from paths import CHECKOUT

MODULES = sorted(path.parent.name for path in CHECKOUT.glob("i.dl.*/i.dl.*.py"))

BUILD_ADDON = """
function(add_files_to_etc_dir dir)
  cmake_parse_arguments(PARSE_ARGV 1 G "" "" "FILES")
  if(dir MATCHES "^i.dl(/grassdl(/runtime)?)?$")
    install(FILES ${G_FILES} DESTINATION etc/${dir})
  endif()
endfunction()
function(build_addon name)
  cmake_parse_arguments(PARSE_ARGV 1 G "" "" "SOURCES;ADDONS;DOCFILES")
  foreach(addon IN LISTS G_ADDONS)
    add_subdirectory(${addon})
  endforeach()
  install(FILES ${G_DOCFILES} DESTINATION docs/html)
  foreach(source IN LISTS G_SOURCES)
    install(PROGRAMS ${source} DESTINATION scripts RENAME ${name})
  endforeach()
endfunction()
"""
"""What GRASS 8.5's own functions of these names install, but for the pages that they make and most
of the library, each of whose files g.extension takes its time to remove."""

OTHER = "<addons version='8'><task name='r.other'>{}<libgis revision='x' /></task></addons>"


@pytest.fixture(scope="module")
def installed(tmp_path_factory, grass_template):
    """A folder of addons where another one is, and the toolset that CMake has installed."""
    if shutil.which("cmake") is None or shutil.which("cc") is None:
        pytest.skip("cmake or a C compiler is not installed")
    folder = tmp_path_factory.mktemp("cmake")
    (folder / "modules").mkdir()
    (folder / "modules" / "build_addon.cmake").write_text(BUILD_ADDON)
    addons = folder / "addons"
    addons.mkdir()
    about = "<description>Other</description><keywords>raster</keywords>"
    (addons / "modules.xml").write_text(OTHER.format(about))
    (addons / "extensions.xml").write_text(OTHER.format("<binary /><modules />"))
    environment = {**os.environ, "GISBASE": grass_template[1]["GISBASE"], "HOME": str(folder)}
    environment.pop("PYTHONPATH", None)
    settings = {
        "CMAKE_MODULE_PATH": folder / "modules",
        "CMAKE_INSTALL_PREFIX": addons,
        "PYTHON_EXECUTABLE": "/usr/bin/python3",
    }
    words = [f"-D{name}={value}" for name, value in settings.items()]
    build = folder / "build"
    configure = ["cmake", "-S", CHECKOUT, "-B", build, *words]
    subprocess.run(configure, env=environment, check=True, capture_output=True)
    install = ["cmake", "--install", build]
    done = subprocess.run(install, env=environment, check=True, capture_output=True, text=True)
    return addons, done


def extension(project, addons, *words):
    """Run g.extension, which asks for programs that it does not use here."""
    programs = addons.parent / "bin"
    if not programs.exists():
        programs.mkdir()
        for name in ("gcc", "svn"):
            (programs / name).symlink_to("/bin/true")
    path = f"{project.environment['PATH']}{os.pathsep}{programs}"
    session = {**project.environment, "GRASS_ADDON_BASE": str(addons), "PATH": path}
    return subprocess.run(
        ["g.extension", *words], env=session, check=True, capture_output=True, text=True
    )


def test_g_extension_finds_no_module_to_ask_github_about():
    # The patterns are g.extension's own.
    patterns = {"Makefile": r"PGM.*.=|PGM=", "CMakeLists.txt": r"project\(\s*(\S+).*\)"}
    told = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    files = [CHECKOUT / file for file in told if Path(file).name in patterns]
    assert len(files) >= 2 * len(MODULES)
    found = [
        f"{file}: {line}"
        for file in files
        for line in file.read_text().splitlines()
        if re.match(patterns[file.name], line)
    ]
    assert found == []


def test_the_files_of_make_and_of_cmake_name_all_modules_and_pictures():
    for file in ("Makefile", "CMakeLists.txt", "tools/common.sh"):
        text = (CHECKOUT / file).read_text()
        assert [name for name in MODULES if not re.search(rf"\b{re.escape(name)}\b", text)] == []
    for module in MODULES:
        listed = (CHECKOUT / module / "CMakeLists.txt").read_text().split()
        shown = {path.name for path in (CHECKOUT / module).iterdir()} - {
            "Makefile",
            "CMakeLists.txt",
        }
        assert {one.rstrip(")") for one in listed if "." in one} == {*shown, module}


def test_the_installation_tells_which_packages_are_missing(installed):
    addons, done = installed
    message, make, install = done.stderr.splitlines()
    assert message.startswith("Missing Python packages: ")
    assert " keras, " in message
    assert make.strip().endswith(
        f"-m venv --system-site-packages {addons.parent}/.local/share/i.dl/venv"
    )
    assert install.endswith(f"pip install -r {addons}/etc/i.dl/requirements.txt")


def test_g_extension_lists_the_modules_and_removes_the_toolset_whole(installed, grass_project):
    addons, _ = installed
    assert extension(grass_project, addons, "-a").stdout.split() == ["r.other", *MODULES]
    told = extension(grass_project, addons, "-ag").stdout
    assert "name=i.dl.train\ndescription=Trains a fully convolutional network" in told
    # Python writes no files into the library when it is used.
    program = "import sys; sys.path.insert(0, sys.argv[1]); import grassdl.runtime.environment"
    subprocess.run(["/usr/bin/python3", "-c", program, addons / "etc" / "i.dl"], check=True)
    extension(grass_project, addons, "-f", "extension=i.dl", "operation=remove")
    left = {path.name for path in addons.rglob("*") if path.is_file()}
    assert left - {"grassdocs.css", "grass_logo.png"} - {
        "hamburger_menu.svg",
        "hamburger_menu_close.svg",
    } == {"modules.xml", "extensions.xml"}
    assert extension(grass_project, addons, "-a").stdout.split() == ["r.other"]


def test_make_uninstall_takes_away_what_is_there_and_leaves_other_addons(tmp_path):
    for file in (
        "scripts/i.dl.train",
        "scripts/r.other",
        "docs/html/i.dl_why_accuracy.html",
        "docs/html/r.other.html",
        "etc/i.dl/grassdl/__pycache__/later.pyc",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    about = "<description>Other</description><keywords>raster</keywords>"
    (tmp_path / "modules.xml").write_text(OTHER.format(about))
    environment = {**os.environ, "GRASS_ADDON_BASE": str(tmp_path), "VENV": str(tmp_path / "none")}
    subprocess.run([CHECKOUT / "tools/uninstall.sh"], env=environment, check=True)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["docs/html/r.other.html", "modules.xml", "scripts/r.other"]
    assert not (tmp_path / "etc" / "i.dl").exists()
    assert 'name="r.other"' in (tmp_path / "modules.xml").read_text()


def test_make_uninstall_removes_no_environment_that_make_setup_has_not_made(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    environment = {**os.environ, "GRASS_ADDON_BASE": str(tmp_path), "REMOVE_VENV": "yes"}
    words = [CHECKOUT / "tools/uninstall.sh"]
    done = subprocess.run(
        words, env={**environment, "VENV": str(mine)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "not an environment that make setup has made" in done.stderr
    assert (mine / "thesis.txt").exists()
    (mine / "pyvenv.cfg").touch()
    (mine / ".i.dl-run").touch()
    subprocess.run(words, env={**environment, "VENV": str(mine)}, check=True)
    assert not mine.exists()
