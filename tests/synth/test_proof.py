"""Proofs of the LUT kernels, and that a mutation breaks them."""

import shutil

import pytest

from hw_bnn.errors import CheckFailed
from hw_bnn.rtl import rtl_path
from hw_bnn.synth.block_netlist import KERNEL_FILES, PRIMITIVES, RTL, Block, Netlist, linear_form
from hw_bnn.synth.proof import prove_block, prove_combinational, prove_tree


@pytest.mark.parametrize("n", range(1, 8))
def test_counters(n):
    prove_block("bnn_popcount_counter", {"N": n})


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7])
def test_xnor_chains(length):
    prove_block("bnn_popcount_xnor_chain", {"L": length})


@pytest.mark.parametrize("width", [1, 2, 7, 8, 11])
def test_comparisons(width):
    prove_block("bnn_popcount_at_least", {"W": width})


@pytest.mark.parametrize(
    "wa, wb, wc, wy", [(1, 1, 1, 4), (3, 2, 2, 5), (4, 4, 4, 7), (8, 8, 8, 11)]
)
def test_merges(wa, wb, wc, wy):
    prove_block("bnn_popcount_merge", {"WA": wa, "WB": wb, "WC": wc, "WY": wy})


@pytest.mark.parametrize("n", [8, 9, 14, 15, 24, 32])
def test_trees_by_sat_alone(n):
    prove_block("bnn_popcount", {"N": n})


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 9, 16])
def test_xnor_popcounts_by_sat_alone(n):
    prove_block("bnn_xnor_popcount", {"N": n})


@pytest.mark.parametrize("n", [33, 64, 255, 1024])
def test_trees_by_composition(n):
    assert prove_tree(n) == 0


@pytest.mark.parametrize("n, stages, chain", [(17, 1, 3), (64, 2, 1), (256, 3, 4), (1024, 5, 3)])
def test_neurons_by_composition(n, stages, chain):
    parameters = {"STAGES": stages, "CHAIN": chain}
    assert prove_tree(n, module="bnn_xnor_neuron", parameters=parameters) == stages


def mutant(folder, file, old, new):
    """Sources with one text in one file replaced (once)."""
    for name in KERNEL_FILES:
        shutil.copy(RTL / name, folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    return [PRIMITIVES, *(folder / name for name in KERNEL_FILES)]


@pytest.mark.parametrize(
    "module, parameters, old, new",
    [
        ("bnn_popcount_counter", {"N": 7}, "64'h177E_7EE8_E880_8000", "64'h177E_7EE8_E880_8001"),
        ("bnn_popcount_counter", {"N": 7}, "bits[5]}", "bits[4]}"),
        ("bnn_popcount_counter", {"N": 3}, "E8E8_E8E8", "E8E8_E8E9"),
        ("bnn_popcount_counter", {"N": 5}, "64'hE880_8000, MASK", "64'hE880_8008, MASK"),
        ("bnn_popcount_xnor_chain", {"L": 2}, "9669_6996", "9669_6997"),
        ("bnn_popcount_merge", {"WA": 4, "WB": 4, "WC": 4, "WY": 7}, "E8E8_E8E8", "E8E8_E8C8"),
        ("bnn_popcount_merge", {"WA": 4, "WB": 4, "WC": 4, "WY": 7}, "carry[4*s-1]", "1'b0"),
        ("bnn_popcount_at_least", {"W": 8}, "08CE_08CE", "08CE_08CC"),
        ("bnn_popcount_at_least", {"W": 8}, ".CYINIT(1'b1)", ".CYINIT(1'b0)"),
    ],
)
def test_a_mutated_block_is_refuted(tmp_path, module, parameters, old, new):
    sources = mutant(tmp_path, f"{module}.sv", old, new)
    with pytest.raises(CheckFailed, match="differs from its specification"):
        prove_block(module, parameters, sources=sources)


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            ".b(count2), .c(count4)",
            ".b(count4), .c(count2)",
            "lost or weighted wrongly|may overflow",
        ),
        ("bits[7*g+:7]", "bits[6*g+:7]", "do not add up"),
        ("weight2[NB-1:0]", "{NB{weight2[0]}}", "lost or weighted wrongly"),
    ],
)
def test_a_wrong_connection_is_refuted(tmp_path, old, new, message):
    sources = mutant(tmp_path, "bnn_popcount_tree.sv", old, new)
    with pytest.raises(CheckFailed, match=message):
        prove_tree(63, sources=sources)


def test_a_merge_that_may_overflow_is_refuted():
    pins = {"a": [2, 3, 4], "b": [5], "c": ["0"], "ones": ["0"] * 4, "two": ["0"], "y": [6, 7, 8]}
    merge = Block("m", "bnn_popcount_merge", (), pins)
    netlist = Netlist({"x": [2, 3, 4, 5]}, {"y": [6, 7, 8]}, [merge], {}, {})
    with pytest.raises(CheckFailed, match=r"may overflow \(up to 9\)"):
        linear_form(netlist, {6: 1, 7: 2, 8: 4}, "x")


def test_unequal_latencies_are_refuted(tmp_path):
    sources = mutant(
        tmp_path,
        "bnn_xnor_popcount.sv",
        ".d({ones, carries}), .q({ones_q, carries_q})",
        ".d({ones, carries}), .q({ones_q})",
    )
    text = (tmp_path / "bnn_xnor_popcount.sv").read_text()
    text = text.replace("tree2 (.bits(carries_q)", "tree2 (.bits(carries)")
    text = text.replace(".BITS(Q + PAIRS)", ".BITS(Q)").replace(".d({ones, carries})", ".d(ones)")
    (tmp_path / "bnn_xnor_popcount.sv").write_text(text)
    with pytest.raises(CheckFailed, match="registers meet"):
        prove_tree(32, module="bnn_xnor_popcount", parameters={"STAGES": 1}, sources=sources)


REQUANTISER = """
module formula #(parameter int IN_BITS, IN_SIGNED, OUT_BITS, LOW, HIGH, SHIFT, HALF_EVEN, PIECES,
                 GAIN_BITS, OFFSET_BITS, SUM_BITS) (
    input logic ap_clk, en, input logic [IN_BITS-1:0] x,
    input logic [(PIECES == 1 ? GAIN_BITS + OFFSET_BITS
                  : 2 * (GAIN_BITS + OFFSET_BITS) + IN_BITS + 1)-1:0] entry,
    output logic [OUT_BITS-1:0] y);
  localparam int PIECE = GAIN_BITS + OFFSET_BITS;
  logic signed [31:0] number, at, gain, offset, t, unit, quotient, remainder;
  logic [31:0] start;
  always_comb begin
    number = IN_SIGNED != 0 ? 32'(signed'(x)) : 32'(x);
    at     = PIECES == 2 ? 32'(signed'(entry[$bits(entry)-1-:IN_BITS+1])) : 0;
    start  = PIECES == 2 && !(number < at) ? PIECE : 0;
    gain   = 32'(signed'(GAIN_BITS'(entry >> start)));
    offset = 32'(signed'(OFFSET_BITS'(entry >> (start + GAIN_BITS))));
    t = gain * number + offset;
    unit = 1 <<< SHIFT;
    quotient = t / unit;  // towards zero
    remainder = t % unit;
    if (remainder < 0) quotient = quotient - 1;
    if (HALF_EVEN != 0 && remainder == 0 && quotient[0]) quotient = quotient - 1;
    y = OUT_BITS'(quotient > HIGH ? HIGH : quotient < LOW ? LOW : quotient);
  end
endmodule
"""


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize(
    "half_even, signed, low, high, shift", [(0, 1, -4, 3, 2), (1, 1, -3, 3, 1), (1, 0, 0, 6, 3)]
)
def test_the_requantiser_is_its_formula(pieces, half_even, signed, low, high, shift, tmp_path):
    """For every input and every table, at 4-bit inputs and gains."""
    parameters = {
        "IN_BITS": 4, "IN_SIGNED": signed, "OUT_BITS": 3, "LOW": low, "HIGH": high, "SHIFT": shift,
        "HALF_EVEN": half_even, "PIECES": pieces, "GAIN_BITS": 4, "OFFSET_BITS": 6, "SUM_BITS": 10,
    }  # fmt: skip
    values = ", ".join(f".{name}({value})" for name, value in parameters.items())
    entry = 10 if pieces == 1 else 25
    ports = f"input logic ap_clk, en, input logic [3:0] x, input logic [{entry - 1}:0] entry, " + (
        "output logic [2:0] y"
    )
    for name, inner in (("wanted", "formula"), ("lane", "bnn_requantise_lane")):
        text = f"module {name} ({ports});\n  {inner} #({values}) u_lane (.*);\nendmodule\n"
        (tmp_path / f"{name}.sv").write_text((REQUANTISER if name == "wanted" else "") + text)
    prove_combinational(
        [tmp_path / "wanted.sv"], "wanted", [rtl_path("requantise_lane"), tmp_path / "lane.sv"],
        "lane",
    )  # fmt: skip
