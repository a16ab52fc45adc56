"""Multi-layer perceptrons with 1-bit weights.

    input quantiser - [linear - BatchNorm - activation - dropout] x hidden - linear - BatchNorm

With `activation: sign` and a quantised input it is a network for hardware; with `relu` (and a real
input) it is the form of the papers that make only the weights binary.

>>> model = MLP(64, 10, hidden=[128], input=Input(bits=5))
>>> [name for name, _ in model.named_children()]
['input', 'linear1', 'norm1', 'activation1', 'linear2', 'norm2']
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import ClassVar, Literal, TypeVar

from brevitas_examples.bnn_pynq.models.tensor_norm import TensorNorm
from pydantic import Field
from torch import Tensor, nn

from ..errors import BadInput
from .layers import BinaryActivation, BinaryLinear, InputQuantiser, InputSign
from .schema import Section

Activation = Literal["sign", "relu", "tanh"]
OutputNorm = Literal["batchnorm", "tensornorm", "none"]
B = TypeVar("B", nn.BatchNorm1d, nn.BatchNorm2d)


class Input(Section):
    """How the network takes its input.

    bits = 0: real numbers, as they are (the papers' forms; such a network is no hardware input).
    bits = 1: sign(2x - 1), x in [0, 1].
    bits >= 2: integers of `bits` bits, real value = integer x scale.
    """

    section: ClassVar[str] = "model.input"
    bits: int = Field(8, ge=0, le=16)
    signed: bool = False
    scale: float = Field(1.0, gt=0)

    def build(self) -> nn.Module:
        """The input layer."""
        if self.bits == 0:
            return nn.Identity()
        if self.bits == 1:
            return InputSign()
        return InputQuantiser(self.bits, signed=self.signed, scale=self.scale)


class Norm(Section):
    """BatchNorm's options; `momentum` as torch has it (Keras' m is 1 - momentum).

    affine: learn gain and bias; gain: false keeps the gain at 1 (Keras' scale=False).
    """

    section: ClassVar[str] = "model.norm"
    eps: float = Field(1e-5, gt=0)
    momentum: float = Field(0.1, gt=0, le=1)
    affine: bool = True
    gain: bool = True

    def linear(self, features: int) -> nn.BatchNorm1d:
        """BatchNorm of (N, features)."""
        return self._set(nn.BatchNorm1d(features, self.eps, self.momentum, self.affine))

    def conv(self, channels: int) -> nn.BatchNorm2d:
        """BatchNorm of (N, channels, H, W)."""
        return self._set(nn.BatchNorm2d(channels, self.eps, self.momentum, self.affine))

    def _set(self, norm: B) -> B:
        if self.affine and not self.gain:
            norm.weight.requires_grad_(False)
        return norm


def build_activation(kind: str, estimator: str = "clipped") -> nn.Module:
    """A sign with an estimator, or ReLU or tanh."""
    if kind == "sign":
        return BinaryActivation(estimator)
    return nn.ReLU() if kind == "relu" else nn.Tanh()


def output_norm(kind: str, classes: int, norm: Norm | None) -> nn.Module | None:
    """What follows the last layer: per-class BatchNorm, FINN's TensorNorm, or nothing."""
    if kind == "batchnorm":
        return (norm or Norm()).linear(classes)
    return TensorNorm() if kind == "tensornorm" else None


class MLP(nn.Sequential):
    """A perceptron of 1-bit layers; input (N, ...) is flattened to (N, in_features).

    Args:
        in_features, classes: sizes of input and output.
        hidden: widths of the hidden layers.
        input: see :class:`Input`.
        activation: `sign` for hardware, `relu` or `tanh` for weights-only binary networks.
        activation_estimator: backward of `sign`.
        estimator: straight-through estimator of the weights.
        norm: BatchNorm's options; None for none after the hidden layers.
        output: what follows the last layer: `batchnorm`, `tensornorm` (one scalar mean and variance
            over all logits, as FINN's networks have it) or `none`.
        dropout, dropout_input: probabilities after each hidden activation, and after the input.
    """

    def __init__(
        self,
        in_features: int,
        classes: int,
        *,
        hidden: list[int],
        input: Input | None = None,
        activation: Activation = "sign",
        activation_estimator: str = "clipped",
        estimator: str = "clipped",
        norm: Norm | None = Norm(),
        output: OutputNorm = "batchnorm",
        dropout: float = 0.0,
        dropout_input: float = 0.0,
    ):
        if not all(width > 0 for width in hidden):
            raise BadInput(f"a hidden layer's width is positive, not {hidden}")
        layers: OrderedDict[str, nn.Module] = OrderedDict(input=(input or Input()).build())
        if dropout_input:
            layers["dropout0"] = nn.Dropout(dropout_input)
        widths = [in_features, *hidden]
        for index, (n_in, n_out) in enumerate(pairwise(widths), start=1):
            layers[f"linear{index}"] = BinaryLinear(n_in, n_out, estimator=estimator)
            if norm is not None:
                layers[f"norm{index}"] = norm.linear(n_out)
            layers[f"activation{index}"] = build_activation(activation, activation_estimator)
            if dropout:
                layers[f"dropout{index}"] = nn.Dropout(dropout)
        last = len(widths)
        layers[f"linear{last}"] = BinaryLinear(widths[-1], classes, estimator=estimator)
        final = output_norm(output, classes, norm)
        if final is not None:
            layers[f"norm{last}"] = final
        super().__init__(layers)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1) if x.dim() > 2 else x)
