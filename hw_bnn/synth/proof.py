"""Proofs that the LUT kernels compute what they should, for all inputs.

**Blocks** (a counter, a merge, an XNOR chain, a comparison, up to 32 input bits) are proved by
Yosys' SAT solver: a miter of the LUT form (HW_BNN_XC7) and the specification (the plain form of the
same file, or another module with the same ports) can never differ.

**Whole trees** of any size are proved by composition. Every proved block obeys an identity over the
integers, with bits as 0 or 1:

    bnn_popcount_counter     sum_i 2^i count_i         = sum_i bits_i
    bnn_popcount_xnor_chain  ones + 2 sum_i carry_i    = sum_i (a_i == w_i) + one
    bnn_popcount_merge       sum_i 2^i y_i             = a + 2 b + 4 c + ones + 2 two   (if < 2^WY)

Starting from the form sum_i 2^i count_i of the tree's output, blocks are substituted from the
output to the inputs: the tree is right if and only if the form ends as the sum of all inputs. The
side condition of a merge is checked by bounds: the largest value of each operand follows from the
same identities. Nothing is sampled and no width is too large.

    prove_block("bnn_popcount_counter", {"N": 7})
    prove_tree(1024)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ..errors import CheckFailed
from ..files.temporary import temporary_folder
from .block_netlist import Bit, Form, Netlist, kernel_sources, latency, linear_form, read_blocks
from .yosys import Command, run_yosys, slang_command


def prove_block(
    module: str,
    parameters: Mapping[str, int],
    *,
    specification: str | None = None,
    sources: Sequence[Path] | None = None,
    timeout_s: float = 120,
) -> None:
    """Prove by SAT that a kernel's LUT form equals its specification for all inputs.

    Args:
        module: kernel to prove, read with HW_BNN_XC7 defined.
        parameters: its parameters.
        specification: module with the same ports and parameters, read without the define; the
            kernel itself (its plain form) if None.
        sources: files of the LUT form; the package's own if None (the specification is always the
            package's own).
        timeout_s: limit of the solver.

    Raises:
        CheckFailed: they differ for some input (told), or the solver did not finish.
    """
    arguments = {name: value for name, value in parameters.items()}
    subject = f"{module}({', '.join(f'{k}={v}' for k, v in parameters.items())})"
    gold = specification or module
    _prove(
        slang_command(kernel_sources(), gold, parameters=arguments),
        slang_command(
            sources or kernel_sources(), module, defines=["HW_BNN_XC7"], parameters=arguments
        ),
        module,
        subject,
        timeout_s,
    )


def prove_combinational(
    specification_sources: Sequence[Path],
    specification: str,
    sources: Sequence[Path],
    module: str,
    *,
    timeout_s: float = 300,
) -> None:
    """Prove by SAT that a design in its LUT form computes what another module does.

    Registers of both are taken as wires (a pipeline computes the same function without them); ports
    must have the same names and widths.

    Raises:
        CheckFailed: they differ for some input, or the solver did not finish.
    """
    _prove(
        slang_command(specification_sources, specification),
        slang_command(sources, module, defines=["HW_BNN_XC7"]),
        module,
        module,
        timeout_s,
    )


_REGISTERS_AS_WIRES = r"""
module \$dff (CLK, D, Q);
  parameter WIDTH = 1; parameter CLK_POLARITY = 1;
  input CLK; input [WIDTH-1:0] D; output [WIDTH-1:0] Q;
  assign Q = D;
endmodule
module \$dffe (CLK, EN, D, Q);
  parameter WIDTH = 1; parameter CLK_POLARITY = 1; parameter EN_POLARITY = 1;
  input CLK, EN; input [WIDTH-1:0] D; output [WIDTH-1:0] Q;
  assign Q = D;
endmodule
"""


def _prove(
    read_gold: Command, read_gate: Command, gate: str, subject: str, timeout_s: float
) -> None:
    """No input makes the two designs differ."""
    with temporary_folder("proof") as folder:
        log = folder / "proof.log"
        wires = folder / "wires.v"
        wires.write_text(_REGISTERS_AS_WIRES)
        flat = ["proc; flatten; opt_clean; opt_dff", ["techmap", "-map", str(wires)], "opt_clean"]
        commands = [
            read_gold,
            *flat,
            "rename -top gold",
            "design -stash gold",
            read_gate,
            "read_verilog -overwrite +/xilinx/cells_sim.v",
            ["hierarchy", "-top", gate],
            *flat,
            "rename -top gate",
            "design -copy-from gold -as gold gold",
            "miter -equiv -flatten -make_outputs gold gate miter",
            "hierarchy -top miter; opt -full",
            f"sat -verify -timeout {int(timeout_s)} -prove trigger 0 -show-ports miter",
        ]
        try:
            text = run_yosys(commands, log=log, timeout_s=timeout_s + 60, subject=subject)
        except CheckFailed as error:
            text = log.read_text(errors="replace") if log.exists() else ""
            if "model found" not in text:
                raise CheckFailed(f"no proof: {error.reason}", node=subject) from error
            start = text.find("Signal Name")
            raise CheckFailed(
                "the LUT form differs from its specification, for example at\n"
                + text[start : start + 1500].rstrip(),
                node=subject,
            ) from error
        if "SAT proof finished - no model found: SUCCESS!" not in text:
            raise CheckFailed("the solver gave no answer", node=subject)


@cache
def _prove_block_once(module: str, parameters: tuple[tuple[str, int], ...]) -> None:
    prove_block(module, dict(parameters))


def prove_tree(
    n: int,
    *,
    module: str = "bnn_popcount_tree",
    parameters: Mapping[str, int] | None = None,
    sources: Sequence[Path] | None = None,
) -> int:
    """Prove by composition that a tree of any size counts right,
    and that all its paths have one latency.

    Args:
        n: its parameter N.
        module: popcount_tree, xnor_popcount or xnor_neuron.
        parameters: further parameters (STAGES, CHAIN).
        sources: files of the LUT form; the package's own if None. Blocks are then proved from
        there.

    Returns:
        The number of register stages between input and output.

    Raises:
        CheckFailed: a block is wrong, or the blocks are not connected to the sum of all inputs.
    """
    arguments = {"N": n, **(parameters or {})}
    subject = f"{module}({', '.join(f'{k}={v}' for k, v in arguments.items())})"
    netlist = read_blocks(module, arguments, sources=sources)
    for kind, values in sorted({(block.kind, block.parameters) for block in netlist.blocks}):
        if sources is None:
            _prove_block_once(kind, values)
        else:
            prove_block(kind, dict(values), sources=sources)
    if module == "bnn_xnor_neuron":
        count = _compared_count(netlist, n, subject)
    else:
        count = netlist.outputs["count"]
    form = linear_form(netlist, {bit: 1 << i for i, bit in enumerate(count)}, subject)
    if module == "bnn_popcount_tree":
        wanted: Form = {bit: 1 for bit in netlist.inputs["bits"]}
    else:
        wanted = {
            ("xnor", a, w): 1 for a, w in zip(netlist.inputs["a"], netlist.inputs["w"], strict=True)
        }
    if form != wanted:
        raise CheckFailed("the blocks do not add up to the count of all inputs", node=subject)
    return latency(netlist, subject)


def _compared_count(netlist: Netlist, n: int, subject: str) -> list[Bit]:
    """The count that the neuron's comparison sees, its other side being the threshold input."""
    (compare,) = (b for b in netlist.blocks if b.kind == "bnn_popcount_at_least")
    if [netlist.root(bit) for bit in netlist.outputs["y"]] != compare.pins["y"]:
        raise CheckFailed("the output is not the comparison's", node=subject)
    if [netlist.root(bit) for bit in compare.pins["threshold"]] != netlist.inputs["threshold"]:
        raise CheckFailed("the comparison does not see the threshold", node=subject)
    return compare.pins["count"]
