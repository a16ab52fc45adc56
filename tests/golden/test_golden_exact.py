"""Exact numbers and thresholds against decimals of 80 digits and against brute force."""

from __future__ import annotations

from decimal import Decimal, getcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hw_bnn.golden.exact import MixedRoots, Surd, exact_array, exact_in_float32
from hw_bnn.golden.levels import Boundary, quant_levels, quant_range, solve
from hw_bnn.golden.rules_quantisers import quantise_numbers

getcontext().prec = 80

fractions = st.fractions(min_value=-50, max_value=50, max_denominator=64)
surds = st.builds(
    lambda x, y, d: Surd(x) + Surd.sqrt(d) * Surd(y), fractions, fractions, st.integers(0, 40)
)
float32 = st.floats(-100, 100, width=32)


def decimal(value: Surd) -> Decimal:
    x, y = (Decimal(v.numerator) / Decimal(v.denominator) for v in (value.x, value.y))
    return x + y * Decimal(value.d).sqrt()


def close(a: Decimal, b: Decimal) -> bool:
    return abs(a - b) < Decimal(10) ** -60


@given(surds, surds)
def test_arithmetic_is_that_of_the_real_numbers(a, b):
    try:
        total, product = a + b, a * b
    except MixedRoots:
        assume(False)
    assert close(decimal(total), decimal(a) + decimal(b))
    assert close(decimal(product), decimal(a) * decimal(b))
    assert close(decimal(a - b), decimal(a) - decimal(b))
    if b.sign():
        assert close(decimal(a / b), decimal(a) / decimal(b))


@given(surds, surds)
def test_sign_of_a_difference_across_roots(a, b):
    difference = decimal(a) - decimal(b)
    assume(abs(difference) > Decimal(10) ** -60 or a == b)
    expected = 0 if a == b else int(difference.copy_sign(1) / difference)
    assert a.sign_of_difference(b) == expected
    assert b.sign_of_difference(a) == -expected


@given(surds)
def test_equal_numbers_are_equal_however_they_are_written(a):
    scaled = Surd(a.x, a.y / 2, a.d * 4)
    assert a == scaled
    assert a - scaled == Surd(0)
    assert hash(a) == hash(scaled)
    assert a.sign() == (decimal(a) > 0) - (decimal(a) < 0)


@pytest.mark.parametrize(
    ("a", "b", "sign"),
    [
        (Surd.sqrt(2) + Surd(1), Surd.sqrt(3) + Surd(Fraction(682, 1000)), 1),
        (Surd.sqrt(10**20 + 1), Surd(10**10), 1),
        (Surd.sqrt(2) * Surd(-1), Surd.sqrt(3) * Surd(-1), 1),
        (Surd.sqrt(8), Surd.sqrt(2) * Surd(2), 0),
        (Surd(5), Surd.sqrt(5), 1),
    ],
)
def test_close_calls(a, b, sign):
    assert a.sign_of_difference(b) == sign


def test_two_roots_do_not_fit_one_number():
    with pytest.raises(MixedRoots):
        Surd.sqrt(2) + Surd.sqrt(3)
    assert Surd.sqrt(2) * Surd.sqrt(3) == Surd.sqrt(6)


@given(surds, surds, fractions, st.booleans(), st.integers(-60, 0), st.integers(0, 60))
def test_threshold_is_the_brute_force_one(alpha, beta, at, strict, minimum, maximum):
    try:
        alpha + beta
    except MixedRoots:
        assume(False)
    boundary = Boundary(at, strict)
    reached = [a for a in range(minimum, maximum + 1) if boundary.reached(alpha * Surd(a) + beta)]
    if alpha.sign() < 0:
        expected = max(reached, default=minimum - 1)
    else:
        expected = min(reached, default=maximum + 1)
    assert solve(alpha, beta, boundary, minimum, maximum) == expected


def test_threshold_of_a_nearly_flat_slope_is_found():
    """A float guess of the crossing is far off, or infinite; bisection is not impressed."""
    tiny = Surd(Fraction(1, 2**140))
    assert solve(tiny, -tiny * Surd(12345), Boundary(Fraction(0)), -(10**6), 10**6) == 12345
    assert solve(tiny, Surd(-1), Boundary(Fraction(0)), -(10**6), 10**6) == 10**6 + 1
    assert solve(-tiny, Surd(-1), Boundary(Fraction(0)), -(10**6), 10**6) == -(10**6) - 1


MODES = {
    "ROUND": np.round,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "DOWN": np.fix,
    "UP": lambda v: np.sign(v) * np.ceil(np.abs(v)),
    "HALF_UP": lambda v: np.sign(v) * np.floor(np.abs(v) + 0.5),
    "HALF_DOWN": lambda v: np.sign(v) * np.ceil(np.abs(v) - 0.5),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("bits", "signed", "narrow"),
    [(2, True, True), (3, True, False), (3, False, False), (2, False, True), (1, False, False)],
)
def test_levels_round_as_qonnx_does(mode, bits, signed, narrow):
    levels = quant_levels(bits, signed, narrow, mode)
    low, high = quant_range(bits, signed, narrow)
    for eighths in range(-80, 81):
        value = eighths / 8
        expected = int(MODES[mode](np.clip(value, low, high)))
        reached = sum(b.reached(Surd(Fraction(value))) for b in levels.boundaries)
        assert levels.first + reached == expected, (mode, value)


@given(float32, st.integers(1, 2**12))
@settings(max_examples=300)
def test_what_is_called_exact_in_float32_is(scale, largest):
    assume(abs(scale) > 1e-6)
    if exact_in_float32(Surd(Fraction(scale)), largest):
        for q in (largest, largest - 1, -largest):
            assert Fraction(float(np.float32(scale) * np.float32(q))) == Fraction(scale) * q


def test_exact_array_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="[Ii]nfinity"):
        exact_array(np.array([1.0, np.inf]))
    with pytest.raises(ValueError, match="NaN"):
        exact_array(np.array([np.nan]))


@given(
    st.floats(0.0625, 8, width=32),
    st.lists(st.one_of(float32, st.integers(-20, 20)), min_size=1, max_size=20),
    st.integers(2, 4),
    st.integers(-1, 1),
)
@settings(max_examples=200)
def test_constants_are_quantised_exactly_on_and_near_half_steps(scale, values, bits, zero):
    """Integers in `values` are half steps: their float32 product lies on or beside a boundary."""
    levels = quant_levels(bits, True, False, "ROUND")
    numbers = np.array(
        [
            np.float32(v) if isinstance(v, float) else np.float32(v / 2) * np.float32(scale)
            for v in values
        ],
        dtype=np.float32,
    )
    numbers = np.concatenate([numbers, np.nextafter(numbers, np.float32(99), dtype=np.float32)])
    found = quantise_numbers(numbers, levels, exact_array(np.array([scale])), Surd(zero))
    for number, integer in zip(numbers.tolist(), found.tolist(), strict=True):
        y = Surd(Fraction(number)) / Surd(Fraction(scale)) + Surd(zero)
        assert integer == levels.first + sum(b.reached(y) for b in levels.boundaries)
