"""Proof that a generated netlist computes its layer, for all inputs.

Blocks obey identities over the integers, with bits as 0 or 1 (each proved by SAT, tests/synth):

    bnn_popcount_counter   sum_i 2^i count_i = sum_i bits_i
    an adder of W bits     sum_i 2^i n_i     = its rows and its constant, modulo 2^W

The text of the netlist is read, line by line, and what each output compares or adds is rewritten
from the outputs of blocks to their inputs, until it is a sum of the layer's inputs: by the layer's
weights, or the netlist is wrong. A neuron that counts one sign compares with floor(U/2), U being
the sum of all inputs; with e = 1 where it also takes U mod 2,

    a - floor(U/2) - e (U mod 2) >= c   <=>   2 a - U >= 2 c - 1 + e

Columns that a plan left out, since the sum cannot reach them, are checked by the largest value that
it can have. Nothing is sampled. Registers are counted along every path: all paths have one latency.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..errors import CheckFailed
from .network import Network

_LINES = {
    "declared": re.compile(r"logic (?:\[\d+:0\] )?n\w+;"),
    "register": re.compile(r"always_ff @\(posedge ap_clk\) if \(ce\) (\w+) <= ([\w\[\]]+);"),
    "inverter": re.compile(r"assign (n\d+) = ~([\w\[\]]+);"),
    "counter": re.compile(
        r"bnn_popcount_counter #\(\.N\((\d)\)(?:, \.INVERT\(\d'h(\w+)\))?\) \w+ "
        r"\(\.bits\(\{(.*)\}\), \.count\((n\d+)\)\);"
    ),
    "compare": re.compile(
        r"bnn_hardwired_compare #\(\.POSITIONS\((\d+)\), \.TWOS\(\d+'h(\w+)\), "
        r"\.OFFSET\(\d+'h(\w+)\)(?:, \.INVERT\(\d+'h(\w+)\))?\) \w+ "
        r"\(\.bits\(\{(.*)\}\), \.one\(1'b0\), \.y\((n\d+)\)\);"
    ),
    "adder": re.compile(r"assign (n\d+) = \{(.*)\} \+ \{(.*)\}(?: \+ \d+'h(\w+))?;"),
    "output": re.compile(r"assign y = \{(.*)\};"),
}
_CONSTANTS = {"1'b0": 0, "1'b1": 1}


class Literal(NamedTuple):
    """A block's output bit, or an input's ("x", its place), after `stage` registers; `block` is
    None for a constant, `place` its value."""

    block: str | None
    place: int
    inverted: bool = False
    stage: int = 0


Form = dict[tuple[str, int], int]
"""(block, place) -> factor; ("", 0) is the constant."""
ONE = ("", 0)


@dataclass
class _Block:
    """sum_i 2^i output_i = form, exactly or modulo a power of two; a comparison has a threshold."""

    order: int
    form: Form
    stage: int
    width: int = 1
    modulus: int = 0
    reach: int | None = None


@dataclass
class _Netlist:
    """What the text says."""

    name: str
    names: dict[str, Literal] = field(default_factory=dict)
    blocks: dict[str, _Block] = field(default_factory=dict)
    outputs: list[Literal] = field(default_factory=list)

    def wrong(self, what: str) -> CheckFailed:
        return CheckFailed(
            f"the generated netlist is not its layer: {what}", node=self.name,
            remedy="this is a defect of the generator: please report it with the model",
        )  # fmt: skip

    def literal(self, text: str) -> Literal:
        """What a net stands for."""
        text = text.strip()
        if text in _CONSTANTS:
            return Literal(None, _CONSTANTS[text])
        if text.startswith("~"):
            return flipped(self.literal(text[1:]))
        if text in self.names:
            return self.names[text]
        block, _, index = text.removesuffix("]").partition("[")
        if block == "x":
            return Literal("x", int(index))
        known = self.blocks.get(block)
        if known is None or int(index or 0) >= known.width:
            raise self.wrong(f"{text} is used before it is there")
        return Literal(block, int(index or 0), False, known.stage)

    def bits(self, text: str) -> list[Literal]:
        """A concatenation, bit 0 first."""
        return [self.literal(net) for net in reversed(text.split(", "))]

    def stage(self, literals: Iterable[Literal]) -> int:
        """The stage at which they stand, all of them."""
        found = {bit.stage for bit in literals if bit.block is not None}
        if len(found) > 1:
            raise self.wrong(f"bits of the stages {sorted(found)} meet")
        return found.pop() if found else 0

    def block(self, name: str, terms: Sequence[tuple[Literal, int]], constant=0, **kind) -> None:
        form: Form = {ONE: constant}
        for bit, weight in terms:
            add(form, bit, weight)
        stage = self.stage(bit for bit, _ in terms)
        self.blocks[name] = _Block(len(self.blocks), form, stage, **kind)


def flipped(bit: Literal) -> Literal:
    if bit.block is None:
        return bit._replace(place=1 - bit.place)
    return bit._replace(inverted=not bit.inverted)


def add(form: Form, bit: Literal, weight: int) -> None:
    """form += weight * bit."""
    if bit.block is None:
        form[ONE] += weight * bit.place
        return
    if bit.inverted:
        form[ONE] += weight
        weight = -weight
    form[bit.block, bit.place] = form.get((bit.block, bit.place), 0) + weight


def read(text: str, name: str) -> _Netlist:
    """The netlist in a generated module's body.

    Raises:
        CheckFailed: a line of another form, or a net that is used before it is driven.
    """
    netlist = _Netlist(name)
    for line in filter(None, map(str.strip, text.splitlines())):
        for kind, pattern in _LINES.items():
            found = pattern.fullmatch(line)
            if found:
                _READERS[kind](netlist, *found.groups())
                break
        else:
            raise netlist.wrong(f"it has the line {line[:80]!r}")
    return netlist


def _register(netlist: _Netlist, name: str, source: str) -> None:
    bit = netlist.literal(source)
    netlist.names[name] = bit._replace(stage=bit.stage + 1)


def _counter(netlist: _Netlist, n: str, invert: str | None, bits: str, name: str) -> None:
    mask, literals = int(invert or "0", 16), netlist.bits(bits)
    if len(literals) != int(n):
        raise netlist.wrong(f"{name} counts {len(literals)} bits, not {n}")
    terms = [(flipped(b) if mask >> i & 1 else b, 1) for i, b in enumerate(literals)]
    netlist.block(name, terms, width=len(literals).bit_length())


def _compare(netlist, positions, twos, offset, invert, bits, name) -> None:
    count, doubled, mask = int(positions), int(twos, 16), int(invert or "0", 16)
    constant, terms = int(offset, 16), []
    literals = netlist.bits(bits)
    for p in range(count):
        weights = [1 + (doubled >> 5 * p + j & 1) for j in range(5)]
        pins = literals[5 * p : 5 * p + 5]
        used = [w for b, w in zip(pins, weights, strict=True) if b.block is not None]
        if (constant >> 2 * p & 3) + sum(used) + 1 > 7:
            raise netlist.wrong(f"a position of {name} may carry two")
        for j, (bit, weight) in enumerate(zip(pins, weights, strict=True)):
            terms.append((flipped(bit) if mask >> 5 * p + j & 1 else bit, weight << 2 * p))
    netlist.block(name, terms, modulus=1 << 2 * count, reach=(1 << 2 * count) - constant)


def _adder(netlist: _Netlist, name: str, first: str, second: str, constant: str | None) -> None:
    rows = [netlist.bits(row) for row in (first, second)]
    terms = [(bit, 1 << i) for row in rows for i, bit in enumerate(row)]
    width = len(rows[0])
    netlist.block(name, terms, int(constant or "0", 16), width=width, modulus=1 << width)


_READERS: dict[str, Callable[..., None]] = {
    "declared": lambda netlist: None,
    "register": _register,
    "inverter": lambda netlist, name, source: netlist.names.update(
        {name: flipped(netlist.literal(source))}
    ),
    "counter": _counter,
    "compare": _compare,
    "adder": _adder,
    "output": lambda netlist, bits: netlist.outputs.extend(netlist.bits(bits)),
}  # fmt: skip


def expanded(netlist: _Netlist, form: Form, modulus: int, *, modulo: bool) -> Form:
    """A form over outputs of blocks as one over inputs.

    Args:
        modulo: it counts modulo `modulus` only; otherwise it is exact, and what it leaves out of a
            counter's outputs weighs `modulus` or more: nothing, as long as the whole stays below.

    Bits of adders stay: their numbers wrap.
    """
    form = dict(form)
    waiting = {block for block, _ in form} - {"", "x"}
    while waiting:
        name = max(waiting, key=lambda n: netlist.blocks[n].order)
        waiting.remove(name)
        block = netlist.blocks[name]
        if block.reach is not None:
            raise netlist.wrong(f"the comparison {name} is summed up")
        if block.modulus:
            continue
        weights = [form.pop((name, i), 0) for i in range(block.width)]
        factor = weights[0]
        for i, weight in enumerate(weights):
            left_out = weight == 0 and (factor << i) >= modulus
            equal = (weight - (factor << i)) % modulus == 0 if modulo else weight == factor << i
            if not (equal or left_out) or (factor <= 0 and not modulo):
                raise netlist.wrong(f"bits of {name} are lost or weighted wrongly")
        for term, weight in block.form.items():
            form[term] = form.get(term, 0) + factor * weight
            if term[0] not in ("", "x"):
                waiting.add(term[0])
    if not modulo and sum(max(w, 0) for t, w in form.items() if t != ONE) + form[ONE] >= modulus:
        raise netlist.wrong("a sum may be larger than its comparison")
    return form


def prove_layer(text: str, network: Network, latency: int, score_bits: int, name: str) -> None:
    """Prove a netlist.

    Args:
        text: the body of the module.
        network: of one layer.

    Raises:
        CheckFailed: it is not proved; tells what is wrong, and in which neuron.
    """
    (layer,) = network.layers
    netlist = read(text, name)
    mh, mw = layer.weights.shape
    if len(netlist.outputs) != mh * score_bits:
        raise netlist.wrong(f"it has {len(netlist.outputs)} outputs")
    if any(b.block is not None and b.stage != latency for b in netlist.outputs):
        raise netlist.wrong("outputs have another latency")
    totals = _Totals(netlist, mw, network)
    for m, row in enumerate(layer.weights):
        outputs = netlist.outputs[m * score_bits : (m + 1) * score_bits]
        try:
            if layer.thresholds is None:
                _prove_sum(netlist, totals, outputs, row, layer.shift, layer.offset(m))
            else:
                _prove_bit(netlist, totals, outputs[0], row, int(layer.thresholds[m]))
        except CheckFailed as error:
            raise CheckFailed(f"neuron {m}: {error.reason}", node=name) from error


class _Totals:
    """The layer's inputs as numbers, and which adders hold the sum of all of them."""

    def __init__(self, netlist: _Netlist, mw: int, network: Network):
        self._netlist, self._shape = netlist, (mw, network.input_bits)
        self._signed, self._known = network.input_signed, set[str]()
        self.largest = (1 << network.input_bits) - 1

    def of_inputs(self, form: Form) -> tuple[np.ndarray, int]:
        """(factor of each input number, constant) of a form over the inputs' bits.

        Raises:
            CheckFailed: the bits of a number do not stand in it by their weights.
        """
        mw, bits = self._shape
        factors = np.zeros((mw, bits), dtype=object)
        for (block, place), weight in form.items():
            if block == "x":
                factors[divmod(place, bits)] += weight
        constant = form[ONE]
        if self._signed:  # the highest bit of u is that of x inverted
            constant += int(factors[:, -1].sum())
            factors[:, -1] *= -1
        if (factors != factors[:, :1] * (1 << np.arange(bits)).astype(object)).any():
            raise self._netlist.wrong("bits of an input are weighted wrongly")
        return factors[:, 0], int(constant)

    def check(self, name: str) -> int:
        """An adder holds the sum of all inputs; its width."""
        block = self._netlist.blocks[name]
        if name not in self._known:
            form = expanded(self._netlist, block.form, block.modulus, modulo=True)
            factors, constant = self.of_inputs(form)
            if (factors % block.modulus != 1).any() or constant % block.modulus:
                raise self._netlist.wrong(f"{name} is not the sum of all inputs")
            if len(factors) * self.largest >= block.modulus:
                raise self._netlist.wrong(f"{name} may overflow")
            self._known.add(name)
        return block.width


def _prove_bit(netlist, totals: _Totals, bit: Literal, row: np.ndarray, threshold: int) -> None:
    """bit = (sum_k row_k u_k >= threshold)."""
    low, high = (-int((row < 0).sum()) * totals.largest, int((row > 0).sum()) * totals.largest)
    if bit.block is None:
        if bit.place != (threshold <= low) or low < threshold <= high:
            raise netlist.wrong(f"it is the constant {bit.place}")
        return
    block = netlist.blocks[bit.block]
    if block.reach is None:
        raise netlist.wrong(f"{bit.block} is no comparison")
    form = expanded(netlist, block.form, block.modulus, modulo=False)
    sums = {name for name, _ in form} - {"", "x"}
    factors, constant = totals.of_inputs(form)
    reach = block.reach - constant
    if sums:
        name = min(sums)
        width = totals.check(name) if len(sums) == 1 else 0
        lowest = -form.get((name, 0), 0)
        halves = all(form.get((name, i)) == -(1 << i - 1) for i in range(1, width))
        if lowest not in (0, 1) or not width or not halves:
            raise netlist.wrong("it does not compare with half the sum of all inputs")
        factors, reach = 2 * factors - 1, 2 * reach - 1 + lowest
    if bit.inverted:
        factors, reach = -factors, 1 - reach
    if (factors != row).any() or reach != threshold:
        raise netlist.wrong("its weights or its threshold are others")


def _prove_sum(netlist, totals: _Totals, bits, row, shift: int, offset: int) -> None:
    """The bits are 2^shift sum_k row_k u_k + offset, modulo 2^len(bits)."""
    block = netlist.blocks.get(bits[0].block or "")
    if block is None or [(b.block, b.place, b.inverted) for b in bits] != [
        (bits[0].block, i, False) for i in range(int(block.modulus).bit_length() - 1)
    ]:
        raise netlist.wrong("its number is no adder's")
    form = expanded(netlist, block.form, block.modulus, modulo=True)
    factors, constant = totals.of_inputs(form)
    for name in {name for name, _ in form} - {"", "x"}:  # c times the sum of all inputs
        weights = [form.get((name, i), 0) for i in range(totals.check(name))]
        if any((w - (weights[0] << i)) % block.modulus for i, w in enumerate(weights)):
            raise netlist.wrong("the sum of all inputs is weighted wrongly")
        factors = factors + weights[0]
    wanted = row.astype(object) * (1 << shift)
    if ((factors - wanted) % block.modulus != 0).any() or (constant - offset) % block.modulus:
        raise netlist.wrong("its weights or its offset are others")
