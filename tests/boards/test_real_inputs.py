"""Real numbers in the driver: the integers of the golden model's own host, for any contract."""

import json
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from hw_bnn.boards.simboard import driver
from hw_bnn.golden import GoldenModel
from hw_bnn.golden.real_contract import real_contract
from tests.networks.qonnx_networks import Builder


def network(rng):
    """A network whose graph input is quantised in some way, or holds integers."""
    shape = (
        (int(rng.integers(1, 9)),) if rng.random() < 0.4 else tuple(rng.integers(1, 5, 3).tolist())
    )
    net = Builder(shape, batch=2)
    if rng.random() < 0.2:
        return net, {"input_datatype": "UINT4", "input_scale": Fraction(1, 8)}
    if len(shape) == 3 and rng.random() < 0.5:
        net.add("Transpose", perm=[0, 2, 3, 1])
        shape = (shape[1], shape[2], shape[0])
    if rng.random() < 0.7:
        size = (1,) * (len(shape) - 1) + (shape[-1],) if rng.random() < 0.5 else (1,)
        factor = rng.choice([-3.0, -0.1, 0.3, 1.0, 2.0, 100.0], size).astype(np.float32)
        net.add("Mul", net.constant(factor))
        net.add("Sub", net.constant(rng.normal(size=size).astype(np.float32)))
    kind = rng.random()
    if kind < 0.25:
        net.bipolar()
    else:
        bits, signed = int(rng.integers(2, 9)), int(rng.integers(2))
        scale = float(np.float32(rng.choice([1.0, 0.1, 1 / 128, 3e-5, 7.0])))
        narrow = int(rng.integers(2)) if signed else 0
        mode = str(rng.choice(["ROUND", "FLOOR", "CEIL"]))
        net.quant(float(bits), scale, 0.0, signed, narrow, mode)
    return net, {}


def numbers(rng, document):
    """Draws of all sizes, and each threshold with its two neighbours."""
    size = int(np.prod(document["shape"]))
    edges = [np.float32(v) for row in document.get("thresholds", []) for v in row]
    edges = np.array(edges[:200] or [0.0], np.float32)
    inf = np.float32(np.inf)
    special = np.concatenate([
        edges, np.nextafter(edges, inf), np.nextafter(edges, -inf), -edges,
        np.array([0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38], np.float32),
    ])  # fmt: skip
    special = special[np.isfinite(special)]
    scale = 10.0 ** rng.uniform(-6, 4, (40, size))
    drawn = (rng.normal(size=(40, size)) * scale).astype(np.float32)
    drawn[:20] = rng.choice(special, (20, size))
    return drawn.reshape(40, *document["shape"])


@pytest.mark.parametrize("seed", range(40))
def test_integers_are_the_golden_models(seed):
    rng = np.random.default_rng(seed)
    net, options = network(rng)
    net.add("Flatten", axis=1)
    net.linear(int(np.prod(net.shape)), 2)
    golden = GoldenModel.from_onnx(net.model(), **options)
    document = json.loads(json.dumps(real_contract(golden.program)))
    if "scale" in document:
        x = rng.integers(0, 16, (9, *document["shape"])) * document["scale"]
    else:
        x = numbers(rng, document)
    expected = golden.host_quantise(x.astype(np.float32))
    got = driver().integers_of(document, np.asarray(x, float)).reshape(expected.shape)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("x, reason", [
    (np.zeros((2, 4)), r"shape \(2, 4\), expected \(N, 3\)"),
    (np.array([[0, np.nan, 0]]), "not finite"),
    (np.array([[0, 1e39, 0]]), "not finite in float32"),
])  # fmt: skip
def test_what_is_no_input_is_refused(x, reason):
    net = Builder((3,))
    net.quant(4.0, 0.1)
    net.linear(3, 2)
    golden = GoldenModel.from_onnx(net.model())
    with pytest.raises(ValueError, match=reason):
        driver().integers_of(real_contract(golden.program), x)


def test_numbers_between_integers_are_refused_where_the_model_takes_integers():
    document = {"shape": [2], "scale": 0.125, "offset": 0.0}
    assert driver().integers_of(document, np.array([[0.25, 1.0]])).tolist() == [[2, 8]]
    with pytest.raises(ValueError, match="no multiples of 0.125"):
        driver().integers_of(document, np.array([[0.25, 0.2]]))


def test_a_file_without_a_conversion_refuses_real_numbers():
    io = {"input": {"words": 1, "shape": [3]}, "output": {"words": 1}, "in_stride": 8,
          "out_stride": 8, "clock_mhz": 100, "bound_cycles": 16, "real": None}  # fmt: skip
    board = driver().Board(io, SimpleNamespace(), check=False)
    with pytest.raises(ValueError, match="tells no conversion"):
        board.run(np.zeros((1, 3)))
