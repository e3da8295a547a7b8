# SPDX-License-Identifier: GPL-2.0-or-later
"""The gain by encoders pretrained on ImageNet, on areas that the training left out.

Networks are trained on areas of `naip_ohio` and scored on another one, whole. Three cases:

- `area01`: trained on all areas but 01, scored there;
- `leave_one_out`: each area in turn is left out and scored;
- `few`: as `area01`, with few random patches or labelled points.

Each network is trained with several seeds; medians and ranges over seeds and areas are recorded.
Times are of the processor, of all cores together, so that nothing beside the benchmark changes them
much. What was recorded before is not measured again, so that the whole can be done bit by bit.

    python benchmarks/encoders.py [--cases area01,leave_one_out,few] [--areas 00,01,03,05,06,07,09]
        [--networks unet,hypercolumn] [--seeds 1,2,3] [--epochs N] [--patches 16,64,256]
        [--points 2000] [--again]

All of it takes about a day of two cores; --cases, --areas and --epochs make it smaller; --again
measures what is recorded, too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from naip import TEST_AREA, TRAINING_AREAS, Project, parsed
from records import is_recorded, processor_s, record, spread

AREAS = tuple(sorted((*TRAINING_AREAS, TEST_AREA)))
LITE0 = "encoder=efficientnet_lite0"
NETWORKS = {
    "unet": (),
    "unet_lite0_random": (LITE0, "encoder_weights=none"),
    "unet_lite0": (LITE0,),
    "unet_lite0_frozen": (LITE0, "-f"),
    "hypercolumn": ("network=hypercolumn",),
    "hypercolumn_all": ("network=hypercolumn", "-f"),
}
"""Options of i.dl.train by network."""

SCORES = ("overall_accuracy", "kappa", "f1_macro", "mean_iou")
ENGINES = ("keras", "openvino")


@dataclass(frozen=True)
class Task:
    """Datasets to learn from, and the area that is scored."""

    datasets: list[Path]
    area: str


class Trials:
    """Trains networks on tasks and scores them.

    Args:
        project: The GRASS project of the areas.
        folder: Where datasets and models go.
        epochs: Epochs of a training; None for the default ones.
    """

    def __init__(self, project: Project, folder: Path, epochs: int | None):
        self.project, self.folder, self.epochs = project, folder, epochs

    def figures(self, network: str, tasks: list[Task], seeds: list[int]) -> dict:
        """Median, least and most of all figures over tasks and seeds."""
        found = [self._figures(network, task, seed) for task in tasks for seed in seeds]
        return spread(found)

    def _figures(self, network: str, task: Task, seed: int) -> dict[str, float]:
        model = self.folder / "trial"
        begin = processor_s()
        self.project.run(
            "i.dl.train",
            f"input={','.join(map(str, task.datasets))}",
            f"output={model}",
            f"seed={seed}",
            *([f"epochs={self.epochs}"] if self.epochs else []),
            *NETWORKS[network],
            "--overwrite",
        )
        minutes = (processor_s() - begin) / 60
        card = json.loads((model / "model.json").read_text(encoding="utf-8"))
        speeds = {f"{one}_mpixel_cpu_s": self._speed(model, task.area, one) for one in ENGINES}
        scores = self.project.evaluate("trial", f"label{task.area}")
        return {
            **{name: scores[name] for name in SCORES},
            **{f"f1_{one['label'].replace(' ', '_')}": one["f1"] or 0 for one in scores["classes"]},
            "training_cpu_min": minutes,
            **speeds,
            "halo": card["properties"]["idl:halo"],
            "parameters": card["properties"]["mlm:total_parameters"],
        }

    def _speed(self, model: Path, area: str, engine: str) -> float:
        """Mpixel of an area by second of the processor, from the start of the module to its end."""
        self.project.run("g.region", f"raster=label{area}")
        told = self.project.run("g.region", "-g").split()
        region = dict(one.split("=") for one in told if "=" in one)
        begin = processor_s()
        self.project.run(
            "i.dl.predict",
            f"group=a{area}",
            f"model={model}",
            "output=trial",
            f"engine={engine}",
            "--overwrite",
        )
        return int(region["rows"]) * int(region["cols"]) / 1e6 / (processor_s() - begin)


def cut_few(project: Project, area: str, folder: Path, size: int, patches: int) -> Path:
    """Some random patches of an area, a quarter of them for validation."""
    output = folder / f"few{patches}_{area}"
    project.run("g.region", f"raster=label{area}")
    project.run(
        "i.dl.patches",
        f"group=a{area}",
        f"labels=label{area}",
        f"size={size}",
        "sampling=random",
        f"npatches={patches}",
        "block_size=256",
        "split=75,25,0",
        f"output={output}",
    )
    return output


def cut_points(project: Project, area: str, folder: Path, size: int, points: int) -> Path:
    """Patches of which some random cells are labelled."""
    output = folder / f"points{points}_{area}"
    project.run("g.region", f"raster=label{area}")
    project.run("r.random", "-s", f"input=label{area}", f"npoints={points}", f"vector=points{area}")
    project.run(
        "i.dl.patches",
        f"group=a{area}",
        f"training=points{area}",
        "column=value",
        f"size={size}",
        "block_size=256",
        "split=75,25,0",
        f"output={output}",
    )
    return output


def cases(project: Project, folder: Path, arguments: argparse.Namespace) -> dict[str, list[Task]]:
    """The tasks of each case that was asked for, by its name."""
    asked, areas = arguments.cases.split(","), arguments.areas.split(",")
    learnt = [area for area in areas if area != TEST_AREA]
    size = arguments.size
    found: dict[str, list[Task]] = {}
    if {"area01", "leave_one_out"} & set(asked):
        whole = {area: project.cut(area, folder, size, arguments.stride) for area in areas}
    if "area01" in asked:
        found["area01"] = [Task([whole[area] for area in learnt], TEST_AREA)]
    if "leave_one_out" in asked:
        found["leave_one_out"] = [
            Task([whole[area] for area in areas if area != left_out], left_out)
            for left_out in areas
        ]
    if "few" in asked:
        for number in map(int, arguments.patches.split(",")):
            shares = shared_out(number, learnt)
            some = [cut_few(project, area, folder, size, share) for area, share in shares.items()]
            found[f"{number} patches"] = [Task(some, TEST_AREA)]
        for number in map(int, arguments.points.split(",")):
            shares = shared_out(number, learnt)
            some = [
                cut_points(project, area, folder, size, share) for area, share in shares.items()
            ]
            found[f"{number} points"] = [Task(some, TEST_AREA)]
    return found


def shared_out(number: int, areas: list[str]) -> dict[str, int]:
    """A number shared out among areas as evenly as can be; areas without a share are left out."""
    shares = {area: (number + place) // len(areas) for place, area in enumerate(areas)}
    return {area: share for area, share in shares.items() if share}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default="area01,leave_one_out,few")
    parser.add_argument("--areas", default=",".join(AREAS), help="area 01 among them")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, help="default: as many as i.dl.train chooses")
    parser.add_argument("--patches", default="16,64,256", help="numbers of few patches")
    parser.add_argument("--points", default="2000", help="numbers of labelled points")
    parser.add_argument("--size", type=int, default=128, help="edge of a patch")
    parser.add_argument("--stride", type=int, default=64, help="step between patches")
    parser.add_argument("--again", action="store_true", help="measure what is recorded, too")
    arguments = parsed(parser)
    seeds = [int(one) for one in arguments.seeds.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project = Project(folder, arguments.data, tuple(arguments.areas.split(",")))
        trials = Trials(project, folder, arguments.epochs)
        about = {"areas": arguments.areas, "epochs": arguments.epochs or "default"}
        about |= {"seeds": len(seeds), "size": arguments.size, "stride": arguments.stride}
        for case, tasks in cases(project, folder, arguments).items():
            for network in arguments.networks.split(","):
                configuration = {"case": case, "network": network, **about}
                if arguments.again or not is_recorded("encoders", configuration):
                    record("encoders", configuration, **trials.figures(network, tasks, seeds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
