"""Hard-wired networks: every weight a constant, one frame a clock cycle.

A layer of +-1 weights over unsigned numbers u (the bits of a 1-bit layer, or the integers of the
first one) computes s = sum_i w_i u_i and, for hidden neurons, the bit s >= t. Each neuron counts
only the inputs of one sign, S = {i: w_i = +1} or {i: w_i = -1}, since with U = sum_i u_i,
shared by the layer,

    sum_i w_i u_i = 2 u(S+) - U = U - 2 u(S-),         u(S) = sum of u_i over S

    s >= t  <=>      u(S+) >= ceil((U + t) / 2)
            <=>  not u(S-) >= ceil((U + 1 - t) / 2)

With H = floor(U/2), m bits, u(S) >= ceil((U + k)/2) is u(S) + (2^m - 1 - H) [+ 1 - U mod 2] >= a
constant: a sum of bits, compressed by counters as :mod:`.heap` plans, and one comparison of half
a LUT a bit. Where that is dearer, a neuron counts all inputs, those of w = -1 inverted inside
the LUTs.

    network = Network([Layer(weights1, thresholds1), Layer(weights2, None)], input_bits=1)
    files = write_hardwired(network, "mlp", Path("rtl"))

The netlist is built of proved blocks, registers stand where a delay model puts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import BadInput
from .circuit import Bit, Circuit
from .heap import Plan, plan_compare, plan_rows
from .model import behaviour
from .network import Layer, Network

KERNELS = ("popcount_counter", "hardwired_compare")


@dataclass
class Description:
    """What was generated: `luts` as planned, `latency` in cycles, `registers` in bits; `netlist` is
    the body of the module `text` that is built (simulators take its definition, model.py)."""

    text: str
    netlist: str
    luts: int
    latency: int
    registers: int
    neurons: list[str] = field(default_factory=list)


def generate(
    network: Network,
    name: str,
    period_ns: float = 4.0,
    score_bits: int | None = None,
    *,
    registered: bool = True,
) -> Description:
    """SystemVerilog of a network as one module.

    Ports: ap_clk, ce, x (element i at bits [i*input_bits +: input_bits]), y (output i at bits
    [i*score_bits +: score_bits]). Registers move when ce is 1 and have no reset.

    Args:
        name: of the module.
        period_ns: longest path by the delay model; fewer registers with more.
        score_bits: width of an output; by default, and at least, network.score_bits().
        registered: x passes a register first; without, what drives it should be one.

    Raises:
        BadInput: score_bits is too small.
    """
    needed = network.score_bits()
    bits = needed if score_bits is None else score_bits
    if bits < needed or (needed == 1 and bits > 1):
        raise BadInput(f"{bits} bits an output, where the network gives {needed}")
    # Neurons that need the late ~U begin `lead` stages before it, so that the few shared inputs
    # wait and not their many partial counts; which lead takes fewest registers is tried.
    tried = [_generate(network, name, period_ns, lead, bits, registered) for lead in range(5)]
    return min(tried, key=lambda description: description.registers)


def _generate(
    network: Network, name: str, period_ns: float, lead: int, score_bits: int, registered: bool
) -> Description:
    circuit = Circuit(name, period_ns)
    features = network.layers[0].weights.shape[1]
    flat = circuit.inputs("x", features * network.input_bits, registered)
    numbers = [flat[i * network.input_bits :][: network.input_bits] for i in range(features)]
    if network.input_signed:
        numbers = [[*number[:-1], circuit.inverted(number[-1])] for number in numbers]
    chosen: list[str] = []
    for layer in network.layers:
        numbers = _layer(circuit, layer, numbers, score_bits, chosen, lead)
    circuit.output("y", [bit for number in numbers for bit in number])
    model = behaviour(network, circuit.latency, score_bits)
    text = circuit.text(_header(network, name, circuit), model)
    return Description(
        text, circuit.netlist(), circuit.luts, circuit.latency, circuit.registers, chosen
    )


def write_hardwired(
    network: Network, name: str, folder: Path, period_ns: float = 4.0, **options
) -> Description:
    """:func:`generate` into FOLDER/NAME.sv, the kernels it needs beside it."""
    from ..rtl import rtl_sources

    description = generate(network, name, period_ns, **options)
    (folder / f"{name}.sv").write_text(description.text)
    for source in rtl_sources(*KERNELS):
        (folder / source.name).write_bytes(source.read_bytes())
    return description


def _header(network: Network, name: str, circuit: Circuit) -> str:
    sizes = "-".join(
        str(n)
        for n in (
            network.layers[0].weights.shape[1],
            *(layer.weights.shape[0] for layer in network.layers),
        )
    )
    return (
        f"// {name}: hard-wired {sizes} network of 1-bit weights, generated.\n"
        f"// Planned: {circuit.luts} LUTs of six inputs, {circuit.registers} registers.\n"
        f"// Latency {circuit.latency} enabled cycles, initiation interval 1, no reset: "
        "what is in\n"
        "// flight is the caller's to mark.\n"
    )


def _layer(
    circuit: Circuit,
    layer: Layer,
    numbers: list[list[Bit]],
    score_bits: int,
    chosen: list[str],
    lead: int,
) -> list[list[Bit]]:
    """The outputs of a layer: single bits, or numbers of score_bits bits."""
    total = _Total(circuit, numbers)
    if layer.thresholds is None:
        numbers = _wait(circuit, numbers, total, lead)
        chosen += ["sum"] * len(layer.weights)
        return [
            _sum(circuit, row, numbers, total, layer.shift, layer.offset(m), score_bits)
            for m, row in enumerate(layer.weights)
        ]
    forms = _forms(layer.weights, layer.thresholds, numbers, total)
    if any(form.name in ("plus", "minus") for form in forms):
        numbers = _wait(circuit, numbers, total, lead)
    chosen += [form.name for form in forms]
    return [
        [_neuron(circuit, form, row, numbers, total)]
        for form, row in zip(forms, layer.weights, strict=True)
    ]


def _wait(circuit: Circuit, numbers: list[list[Bit]], total: _Total, lead: int) -> list[list[Bit]]:
    """The inputs as they stand `lead` stages before ~U."""
    first = max(bit.stage for bit in total.inverted()) - lead
    return [[circuit.later(bit, first) for bit in number] for number in numbers]


class _Total:
    """U = sum of a layer's inputs, made when a neuron first asks for it."""

    def __init__(self, circuit: Circuit, numbers: list[list[Bit]]):
        self._circuit, self._numbers = circuit, numbers
        self._inverted: list[Bit] | None = None
        self.largest = sum((1 << len(number)) - 1 for number in numbers)
        self.bits = self.largest.bit_length()

    def inverted(self) -> list[Bit]:
        """~U, bit 0 first."""
        if self._inverted is None:
            heap = columns_of(self._numbers)
            value = add_rows(self._circuit, heap, self.bits)
            self._inverted = [self._circuit.invert(bit) for bit in value]
        return self._inverted


def columns_of(numbers: Sequence[Sequence[Bit]]) -> list[list[Bit]]:
    """The bits of numbers by weight."""
    width = max((len(number) for number in numbers), default=0)
    return [[number[j] for number in numbers if j < len(number)] for j in range(width)]


@dataclass(frozen=True)
class _Form:
    """How a neuron is computed: "plus", "minus", "all" or "constant"; `even`: with 1 - U mod 2."""

    name: str
    luts: int = 0
    even: bool = False
    reach: int = 0
    positions: int = 0
    plan: Plan | None = None


def _forms(
    weights: np.ndarray, thresholds: np.ndarray, numbers: list[list[Bit]], total: _Total
) -> list[_Form]:
    """The cheapest form of each neuron; U is taken only where it pays for the layer."""
    widths = [len(number) for number in numbers]
    best, alone = [], []
    for row, threshold in zip(weights, thresholds, strict=True):
        forms = _forms_of(row, int(threshold), widths, total)
        best.append(min(forms, key=lambda form: (form.luts, form.name)))
        alone.append(forms[-1])
    heights = tuple(sum(w > j for w in widths) for j in range(max(widths)))
    shared = plan_rows(heights, total.bits).luts + total.bits
    return best if sum(f.luts for f in best) + shared < sum(f.luts for f in alone) else alone


def _forms_of(row: np.ndarray, threshold: int, widths: list[int], total: _Total) -> list[_Form]:
    """The forms of a neuron; the last one needs no U."""
    negative = sum((1 << n) - 1 for n, w in zip(widths, row, strict=True) if w < 0)
    if threshold <= -negative or threshold > total.largest - negative:
        return [_Form("constant", reach=int(threshold <= -negative))]
    forms = []
    for name, sign, k in (("plus", 1, threshold), ("minus", -1, 1 - threshold)):
        # u(S) + (2^m - 1 - H) + [k even] (1 - U mod 2) >= ceil(k / 2) + 2^m - 1 + [k even]
        even, bits = k % 2 == 0, total.bits - 1
        taken = [n for n, w in zip(widths, row, strict=True) if w == sign]
        heights = [sum(n > j for n in taken) + (j < bits) for j in range(max(*widths, bits))]
        heights[0] += even
        reach = (k + 1) // 2 + (1 << bits) - 1 + even
        most = sum(h << j for j, h in enumerate(heights))
        if 0 < reach <= most:
            plan, positions = _plan(tuple(heights), reach, most)
            forms.append(_Form(name, plan.luts, even, reach, positions, plan))
    # all inputs, those of weight -1 inverted: sum + negative >= threshold + negative
    heights = [sum(n > j for n in widths) for j in range(max(widths))]
    plan, positions = _plan(tuple(heights), threshold + negative, total.largest)
    return [*forms, _Form("all", plan.luts, False, threshold + negative, positions, plan)]


def _neuron(
    circuit: Circuit, form: _Form, row: np.ndarray, numbers: list[list[Bit]], total: _Total
) -> Bit:
    """The bit sum_i row_i u_i >= threshold."""
    if form.plan is None:
        return circuit.constant(form.reach)
    if form.name == "all":
        heap = columns_of(
            [
                [bit if w > 0 else circuit.inverted(bit) for bit in number]
                for number, w in zip(numbers, row, strict=True)
            ]
        )
    else:
        sign = 1 if form.name == "plus" else -1
        heap = columns_of([n for n, w in zip(numbers, row, strict=True) if w == sign])
        shared = total.inverted()
        heap += [[] for _ in range(max(0, total.bits - 1 - len(heap)))]
        for j, bit in enumerate(shared[1:]):
            heap[j].append(bit)
        if form.even:
            heap[0].append(shared[0])
    y = compare(circuit, heap, form.plan, form.reach, form.positions)
    return circuit.inverted(y) if form.name == "minus" else y


def _plan(heights: tuple[int, ...], reach: int, most: int) -> tuple[Plan, int]:
    positions = (int(most).bit_length() + 1) // 2
    return plan_compare(heights, (1 << 2 * positions) - reach, positions), positions


def compress(circuit: Circuit, heap: list[list[Bit]], plan: Plan, columns: int) -> list[list[Bit]]:
    """Apply a plan's counters; what is left, by column. Bits that arrive first are counted
    first."""
    heap = [list(column) for column in heap] + [[] for _ in range(columns + 2 - len(heap))]
    for i in range(columns):
        for size in plan.counters[i]:
            heap[i].sort(key=circuit.arrival)
            group, heap[i] = heap[i][:size], heap[i][size:]
            if size >= 6:  # its last two inputs cannot be inverted inside the LUTs
                group, heap[i] = _two_plain(circuit, group, heap[i])
            outputs = circuit.counter(group)
            for j, bit in enumerate(outputs):
                if i + j < columns:
                    heap[i + j].append(bit)
    return heap[:columns]


def _two_plain(circuit: Circuit, group: list[Bit], rest: list[Bit]) -> tuple[list[Bit], list[Bit]]:
    """Order a group so that bits from the fifth on are not inverted, trading with the rest if need
    be."""
    wanted = len(group) - 5
    pool = sorted(group, key=lambda bit: not bit.inverted)
    rest = list(rest)
    for i in range(len(pool) - wanted, len(pool)):
        if pool[i].inverted:
            plain = next((j for j, bit in enumerate(rest) if not bit.inverted), None)
            if plain is None:
                pool[i] = circuit.invert(Bit(pool[i].net, pool[i].stage, pool[i].time_ns))
            else:
                pool[i], rest[plain] = rest[plain], pool[i]
    return pool, rest


def compare(circuit: Circuit, heap: list[list[Bit]], plan: Plan, reach: int, positions: int) -> Bit:
    """Is the heap's sum at least `reach`?"""
    left = compress(circuit, heap, plan, 2 * positions)
    offset = (1 << 2 * positions) - reach
    return circuit.compare(left, offset, positions)


def add_rows(circuit: Circuit, heap: list[list[Bit]], columns: int) -> list[Bit]:
    """The heap's sum as `columns` bits."""
    plan = plan_rows(tuple(len(column) for column in heap), columns)
    return circuit.add(compress(circuit, heap, plan, columns), 0, columns)


def _sum(
    circuit: Circuit,
    row: np.ndarray,
    numbers: list[list[Bit]],
    total: _Total,
    shift: int,
    offset: int,
    score_bits: int,
) -> list[Bit]:
    """2^shift * sum_i row_i u_i + offset in two's complement, from 2 u(S+) + ~U + (1 - 2^bits)."""
    chosen = [n for n, w in zip(numbers, row, strict=True) if w > 0]
    heap = [[], *columns_of(chosen)] if chosen else [[]]
    shared = total.inverted()
    heap += [[] for _ in range(max(0, len(shared) - len(heap)))]
    for j, bit in enumerate(shared):
        heap[j].append(bit)
    heap = [*([] for _ in range(shift)), *heap]
    plan = plan_rows(tuple(len(column) for column in heap), score_bits)
    left = compress(circuit, heap, plan, score_bits)
    return circuit.add(left, (1 - (1 << total.bits) << shift) + offset, score_bits)
