"""The label on chip: fixed point with exactly the argmax of the real numbers."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from hw_bnn.compile.exact import Surd, compare
from hw_bnn.compile.head import fixed_affine
from hw_bnn.compile.integer_graph import Head
from hw_bnn.errors import Unsupported


def real_label(alpha, beta, scores) -> int:
    best = 0
    for c in range(1, len(scores)):
        left, right = (alpha[i] * Surd(scores[i]) + beta[i] for i in (c, best))
        if compare(left, right) > 0:
            best = c
    return best


def check(alpha, beta, reachable):
    """Every reachable combination of scores: the fixed-point label is the real one."""
    affine = fixed_affine(Head(alpha, beta), reachable, "head")
    alpha, beta = (v * (len(reachable) // len(v)) for v in (alpha, beta))
    for scores in product(*reachable):
        fixed = affine.a * np.array(scores) + affine.b
        assert int(np.argmax(fixed)) == real_label(alpha, beta, scores), scores
    for values, bits in ((affine.a, affine.a_bits), (affine.b, affine.b_bits)):
        if bits:
            assert (values >= -(2 ** (bits - 1))).all() and (values < 2 ** (bits - 1)).all()
    return affine


@pytest.mark.parametrize("seed", range(16))
def test_batch_norm_of_random_parameters(seed):
    """Gains of both signs and 0, an irrational factor a class, as float32 parameters give them."""
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 4))

    def number(value):
        return Fraction(float(np.float32(value)))

    alpha, beta = [], []
    for _ in range(classes):
        gain = number(rng.normal() * (rng.random() > 0.15))
        alpha.append(Surd(0, gain, 1 / (number(rng.uniform(0.2, 9)) + Fraction(1, 100000))))
        beta.append(alpha[-1] * Surd(number(rng.normal() * 3)) + Surd(number(rng.normal())))
    size = int(rng.integers(3, 8 if classes == 2 else 5))
    check(alpha, beta, [range(-size, size + 1, int(rng.integers(1, 3)))] * classes)


@pytest.mark.parametrize(
    ("alpha", "beta"),
    [
        ([1, 1, 1], [0, Fraction(1, 3), Fraction(-1, 3)]),
        ([1, -1, 1], [0, 0, 0]),  # ties between classes whose scores differ
        ([Fraction(1, 2), 1, 2], [0, 0, 0]),
        ([3, 2, 1], [1, Fraction(3, 2), -1]),
        ([0, 0, 1], [0, 0, 0]),
        ([0, 0, 0], [1, 1, 0]),
        ([0, 0, 0], [0, 0, 0]),
        ([-1, -1, -1], [0, 0, 0]),
    ],
)
def test_real_ties_go_to_the_lowest_class(alpha, beta):
    check([Surd(a) for a in alpha], [Surd(b) for b in beta], [range(-6, 7)] * 3)


def test_ties_between_irrational_numbers():
    root = Surd(0, 1, 2)
    check([root, root, root * Surd(2)], [Surd(0), root, -root], [range(-5, 6)] * 3)


def test_one_scale_for_all_classes_needs_no_affine():
    affine = check([Surd(Fraction(1, 7))], [Surd(3)], [range(-4, 5)] * 3)
    assert (affine.a_bits, affine.b_bits) == (0, 0)
    assert affine.a.tolist() == [1, 1, 1] and affine.b.tolist() == [0, 0, 0]


def test_the_form_is_narrow():
    affine = check([Surd(Fraction(1, 10))], [Surd(0), Surd(Fraction(1, 20))], [range(-4, 5, 2)] * 2)
    assert affine.a_bits <= 3 and affine.b_bits <= 3


def test_what_no_fixed_point_can_do_is_refused():
    """Gains sqrt(2) and sqrt(2) + 2^-70: apart by less than 48 fraction bits can tell."""
    root, near = Surd(0, 1, 2), Surd(Fraction(1, 2**70), 1, 2)
    with pytest.raises(
        Unsupported, match='head: no fixed-point affine.*; compile with output_mode="scores"'
    ):
        fixed_affine(Head([root, near], [Surd(0), Surd(0)]), [range(-3000, 3001)] * 2, "head")


def test_many_reachable_scores_take_seconds():
    """A dense layer on 8-bit pixels: two million pairs."""
    rng = np.random.default_rng(0)
    alpha = [Surd(0, Fraction(float(np.float32(v))), Fraction(3, 7)) for v in rng.normal(size=10)]
    beta = [Surd(Fraction(float(np.float32(v)))) for v in rng.normal(size=10)]
    affine = fixed_affine(Head(alpha, beta), [range(-8000, 8001)] * 10, "head")
    scores = rng.integers(-8000, 8001, (2000, 10))
    real = np.array([float(a) for a in alpha]) * scores + np.array([float(b) for b in beta])
    assert np.array_equal(np.argmax(affine.a * scores + affine.b, axis=1), np.argmax(real, axis=1))
