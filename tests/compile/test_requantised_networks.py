"""Networks with requantisers: every stage equal, and which quantisers become one."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.requantising import Requantise
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from hw_bnn.verify import failed, verify
from tests.compile.compile_stages import check_stages
from tests.networks.qonnx_networks import Builder
from tests.networks.requantised import clip, network, pool, prelu, relu, shifted


def requantisers(model) -> list[Requantise]:
    return [op for op in import_model(model).graph.ops if isinstance(op, Requantise)]


CASES = {
    "int8": network(),
    "uint8 behind ReLU": network(8, 0, before=[relu]),
    "uint4": network(4, 0, 1.0),
    "int12": network(12, 1, 1 / 64),
    "int16": network(16, 1, 1 / 512),
    "PReLU": network(before=[prelu("rising")]),
    "RPReLU that turns": network(before=[shifted, prelu("falling"), shifted]),
    "all slopes, 2 bits": network(2, before=[prelu("some of all")]),
    "ties": network(8, 1, 1.0, before=[prelu("as initialised")]),
    "Hardtanh": network(8, 1, 1 / 16, before=[clip]),
    "a pool that waits": network(before=[pool]),
    "a pool that waits for what turns": network(before=[pool, prelu("falling")]),
}


FULL = ("uint4", "int12", "PReLU", "all slopes, 2 bits", "Hardtanh")


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.full if c in FULL else ()) for c in CASES]
)
def test_stages(case):
    assert len(requantisers(CASES[case])) == 1
    check_stages(CASES[case], frames=16)


def test_every_stage_in_one_network(tmp_path):
    """Two pieces, half-even and a table for all channels, in RTL and HLS code, too."""
    net = Builder((2, 6, 6), 3, 1)
    net.quant(8.0, 1 / 64)
    net.conv(2, 6, 3, habit="bipolar")
    net.batch_norm(6)
    shifted(net)
    prelu("falling")(net)
    shortcut = net.quant(8.0, 0.125)
    net.bipolar()
    net.conv(6, 6, 3, pads=(1, 1, 1, 1))
    net.add("Mul", net.constant(0.125))
    branch = net.quant(8.0, 0.125)
    net.add("Add", shortcut, source=branch)
    net.add("PRelu", net.constant(0.25))
    net.quant(8.0, 0.125)
    net.add("GlobalAveragePool")
    net.quant(8.0, 0.125 / 4)
    net.add("Flatten", axis=1)
    net.linear(6, 3, "int8")
    path = tmp_path / "net.onnx"
    onnx.save(net.model(), path)
    tables = [op.table for op in requantisers(net.model())]
    assert any(table.half_even for table in tables) and {t.pieces for t in tables} == {1, 2}
    assert any(len(table.at) == 1 for table in tables)
    summary = verify(
        path, frames=64, slow_frames=8, target_cycles=200, also=["hls"], out=tmp_path / "out"
    )
    assert failed(summary) is None and summary["frames"]["hls"]
    assert not any(summary["mismatches"].values())


def test_few_levels_stay_thresholds():
    assert not requantisers(network(3)) and not requantisers(network(1, 1))


def test_ties_that_no_rounding_meets_are_thresholds_up_to_8_bits():
    """Means of 36 numbers on the scale of the numbers."""

    def made(bits):
        net = Builder((4, 6, 6), 0, 1)
        net.quant(8.0, 1.0)
        net.add("GlobalAveragePool")
        net.quant(float(bits), 1.0)
        net.add("Flatten", axis=1)
        net.linear(4, 3)
        return net.model()

    assert not requantisers(made(8))
    check_stages(made(8), frames=16)
    with pytest.raises(Unsupported, match="512 levels that no requantiser meets exactly; use at"):
        import_model(made(9))


@pytest.mark.parametrize(
    ("before", "behind", "bits", "why"),
    [
        ([prelu("falling")], [], 1, "a quantiser behind a slope below 0 that no requantiser"),
        ([prelu("falling"), pool], [], 8, "a max-pool behind a slope below 0"),
    ],
)
def test_what_turns_is_refused_where_it_has_no_hardware(before, behind, bits, why):
    model = network(bits, before=before, behind=behind)
    with pytest.raises(Unsupported, match=why):
        import_model(model)


def test_golden_evaluates_what_it_finds_no_thresholds_for():
    """By the definition, in float64, of slopes and scales that it holds exactly."""
    net = Builder((3,), 0, 1)
    net.quant(10.0, 1.0)
    net.add("PRelu", net.constant([-0.5, 0.25, -3.0]))
    net.quant(12.0, 0.5)
    golden = GoldenModel.from_onnx(net.model())
    assert not golden.thresholds()
    x = np.random.default_rng(0).integers(-512, 512, (500, 3))
    real = np.where(x >= 0, x, x * np.array([-0.5, 0.25, -3.0]))
    expected = np.clip(np.rint(real / 0.5), -2048, 2047)
    for packed in (False, True):
        assert np.array_equal(golden.scores(x, packed=packed), expected)
