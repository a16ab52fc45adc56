"""What the cases of docs/support-matrix.md are: layer x option -> exact or refused, a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx

from tests.networks.qonnx_networks import Builder, shape_of


@dataclass(frozen=True)
class Case:
    """`refused`: a pattern of the reason; None for an exact case."""

    layer: str
    option: str
    build: Callable[[], onnx.ModelProto]
    refused: str | None = None

    @property
    def name(self) -> str:
        return f"{self.layer}: {self.option}"


CASES: list[Case] = []


def case(layer: str, option: str, refused: str | None = None):
    """Register a function that builds a case's network."""

    def register(function):
        CASES.append(Case(layer, option, function, refused))
        return function

    return register


def net(shape=(2, 6, 6), batch: int = 2, quantiser: str = "bipolar", opset: int = 13) -> Builder:
    made = Builder(shape, 5, batch, opset)
    if quantiser == "bipolar":
        made.bipolar()
    elif quantiser == "int8":
        made.quant(8.0, 1 / 128)
    elif quantiser:
        made.quant(float(quantiser[4:]), 0.125, signed=int(quantiser[0] == "s"))
    return made


def end(made: Builder, classes: int = 4) -> onnx.ModelProto:
    """Flatten, a dense layer, the model."""
    size = shape_of(made)[1:]
    if len(size) > 1:
        made.add("Flatten", axis=1)
    made.linear(int(np.prod(size)), classes)
    return made.model()


def norm(made: Builder, channels: int, spread: float = 2.0) -> None:
    """A BatchNorm of gains of both signs and, of three channels on, one 0."""
    gamma = np.where(np.arange(channels) % 2, -1.0, 1.0) * made.rng.uniform(0.3, 1.5, channels)
    if channels > 2:
        gamma[-1] = 0
    made.add(
        "BatchNormalization",
        made.constant(gamma),
        made.constant(made.rng.normal(0, 0.5, channels)),
        made.constant(made.rng.normal(0, spread / 2, channels)),
        made.constant(spread**2 * made.rng.uniform(0.5, 1.5, channels)),
        epsilon=1e-5,
    )


def several(layer: str, options, function, refused: str | None = None) -> None:
    """One case an option: function(option's arguments) builds it."""
    for option, arguments in options:
        CASES.append(Case(layer, option, lambda a=arguments: function(*a), refused))
