# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a run of i.dl.predict, checked against the model before any map is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..core.bands import names_imagery
from ..core.options import number, positive, whole
from ..core.outlines import AS_CELLS, Outlines
from ..core.target import PATCH, ByTarget
from ..model.card import ModelCard, OnnxRecord
from ..runtime.keras_backend import may_have_gpu
from .objects.settings import ObjectSettings
from .segments.statistics import MEAN, SegmentSettings
from .tiling.axis import Axis, Span, plan_axis, plan_blended_axis

AUTO, KERAS, OPENVINO = "auto", "keras", "openvino"
"""Values of the option `engine`; `AUTO` also of `precision`."""

FLOAT32, BFLOAT16, FLOAT16 = "float32", "bfloat16", "float16"
"""Values of the option `precision`, besides `AUTO`."""

MODEL, MAPS = "model", "maps"
"""Values of the option `normalization`."""

MOST_PROCS = 1024
"""The largest number of threads that is accepted."""

WITHOUT_EFFECT = ("model", "nprocs", "memory", "resume", "stride", "halo", "outputs")
"""Settings that do not change the result, or come from the model, or are listed one by one."""

NAMES = {
    "augmented": "flag -a",
    "segments": "how segments get their class",
    "objects": "how objects are found",
    "outlines": "how outlines are drawn",
    "block": "the cells that get one class",
}
"""Descriptions for messages of settings that are no options."""

OUTPUTS = (
    "output",
    "confidence",
    "uncertainty",
    "disagreement",
    "novelty",
    "probabilities",
    "vector",
    "objects",
    "segments",
    "segment_output",
)
"""Options that determine the files of rows, and the segments."""


FROM_NETWORK = ("segment_features", "disagreement", "novelty")
"""Options for results of networks that stored probabilities lack."""

LAST = "last"
"""Value of `segment_features`: what `networks.analysis.feature_extraction` calls the last layer."""


_OF_CLASSES = {
    **dict.fromkeys(
        "probabilities confidence uncertainty threshold vector minsize objects".split(), ""
    ),
    "segment_method": MEAN,
    "segment_margin": "0",
}
"""Options for classes, and the values that leave them unused."""

_OF_CELLS = {
    **dict.fromkeys("novelty objects segment_features tiling tile_size scheduler".split(), ""),
    "normalization": MODEL,
    "segment_method": MEAN,
    "segment_margin": "0",
}
"""Options for models that classify cells, and the values that leave them unused."""

_REFUSED: ByTarget[tuple[str, Mapping[str, str]]] = ByTarget(
    classes=("", {}), value=("classes", _OF_CLASSES), patch=("classes of cells", _OF_CELLS)
)
"""By kind of target the options that only other kinds allow, with their purpose."""


def _check_target(options: Mapping[str, str], card: ModelCard) -> None:
    """Refuse options for another kind of target than the model's."""
    purpose, refused = _REFUSED.of(card.target)
    for name, neutral in refused.items():
        if options[name] not in ("", neutral):
            raise ValueError(
                f"{name} is for {purpose}, and model <{card.name}> is of {card.target.summary}: "
                f"leave out {name}"
            )


def _check_segments(options: Mapping[str, str], card: ModelCard) -> None:
    """Refuse segments that no output uses.

    Raises:
        ValueError: No output needs them.
    """
    outputs = ("segment_output", "segment_stats", "segment_vector")
    of_patches = card.target.of_patches and names_imagery(options)
    if options["segments"] and not of_patches and not any(options[one] for one in outputs):
        raise ValueError(
            f"segments needs one of {', '.join(outputs)} for its result: give one, or leave out "
            "segments"
        )


def check_gpu(precision: str, there_is_one: bool) -> None:
    """Refuse precisions that Keras computes on a GPU only, where there is none."""
    if not there_is_one:
        instead = ", or use engine=openvino" if precision == BFLOAT16 else ""
        raise ValueError(
            f"Keras computes in {precision} on a GPU only, and none was found: leave out "
            f"precision={precision}{instead}"
        )


def _check_precision(engine: str, precision: str, card: ModelCard) -> None:
    """Refuse a precision that the engine lacks, as far as that is known before it is loaded."""
    with_openvino = engine == OPENVINO or card.onnx is not None
    if precision == FLOAT16 and with_openvino:
        raise ValueError(
            "OpenVINO computes in float32 or bfloat16: leave out precision=float16, or use "
            "precision=bfloat16"
        )
    if precision == FLOAT16 or (precision == BFLOAT16 and engine == KERAS):
        check_gpu(precision, may_have_gpu())


def _check_possible(options: Mapping[str, str], card: ModelCard, tiling: str) -> None:
    """Refuse what the model or the engine cannot do."""
    _check_target(options, card)
    if tiling == "exact" and card.halo is None:
        raise ValueError(
            f"Network {card.network} {card.why_blended} and cannot be tiled exactly: leave out "
            "tiling=exact to blend its tiles"
        )
    if card.onnx:
        _check_onnx(options, card.onnx, tiling)
    _check_precision(options["engine"], options["precision"], card)
    _check_segments(options, card)
    for name in FROM_NETWORK:
        if options[name] and not names_imagery(options):
            raise ValueError(
                f"{name} needs the network, which does not run on stored probabilities: give "
                f"group or input to run it, or leave out {name}"
            )
    if options["disagreement"] and not card.members:
        raise ValueError(
            f"disagreement needs several networks, and model <{card.name}> is one: give an "
            "ensemble or several models, or leave out disagreement"
        )
    if options["novelty"] and options["segment_features"] not in ("", LAST):
        raise ValueError(
            f"novelty needs the last hidden layer, and segment_features names another one "
            f"<{options['segment_features']}>: use segment_features=last, or two runs"
        )


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    Attributes:
        model: What `model.ensemble.open_model` takes.
        tiling: "exact" or "blend".
        tile_size: Edge of a tile in cells, of its core where tiling is exact; None to choose it.
        stride: Total stride of the network in cells.
        halo: Cells that an exact tile reads around its core; 0 for a blended one.
        threshold: Least probability of a class, or None; of two classes that of the second, by
            default the model's.
        augmented: Whether to average over flips and turns (test-time augmentation).
        nprocs: Threads to compute with; 0 for all cores.
        memory: Memory for the whole process, in megabytes.
        resume: Whether to resume an unfinished run.
        engine: "auto", "keras" or "openvino"; `selection.load_engine` says what auto becomes.
        precision: "float32", "bfloat16", "float16" or "auto", see `selection.chosen_precision`.
        normalization: "model", or "maps" to match the maps' mean and deviation to the training's.
        minsize: Cells that an area of the vector map has at least.
        segments: How segments get their class.
        segment_features: Layer whose features are averaged over segments, a name or
            `networks.analysis.feature_extraction.LAST`; "" for none.
        objects: How objects are found; None if none are wanted.
        outlines: How the areas of the vector map are drawn.
        outputs: Names of the maps that are written, and of the segments, by `OUTPUTS`.
        block: Edge in cells of the region of one cell of the output maps.
    """

    model: str
    tiling: str
    tile_size: int | None
    stride: int
    halo: int
    threshold: float | None
    augmented: bool
    nprocs: int
    memory: int
    resume: bool
    engine: str = AUTO
    precision: str = FLOAT32
    normalization: str = MODEL
    minsize: int = 1
    segments: SegmentSettings = SegmentSettings()
    segment_features: str = ""
    objects: ObjectSettings | None = None
    outlines: Outlines = AS_CELLS
    outputs: Mapping[str, str] = field(default_factory=dict)
    block: int = 1

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], flags: Mapping[str, bool], card: ModelCard
    ) -> Settings:
        """Read the options of the module.

        Raises:
            ValueError: A value is not allowed, or the network does not support an option.
        """
        tiling = options["tiling"] or ("blend" if card.halo is None else "exact")
        _check_possible(options, card, tiling)
        objects = ObjectSettings.from_options(options, card)
        with_objects = card.classes.values[list(objects.classes)].tolist() if objects else []
        return cls(
            model=options["model"],
            tiling=tiling,
            tile_size=_window(card)
            or (positive(options, "tile_size") if options["tile_size"] else None),
            stride=card.stride,
            halo=(card.halo or 0) if tiling == "exact" else 0,
            threshold=_threshold(options, card),
            augmented=flags["a"],
            nprocs=whole(options, "nprocs", 0, MOST_PROCS),
            memory=positive(options, "memory"),
            resume=flags["r"],
            engine=options["engine"],
            precision=options["precision"],
            normalization=options["normalization"],
            minsize=positive(options, "minsize", default=1),
            segments=SegmentSettings.from_options(options),
            segment_features=options["segment_features"],
            objects=objects,
            outlines=Outlines.from_options(options, with_objects),
            outputs={name: options[name] for name in OUTPUTS},
            block=_block(options, card),
        )

    @property
    def with_novelty(self) -> bool:
        """Whether the novelty of cells is wanted."""
        return bool(self.outputs.get("novelty"))

    @property
    def features_layer(self) -> str:
        """Layer whose features the network gives beside probabilities; "" for none."""
        return self.segment_features or (LAST if self.with_novelty else "")

    @classmethod
    def without_maps(
        cls,
        model: str,
        card: ModelCard,
        *,
        normalization: str,
        memory: int,
        nprocs: int,
        disagreement: bool = False,
    ) -> Settings:
        """The settings of a run whose results are not written to maps, see the attributes.

        Args:
            disagreement: Whether that of the members of an ensemble is wanted.
        """
        return cls(
            model=model,
            tiling="blend" if card.halo is None else "exact",
            tile_size=_window(card),
            stride=card.stride,
            halo=card.halo or 0,
            threshold=None,
            augmented=False,
            nprocs=nprocs,
            memory=memory,
            resume=False,
            normalization=normalization,
            outputs={"disagreement": "unnamed"} if disagreement else {},
        )

    def axis(self, length: int, output: Span, size: int) -> Axis:
        """The tiling of rows or of columns.

        Args:
            length: Cells of the frame.
            output: Cells of the output, counted from the frame's first.
            size: Cells of a tile; of its core, where tiling is exact.
        """
        if self.tiling == "exact":
            return plan_axis(length, output, size, self.stride, self.halo)
        return plan_blended_axis(length, output, size, self.stride)

    def fingerprint(self) -> dict[str, str]:
        """The settings on which the result depends, as `io.resume` describes it."""
        deciding = {name: one for name, one in vars(self).items() if name not in WITHOUT_EFFECT}
        return {
            **{f"option {name}": name_of_map for name, name_of_map in self.outputs.items()},
            **{
                NAMES.get(name, f"option {name}"): "" if value is None else str(value)
                for name, value in deciding.items()
            },
        }


def _check_onnx(options: Mapping[str, str], onnx: OnnxRecord, tiling: str) -> None:
    """Refuse options that need a network of Keras, or another size of the network's images."""
    told = f"The model is an ONNX network that i.dl.import made from <{onnx.source}>"
    if options["engine"] == KERAS:
        raise ValueError(f"{told}, which OpenVINO computes: leave out engine=keras")
    for name in ("segment_features", "novelty"):
        if options[name]:
            raise ValueError(f"{told}: only networks of i.dl.train give {name}, leave it out")
    if onnx.window and options["tile_size"] not in ("", str(onnx.window)):
        raise ValueError(
            f"{told} and takes images of {onnx.window} x {onnx.window} cells: leave out tile_size"
        )


def _window(card: ModelCard) -> int | None:
    """The edge of the tiles of a network that takes images of one size; they overlap by half."""
    if card.onnx is None or card.onnx.window is None:
        return None
    step = 2 * card.stride
    edge = card.onnx.window // step * step
    if not edge:
        raise ValueError(
            f"Images of {card.onnx.window} cells, which an ONNX network of the ensemble takes, are "
            f"too small for another one of stride {card.stride}: use them one by one"
        )
    return edge


def _block(options: Mapping[str, str], card: ModelCard) -> int:
    """Edge of a patch where a model of patches classifies blocks; else 1."""
    computed = names_imagery(options)
    is_block = card.target.kind == PATCH and computed and not options["segments"]
    return card.size if is_block else 1


def _threshold(options: Mapping[str, str], card: ModelCard) -> float | None:
    if options["threshold"]:
        return number(options, "threshold", 0, 1)
    return card.threshold if card.target.outputs == 2 else None
