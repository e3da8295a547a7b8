# SPDX-License-Identifier: GPL-2.0-or-later
"""GeoTIFF chips: what other software sees, and what comes back."""

import errno
import json
import pickle
import resource
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grassdl.core.band_statistics import BandStatistics
from grassdl.core.bands import Band
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.dataset.geotiff import ChipWriter, storage
from grassdl.dataset.manifest import SPLITS, Export, Manifest
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet

gdal = pytest.importorskip("osgeo.gdal", reason="GDAL's Python package is missing")
osr = pytest.importorskip("osgeo.osr")
gdal.UseExceptions()

SIZE = 20
CLASSES = ClassScheme([MapClass(3, "wäter", "0:0:255"), MapClass(12, "roof", "200:10:9")])
BANDS = ("red", "green", "blue", "nir")
REGION = {"north": 4_000_000.5, "south": 3_999_900.5, "west": 500_000.0, "east": 500_050.0}
REGION |= {"nsres": 0.5, "ewres": 0.25, "rows": 200, "cols": 200}
POSITIONS = {
    "train": [(0, 0), (0, 20), (0, 100), (20, 7)],
    "val": [(100, 0), (100, 180)],
    "test": [],
}


def wkt(code=32631):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt(["FORMAT=WKT2_2019"])


def scene(count, dtype="uint8", seed=1):
    """Random patches with a NULL and an unlabelled cell each, but for the first."""
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        images = generator.normal(0, 5, (count, SIZE, SIZE, len(BANDS))).astype(dtype)
    else:
        images = generator.integers(1, 120, (count, SIZE, SIZE, len(BANDS))).astype(dtype)
    labels = generator.integers(0, 2, (count, SIZE, SIZE)).astype(np.uint8)
    labels[1:, 0, 3], labels[1:, 2, 0] = NULL_INDEX, UNLABELLED_INDEX
    images[labels == NULL_INDEX] = 0
    return images, labels


def write_chips(folder, dtype="uint8", value_range=(1, 119), crs=None, change=None):
    """A dataset of chips in `folder`; the arrays that were written."""
    folder.mkdir()
    writer = ChipWriter(
        folder, BANDS, CLASSES, np.dtype(dtype), value_range, REGION, crs or wkt(), SIZE
    )
    arrays = {}
    for seed, split in enumerate(SPLITS):
        arrays[split] = images, labels = scene(len(POSITIONS[split]), dtype, seed)
        if change:
            change(images)
        positions = np.array(POSITIONS[split]).reshape(-1, 2)
        # As several processes would: each with a copy of the writer, and in any order.
        for part in (slice(2, None), slice(0, 2)):
            copy = pickle.loads(pickle.dumps(writer))
            copy.write(split, positions[part], images[part], labels[part])
    _manifest(np.dtype(dtype).name).save(folder)
    return arrays


def _manifest(dtype):
    export = Export(
        size=SIZE,
        stride=SIZE,
        sampling="grid",
        split_method="blocks",
        split_shares=(70.0, 15.0, 15.0),
        block_size=40,
        buffer=0.0,
        seed=1,
        region=REGION,
        crs=wkt(),
        grass_version="8.2.1",
        command="i.dl.patches",
    )
    return Manifest(
        bands=[Band(name, True, {"map": name}, None, 0.5, "nearest", "", dtype) for name in BANDS],
        statistics=[BandStatistics() for _ in BANDS],
        target=CLASSES,
        pixels={split: [0, 0] for split in SPLITS},
        counts={split: len(POSITIONS[split]) for split in SPLITS},
        dtype=dtype,
        file_format="geotiff",
        export=export,
        dataset_id="1",
    )


@pytest.fixture
def dataset(tmp_path):
    write_chips(tmp_path / "ds")
    return tmp_path / "ds"


def first_chip(folder, kind="images", name="r000000_c000020.tif"):
    return gdal.Open(str(folder / "train" / kind / name))


def colour_interpretations(chip):
    bands = [chip.GetRasterBand(place + 1) for place in range(chip.RasterCount)]
    return [gdal.GetColorInterpretationName(band.GetColorInterpretation()) for band in bands]


@pytest.mark.parametrize(
    ("dtype", "value_range"),
    [("uint8", (0, 254)), ("uint8", (1, 255)), ("uint8", (0, 255)), ("uint16", (0, 65535))]
    + [("int16", (-32768, 32767)), ("int32", (-(2**31), 2**31 - 1)), ("float32", None)],
)
def test_arrays_come_back_as_they_were_written(tmp_path, dtype, value_range):
    def put_in_the_extremes(images):
        images[:, 5, 5] = value_range[0]
        images[:, 6, 6] = value_range[1]

    change = put_in_the_extremes if value_range else None
    given = write_chips(tmp_path / "ds", dtype, value_range, change=change)
    opened = PatchSet.open(tmp_path / "ds")
    for split, (images, labels) in given.items():
        found_images, found_labels = opened.arrays(split)
        assert (found_images.dtype, found_images.shape) == (images.dtype, images.shape)
        assert (found_labels.dtype, found_labels.shape) == (np.uint8, labels.shape)
        assert len(found_images) == len(found_labels) == len(images)
        assert found_images[:].dtype == images.dtype
        assert np.array_equal(found_images[:], images)
        assert np.array_equal(found_labels[:], labels)


def test_they_are_indexed_as_arrays_are(dataset):
    images, labels = PatchSet.open(dataset).arrays("train")
    whole = images[:], labels[:]
    for key in (slice(1, 3), slice(None, None, -1), slice(3, 3), np.array([2, 0, 2]), [3]):
        assert np.array_equal(images[key], whole[0][key])
        assert np.array_equal(labels[key], whole[1][key])
    with pytest.raises(IndexError):
        images[np.array([4])]


def test_only_what_is_indexed_is_held_in_memory(tmp_path):
    write_chips(tmp_path / "ds")
    images, labels = PatchSet.open(tmp_path / "ds").arrays("train")
    tracemalloc.start()
    for place in range(4):
        images[place : place + 1], labels[place : place + 1]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Image, nodata mask and the copies between them of one patch of 1600 bytes.
    assert peak < 60_000


@pytest.mark.parametrize(
    ("dtype", "value_range", "stored", "nodata"),
    [
        ("uint8", (0, 254), "uint8", 255),
        ("uint8", (1, 255), "uint8", 0),
        ("uint8", (0, 255), "int16", -32768),
        ("uint16", (0, 65535), "int32", -(2**31)),
        ("int16", (-32768, 5), "int16", 32767),
        ("int16", (-32767, 32767), "int16", -32768),
        ("int16", (-32768, 32767), "int32", -(2**31)),
        ("int32", (-5, 2**31 - 1), "int32", -(2**31)),
    ],
)
def test_nodata_is_a_value_that_no_cell_has(dtype, value_range, stored, nodata):
    assert storage(np.dtype(dtype), value_range) == (np.dtype(stored), nodata)


def test_a_value_beyond_the_range_that_would_become_null_is_refused(tmp_path):
    def put_in_a_bright_cell(images):
        images[:, 5, 5, 1] = 255

    with pytest.raises(ValueError, match=f"Band <{BANDS[1]}> holds 255, .*recorded range"):
        write_chips(tmp_path / "ds", "uint8", (1, 119), change=put_in_a_bright_cell)


def test_a_chip_with_values_beyond_the_manifests_type_is_refused(tmp_path):
    # With all values of a byte, chips are of 16 bits.
    write_chips(tmp_path / "ds", "uint8", (0, 255))
    chip = next((tmp_path / "ds/train/images").iterdir())
    image = gdal.Open(str(chip), gdal.GA_Update)
    image.GetRasterBand(1).WriteRaster(3, 3, 1, 1, np.int16(300).tobytes())
    del image
    images, _ = PatchSet.open(tmp_path / "ds").arrays("train")
    with pytest.raises(ValueError, match="damaged: .* beyond the type uint8"):
        images[:]


def test_nodata_of_floats_is_nan(tmp_path):
    write_chips(tmp_path / "ds", "float32", None)
    chip = first_chip(tmp_path / "ds")
    assert np.isnan(chip.GetRasterBand(1).GetNoDataValue())
    values = np.frombuffer(chip.ReadRaster(), "f4").reshape(4, SIZE, SIZE)
    assert np.isnan(values[:, 0, 3]).all()
    assert np.isnan(values).sum() == 4


def test_an_image_is_where_its_patch_is(dataset):
    chip = first_chip(dataset, name="r000020_c000007.tif")
    assert chip.GetGeoTransform() == (500_001.75, 0.25, 0, 3_999_990.5, 0, -0.5)
    assert chip.GetSpatialRef().GetAuthorityCode(None) == "32631"


def test_an_image_has_named_bands_tiles_and_nodata_in_every_band(dataset):
    chip = first_chip(dataset)
    bands = [chip.GetRasterBand(place) for place in range(1, 5)]
    assert [band.GetDescription() for band in bands] == list(BANDS)
    assert [band.GetNoDataValue() for band in bands] == [255] * 4
    assert bands[0].GetBlockSize() == [32, 32]
    structure = chip.GetMetadata("IMAGE_STRUCTURE")
    assert (structure["COMPRESSION"], structure["PREDICTOR"]) == ("DEFLATE", "2")
    values = np.frombuffer(chip.ReadRaster(), np.uint8).reshape(4, SIZE, SIZE)
    assert (values[:, 0, 3] == 255).all()
    assert (values == 255).sum() == 4


def test_large_chips_have_tiles_too(tmp_path):
    writer = ChipWriter(
        tmp_path, BANDS, CLASSES, np.dtype(np.uint8), (0, 9), REGION, "", LARGE := 300
    )
    labels = np.zeros((1, LARGE, LARGE), np.uint8)
    writer.write("train", np.array([[0, 20]]), np.zeros((1, LARGE, LARGE, 4), np.uint8), labels)
    chip = first_chip(tmp_path)
    assert chip.GetRasterBand(1).GetBlockSize() == [256, 256]


def test_no_band_of_four_is_taken_for_transparency(dataset):
    chip = first_chip(dataset)
    assert colour_interpretations(chip) == ["Gray", "Undefined", "Undefined", "Undefined"]
    flags = [chip.GetRasterBand(place).GetMaskFlags() for place in range(1, 5)]
    assert flags == [gdal.GMF_NODATA] * 4


def test_labels_show_names_and_colours_and_nodata_where_there_is_no_class(dataset):
    chip = first_chip(dataset, "labels")
    band = chip.GetRasterBand(1)
    assert band.GetNoDataValue() == 255
    colours = band.GetColorTable()
    assert [colours.GetColorEntry(index) for index in (0, 1)] == [
        (0, 0, 255, 255),
        (200, 10, 9, 255),
    ]
    assert band.GetMetadata() == {"class_0": "3 wäter", "class_1": "12 roof"}
    codes = np.frombuffer(band.ReadRaster(), np.uint8).reshape(SIZE, SIZE)
    assert set(np.unique(codes)) == {0, 1, 255}
    assert np.argwhere(codes == 255).tolist() == [[0, 3], [2, 0]]


def test_nothing_lies_beside_the_chips_nor_in_gdals_memory(dataset):
    for kind in ("images", "labels"):
        found = sorted(path.name for path in (dataset / "train" / kind).iterdir())
        assert found == [f"r{row:06}_c{col:06}.tif" for row, col in POSITIONS["train"]]
    assert not gdal.ReadDir("/vsimem/i_dl")
    assert not [name for name in gdal.ReadDir("/vsimem/") or [] if name.startswith("i_dl")]


def test_a_project_without_projection_and_one_of_its_own_have_chips_too(tmp_path):
    own = (
        'PROJCRS["own",BASEGEOGCRS["g",DATUM["d",ELLIPSOID["e",6378000,299]]],'
        'CONVERSION["c",METHOD["Lambert Azimuthal Equal Area"],'
        'PARAMETER["Latitude of natural origin",12.5,ANGLEUNIT["degree",0.0174532925199433]],'
        'PARAMETER["Longitude of natural origin",3,ANGLEUNIT["degree",0.0174532925199433]]],'
        'CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
    )
    write_chips(tmp_path / "own", crs=own)
    assert len(list((tmp_path / "own" / "train" / "images").iterdir())) == 4
    assert "Lambert" in first_chip(tmp_path / "own").GetSpatialRef().ExportToWkt()
    none = ChipWriter(tmp_path, BANDS, CLASSES, np.dtype(np.uint8), (0, 9), REGION, "", SIZE)
    none.write("train", np.array([[0, 20]]), *scene(1))
    assert first_chip(tmp_path).GetSpatialRef() is None


def test_names_are_in_the_order_of_rows_and_columns_in_the_largest_region():
    wide = {**REGION, "rows": 12_000_000, "cols": 9}
    writer = ChipWriter(Path(), BANDS, CLASSES, np.dtype(np.uint8), (0, 9), wide, "", SIZE)
    places = [(0, 8), (999_999, 0), (1_000_000, 0), (11_999_980, 5)]
    names = [writer.name(*place) for place in places]
    assert names[0] == "r00000000_c00000008.tif"
    assert names == sorted(names)
    assert replace(writer, region=REGION).name(123, 456) == "r000123_c000456.tif"


def test_a_full_disk_is_an_error_with_its_number(tmp_path):
    writer = ChipWriter(tmp_path, BANDS, CLASSES, np.dtype(np.uint8), (0, 119), REGION, "", SIZE)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, usual[1]))
    try:
        with pytest.raises(OSError) as error:
            writer.write("train", np.array([[0, 20]]), *scene(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert error.value.errno == errno.EFBIG


def test_threads_write_and_read_side_by_side(tmp_path):
    positions = np.array([(row, col) for row in range(8) for col in range(8)])
    images, labels = scene(64)
    writer = ChipWriter(tmp_path, BANDS, CLASSES, np.dtype(np.uint8), (0, 119), REGION, "", SIZE)
    parts = [slice(start, start + 8) for start in range(0, 64, 8)]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda part: writer.write("train", positions[part], images[part], labels[part]),
                parts,
            )
        )
    manifest = _manifest("uint8")
    manifest.counts = {"train": 64, "val": 0, "test": 0}
    found_images, found_labels = PatchSet(tmp_path, manifest).arrays("train")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda part: (found_images[part], found_labels[part]), parts))
    assert np.array_equal(np.concatenate([one for one, _ in found]), images)
    assert np.array_equal(np.concatenate([one for _, one in found]), labels)


READ_WITH_RASTERIO = """
import json, sys
import rasterio
image, labels = (rasterio.open(path) for path in sys.argv[1:])
print(json.dumps({
    "descriptions": image.descriptions,
    "epsg": image.crs.to_epsg(),
    "bounds": list(image.bounds),
    "interpretations": [one.name for one in image.colorinterp],
    "masked": int((image.read_masks() == 0).sum()),
    "values": image.read().tolist(),
    "tiled": image.profile["tiled"],
    "codes": labels.read(1).tolist(),
    "roof": labels.colormap(1)[1],
    "nodata": labels.nodata,
    "names": labels.tags(1),
}))
"""


def test_rasterio_reads_the_same(tmp_path):
    pytest.importorskip("rasterio")
    images, labels = write_chips(tmp_path / "ds")["train"]
    name = "r000000_c000020.tif"
    paths = [str(tmp_path / "ds" / "train" / kind / name) for kind in ("images", "labels")]
    # In a process of its own: rasterio brings another GDAL.
    told = subprocess.run(
        [sys.executable, "-c", READ_WITH_RASTERIO, *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(told.stdout)
    null, code = labels[1] == NULL_INDEX, np.where(labels[1] < 254, labels[1], 255)
    assert found["descriptions"] == list(BANDS)
    assert (found["epsg"], found["tiled"]) == (32631, True)
    assert found["bounds"] == [500_005.0, 3_999_990.5, 500_010.0, 4_000_000.5]
    assert "alpha" not in found["interpretations"]
    assert found["masked"] == 4
    expected = np.where(null[..., np.newaxis], 255, images[1]).transpose(2, 0, 1)
    assert np.array_equal(found["values"], expected)
    assert np.array_equal(found["codes"], code)
    assert (found["roof"], found["nodata"]) == ([200, 10, 9, 255], 255)
    assert found["names"] == {"class_0": "3 wäter", "class_1": "12 roof"}


def test_what_other_software_leaves_beside_chips_does_no_harm(dataset):
    folder = dataset / "train" / "images"
    (folder / "r000000_c000020.tif.aux.xml").write_text("<PAMDataset></PAMDataset>")
    (folder / "Thumbs.db").write_text("")
    assert len(PatchSet.open(dataset).arrays("train")[0]) == 4


def refusal(action):
    """The line with which something is refused."""
    with pytest.raises(ValueError) as error:
        action()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_a_missing_chip_is_told_when_the_dataset_is_opened(dataset, kind):
    (dataset / "train" / kind / "r000000_c000020.tif").unlink()
    told = refusal(lambda: PatchSet.open(dataset))
    assert told.startswith("Dataset is incomplete")
    assert f"train/{kind}> holds 3 chips, the manifest says 4" in told


def test_a_missing_folder_of_chips_is_told(dataset):
    for path in (dataset / "val" / "images").iterdir():
        path.unlink()
    (dataset / "val" / "images").rmdir()
    assert "val/images> holds 0 chips" in refusal(lambda: PatchSet.open(dataset))


def test_a_chip_too_many_is_told(dataset):
    folder = dataset / "val" / "labels"
    (folder / "r000001_c000001.tif").write_bytes((folder / "r000100_c000000.tif").read_bytes())
    assert "is damaged: " in refusal(lambda: PatchSet.open(dataset))


def test_a_chip_without_its_labels_is_told(dataset):
    folder = dataset / "val" / "labels"
    (folder / "r000100_c000000.tif").rename(folder / "r000101_c000000.tif")
    told = refusal(lambda: PatchSet.open(dataset))
    assert "<r000100_c000000.tif> is not in both of" in told


@pytest.mark.parametrize("keep", [0, 7, 300, -1])
def test_a_truncated_chip_is_told_when_it_is_read(dataset, keep):
    file = dataset / "train" / "images" / "r000000_c000020.tif"
    file.write_bytes(file.read_bytes()[:keep])
    images, _ = PatchSet.open(dataset).arrays("train")
    assert images[[0]].any()
    told = refusal(lambda: images[[1]])
    assert "Dataset is damaged" in told
    assert "r000000_c000020.tif> cannot be read" in told


def test_a_chip_that_vanishes_while_it_is_needed_is_told(dataset):
    images, labels = PatchSet.open(dataset).arrays("train")
    (dataset / "train" / "images" / "r000000_c000020.tif").unlink()
    for one in (images, labels):
        assert "r000000_c000020.tif> is missing" in refusal(lambda one=one: one[:])


def test_a_chip_of_another_size_or_type_is_told(dataset):
    folder = dataset / "val" / "images"
    path = folder / "r000100_c000000.tif"
    driver = gdal.GetDriverByName("GTiff")
    for shape, kind in [
        ((8, SIZE, 4), gdal.GDT_Byte),
        ((SIZE, SIZE, 3), gdal.GDT_Byte),
        ((SIZE, SIZE, 4), gdal.GDT_Float32),
        ((SIZE, SIZE, 4), gdal.GDT_CFloat32),
    ]:
        driver.Create(str(path), shape[0], shape[1], shape[2], kind)
        told = refusal(lambda: PatchSet.open(dataset))
        assert "r000100_c000000.tif> holds" in told
        assert "the manifest says int16 or uint8 (20, 20, 4)" in told


def test_a_file_that_points_elsewhere_is_not_followed(dataset, tmp_path):
    # GDAL would open a VRT whatever its name is.
    secret = tmp_path / "secret.tif"
    gdal.GetDriverByName("GTiff").Create(str(secret), SIZE, SIZE, 4)
    path = dataset / "val" / "images" / "r000100_c000000.tif"
    gdal.Translate(str(path), str(secret), format="VRT")
    assert gdal.Open(str(path)).GetDriver().ShortName == "VRT"
    assert "cannot be read" in refusal(lambda: PatchSet.open(dataset))


def test_an_unknown_file_format_is_refused(dataset):
    content = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(content | {"file_format": "zarr"}))
    told = refusal(lambda: PatchSet.open(dataset))
    assert "has the file format <zarr>, this i.dl reads npy and geotiff" in told


def test_joined_datasets_read_chips(tmp_path):
    images, labels = write_chips(tmp_path / "a")["train"]
    write_chips(tmp_path / "b")
    joined = JoinedPatchSets([PatchSet.open(tmp_path / name) for name in "ab"])
    parts = joined.arrays("train")
    assert len(parts) == 2
    found_images, found_labels = parts[1].read(np.array([3, 1]))
    assert np.array_equal(found_images, images[[3, 1]])
    assert np.array_equal(found_labels, labels[[3, 1]])
