"""Hard-wired networks: exact in RTL and as LUTs, cheap, and refused where they make no sense."""

import re
from pathlib import Path

import numpy as np
import pytest

from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.hardwired import KERNELS, Layer, Network, from_popcount, generate, write_hardwired
from hw_bnn.hardwired.heap import plan_compare
from hw_bnn.rtl import rtl_sources
from hw_bnn.synth.block_netlist import PRIMITIVES
from hw_bnn.synth.proof import prove_block, prove_combinational
from tests.synth.pipelined_core import numbers, run_core

CELLS = Path(__file__).resolve().parents[2] / "rtl_tests" / "popcount" / "xc7_cells.sv"


def random_layer(rng, inputs, outputs, scores=False, largest=1):
    weights = np.where(rng.random((outputs, inputs)) < rng.uniform(0.2, 0.8, (outputs, 1)), 1, -1)
    if scores:
        return Layer(weights, None, rng.integers(-9, 10, outputs), int(largest == 1))
    spread = largest * np.sqrt(inputs)
    thresholds = (weights.sum(axis=1) * largest / 2 + rng.normal(0, spread, outputs)).astype(int)
    return Layer(weights, thresholds)


@pytest.mark.parametrize(
    "input_bits, scores, options",
    [(1, True, {}), (3, True, {"registered": False}), (1, False, {"score_bits": 1})],
)
def test_networks_are_exact_in_rtl(tmp_path, input_bits, scores, options):
    rng = np.random.default_rng(input_bits)
    network = Network(
        [
            random_layer(rng, 21, 9, largest=2**input_bits - 1),
            random_layer(rng, 9, 7),
            random_layer(rng, 7, 4, scores),
        ],
        input_bits,
        input_signed=input_bits > 1,
    )
    design = write_hardwired(network, "core", tmp_path, period_ns=3.0, **options)
    u = rng.integers(0, 2**input_bits, (400, 21))
    u[:2] = [[0] * 21, [2**input_bits - 1] * 21]
    x = u ^ 2 ** (input_bits - 1) if network.input_signed else u
    bits = (x[:, :, None] >> np.arange(input_bits) & 1).reshape(len(u), -1)
    width = network.score_bits()
    (tmp_path / "both.sv").write_text(both_forms(design.text, bits.shape[1], 4 * width))
    sources = [
        tmp_path / "bnn_popcount_counter.sv",
        tmp_path / "bnn_hardwired_compare.sv",
        tmp_path / "core.sv",
        tmp_path / "both.sv",
    ]
    y = run_core(tmp_path / "run", sources, "both", bits, 8 * width, design.latency, pauses=True)
    assert design.latency > 3
    found = numbers(y, width, 8, scores)
    for form in (found[:, :4], found[:, 4:]):
        np.testing.assert_array_equal(form, network.evaluate(u))


def both_forms(text: str, inputs: int, outputs: int) -> str:
    """The netlist `core`, and beside it what simulators build of it; y of both in a row."""
    model = re.sub(r"\bcore\b", "model", text)
    ends = "(.ap_clk, .ce, .x, .y(y[{}]));"
    return f"""`define HW_BNN_SIM
{model}
`undef HW_BNN_SIM
module both (
    input logic ap_clk, ce, input logic [{inputs - 1}:0] x, output logic [{2 * outputs - 1}:0] y
);
  core u_core {ends.format(f"{outputs - 1}:0")}
  model u_model {ends.format(f"{2 * outputs - 1}:{outputs}")}
endmodule
"""


def specification(network: Network) -> str:
    """The same function in plain operators, combinational (one layer of bits)."""
    (layer,) = network.layers
    n, m = layer.weights.shape[1], layer.weights.shape[0]
    lines = [
        f"module spec (input logic ap_clk, ce, input logic [{n - 1}:0] x, "
        f"output logic [{m - 1}:0] y);"
    ]
    for i, (row, t) in enumerate(zip(layer.weights, layer.thresholds, strict=True)):
        plus = "".join("1" if w > 0 else "0" for w in row[::-1])
        minus = "".join("0" if w > 0 else "1" for w in row[::-1])
        lines.append(
            f"  assign y[{i}] = int'($countones(x & {n}'b{plus})) - "
            f"int'($countones(x & {n}'b{minus})) >= {t};"
        )
    return "\n".join([*lines, "endmodule", ""])


@pytest.mark.parametrize("inputs", [5, 12, 18])
def test_layers_are_proved_by_sat(tmp_path, inputs):
    rng = np.random.default_rng(inputs)
    network = Network([random_layer(rng, inputs, 6)])
    write_hardwired(network, "core", tmp_path)
    (tmp_path / "spec.sv").write_text(specification(network))
    sources = [PRIMITIVES, *rtl_sources(*KERNELS), tmp_path / "core.sv"]
    prove_combinational([tmp_path / "spec.sv"], "spec", sources, "core")


def test_a_wrong_threshold_is_refuted(tmp_path):
    rng = np.random.default_rng(5)
    network = Network([random_layer(rng, 12, 3)])
    write_hardwired(network, "core", tmp_path)
    (tmp_path / "spec.sv").write_text(specification(network))
    text = (tmp_path / "core.sv").read_text()
    found = re.search(r"\.OFFSET\((\d+)'h([0-9a-f]+)\)", text)
    changed = f".OFFSET({found[1]}'h{int(found[2], 16) ^ 1:x})"
    (tmp_path / "core.sv").write_text(text.replace(found[0], changed, 1))
    sources = [PRIMITIVES, *rtl_sources(*KERNELS), tmp_path / "core.sv"]
    with pytest.raises(CheckFailed, match="differs"):
        prove_combinational([tmp_path / "spec.sv"], "spec", sources, "core")


@pytest.mark.parametrize("n, mask", [(3, 5), (5, 18), (6, 21), (7, 31), (7, 9)])
def test_counters_with_inverted_inputs(n, mask):
    prove_block("bnn_popcount_counter", {"N": n, "INVERT": mask})


@pytest.mark.parametrize(
    "positions, twos, offset, invert",
    [(1, 0b11000, 0, 0), (2, 0b1000001100, 0b0110, 0b1010101), (3, 24, 57, 3)],
)
def test_comparisons(positions, twos, offset, invert):
    prove_block(
        "bnn_hardwired_compare",
        {"POSITIONS": positions, "TWOS": twos, "OFFSET": offset, "INVERT": invert},
    )


def test_plans_cost_half_a_lut_a_bit():
    for n, positions in ((64, 4), (256, 5), (1024, 6)):
        assert plan_compare((n,), n // 2, positions).luts <= 0.54 * n


def test_outputs_span_what_can_be_reached():
    layer = Layer(np.array([[1, -1, -1], [1, 1, 1]]), None, np.array([3, 0]), 1)
    assert layer.span(5) == (-17, 30)  # 2 * -10 + 3, 2 * 15
    network = Network([layer], 3)
    assert network.score_bits() == 7
    with pytest.raises(BadInput, match="5 bits an output, where the network gives 7"):
        generate(network, "core", score_bits=5)


def test_constant_neurons_cost_nothing():
    network = Network([Layer(np.ones((2, 8), int), np.array([0, 9]))])
    assert generate(network, "core").luts == 0


@pytest.mark.parametrize(
    "layers, message",
    [
        ([Layer(np.ones((2, 8), int), None), Layer(np.ones((1, 2), int), None)], "only the last"),
        (
            [Layer(np.ones((2, 8), int), np.zeros(2, int)), Layer(np.ones((1, 3), int), None)],
            "2 outputs meet 3",
        ),
    ],
)
def test_bad_networks_are_refused(layers, message):
    with pytest.raises(BadInput, match=message):
        Network(layers)


def test_bad_layers_are_refused():
    with pytest.raises(BadInput, match="-1 and"):
        from_popcount(np.zeros((2, 3), int), None)
    with pytest.raises(BadInput, match="thresholds of shape"):
        Layer(np.ones((2, 3), int), np.zeros(3, int))
