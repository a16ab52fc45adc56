"""What the estimate assumes of random weights: bits alike in all words, shared functions."""

import numpy as np
import pytest

from hw_bnn.kernels import KERNELS


@pytest.mark.parametrize(("pe", "words"), [(1, 1), (4, 1), (3, 2), (8, 2), (5, 3), (6, 4), (2, 9)])
def test_functions_of_the_address(pe, words):
    """Counted in 400 drawn memories of PE lanes of 30 inputs."""
    parameters = {"MW": 30, "MH": pe * words, "PE": pe, "SIMD": 30}
    never, functions = KERNELS["int_mvau"].random_bits(parameters)
    drawn = np.random.default_rng(pe * words).integers(0, 2, (400, words, pe, 30))
    codes = np.tensordot(1 << np.arange(words), drawn, (0, 1))  # (400, PE, 30)
    assert never == pytest.approx((codes == 0).mean(), abs=0.02)
    variable = (codes > 0) & (codes < 2**words - 1)
    counted = [
        sum(len(set(lanes[keep])) for lanes, keep in zip(memory.T, kept.T, strict=True))
        for memory, kept in zip(codes, variable, strict=True)
    ]
    assert functions == pytest.approx(np.mean(counted), rel=0.03, abs=0.5)


def test_weights_that_are_loaded_may_be_any():
    parameters = {"MW": 30, "MH": 8, "PE": 4, "SIMD": 30, "CFG_WORD": 64}
    assert KERNELS["int_mvau"].random_bits(parameters) == (0.0, 120.0)
