# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the tables of the READMEs from the records of the benchmarks.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; what it shows is said in TABLES.
Each row is of the newest record of its configuration, and below the table stands where its figures
come from. Records of configurations that no table asks for are kept, but not shown.

    python benchmarks/tables.py            # write the tables
    python benchmarks/tables.py --check    # exit with 1 if one is not up to date
"""

from __future__ import annotations

import json
import re
import string
import sys
from dataclasses import dataclass, field
from pathlib import Path

from records import RESULTS

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = (CHECKOUT / "README.md", CHECKOUT / "benchmarks" / "README.md")
NOT_MEASURED = "-"


@dataclass(frozen=True)
class Rows:
    """Rows of a table: one for each configuration of a benchmark.

    Attributes:
        benchmark: Name of its file of records.
        cells: The row as it is written, with the names of configuration and figures in it.
        where: Values that the configuration must have.
    """

    benchmark: str
    cells: str
    where: dict = field(default_factory=dict)

    def records(self, results: Path) -> list[dict]:
        """The newest record of each configuration, in the order in which they were first measured.

        Raises:
            ValueError: There is none.
        """
        newest: dict[str, dict] = {}
        for one in read(results / f"{self.benchmark}.jsonl"):
            configuration = one["configuration"]
            if self.where.items() <= configuration.items():
                key = json.dumps(configuration, sort_keys=True)
                newest[key] = max(one, newest.get(key, one), key=lambda record: record["time"])
        if not newest:
            raise ValueError(f"no record in {self.benchmark}.jsonl has {self.where}: measure it")
        return list(newest.values())

    def line(self, record: dict) -> str:
        """The row of a record."""
        values = {**record["configuration"], **record["figures"]}
        return f"| {' | '.join(self._filled(cell, values) for cell in self.cells.split(' | '))} |"

    def _filled(self, cell: str, values: dict) -> str:
        used = [re.match(r"\w+", name)[0] for _, name, *_ in string.Formatter().parse(cell) if name]
        missing = [name for name in used if name not in values]
        if missing:
            raise ValueError(
                f"a record in {self.benchmark}.jsonl has no <{missing[0]}>; it has "
                f"{', '.join(values)}"
            )
        if any(values[name] is None for name in used):
            return NOT_MEASURED
        # Thousands are set apart by a space, which format strings do not offer.
        return re.sub(r"(?<=\d),(?=\d{3})", " ", cell.format_map(values))


@dataclass(frozen=True)
class Table:
    """A table of a README: its head, and the rows of one benchmark or several."""

    head: str
    rows: list[Rows]

    def text(self, results: Path) -> str:
        """The table in Markdown, with a line on the source of its figures."""
        found = [(rows, one) for rows in self.rows for one in rows.records(results)]
        lines = [f"| {self.head} |", "|---" * len(self.head.split(" | ")) + "|"]
        lines += [rows.line(one) for rows, one in found]
        return "\n".join([*lines, "", f"*Measured {sources([one for _, one in found])}.*", ""])


def sources(records: list[dict]) -> str:
    """Where the figures of some records come from: dates and commits by machine."""
    found: dict[str, list[str]] = {}
    for one in records:
        machine = f"{one['machine']['cores']} cores of {one['machine']['processor']}"
        changed = " with changes" if one["changed"] else ""
        when = f"{one['time'][:10]} at {one['commit']}{changed}"
        if when not in found.setdefault(machine, []):
            found[machine].append(when)
    return "; ".join(f"{', '.join(when)}, on {machine}" for machine, when in found.items())


def read(file: Path) -> list[dict]:
    """The records of a benchmark, oldest first; none where it was never run."""
    if not file.exists():
        return []
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise ValueError(f"{file.name}, line {number}, is not JSON: {error}") from error
    return found


SCORES = "{overall_accuracy:.3f} | {kappa:.3f} | {f1_macro:.3f} | {mean_iou:.3f}"
SCORES_HEAD = "overall | kappa | macro F1 | mean IoU"
LAND = ("other", "building", "road", "bare land", "trees", "water")
SCENE = ("building", "asphalt", "coniferous", "deciduous")


ENCODER_CASES = [
    "area01",
    "leave_one_out",
    "16 patches",
    "64 patches",
    "256 patches",
    "2000 points",
]


def spread(names: str, form: str) -> str:
    """Cells of figures that have a median, which is shown with least and most in brackets."""
    return " | ".join(
        f"{{{one}[median]:{form}}} ({{{one}[least]:{form}}} to {{{one}[most]:{form}}})"
        for one in names.split()
    )


SCORE_RANGES = spread("overall_accuracy kappa f1_macro mean_iou", ".3f")
DISTILLATION_CELLS = f"{{model}} | {SCORE_RANGES} | {{map_cpu_s[median]:.1f}} s"
ENCODER_CELLS = " | ".join(
    [
        "{network}",
        SCORE_RANGES,
        "{training_cpu_min[median]:.1f} min",
        "{keras_mpixel_cpu_s[median]:.2f} Mpixel/s",
        "{openvino_mpixel_cpu_s[median]:.2f} Mpixel/s",
        "{halo[median]:.0f}",
    ]
)
"""Median of a network with an encoder over seeds and areas, least and most in brackets."""


PATCH_CLASSES_CELLS = f"{{way}} | {SCORE_RANGES}"

VALUES_CELLS = " | ".join(
    [
        "{case}",
        spread("rmse mae bias", ".2f"),
        spread("r2", ".3f"),
        "{reference_deviation[median]:.2f}",
    ]
)


def by_class(labels: tuple[str, ...]) -> str:
    """Cells of the F1 of classes."""
    return " | ".join(f"{{f1[{label}]:.3f}}" for label in labels)


def naip(name: str, **where: object) -> Rows:
    """The row of a classifier on real imagery."""
    cells = f"{name} | {SCORES} | {by_class(LAND)} | {{training_min:.1f}} min"
    return Rows("naip", cells, {"size": 128, **where})


def patches(cells: str, size: int) -> Rows:
    """A row of cutting patches."""
    return Rows("patches", cells, {"cells": size})


def prediction(cells: str, size: int, **where: object) -> Rows:
    """Rows of predicting maps of one size, one for each precision."""
    network = {"network": "unet:filters=32", "engine": "auto", "memory": 2000, "tile": None}
    return Rows("prediction", cells, {**network, "rows": size, "cols": size, **where})


def evaluation(call: str, name: str) -> Rows:
    """A row of comparing two maps."""
    cells = f"{name} | {{cells}} x {{cells}} | {{seconds:.1f}} s | {{ratio:.1f}}"
    return Rows("evaluation", cells, {"cells": 8000, "call": call})


def segments(name: str, clock: str, filters: int) -> Rows:
    """A row of the times by one clock of prediction without and with segments."""
    cells = (
        f"{name} | {{{clock}[plain]:.1f}} s "
        f"| {{{clock}[segments]:.1f}} s | {{{clock}[segments_ratio]:.2f}} "
        f"| {{{clock}[features]:.1f}} s | {{{clock}[features_ratio]:.2f}}"
    )
    return Rows("segments", cells, {"size": 2000, "filters": filters})


def gained(score: str) -> str:
    """Cells of a score by suggested and by random squares, and the range of the difference."""
    suggested, at_random = f"{{{score}_suggested:.3f}}", f"{{{score}_random:.3f}}"
    return f"{suggested} | {at_random} | {{{score}_gain_least:+.3f}} to {{{score}_gain_most:+.3f}}"


OBJECTS = (
    "{predicted:.1f} | {support:.0f} | {precision:.3f} | {recall:.3f} | {f1:.3f} "
    "| {segmentation_quality:.3f} | {panoptic_quality:.3f} | {f1_50_95:.3f}"
)


def perfect_map(case: str) -> Rows:
    """The row of the connected areas of a perfect map."""
    where = {"case": case, "borders": "perfect map"}
    return Rows("objects", f"{case} | {{borders}} | - | {OBJECTS}", where)


PREDICTION_HEAD = (
    "precision | window | overhead | bare network | computed | ratio | map | ratio | start"
)
PREDICTION = (
    "{precision} | {window_rows} x {window_cols} | {overhead:.2f} | {bare_mpx_s:.2f} "
    "| {computed_mpx_s:.2f} | {ratio:.2f} ({ratio_without_start:.2f} without start) "
    "| {map_mpx_s:.2f} | {map_ratio:.2f} | {start_s:.1f} s"
)
PREDICTED = "{rows} x {cols} | {seconds:.0f} s | {script_ratio:.1f}"

OF_README = {
    "real imagery": Table(
        f" | {SCORES_HEAD} | {' | '.join(LAND)} | training",
        [
            naip("U-Net, everything by default", classifier="unet", epochs="default", stride=64),
            naip("NickNet, stride 128, 2 epochs", classifier="nicknet", epochs=2, stride=128),
            naip("random forest per pixel", classifier="random forest", stride=128),
        ],
    ),
    "speed": Table(
        "what | cells | time | ratio",
        [
            patches(
                "*i.dl.patches*, five bands of 16 bit and labels, grid of 64 "
                "| {cells} x {cells} | {nprocs_1_s:.1f} s | {nprocs_1_ratio:.2f}",
                8000,
            ),
            patches(
                "the same with `nprocs=2` "
                "| {cells} x {cells} | {nprocs_2_s:.1f} s | {nprocs_2_ratio:.2f}",
                8000,
            ),
            prediction(
                "*i.dl.predict*, U-Net of 32 filters, five bands, OpenVINO in float32 | "
                + PREDICTED,
                4000,
                precision="float32",
            ),
            prediction(f"the same in bfloat16 | {PREDICTED}", 4000, precision="bfloat16"),
            evaluation(
                "i.dl.evaluate", "*i.dl.evaluate*, six classes, intervals by bootstrap among it"
            ),
            evaluation("with distance=2", "the same with `distance=2`"),
            evaluation("with objects=2", "the same with `objects=2`"),
        ],
    ),
}

OF_BENCHMARKS = {
    "patches": Table(
        "cells | the least | nprocs=1 | ratio | nprocs=2 | ratio | random | memory",
        [
            patches(
                "{cells} x {cells} | {least_s:.1f} s | {nprocs_1_s:.1f} s | {nprocs_1_ratio:.2f} "
                "| {nprocs_2_s:.1f} s | {nprocs_2_ratio:.2f} "
                "| {random_s:.1f} s for {random_patches:,} patches | {memory_gb:.2f} GB",
                size,
            )
            for size in (4000, 8000)
        ],
    ),
    "prediction, 6000": Table(PREDICTION_HEAD, [prediction(PREDICTION, 6000)]),
    "prediction, 10000": Table(PREDICTION_HEAD, [prediction(PREDICTION, 10000)]),
    "prediction, 4000": Table(
        f"{PREDICTION_HEAD} | script",
        [prediction(PREDICTION + " | {script_ratio:.1f} times as fast", 4000)],
    ),
    "predictions at once": Table(
        "precision | in turn | at once | ratio",
        [
            Rows(
                "predictions_at_once",
                "{precision} | {in_turn_s:.1f} s | {at_once_s:.1f} s | {ratio:.2f}",
                {"edge": 2000},
            )
        ],
    ),
    "cluster": Table(
        "edge | one process of two threads | two workers of one | ratio",
        [
            Rows(
                "cluster",
                "{edge} | {one_process_s:.1f} s | {two_workers_s:.1f} s | {ratio:.2f}",
            )
        ],
    ),
    "cluster, worked out": Table(
        "nodes | workers | computing | making the map | together",
        [
            Rows(
                "cluster_worked_out",
                "{nodes} | {workers} | {computing_min:.0f} min | {making_min:.0f} min "
                "| {total_min:.0f} min",
                {"edge": 6000},
            )
        ],
    ),
    "prediction memory": Table(
        "rows | columns | window | i.dl.predict | the bare network | bound | kept",
        [
            Rows(
                "prediction_memory",
                "{rows} | {cols} | {window} | {peak_gb:.2f} GB | {bare_gb:.2f} GB "
                "| {bound_gb:.2f} GB | {kept}",
                {"rows": rows, "cols": cols, "memory": 300},
            )
            for rows, cols in ((10000, 1000), (30000, 1000), (60000, 1000), (400, 50000))
        ],
    ),
    "segments": Table(
        "U-Net | plain | with segments | ratio | with features of the last layer | ratio",
        [
            segments("16 filters, the default", "clock_s", 16),
            segments("32 filters", "clock_s", 32),
            segments("16 filters, of processor time", "processor_s", 16),
            segments("32 filters, of processor time", "processor_s", 32),
        ],
    ),
    "evaluation": Table(
        "call | cells | time | ratio",
        [evaluation(call, call) for call in ("i.dl.evaluate", "with distance=2", "with objects=2")],
    ),
    "recipe, 40 epochs": Table(
        f" | {SCORES_HEAD}",
        [Rows("recipe", f"{{trial}} | {SCORES}", {"epochs": 40, "stride": 128})],
    ),
    "recipe, 20 epochs": Table(
        f" | {SCORES_HEAD}",
        [Rows("recipe", f"{{trial}} | {SCORES}", {"epochs": 20, "averaging": 0})],
    ),
    "bands": Table(
        f"bands | {SCORES_HEAD} | {' | '.join(f'F1 {label}' for label in SCENE)}",
        [Rows("bands", f"{{bands}} | {SCORES} | {by_class(SCENE)}", {"epochs": 25, "seeds": 1})],
    ),
    "transfer": Table(
        "patches | random weights | from the model "
        "| from the model, encoder frozen at first (`-f`)",
        [
            Rows(
                "transfer",
                "{patches} | {random[overall_accuracy]:.3f}, {random[f1_macro]:.3f} "
                "| {model[overall_accuracy]:.3f}, {model[f1_macro]:.3f} "
                "| {frozen[overall_accuracy]:.3f}, {frozen[f1_macro]:.3f}",
                {"epochs": 100, "parent_epochs": 20, "seeds": 1},
            )
        ],
    ),
    "distillation": Table(
        f"network | {SCORES_HEAD} | processor time of a map",
        [Rows("distillation", DISTILLATION_CELLS, {"epochs": 25, "seeds": 3})],
    ),
    **{
        f"encoders, {case}": Table(
            f"network | {SCORES_HEAD} | training | Keras | OpenVINO | halo",
            [Rows("encoders", ENCODER_CELLS, {"case": case, "epochs": "default", "seeds": 3})],
        )
        for case in ENCODER_CASES
    },
    "objects": Table(
        "case | borders | seeds | objects | of | precision | recall | F1 | SQ | PQ "
        "| F1, mean over thresholds",
        [
            perfect_map("crowns"),
            Rows(
                "objects",
                f"crowns | {{borders}} | {{seeds}} | {OBJECTS}",
                {"borders": 0, "epochs": 30},
            ),
            Rows(
                "objects",
                f"{{case}} | {{borders}} | {{seeds}} | {OBJECTS}",
                {"case": "crowns", "epochs": 30},
            ),
            perfect_map("buildings"),
            perfect_map("example"),
            Rows(
                "objects",
                f"{{case}} | {{borders}} | {{seeds}} | {OBJECTS}",
                {"case": "example", "epochs": 20},
            ),
        ],
    ),
    "borders": Table(
        "edges are known to | borders | objects | F1 | SQ | PQ | bias of the area",
        [
            Rows(
                "borders",
                "{unsure:g} cells | {borders} | {predicted} | {f1:.3f} "
                "| {segmentation_quality:.3f} | {panoptic_quality:.3f} | {area_bias:+.3f}",
            )
        ],
    ),
    "review": Table(
        "squares labelled | overall, suggested | random | gain "
        "| macro F1, suggested | random | gain | mean IoU, suggested | random | gain",
        [
            Rows(
                "review",
                f"{{labelled}} | {gained('overall_accuracy')} "
                f"| {gained('f1_macro')} | {gained('mean_iou')}",
                {"rounds": 3, "seeds": 3},
            )
        ],
    ),
    "suspects": Table(
        "seeds | areas | wrong labels | folds | precision | recall | with the true class",
        [
            Rows(
                "suspects",
                "{seeds} | {areas} | {planted} | {folds} | {precision:.2f} | {recall:.2f} "
                "| {right_class:.2f}",
                {"seeds": 3},
            )
        ],
    ),
    "change": Table(
        " | F1 building added | F1 tree felled",
        [
            *(
                Rows("change", "{trial}, best threshold | {built:.2f} | {felled:.2f}", one)
                for one in ({"trial": "difference of NDVI"}, {"trial": "difference of height"})
            ),
            Rows(
                "change",
                f"{{trial}} | {spread('built felled', '.2f')}",
                {"epochs": 15, "seeds": 3},
            ),
        ],
    ),
    "outlines": Table(
        "buildings | cells | corners before | after | of the footprint | IoU with the footprint "
        "before | after | IoU with the cells | at least | own outline kept",
        [
            Rows(
                "outlines",
                "{buildings} of Alexandria | {cell} m | {corners_before:.1f} | {corners_after:.1f} "
                "| {corners_footprint:.1f} | {iou_footprint_before:.3f} "
                "| {iou_footprint_after:.3f} | {iou_cells:.3f} | {least_iou_cells:.3f} | {kept}",
                {"case": "Alexandria"},
            ),
            Rows(
                "outlines",
                "{buildings} of the demo | {cell} m | {corners_before:.1f} | {corners_after:.1f} "
                "| - | - | - | {iou_cells:.3f} | {least_iou_cells:.3f} | {kept}",
                {"case": "demo"},
            ),
        ],
    ),
    "patch classes": Table(
        f"way | {SCORES_HEAD}",
        [Rows("patch_classes", PATCH_CLASSES_CELLS, {"seeds": 3})],
    ),
    "values": Table(
        "heights | RMSE (m) | MAE (m) | bias (m) | R2 | deviation of the reference (m)",
        [Rows("values", VALUES_CELLS, {"seeds": 3})],
    ),
    "training": Table(
        "network | train_on_batch | i.dl.train | ratio | of processor time",
        [
            Rows(
                "training",
                "{network} | {bare_patches_s:.0f} patches/s | {patches_s:.0f} patches/s "
                "| {ratio[median]:.2f} ({ratio[least]:.2f} to {ratio[most]:.2f}) "
                "| {processor_ratio[median]:.2f} "
                "({processor_ratio[least]:.2f} to {processor_ratio[most]:.2f})",
                {"batch_size": 16, "precision": "auto", "epoch_patches": 256},
            )
        ],
    ),
    "kept memory": Table(
        "freed memory | epoch | user | system | anonymous memory",
        [
            Rows(
                "kept_memory",
                "HOW | {HOW[seconds]:.1f} s | {HOW[user_s]:.1f} s | {HOW[system_s]:.1f} s "
                "| {HOW[anonymous_mb]:.0f} MB".replace("HOW", how),
                {"network": "unet", "batch_size": 16, "precision": "auto"},
            )
            for how in ("returned", "kept")
        ],
    ),
    "training memory": Table(
        "patches | anonymous memory",
        [
            Rows("training_memory", "{patches} | {anonymous_mb:.0f} MB", {"patches": number})
            for number in (1000, 4000)
        ],
    ),
}

TABLES = {**OF_README, **OF_BENCHMARKS}


def with_tables(page: str, tables: dict[str, Table], results: Path) -> str:
    """The text of a page with all of its tables updated.

    Raises:
        ValueError: It asks for a table that is not known or has no record, or one has no end.
    """

    def table(found: re.Match) -> str:
        name = found[1]
        if name not in tables:
            raise ValueError(f"no table is called <{name}>; there are {', '.join(tables)}")
        return f"<!-- table: {name} -->\n\n{tables[name].text(results)}\n<!-- end -->"

    block = r"<!-- table: ([^\n]*) -->\n(?:(?!<!-- table: ).)*?<!-- end -->"
    written, number = re.subn(block, table, page, flags=re.DOTALL)
    if number != page.count("<!-- table: "):
        raise ValueError("a <!-- table: NAME --> has no <!-- end -->")
    return written


def main(
    arguments: list[str],
    pages: tuple[Path, ...] = PAGES,
    tables: dict[str, Table] = TABLES,
    results: Path = RESULTS,
) -> int:
    check = arguments == ["--check"]
    if arguments and not check:
        print("usage: tables.py [--check]", file=sys.stderr)
        return 2
    status = 0
    for page in pages:
        told = page.read_text(encoding="utf-8")
        try:
            written = with_tables(told, tables, results)
        except ValueError as error:
            print(f"{page}: {error}", file=sys.stderr)
            status = 1
            continue
        if written == told:
            continue
        if check:
            print(f"{page}: tables are out of date: run benchmarks/tables.py", file=sys.stderr)
            status = 1
        else:
            page.write_text(written, encoding="utf-8")
            print(f"wrote the tables of {page}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
