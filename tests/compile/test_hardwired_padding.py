"""Constants behind exact zeros around a map of bits: thresholds by position."""

import numpy as np
import onnx
import pytest

import hw_bnn as hb
from hw_bnn.errors import Unsupported
from hw_bnn.hardwired import Positions
from tests.compile.compile_stages import check_rtl
from tests.compile.test_compile_hardwired import hardwired_ops, padded, wired
from tests.networks.qonnx_networks import Builder

pytest.importorskip("finn")


def strided() -> onnx.ModelProto:
    """Two columns and a row of zeros more on one side than on the other; steps of two."""
    net = Builder((2, 7, 9), 0, 1)
    net.bipolar()
    net.conv(2, 5, 4, stride=2, pads=(1, 2, 2, 1))
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(5 * 4 * 5, 3)
    return net.model()


@pytest.mark.slow
@pytest.mark.parametrize("build", [padded, strided])
def test_exact_in_rtl_with_pauses_and_a_pixel_a_cycle(tmp_path, build):
    folder = check_rtl(build(), tmp_path, frames=12, rate=16, hardwired="all")
    assert all(wired(folder))
    with pytest.raises(Unsupported, match="behind exact zero padding of a bipolar map have no HLS"):
        hb.hls(folder)


@pytest.mark.parametrize("build", [padded, strided])
def test_thresholds_of_every_pixel(build):
    """The constants of a pixel's row and column are those of its set, in sums of w u."""
    graph, ops = hardwired_ops(build(), target=None)
    (op,) = (op for op in ops if op.positions(graph.model) is not None)
    found, (sets, index) = op.positions(graph.model), op.threshold_sets(graph.model)
    width = op.get_nodeattr("numInputVectors")[-1]
    weights = graph.model.get_initializer(op.onnx_node.input[1]).astype(int)
    u = np.random.default_rng(0).integers(0, 2, (200, len(weights)))
    for place, number in enumerate(index):
        row, column = divmod(place, int(width))
        limits = found.tables[found.rows[row], found.columns[column]]
        dots = (2 * u - 1) @ weights
        np.testing.assert_array_equal(u @ weights >= limits, dots >= sets[number][:, 0])
    assert found.tables.shape[:2] == (3, 3)


def test_kinds_of_rows_and_columns():
    sets = [np.array([n, -n]) for n in range(4)]
    found = Positions.of(sets, np.array([0, 1, 1, 2, 3, 3]), 3)
    rebuilt = found.tables[np.ix_(found.rows, found.columns)]
    np.testing.assert_array_equal(rebuilt[..., 0], [[0, 1, 1], [2, 3, 3]])
    assert found.tables.shape == (2, 2, 2)


@pytest.mark.full
@pytest.mark.parametrize("build", [padded, strided])
def test_through_gates(tmp_path, build):
    onnx.save(build(), tmp_path / "net.onnx")
    summary = hb.verify(tmp_path / "net.onnx", hardwired="all", frames=300, also=["lanes"])
    assert summary["passed"] and summary["frames"]["lanes"] == 300
