"""The operators that a network may hold: one list for the compiler, the golden model and the docs.

An operator in it acts on activations in some form at least; where and how, the rules of both sides
say (they refuse what they cannot follow). Operators whose inputs are all constants are computed,
whatever they are.
"""

from __future__ import annotations

STANDARD_DOMAINS = ("", "ai.onnx")

QUANTISERS = ("BipolarQuant", "IntQuant", "MultiThreshold", "Quant")
QONNX = (*QUANTISERS, "Trunc", "XnorPopcountMatMul")
"""Operators of QONNX; exporters write them in several domains."""

HARDWARE_DOMAIN = "finn.custom_op.fpgadataflow"
"""Of FINN's hardware layers: such a file is FINN's output, no network to compile."""

OPERATORS: dict[str, tuple[str, ...]] = {
    "layers": ("Conv", "Gemm", "MatMul", "XnorPopcountMatMul"),
    "quantisers": (*QUANTISERS, "Sign", "Trunc"),
    "scales, biases and residual sums": ("Add", "BatchNormalization", "Div", "Mul", "Neg", "Sub"),
    "functions before a quantiser": (
        "Clip",
        "HardSigmoid",
        "LeakyRelu",
        "PRelu",
        "Relu",
        "Sigmoid",
        "Tanh",
    ),
    "pools": (
        "AveragePool",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "MaxPool",
        "ReduceMax",
        "ReduceMean",
        "ReduceSum",
    ),
    "padding": ("Pad",),
    "channels side by side, and some of them": ("Concat", "Slice", "Split"),
    "shapes": ("Flatten", "Reshape", "Shape", "Squeeze", "Transpose", "Unsqueeze"),
    "nothing to do": ("Cast", "Dropout", "Identity"),
    "the end": ("ArgMax", "LogSoftmax", "Softmax", "TopK"),
}
"""What they are for -> op types."""

CONSTANT_ONLY = ("Abs", "Constant", "DequantizeLinear", "Pow", "Reciprocal", "Sqrt")
"""Have rules too, since both walks keep what they give exact; all others are computed."""

_PART = (
    "take neighbouring channels of a quantised map or vector, or cut it on the host in front of "
    "the network's input quantiser"
)
_SIGN = (
    "write the sign as torch.sign, which is one of 0 here, or as a quantiser (Brevitas: "
    "QuantIdentity with QuantType.BINARY)"
)
_PAIRS = (
    "export it as QONNX (Brevitas: export_qonnx), or let qonnx make Quant nodes of its pairs "
    "(the transformations InferShapes and QCDQToQuant)"
)
_NORM = "use BatchNorm, whose mean and scale are constants in eval mode"
REFUSED = {
    **dict.fromkeys(("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Where"), _SIGN),
    **dict.fromkeys(("DequantizeLinear", "QuantizeLinear"), _PAIRS),
    **dict.fromkeys(("GroupNormalization", "InstanceNormalization", "LayerNormalization"), _NORM),
    "Concat": "join the channels of quantised maps or vectors alone; constants belong into a "
    "layer's bias",
    "ConvTranspose": "enlarge the result on the host, or leave it out: maps keep their size or "
    "shrink, and a network ends in a list of scores; with stride 1 a Conv of the mirrored kernel "
    "and kernel - 1 - pads of padding is the same",
    "Gather": _PART,
    "Slice": _PART,
    "Split": _PART,
}
"""Operators of which activations are refused in some form or all, and what to do instead."""

ALL = tuple(sorted(name for group in OPERATORS.values() for name in group))
