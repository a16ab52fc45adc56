"""Netlists of proved blocks, and the linear forms that their outputs are of their inputs.

See :mod:`hw_bnn.synth.proof` for the identities. A netlist is read once with the blocks as cells;
registers are seen as wires (and counted by :func:`latency`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CheckFailed
from ..files.temporary import temporary_folder
from .yosys import run_yosys, slang_command

RTL = Path(__file__).resolve().parent.parent / "rtl"
PRIMITIVES = Path(__file__).resolve().parent / "xc7_primitives.sv"
KERNEL_FILES = (
    "bnn_popcount.sv",
    "bnn_popcount_tree.sv",
    "bnn_popcount_counter.sv",
    "bnn_popcount_merge.sv",
    "bnn_popcount_xnor_chain.sv",
    "bnn_popcount_delay.sv",
    "bnn_popcount_at_least.sv",
    "bnn_xnor_popcount.sv",
    "bnn_xnor_neuron.sv",
    "bnn_hardwired_compare.sv",
)
BLOCKS = (
    "bnn_popcount_counter",
    "bnn_popcount_merge",
    "bnn_popcount_xnor_chain",
    "bnn_popcount_at_least",
)
OUTPUTS = {
    "bnn_popcount_counter": ("count",),
    "bnn_popcount_merge": ("y",),
    "bnn_popcount_xnor_chain": ("ones", "carry"),
    "bnn_popcount_at_least": ("y",),
}
_PARAMETERS = {  # follow from the widths of ports
    "bnn_popcount_counter": (("N", "bits"),),
    "bnn_popcount_merge": (("WA", "a"), ("WB", "b"), ("WC", "c"), ("WY", "y")),
    "bnn_popcount_xnor_chain": (("L", "carry"),),
    "bnn_popcount_at_least": (("W", "count"),),
}
_REGISTERS = ("$_DFF_P_", "$_DFFE_PP_")

Bit = int | str  # of a Yosys netlist: a net's number, or "0", "1"
Term = Bit | tuple[str, Bit, Bit]  # ("xnor", a, w) is 1 where a == w
Form = dict[Term, int]


def kernel_sources(folder: Path = RTL) -> list[Path]:
    """The kernel files, primitives first."""
    return [PRIMITIVES, *(folder / name for name in KERNEL_FILES)]


@dataclass(frozen=True)
class Block:
    """An instance of a block: `pins` maps a port to its nets, bit 0 first."""

    name: str
    kind: str
    parameters: tuple[tuple[str, int], ...]
    pins: dict[str, list[Bit]]

    def output_bits(self) -> list[Bit]:
        return [bit for port in OUTPUTS[self.kind] for bit in self.pins[port]]

    def input_bits(self) -> list[Bit]:
        return [
            b for port, bits in self.pins.items() if port not in OUTPUTS[self.kind] for b in bits
        ]


@dataclass(frozen=True)
class Netlist:
    """A flattened module of blocks, XNOR gates and registers.

    `inputs`, `outputs`: port -> nets; `xnors`: output net -> its two inputs; `registers`: output
    net -> input net.
    """

    inputs: dict[str, list[Bit]]
    outputs: dict[str, list[Bit]]
    blocks: list[Block]
    xnors: dict[Bit, tuple[Bit, Bit]]
    registers: dict[Bit, Bit]

    def root(self, bit: Bit) -> Bit:
        """The net behind `bit`'s registers."""
        while bit in self.registers:
            bit = self.registers[bit]
        return bit


def read_blocks(
    module: str,
    parameters: Mapping[str, int],
    *,
    sources: Sequence[Path] | None = None,
    timeout_s: float = 600,
) -> Netlist:
    """Elaborate a kernel in its LUT form with the blocks as cells.

    Raises:
        CheckFailed: it does not elaborate, or holds logic that is no block, XNOR or register.
    """
    with temporary_folder("blocks") as folder:
        path = folder / "netlist.json"
        command = slang_command(
            sources or kernel_sources(), module, defines=["HW_BNN_XC7"], parameters=dict(parameters)
        )
        # Every instance has a module of its own, <kind>$<path>.
        kept = [f"{block}$*" for block in BLOCKS]
        run_yosys(
            [
                command,
                ["hierarchy", "-top", module],
                ["setattr", "-mod", "-set", "keep_hierarchy", "1", *kept],
                "proc; flatten",
                ["cd", module],
                "opt_clean; opt_dff; simplemap; opt_clean",
                ["write_json", str(path)],
            ],
            log=folder / "read.log",
            timeout_s=timeout_s,
            subject=module,
        )
        return _netlist(json.loads(path.read_text())["modules"][module], module)


def _netlist(document: dict, module: str) -> Netlist:
    ports: dict[str, dict[str, list[Bit]]] = {"input": {}, "output": {}}
    for name, port in document["ports"].items():
        ports[port["direction"]][name] = port["bits"]
    netlist = Netlist(ports["input"], ports["output"], [], {}, {})
    xors: dict[Bit, tuple[Bit, Bit]] = {}
    inverted: dict[Bit, Bit] = {}
    for name, cell in document["cells"].items():
        kind, pins = cell["type"], cell["connections"]
        if (kind := kind.split("$")[0] or kind) in BLOCKS:
            values = tuple((key, len(pins[port])) for key, port in _PARAMETERS[kind])
            netlist.blocks.append(Block(name, kind, values, pins))
        elif kind == "$_XNOR_":
            netlist.xnors[pins["Y"][0]] = (pins["A"][0], pins["B"][0])
        elif kind == "$_XOR_":
            xors[pins["Y"][0]] = (pins["A"][0], pins["B"][0])
        elif kind == "$_NOT_":
            inverted[pins["Y"][0]] = pins["A"][0]
        elif kind in _REGISTERS:
            netlist.registers[pins["Q"][0]] = pins["D"][0]
        elif kind != "$scopeinfo":
            raise CheckFailed(
                f"the netlist has a {kind} ({name}), which no proof covers", node=module
            )
    for bit, source in inverted.items():  # a XNOR may be written as NOT of XOR, either way round
        if source in xors:
            netlist.xnors[bit] = xors[source]
    for bit, (a, b) in xors.items():
        for x, y in ((a, b), (b, a)):
            if x in inverted:
                netlist.xnors[bit] = (inverted[x], y)
    return netlist


def topological(netlist: Netlist) -> list[Block]:
    """The blocks, inputs first."""
    driver = {bit: i for i, block in enumerate(netlist.blocks) for bit in block.output_bits()}
    order: list[Block] = []
    state = [0] * len(netlist.blocks)
    stack = list(range(len(netlist.blocks)))
    while stack:
        i = stack[-1]
        if state[i] == 2:
            stack.pop()
            continue
        waiting = [
            driver[root]
            for bit in netlist.blocks[i].input_bits()
            if (root := netlist.root(bit)) in driver and state[driver[root]] != 2
        ]
        if not waiting:
            state[i] = 2
            order.append(netlist.blocks[stack.pop()])
        elif state[i] == 1:
            raise CheckFailed("the blocks form a loop", node=netlist.blocks[i].name)
        else:
            state[i] = 1
            stack.extend(waiting)
    return order


def identity(netlist: Netlist, block: Block) -> tuple[list[tuple[Bit, int]], Form]:
    """A block's identity: (output bit, weight) pairs, and the form that their weighted sum is."""
    form: defaultdict[Term, int] = defaultdict(int)

    def add(bits: Iterable[Bit], factor: int, growing: bool) -> None:
        for i, bit in enumerate(bits):
            form[netlist.root(bit)] += factor << i if growing else factor

    pins = block.pins
    if block.kind == "bnn_popcount_counter":
        add(pins["bits"], 1, False)
        outputs = [(bit, 1 << i) for i, bit in enumerate(pins["count"])]
    elif block.kind == "bnn_popcount_merge":
        for port, factor in (("a", 1), ("b", 2), ("c", 4)):
            add(pins[port], factor, True)
        add(pins["ones"], 1, False)
        add(pins["two"], 2, False)
        outputs = [(bit, 1 << i) for i, bit in enumerate(pins["y"])]
    elif block.kind == "bnn_popcount_xnor_chain":
        add(pins["one"], 1, False)
        for a, w in zip(pins["a"], pins["w"], strict=True):
            form["xnor", netlist.root(a), netlist.root(w)] += 1
        outputs = [(pins["ones"][0], 1), *((bit, 2) for bit in pins["carry"])]
    else:
        raise CheckFailed(f"{block.kind} obeys no linear identity", node=block.name)
    return outputs, _resolved(netlist, form)


def _resolved(netlist: Netlist, form: Mapping[Term, int]) -> Form:
    """`form` with XNOR gates as terms and zeros dropped."""
    result: defaultdict[Term, int] = defaultdict(int)
    for term, factor in form.items():
        if term in netlist.xnors:
            a, w = netlist.xnors[term]
            term = ("xnor", netlist.root(a), netlist.root(w))
        if term != "0" and factor:
            result[term] += factor
    return dict(result)


def linear_form(netlist: Netlist, form: Mapping[Bit, int], subject: str) -> Form:
    """Rewrite a sum of factor * bit over a netlist's bits as one over its inputs.

    Raises:
        CheckFailed: a block's outputs do not stand in it with the weights of the block's identity,
            or a merge may overflow.
    """
    order = topological(netlist)
    identities = {
        block.name: identity(netlist, block)
        for block in order
        if block.kind != "bnn_popcount_at_least"
    }
    _check_bounds(netlist, order, identities, subject)
    start: defaultdict[Term, int] = defaultdict(int)
    for bit, factor in form.items():
        start[netlist.root(bit)] += factor
    current = defaultdict(int, _resolved(netlist, start))
    for block in reversed(order):
        if block.name not in identities:
            continue
        outputs, replacement = identities[block.name]
        factors = {current.pop(bit, 0) / weight for bit, weight in outputs}
        if len(factors) != 1:
            raise CheckFailed(f"bits of {block.name} are lost or weighted wrongly", node=subject)
        factor = int(factors.pop())
        for term, weight in replacement.items():
            current[term] += factor * weight
    return {term: factor for term, factor in current.items() if factor}


def _check_bounds(netlist: Netlist, order: list[Block], identities: dict, subject: str) -> None:
    """No merge exceeds its width: the largest values of all operands, from the identities."""
    largest: dict[tuple[Bit, ...], int] = {}  # of the numbers that blocks put out
    for block in order:
        if block.kind == "bnn_popcount_at_least":
            continue
        outputs, form = identities[block.name]
        if block.kind != "bnn_popcount_merge":
            bound = sum(form.values())
        else:
            bound = sum(form.get(netlist.root(bit), 0) and 1 for bit in block.pins["ones"])
            bound += 2 * sum(bit != "0" for bit in block.pins["two"])
            for port, factor in (("a", 1), ("b", 2), ("c", 4)):
                bits = tuple(netlist.root(bit) for bit in block.pins[port])
                plain = sum(1 << i for i, bit in enumerate(bits) if bit != "0")
                bound += factor * largest.get(bits, plain)
            if bound >= 1 << len(outputs):
                raise CheckFailed(f"{block.name} may overflow (up to {bound})", node=subject)
        weights = [weight for _, weight in outputs]
        if weights == [1 << i for i in range(len(weights))]:
            number = tuple(bit for bit, _ in outputs)
            largest[number] = min(bound, (1 << len(number)) - 1)


def latency(netlist: Netlist, subject: str) -> int:
    """Register stages from the inputs to the outputs.

    Raises:
        CheckFailed: two paths differ.
    """
    stages: dict[Bit, int] = {bit: 0 for bits in netlist.inputs.values() for bit in bits}

    def at(bit: Bit) -> int | None:
        extra = 0
        while bit in netlist.registers:
            bit, extra = netlist.registers[bit], extra + 1
        if bit in ("0", "1"):
            return None
        if bit in netlist.xnors:
            return extra + common(netlist.xnors[bit])
        return stages[bit] + extra

    def common(bits: Iterable[Bit]) -> int:
        found = {stage for bit in bits if (stage := at(bit)) is not None}
        if len(found) > 1:
            raise CheckFailed(f"paths of {sorted(found)} registers meet", node=subject)
        return found.pop() if found else 0

    for block in topological(netlist):
        here = common(block.input_bits())
        for bit in block.output_bits():
            stages[bit] = here
    return common(bit for bits in netlist.outputs.values() for bit in bits)
