"""Proofs of the LUT kernels, and that a mutation breaks them."""

import shutil

import pytest

from hw_bnn.errors import CheckFailed
from hw_bnn.synth.block_netlist import KERNEL_FILES, PRIMITIVES, RTL, Block, Netlist, linear_form
from hw_bnn.synth.proof import prove_block, prove_tree


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
