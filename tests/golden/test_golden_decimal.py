"""Whole networks against decimals of 60 digits: no tolerance, no ties."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from hw_bnn.golden import GoldenModel
from tests.golden.golden_decimal import execute
from tests.networks.qonnx_graph import random_integers
from tests.networks.qonnx_networks import random_network


@pytest.mark.parametrize("seed", range(1000, 1024))
def test_every_integer_stands_for_the_real_number(seed):
    model = random_network(seed, batch=2)
    golden = GoldenModel.from_onnx(model)
    x = random_integers(golden, 2, seed)
    real = execute(model, golden.real_input(x))
    for name, integers in golden.trace(x).items():
        value = golden.program.tensors[name]
        alpha, beta = (np.frompyfunc(_decimal, 1, 1)(part) for part in (value.alpha, value.beta))
        difference = np.abs(alpha * integers + beta - real[name])
        assert difference.max() < Decimal(10) ** -35, name


def test_labels_are_the_argmax_of_the_real_outputs():
    """A head of BatchNormalizations of different variance and both signs."""
    for seed in range(40):
        model = random_network(4 * seed, batch=6)
        golden = GoldenModel.from_onnx(model)
        scores = np.random.default_rng(seed).integers(-20, 20, (200, 10))
        alpha, beta = golden.output_affine()
        outputs = [
            [_decimal(a) * int(s) + _decimal(b) for a, b, s in zip(alpha, beta, row, strict=True)]
            for row in scores
        ]
        snapped = [[v.quantize(Decimal(10) ** -40) for v in row] for row in outputs]
        expected = [row.index(max(row)) for row in snapped]
        assert golden.labels(scores).tolist() == expected, seed


def _decimal(value) -> Decimal:
    x, y = (Decimal(v.numerator) / Decimal(v.denominator) for v in (value.x, value.y))
    return x + y * Decimal(value.d).sqrt()
