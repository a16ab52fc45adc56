"""Exact numbers and integer thresholds, against fractions, decimals and brute force."""

from __future__ import annotations

from decimal import Decimal, getcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hw_bnn.compile.bends import Clip
from hw_bnn.compile.exact import Surd, compare, crossing, reciprocal_root
from hw_bnn.compile.thresholds import Column, bipolar, quant_integers, thresholds
from hw_bnn.errors import Unsupported
from hw_bnn.golden.exact import Surd as GoldenSurd
from hw_bnn.golden.levels import Boundary, quant_levels, solve

getcontext().prec = 80
quick = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
fractions = st.builds(
    Fraction, st.integers(-4000, 4000), st.sampled_from([1, 2, 3, 7, 16, 81, 1000, 4096])
)
positive = st.builds(Fraction, st.integers(1, 5000), st.sampled_from([1, 2, 9, 10, 64, 1000]))
surds = st.builds(Surd, fractions, fractions, positive)


def decimal(value: Surd) -> Decimal:
    def one(f):
        return Decimal(f.numerator) / Decimal(f.denominator)

    return one(value.x) + one(value.y) * one(value.d).sqrt()


@quick
@given(surds, surds)
def test_arithmetic_is_that_of_real_numbers(a, b):
    b = Surd(b.x, b.y, a.d) if a.d else b  # one field
    for ours, expected in (
        (a + b, decimal(a) + decimal(b)),
        (a - b, decimal(a) - decimal(b)),
        (a * b, decimal(a) * decimal(b)),
    ):
        assert abs(decimal(ours) - expected) < Decimal(10) ** -60
    if b.sign():
        assert (a / b) * b == a


@quick
@given(surds)
def test_floor_ceil_and_sign(a):
    value = decimal(a)
    if abs(value - value.to_integral_value()) > Decimal(10) ** -50:
        assert a.floor() == int(value.to_integral_value(rounding="ROUND_FLOOR"))
        assert a.ceil() == a.floor() + 1
    assert a.sign() == (value > 0) - (value < 0)
    assert Surd(a.floor()).sign() <= 1 and (a - Surd(a.floor())).sign() >= 0
    assert (Surd(a.floor() + 1) - a).sign() > 0


@quick
@given(surds, surds)
def test_numbers_of_two_fields_compare_as_real_numbers(a, b):
    difference = decimal(a) - decimal(b)
    assume(compare(a, b))
    assert abs(difference) > Decimal(10) ** -60
    assert compare(a, b) == (1 if difference > 0 else -1)


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        (Surd(0, 1, 2), Surd(0, Fraction(1, 2), 8), 0),  # sqrt(2) = sqrt(8)/2, in two fields
        (Surd(1, 1, 2), Surd(1, 1, 3), -1),
        (Surd(0, -1, 2), Surd(0, -1, 3), 1),
        (Surd(3), Surd(0, 1, 9), 0),
        (Surd(1, 1, 2), Surd(-1, 2, 5), -1),
    ],
)
def test_close_and_equal_numbers(a, b, order):
    assert compare(a, b) == order
    assert compare(b, a) == -order


def test_squares_become_rational_and_fields_do_not_mix():
    assert Surd(1, 2, Fraction(9, 4)) == Surd(4)
    assert reciprocal_root(Fraction(2)) * Surd(0, 1, 2) == Surd(1)
    with pytest.raises(Unsupported, match="different variances.*; fold"):
        Surd(0, 1, 2) + Surd(0, 1, 3)
    with pytest.raises(ZeroDivisionError):
        Surd(1) / Surd(0)


@quick
@given(surds, surds, st.booleans(), st.integers(-80, 80))
def test_crossing_is_where_the_line_reaches_zero(p, r, strict, a):
    r = Surd(r.x, r.y, p.d) if p.d else r
    direction, t = crossing(p, r, strict=strict)
    sign = (p * Surd(a) + r).sign()
    reached = sign > 0 or (sign == 0 and not strict)
    if direction == 0:
        assert reached == (t == 0)
    else:
        assert direction == p.sign()
        assert reached == (direction * a >= t)


# -- thresholds --

QUANTISERS = [
    (2, 1, 0, 0),
    (2, 1, 1, 0),
    (3, 0, 0, 0),
    (4, 1, 0, 3),
    (4, 0, 1, -2),
    (8, 1, 0, 0),
    (8, 0, 0, 0),
]


@quick
@given(
    fractions,
    fractions,
    positive,
    positive,
    st.sampled_from(QUANTISERS),
    st.sampled_from(["ROUND", "FLOOR", "CEIL"]),
    st.booleans(),
    st.integers(-60, 10),
    st.integers(11, 60),
)
def test_thresholds_are_the_quantiser_over_the_whole_range(
    alpha, beta, root, scale, shape, mode, relu, low, high
):
    """Brute force: the quantised value of every reachable integer, the rounding written out."""
    bits, signed, narrow, zero = shape
    alpha, beta = Surd(0, alpha, root), Surd(beta)
    levels = quant_integers(bits, signed=bool(signed), narrow=bool(narrow), rounding=mode)
    quantiser = levels.quantiser([scale], Fraction(zero))
    bends = (Clip(Surd(0), None),) if relu else ()
    column = Column(alpha, beta, bends, quantiser, scale)
    table, negate = thresholds([column], low, high)
    assert table.shape == (1, len(quantiser.bounds))
    assert (np.diff(table[0]) >= 0).all()
    sign = -1 if negate[0] else 1
    assert table.min() >= min(sign * low, sign * high)
    assert table.max() <= max(sign * low, sign * high) + 1
    for a in range(low, high + 1):
        y = alpha * Surd(a) + beta
        if relu and y.sign() < 0:
            y = Surd(0)
        y = y * Surd(1 / scale) + Surd(zero)
        if mode == "FLOOR":
            q = y.floor()
        elif mode == "CEIL":
            q = y.ceil()
        else:
            q = (y + Surd(Fraction(1, 2))).floor()
            if not y.y and (y.x + Fraction(1, 2)).denominator == 1 and q % 2:
                q -= 1  # a tie goes to the even level
        q = min(max(q, quantiser.minimum), quantiser.maximum)
        assert quantiser.bias + int((sign * a >= table[0]).sum()) == q, (a, q)


@quick
@given(fractions, fractions, positive, st.integers(-40, 0), st.integers(1, 40))
def test_the_sign_of_zero_is_plus(alpha, beta, root, low, high):
    alpha, beta = Surd(0, alpha, root), Surd(beta)
    column = Column(alpha, beta, (), bipolar([Fraction(1)]), Fraction(1))
    table, negate = thresholds([column], low, high)
    for a in range(low, high + 1):
        reached = (-a if negate[0] else a) >= table[0, 0]
        assert reached == ((alpha * Surd(a) + beta).sign() >= 0)


@quick
@given(
    fractions,
    fractions,
    positive,
    fractions,
    st.booleans(),
    st.integers(-60, 0),
    st.integers(1, 60),
)
def test_closed_form_equals_the_bisection_of_the_golden_model(
    alpha, beta, root, at, strict, low, high
):
    """Two derivations that share no code: a closed form, and a search with an exact predicate."""
    assume(alpha)
    direction, t = crossing(Surd(0, alpha, root), Surd(beta - at), strict=strict)
    expected = solve(
        GoldenSurd.sqrt(root) * GoldenSurd(alpha), GoldenSurd(beta), Boundary(at, strict), low, high
    )
    if direction > 0:
        assert min(max(t, low), high + 1) == expected
    else:
        assert max(min(-t, high), low - 1) == expected


@pytest.mark.parametrize(
    "mode", ["ROUND", "HALF_EVEN", "HALF_UP", "HALF_DOWN", "FLOOR", "CEIL", "UP", "DOWN"]
)
@pytest.mark.parametrize("shape", QUANTISERS)
def test_levels_equal_those_of_the_golden_model(shape, mode):
    bits, signed, narrow, _ = shape
    levels = quant_integers(bits, signed=bool(signed), narrow=bool(narrow), rounding=mode)
    ours = levels.quantiser([Fraction(1)], Fraction(0))
    theirs = quant_levels(bits, bool(signed), bool(narrow), mode)
    assert ours.bias == theirs.first
    assert [(b.at, b.strict) for b in theirs.boundaries] == list(
        zip(ours.bounds, ours.strict, strict=True)
    )


def test_a_rounding_mode_without_exact_levels_is_refused():
    with pytest.raises(Unsupported, match="rounding mode ODD is not supported; use ROUND"):
        quant_integers(4, signed=True, narrow=False, rounding="ODD")
