# SPDX-License-Identifier: GPL-2.0-or-later
"""Throw-away GRASS projects, and a way to run modules in them as a user's session does.

The installed modules are tested where GRASS_ADDON_BASE tells them (`make test` sees to it),
otherwise the scripts of this checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import warm_python

CHECKOUT = Path(__file__).resolve().parent.parent
REAL_DATA = CHECKOUT.parent / "shared" / "data"

# The library and the modules are compiled once, not by every process that runs them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Each of the processes that test keeps one core busy; with a thread for each core in all of them,
# threads wait for each other, which took a fifth of the time of trainings.
for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(CHECKOUT / "lib"))
# A shell's background jobs ignore Ctrl-C, and so would the modules that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("without a deadline", deadline=None)
hypothesis.settings.load_profile("without a deadline")


def _bind_gdal_to_its_own_sqlite() -> None:
    """Make a GeoPackage before TensorFlow is imported.

    TensorFlow brings an SQLite without R-trees, which GDAL would take for its own. The modules
    never load both.
    """
    from osgeo import ogr

    ogr.UseExceptions()
    source = ogr.GetDriverByName("GPKG").CreateDataSource("/vsimem/first.gpkg")
    source.CreateLayer("first", None, ogr.wkbPolygon)


_bind_gdal_to_its_own_sqlite()

CELL_NULL = -(2**31)


SLOW_FILES = """
    networks/analysis/test_feature_extraction.py
    networks/analysis/test_memory_estimate.py
    networks/analysis/test_receptive_field.py
    networks/architectures/*
    networks/encoders/*
    networks/test_every_network.py
    networks/test_registry.py
    networks/test_user_network.py
    evaluate/test_patch_assessment.py
    evaluate/test_provenance.py
    cluster/test_connection.py
    exchange/test_export.py
    predict/engines/*
    predict/mosaic/test_blending.py
    predict/mosaic/test_exact.py
    predict/mosaic/test_feature_tiles.py
    predict/mosaic/test_mosaic.py
    review/test_uncertainty.py
    runtime/*
    train/data/test_geotiff_training.py
    train/head/*
    train/optimization/test_distillation.py
    train/optimization/test_precision.py
    train/optimization/test_pretrained.py
    train/optimization/test_transfer.py
    train/resume/*
    train/targets/test_*_training.py
    train/test_*.py
    tune/*
    test_benchmark_records.py
    test_real_imagery.py
""".split()
"""Files whose tests build or train many networks, or start processes: most of the time that the
tests without GRASS take."""


LONGEST_FILES = """
    test_real_imagery.py
    test_tutorials.py
    cluster/test_cluster_prediction.py
    train/resume/test_resume.py
    networks/test_every_network.py
    train/test_i_dl_train.py
    train/test_trainer.py
    predict/test_i_dl_predict.py
    train/optimization/test_transfer.py
    predict/test_encoder_models.py
    predict/test_change.py
    patches/test_i_dl_patches.py
    train/test_backends.py
    test_readme.py
    predict/segments/test_segment_maps.py
    train/test_multi_gpu.py
    patches/test_sampling_options.py
    predict/engines/test_openvino_engine.py
    predict/test_resuming.py
    evaluate/test_reference_vectors.py
    train/test_folds_path.py
""".split()
"""Files that take over a minute, the longest first: begun last, one of them would keep one process
busy while the others wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, and mark the tests that start GRASS sessions or take long:
    `make check` leaves them out."""
    places = {CHECKOUT / "tests" / name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
    for item in items:
        if "grass_template" in getattr(item, "fixturenames", ()):
            item.add_marker("grass")
        place = item.path.relative_to(CHECKOUT / "tests")
        if any(place.match(pattern) for pattern in SLOW_FILES):
            item.add_marker("slow")


class GrassProject:
    """A GRASS project (EPSG:32631) whose region begins as 12 x 12 cells of 1 m at the origin."""

    def __init__(self, path: Path, environment: dict[str, str]):
        self.path = path
        self.mapset = path / "PERMANENT"
        gisrc = path / "gisrc"
        gisrc.write_text(
            f"GISDBASE: {path.parent}\nLOCATION_NAME: {path.name}\nMAPSET: PERMANENT\nGUI: text\n"
        )
        self.environment = {**environment, "GISRC": str(gisrc)}

    def take_maps_of(self, other: GrassProject) -> None:
        """Have the maps and the region of another project: to copy files takes no time."""
        shutil.copytree(other.mapset, self.mapset, dirs_exist_ok=True)

    def command(self, module: str, **options: object) -> list[str]:
        """The words of a module's call; flags="ab", overwrite=True and the like are understood."""
        words = [module]
        if module.startswith("i.dl.") and "GRASS_ADDON_BASE" not in os.environ:
            words = [sys.executable, str(CHECKOUT / module / f"{module}.py")]
        words += [f"-{flag}" for flag in str(options.pop("flags", ""))]
        for name, value in options.items():
            if name in ("overwrite", "quiet", "verbose"):
                words += [f"--{name}"] if value else []
            elif isinstance(value, (list, tuple)):
                words.append(f"{name}={','.join(map(str, value))}")
            else:
                words.append(f"{name}={value}")
        return words

    def run(
        self, module: str, check: bool = True, **options: object
    ) -> subprocess.CompletedProcess:
        """Run a module to its end; with `check` it must end well.

        With an `env` of its own, and where lines are counted, it is a fresh interpreter.
        """
        stdin = options.pop("stdin", None)
        extra = options.pop("env", {})
        words = self.command(module, **options)
        packages = warm_python.PACKAGES.get(module)
        if packages and not extra and "COVERAGE_DATA" not in os.environ:
            done = warm_python.run(words, self.environment, stdin, packages)
        else:
            done = subprocess.run(
                words,
                env={**self.environment, **extra},
                capture_output=True,
                text=True,
                input=stdin,
            )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(done.args)}\n{done.stdout}\n{done.stderr}")
        return done

    def write_raster(
        self,
        name: str,
        array: np.ndarray,
        dtype: str | None = None,
        north: float | None = None,
        west: float = 0,
        resolution: float = 1,
    ) -> None:
        """Make a raster map of an array; NaN and masked cells are NULL.

        Integers make a CELL map, floats an FCELL or (float64) DCELL map; `dtype` overrides.
        Its lower left corner is the origin unless `north` and `west` tell otherwise.
        """
        rows, cols = array.shape
        kind = dtype or {"i": "CELL", "u": "CELL", "b": "CELL"}.get(
            array.dtype.kind, "DCELL" if array.dtype == np.float64 else "FCELL"
        )
        if kind == "CELL":
            plain = np.ma.filled(np.ma.masked_invalid(array).astype(np.float64), CELL_NULL)
            content, flags, size = plain.astype("<i4"), "s", 4
        else:
            size = 8 if kind == "DCELL" else 4
            plain = np.ma.filled(np.ma.array(array, dtype=np.float64), np.nan)
            content, flags = plain.astype(f"<f{size}"), "d" if kind == "DCELL" else "f"
        file = self.path / f"{name}.raw"
        file.write_bytes(content.tobytes())
        top = rows * resolution if north is None else north
        self.run(
            "r.in.bin",
            flags=flags,
            input=file,
            output=name,
            bytes=size,
            order="little",
            rows=rows,
            cols=cols,
            north=top,
            south=top - rows * resolution,
            west=west,
            east=west + cols * resolution,
            anull=CELL_NULL,
            overwrite=True,
            quiet=True,
        )
        file.unlink()

    def read_raster(self, name: str) -> np.ma.MaskedArray:
        """A raster map in the region as a masked array of float64."""
        lines = (self.mapset / "WIND").read_text().splitlines()
        region = dict(line.split(":", 1) for line in lines)
        file = self.path / f"{name}.raw"
        self.run(
            "r.out.bin", flags="f", input=name, output=file, bytes=8, null=-1e300, overwrite=True
        )
        shape = int(region["rows"]), int(region["cols"])
        values = np.frombuffer(file.read_bytes(), "<f8").reshape(shape)
        file.unlink()
        return np.ma.masked_equal(values, -1e300)

    def maps(self, kind: str = "raster") -> list[str]:
        """Names of the maps of a kind, as g.list gives them."""
        folder = self.mapset / {"raster": "cell", "vector": "vector"}[kind]
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.fixture(scope="session")
def grass_template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An empty project, and the environment of a session whose PATH knows no Python environment."""
    if shutil.which("grass") is None:
        pytest.skip("GRASS GIS is not installed")
    path = tmp_path_factory.mktemp("grass") / "template"
    own = str(Path(sys.executable).parent)
    search_path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if p != own)
    plain = {**os.environ, "PATH": search_path}
    plain.pop("VIRTUAL_ENV", None)
    quiet = {"env": plain, "check": True, "capture_output": True}
    subprocess.run(["grass", "-c", "EPSG:32631", "-e", str(path)], **quiet)
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    told = subprocess.run(
        ["grass", str(path / "PERMANENT"), "--exec", "/usr/bin/python3", "-c", program], **quiet
    )
    line = next(one for one in told.stdout.decode().splitlines() if one.startswith("{"))
    environment = json.loads(line)
    template = GrassProject(path, environment)
    template.run("g.region", n=12, s=0, w=0, e=12, res=1)
    return path, environment


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real imagery; tests that need it are skipped where it is missing."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real imagery is not there ({REAL_DATA})")
    return REAL_DATA


@pytest.fixture(scope="session")
def new_project(grass_template: tuple[Path, dict[str, str]]) -> Callable[[Path], GrassProject]:
    """Makes a throw-away project in a folder."""
    template, environment = grass_template

    def make(folder: Path) -> GrassProject:
        path = folder / "project"
        shutil.copytree(template, path)
        return GrassProject(path, environment)

    return make


@pytest.fixture
def grass_project(new_project: Callable[[Path], GrassProject], tmp_path: Path) -> GrassProject:
    """A throw-away project of its own for every test."""
    return new_project(tmp_path)


@pytest.fixture
def geographic_project(grass_project: GrassProject) -> GrassProject:
    """A throw-away project in degrees of longitude and latitude."""
    path = grass_project.path.parent / "degrees"
    grass_project.run("g.proj", flags="c", epsg=4326, location=path.name)
    return GrassProject(path, grass_project.environment)


@pytest.fixture
def run(grass_project: GrassProject) -> Callable[..., subprocess.CompletedProcess]:
    """Runs a module in the throw-away project."""
    return grass_project.run


@pytest.fixture
def write_raster(grass_project: GrassProject) -> Callable[..., None]:
    """Writes an array as a raster map of the throw-away project."""
    return grass_project.write_raster


@pytest.fixture
def read_raster(grass_project: GrassProject) -> Callable[[str], np.ma.MaskedArray]:
    """Reads a raster map of the throw-away project."""
    return grass_project.read_raster
