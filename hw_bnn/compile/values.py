"""What the import of a QONNX file knows about each of its tensors.

A tensor is a constant, a quantised constant (weights), a real input that no quantiser has seen yet,
or an integer tensor under an exact affine per channel: real value = alpha[c] * integer + beta[c].
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from ..errors import Unsupported
from .bends import Affine, Bend, Bends, Leak
from .exact import ONE, ZERO, Surd


@dataclass
class Constant:
    """A constant: float or int array, or an object array of :class:`Surd` once computed with."""

    array: np.ndarray
    quantised: ClassVar[bool] = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def integral(self) -> bool:
        """Integers of the file: shapes, axes, positions."""
        return self.array.dtype.kind in "biu"

    def exact(self) -> np.ndarray:
        """The same array, each entry the real number that it is."""
        if self.array.dtype == object:
            return self.array
        flat = [Surd(Fraction(value)) for value in self.array.reshape(-1).tolist()]
        out = np.empty(len(flat), dtype=object)
        out[:] = flat
        return out.reshape(self.array.shape)


@dataclass
class QuantConstant:
    """scale * integers; scale (Surd, rational) broadcasts against integers.

    declared: BIPOLAR, or the signed type that holds plus and minus whatever the file's quantiser
    gives (loadable.py); None where the file says no more than the integers.
    """

    integers: np.ndarray  # int64
    scale: np.ndarray  # object array of Surd
    declared: str | None = None
    quantised: ClassVar[bool] = True
    integral: ClassVar[bool] = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.integers.shape

    def constant(self) -> Constant:
        """The real numbers that they are: a quantised bias, say."""
        return Constant(np.asarray(Constant(self.integers).exact() * self.scale, dtype=object))


@dataclass
class RealInput:
    """The graph input before its quantiser: everything up to there stays on the host.

    path: the reshapes and transposes that it went through.
    """

    shape: tuple[int, ...]
    path: tuple = ()

    def broadcast(self, constant: Constant, node: str) -> RealInput:
        """What arithmetic with a constant leaves: its numbers are the host's,
        its shape has to stay.

        Raises:
            Unsupported: the constant would make the tensor larger.
        """
        try:
            fits = np.broadcast_shapes(self.shape, constant.array.shape) == self.shape
        except ValueError:
            fits = False
        if not fits:
            raise Unsupported(
                f"a constant of shape {constant.array.shape} does not fit the input {self.shape}",
                node=node,
                remedy="use one value a tensor, one a channel or one an element",
            )
        return self


@dataclass(eq=False)  # each is another pool
class PendingPool:
    """A max-pool that waits for the quantiser behind it: thresholds are taken first, then pooled.

    minimum[c]: it took the minimum of the integers, since their scale was negative.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    minimum: np.ndarray  # bool (C,)
    pads: tuple[int, int, int, int]
    node: str


@dataclass
class Activation:
    """An integer tensor of the integer graph under an exact affine.

    labels name the axes of the user's tensor ("N", "C", "H", "W", or "N", "C" for vectors; "HW" is
    both as one axis, "1" an axis of size 1 besides; "N" alone, where a frame is one number without
    an axis); `flat` maps the user's vector index to the integer graph's where a map was flattened
    in another order. `bends` are functions that its real values go through behind alpha and beta.
    """

    tensor: str
    labels: tuple[str, ...]
    shape: tuple[int, ...]  # of the user's tensor
    alpha: list[Surd] = field(default_factory=lambda: [ONE])
    beta: list[Surd] = field(default_factory=lambda: [ZERO])
    bends: list[Bends] = field(default_factory=list)
    pools: list[PendingPool] = field(default_factory=list)
    flat: np.ndarray | None = None
    pad: tuple | None = None  # (top, left, bottom, right), real value: waits for its convolution

    @property
    def channels(self) -> int:
        return dict(zip(self.labels, self.shape, strict=True)).get("C", 1)

    def per_channel(self, constant: Constant, node: str) -> list[Surd]:
        """The constant as one exact number per channel (or one for all).

        Raises:
            Unsupported: it varies along an axis that is not the channel.
        """
        array = constant.exact()
        shape = (1,) * (len(self.shape) - array.ndim) + array.shape
        if len(shape) != len(self.shape) or any(
            size not in (1, whole) for size, whole in zip(shape, self.shape, strict=True)
        ):
            raise Unsupported(
                f"a constant of shape {constant.shape} does not fit {self.shape}",
                node=node,
                remedy="use one value a tensor or one a channel",
            )
        others = [i for i, label in enumerate(self.labels) if label != "C"]
        array = _shrunk(array.reshape(shape), others)
        if any(array.shape[i] > 1 for i in others):
            raise Unsupported(
                f"a constant of shape {constant.shape} varies along more than the channel of "
                f"{self.shape}",
                node=node,
                remedy="use one value a tensor or one a channel",
            )
        return list(array.reshape(-1))

    def affine(self, scale: list[Surd] | None, shift: list[Surd] | None, node: str) -> Activation:
        """This tensor with its real values multiplied by scale and then shifted by shift."""
        self.no_border(node)
        if self.bends:
            return self.bent(Affine, scale or [ONE], shift or [ZERO])
        alpha, beta = self.alpha, self.beta
        if scale is not None:
            alpha = _pairwise(lambda a, s: a * s, alpha, scale)
            beta = _pairwise(lambda b, s: b * s, beta, scale)
        if shift is not None:
            beta = _pairwise(lambda b, s: b + s, beta, shift)
        return replace(self, alpha=alpha, beta=beta)

    def bent(self, make, *parameters: list) -> Activation:
        """This tensor behind a function with parameters a channel or for all."""
        length = max((len(values) for values in parameters), default=1)
        columns = zip(*(values * (length // len(values)) for values in parameters), strict=True)
        each = [make(*column) for column in columns] if parameters else [make()]
        return replace(self, bends=[*self.bends, Bends(each)])

    def plus(self, other: Activation, sign: int) -> Activation:
        """This tensor plus or minus another affine of the same integers; no hardware."""
        factor = Surd(sign)
        alpha = _pairwise(lambda a, b: a + b * factor, self.alpha, other.alpha)
        beta = _pairwise(lambda a, b: a + b * factor, self.beta, other.beta)
        return replace(self, alpha=alpha, beta=beta)

    def no_border(self, node: str) -> None:
        """Refuse a border that waits for its convolution: what follows would not see it."""
        if self.pad:
            raise Unsupported(
                "padding that is not followed by a convolution",
                node=node,
                remedy="pad right before a convolution",
            )

    def at(self, channel: int) -> tuple[Surd, Surd]:
        return (
            self.alpha[channel if len(self.alpha) > 1 else 0],
            self.beta[channel if len(self.beta) > 1 else 0],
        )

    def ends(self, channel: int, minimum: int, maximum: int) -> tuple[Surd, Surd]:
        """Both ends of alpha*a + beta, before any bend."""
        alpha, beta = self.at(channel)
        return alpha * Surd(minimum) + beta, alpha * Surd(maximum) + beta

    def falls(self, channel: int) -> bool:
        """Whether the real value falls where the integer rises."""
        gains = [bend.gain for bend in self.bends_at(channel) if isinstance(bend, Affine)]
        return sum(gain.sign() < 0 for gain in (self.at(channel)[0], *gains)) % 2 == 1

    @property
    def turns(self) -> bool:
        """Whether a slope below 0 turns the order of its values around."""
        leaks = [bend for bends in self.bends for bend in bends.each if isinstance(bend, Leak)]
        return any(leak.slope.sign() < 0 for leak in leaks)

    def bends_at(self, channel: int) -> tuple[Bend, ...]:
        return tuple(bends.at(channel) for bends in self.bends)


Value = Constant | QuantConstant | RealInput | Activation


def told(value: Value) -> str:
    """What a value is, in the words of a refusal."""
    if isinstance(value, RealInput):
        return "the graph input, before its quantiser"
    return "an activation" if isinstance(value, Activation) else "a constant"


def _shrunk(array: np.ndarray, axes: list[int]) -> np.ndarray:
    """Without the copies along those axes on which it does not vary, which get the length 1."""
    for axis in axes:
        first = np.take(array, [0], axis=axis)
        if (array == first).all():
            array = first
    return array


def _pairwise(function, left: list, right: list) -> list:
    length = max(len(left), len(right))
    left, right = left * (length // len(left)), right * (length // len(right))
    return [function(a, b) for a, b in zip(left, right, strict=True)]
