# SPDX-License-Identifier: GPL-2.0-or-later
"""The layers and objects that a loaded network may have, see `description`."""

from __future__ import annotations

import inspect

import keras
from keras import layers

from .analysis.receptive_field import RULES
from .layers.argmax_pooling import PACKAGE, ArgMaxPooling2D, ArgMaxUnpooling2D
from .layers.date_attention import AttendedDates, DateAttention, WithDays
from .layers.dates import AbsoluteDifference, DatesApart, LastBand, WhereObserved
from .layers.image_pooling import ImagePooling2D

OWN_LAYERS = {
    f"{PACKAGE}>{one.__name__}"
    for one in (
        AbsoluteDifference,
        ArgMaxPooling2D,
        ArgMaxUnpooling2D,
        AttendedDates,
        DateAttention,
        DatesApart,
        ImagePooling2D,
        LastBand,
        WhereObserved,
        WithDays,
    )
}
"""Names under which layers of the toolset are registered."""

MODELS = {
    ("keras", "Functional"),
    ("keras", "Model"),
    ("keras", "Sequential"),
    ("keras.src.models.functional", "Functional"),
}
"""Module and class of models, whose own layers are checked in turn."""

WITHOUT_RULE = (
    layers.AdaptiveAveragePooling2D,
    layers.AdaptiveMaxPooling2D,
    layers.AdditiveAttention,
    layers.Attention,
    layers.Conv1D,
    layers.Conv1DTranspose,
    layers.Conv3D,
    layers.Conv3DTranspose,
    layers.Dot,
    layers.EinsumDense,
    layers.Flatten,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
    layers.GroupNormalization,
    layers.GroupQueryAttention,
    layers.InputLayer,
    layers.MultiHeadAttention,
    layers.PReLU,
    layers.Permute,
    layers.RMSNormalization,
    layers.RandomBrightness,
    layers.RandomContrast,
    layers.RepeatVector,
    layers.Reshape,
    layers.Resizing,
    layers.UnitNormalization,
)
"""Layers of Keras that only compute though their receptive field is not known: none takes a
function, a path, another layer or a table of words."""

LAYERS = {
    name
    for name, one in vars(layers).items()
    if inspect.isclass(one) and one in {*RULES, *WITHOUT_RULE}
}
"""Names of layers of Keras, with and without a rule."""

OPERATIONS = {
    "keras.src.ops.numpy": """
        Abs Absolute Add Amax Amin Average BroadcastTo Ceil Clip Concatenate Cos Divide DivideNoNan
        Equal Exp ExpandDims Expm1 Flip Floor FloorDivide FullLike GetItem Greater GreaterEqual Less
        LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Matmul Max Maximum Mean Min Minimum Mod
        Moveaxis Multiply NanToNum Negative NotEqual OnesLike Pad Power Prod Reciprocal Repeat
        Reshape Roll Round Sign Sin Split Sqrt Square Squeeze Stack Std Subtract Sum Swapaxes Take
        Tan Tanh Tile Transpose TrueDivide Var Where ZerosLike
        """.split(),
    "keras.src.ops.nn": """
        AdaptiveAveragePool AdaptiveMaxPool AveragePool Celu Conv ConvTranspose DepthToSpace
        DepthwiseConv Elu Gelu Glu HardShrink HardSigmoid HardSilu HardTanh LeakyRelu LogSigmoid
        LogSoftmax MaxPool Normalize Relu Relu6 Selu SeparableConv Sigmoid Silu SoftShrink Softmax
        Softplus Softsign SpaceToDepth Sparsemax Squareplus TanhShrink Threshold
        """.split(),
    "keras.src.ops.core": ["Cast", "StopGradient"],
    "keras.src.ops.math": ["Erf", "Logsumexp", "Rsqrt"],
    "keras.src.ops.image": ["Resize"],
}
"""Operations of `keras.ops` by module; none that takes a function, such as Map or Cond."""

ACTIVATIONS = {name for name, one in vars(keras.activations).items() if inspect.isfunction(one)} - {
    "deserialize",
    "get",
    "serialize",
}
"""Names of activations."""

OBJECTS = {
    "initializer": (
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer "
        "LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform "
        "TruncatedNormal VarianceScaling Zeros"
    ).split(),
    "regularizer": "L1 L1L2 L2 OrthogonalRegularizer".split(),
    "constraint": "MaxNorm MinMaxNorm NonNeg UnitNorm".split(),
}
"""Classes of Keras by what the names of the settings end with that take them."""

NUMBER_TYPES = set(
    """
    bfloat16 bool float16 float32 float64 int16 int32 int64 int8 mixed_bfloat16 mixed_float16
    uint16 uint32 uint64 uint8
    """.split()
)
"""Names of what Keras computes with."""

POLICIES = {
    (module, name)
    for module in ("keras", "keras.dtype_policies")
    for name in ("DTypePolicy", "FloatDTypePolicy")
}
"""Module and class of the policies for the types of layers."""
