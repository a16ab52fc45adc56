"""Searched requantisers against the definition, in fractions, on every reachable integer."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw_bnn.compile.bends import Affine, Clip, Leak
from hw_bnn.compile.exact import Surd, reciprocal_root
from hw_bnn.compile.requant import (
    MOST_SUM_BITS,
    ROOM,
    Requantiser,
    Shape,
    fitted,
    requantiser,
    with_room,
)
from hw_bnn.compile.staircase import Staircase, staircase
from hw_bnn.compile.thresholds import Column, quant_integers

DIGITS = 2**160


@dataclass(frozen=True)
class Channel:
    """gain*(a - mean)/sqrt(variance) + shift, PReLU of the value + move, clip, Quant."""

    gain: Fraction
    mean: Fraction
    variance: Fraction
    shift: Fraction
    slope: Fraction | None
    move: Fraction
    limit: Fraction | None
    scale: Fraction
    zero: int
    bits: int
    signed: bool

    @property
    def column(self) -> Column:
        alpha = Surd(self.gain) * reciprocal_root(self.variance)
        beta = alpha * Surd(-self.mean) + Surd(self.shift)
        bends: list = []
        if self.slope is not None:
            bends = [Affine(Surd(1), Surd(self.move)), Leak(Surd(self.slope))]
        if self.limit is not None:
            bends.append(Clip(Surd(-self.limit), Surd(self.limit)))
        quantiser = quant_integers(self.bits, signed=self.signed, narrow=False, rounding="ROUND")
        return Column(
            alpha, beta, tuple(bends), quantiser.quantiser([self.scale], Fraction(self.zero)),
            self.scale,
        )  # fmt: skip

    def values(self, first: int, last: int) -> list[int]:
        """By the definition: 1/sqrt(variance) to 160 bits, or exact where it is rational.

        An irrational root makes no tie, unless it is multiplied by 0.
        """
        product = self.variance.numerator * self.variance.denominator
        root = isqrt(product * DIGITS**2)
        inverse = Fraction(self.variance.denominator * DIGITS, root)
        low = -(2 ** (self.bits - 1)) if self.signed else 0
        high = low + 2**self.bits - 1
        out = []
        for a in range(first, last + 1):
            y = self.gain * (a - self.mean) * inverse + self.shift
            if self.slope is not None:
                y += self.move
                y = y if y >= 0 else y * self.slope
            if self.limit is not None:
                y = min(max(y, -self.limit), self.limit)
            out.append(min(max(round(y / self.scale + self.zero), low), high))  # half to even
        return out


KINDS = ("generic", "dyadic", "rational", "prelu", "falling", "clipped", "rational root")


def draw(kind: str, rng: np.random.Generator, bits: int, reach: int) -> tuple[Channel, int, int]:
    """A random channel and its least and greatest integer."""

    def real(size: float) -> Fraction:
        return Fraction(float(np.float32(rng.normal(0, size))))

    variance = Fraction(float(np.float32(rng.uniform(0.5, 4) * reach))) + Fraction(1, 10**5)
    gain = Fraction(float(np.float32(rng.choice([-1, 1]) * rng.uniform(0.05, 2))))
    mean, shift, slope, move, limit = real(reach**0.5), real(1), None, Fraction(0), None
    scale = Fraction(float(np.float32(2.0 ** rng.uniform(-6, 0))))
    if kind == "dyadic":  # ties everywhere
        variance, mean = Fraction(1), Fraction(int(rng.integers(-4, 5)), 2)
        gain, shift = Fraction(int(rng.integers(-9, 10)), 8), Fraction(int(rng.integers(-4, 5)), 4)
        scale, slope = Fraction(1), Fraction(1, 4) if rng.integers(2) else None
    elif kind == "rational":
        variance, mean, shift, scale = Fraction(1), Fraction(0), Fraction(0), Fraction(1)
        gain = Fraction(1, int(rng.integers(2, 60)))
    elif kind == "rational root":
        variance = Fraction(int(rng.integers(1, 40)), int(rng.integers(1, 9))) ** 2
    elif kind in ("prelu", "falling"):
        slope, move = abs(real(0.3)), real(0.5)
        slope = -slope if kind == "falling" else slope
    elif kind == "clipped":
        limit = Fraction(int(rng.integers(1, 9)), 4)
        slope = Fraction(1, 8) if rng.integers(2) else None
    signed = bool(rng.integers(2))
    zero = 0 if signed else int(rng.integers(0, 2**bits))
    low = -reach if rng.integers(3) else -int(rng.integers(0, reach))
    channel = Channel(
        gain, mean, variance, shift, slope, move, limit, scale, zero, bits, signed
    )  # fmt: skip
    return channel, low, reach


def check(kind: str, rng: np.random.Generator, reach: int) -> bool:
    """A layer of one channel: right on every integer, or refused. Returns whether it was found."""
    channel, low, high = draw(kind, rng, int(rng.integers(2, 9)), reach)
    steps = staircase(channel.column, low, high)
    wanted = channel.values(low, high)
    a = np.arange(low, high + 1)
    assert steps(a).tolist() == wanted, channel
    found = requantiser([steps])
    if found is not None:
        assert found(a[:, None])[:, 0].tolist() == wanted, channel
    return found is not None


def channels(count: int, seed: int) -> dict[str, int]:
    """How many of so many random channels of each kind have a requantiser."""
    rng = np.random.default_rng(seed)
    return {
        kind: sum(check(kind, rng, int(rng.choice([3, 27, 144, 576]))) for _ in range(count))
        for kind in KINDS
    }


def test_random_channels_are_exact_or_have_none():
    count = 40
    found = channels(count, seed=1)
    assert all(found[kind] == count for kind in ("generic", "prelu", "falling", "rational root"))
    assert found["dyadic"] == count  # half-even
    assert 0 < found["rational"] < count  # 1/36 has none


@pytest.mark.full
def test_10000_random_channels():
    assert sum(channels(1430, seed=2).values()) > 9000


def layer(kind: str, bits: int, reach: int, count: int, seed: int):
    """(staircases, (first, last) of each, the definition's values of each) of a layer's channels
    with one quantiser."""
    rng = np.random.default_rng(seed)
    drawn = [draw(kind, rng, bits, reach) for _ in range(count)]
    first = drawn[0][0]
    drawn = [
        (Channel(**{**vars(c), "scale": first.scale, "zero": 0, "bits": bits, "signed": True}), *r)
        for c, *r in drawn
    ]
    steps = [staircase(channel.column, *ends) for channel, *ends in drawn]
    return steps, [ends for _, *ends in drawn], [c.values(*ends) for c, *ends in drawn]


def check_layer(steps, ends, wanted) -> Requantiser:
    found = requantiser(steps)
    assert found is not None
    check_table(found, steps, ends, wanted)
    return found


def check_table(found, steps, ends, wanted) -> None:
    for c, ((low, high), values) in enumerate(zip(ends, wanted, strict=True)):
        a = np.zeros((high - low + 1, len(steps)), dtype=np.int64)
        a[:, c] = np.arange(low, high + 1)
        assert found(a)[:, c].tolist() == values


CLIP = (-128, 127)


@pytest.mark.parametrize("kind", ["generic", "prelu", "falling", "dyadic", "rational root"])
def test_hardware_with_room_takes_other_layers_numbers(kind):
    """Exact, or refused where they need more; most of a kind fit the first's hardware."""
    steps, ends, wanted = layer(kind, 8, 144, 8, seed=5)
    table, shape = with_room(requantiser(steps, CLIP), steps, pieces=2)
    check_table(table, steps, ends, wanted)
    least = Shape.of(table)
    assert shape.half_even and shape.pieces == 2 and table.shift == shape.shift
    assert shape.gain_bits - least.gain_bits == ROOM and shape.holds(least)
    fit = 0
    for seed in range(6, 18):
        steps, ends, wanted = layer(kind, 8, 144, 8, seed=seed)
        other = fitted(steps, shape)
        fit += other is not None
        if other is not None:
            check_table(other, steps, ends, wanted)
            assert shape.holds(Shape.of(other)) and other.shift == shape.shift
    assert fit >= 8


@settings(max_examples=60, deadline=None)
@given(st.integers(-40, 40), st.integers(-900, 900), st.integers(0, 5), st.booleans(), st.data())
def test_what_floor_does_half_even_does_a_shift_later(gain, offset, shift, half_even, data):
    """Any function of (m, o, S) has one in hardware that rounds to even, and one that has no more
    bits than are there takes no wider factor."""
    a = np.arange(data.draw(st.integers(-60, 0)), data.draw(st.integers(1, 60)))
    made = Requantiser(-9, 9, shift, half_even and shift > 0, np.zeros(1, int),
                       np.array([[gain]]), np.array([[offset]]))  # fmt: skip
    values = made(a[:, None])[:, 0]
    new = np.append(True, values[1:] != values[:-1])
    steps = [Staircase(a[new], values[new], int(a[-1]), ())]
    for bits in (8, 62):  # 2 * 40 and its sign
        there = Shape(-9, 9, 1, shift + (not made.half_even), True, bits, 64, 64)
        found = fitted(steps, there)
        assert found is not None and found(a[:, None])[:, 0].tolist() == values.tolist()
        assert Shape.of(found).gain_bits <= bits


def test_numbers_that_hardware_does_not_hold_are_none():
    steps, _ends, _wanted = layer("generic", 8, 144, 8, seed=5)
    table, shape = with_room(requantiser(steps, CLIP), steps, pieces=1)
    least = Shape.of(table)
    for kind in ("gain", "offset", "sum"):
        bits = 4 if kind == "gain" else getattr(least, f"{kind}_bits") - 1
        there = Shape(**{**vars(shape), f"{kind}_bits": bits})
        assert fitted(steps, there) is None
    narrow = Shape(**{**vars(shape), "high": 100})
    assert fitted(steps, narrow) is None
    small = Shape(**{**vars(shape), "shift": 3})
    assert fitted(steps, small) is None


@pytest.mark.parametrize(
    ("kind", "bits", "reach", "pieces", "half_even"),
    [
        ("generic", 8, 576, 1, False),
        ("prelu", 8, 576, 2, False),
        ("falling", 4, 144, 2, False),
        ("dyadic", 8, 144, 2, True),
        ("generic", 16, 9000, 1, False),
        ("prelu", 16, 3000, 2, False),
    ],
)
def test_channels_share_a_shift(kind, bits, reach, pieces, half_even):
    found = check_layer(*layer(kind, bits, reach, 12 if bits < 16 else 3, seed=3))
    assert (found.pieces, found.half_even) == (pieces, half_even)
    assert int(np.abs(found.gain).max()).bit_length() <= 25


def test_one_wrong_step_of_an_offset_is_seen():
    steps, ends, wanted = layer("generic", 8, 576, 1, seed=4)
    found = requantiser(steps)
    found.offset[0, 0] += 1 << found.shift
    a = np.arange(ends[0][0], ends[0][1] + 1)[:, None]
    assert found(a)[:, 0].tolist() != wanted[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(-40, 40), st.integers(-900, 900), st.integers(0, 5), st.booleans(), st.data())
def test_what_has_a_requantiser_finds_one(gain, offset, shift, half_even, data):
    """The search is complete: a function made of (m, o, S) is never refused, nor needs more S."""
    a = np.arange(data.draw(st.integers(-60, 0)), data.draw(st.integers(1, 60)))
    made = Requantiser(-9, 9, shift, half_even and shift > 0, np.zeros(1, int),
                       np.array([[gain]]), np.array([[offset]]))  # fmt: skip
    values = made(a[:, None])[:, 0]
    new = np.append(True, values[1:] != values[:-1])
    steps = Staircase(a[new], values[new], int(a[-1]), ())
    found = requantiser([steps])
    assert found is not None and found(a[:, None])[:, 0].tolist() == values.tolist()
    if not made.half_even:
        assert found.shift <= shift


def test_a_sum_of_too_many_bits_is_no_requantiser():
    """A step at the far end of a wide range, which only a huge multiplier tells from the next."""
    far = 2**48
    steps = Staircase(np.array([far - 3, far - 2, far]), np.array([0, 1, 2]), far, ())
    assert requantiser([steps]) is None
    near = Staircase(np.array([0, 1, 3]), np.array([0, 1, 2]), 3, ())
    assert requantiser([near]) is not None and MOST_SUM_BITS == 48
