"""Hard-wired matrix-vector units: weights and thresholds are constants of a generated netlist.

Fully unfolded (PE = MH, SIMD = MW), a vector a cycle, 1-bit and n-bit inputs alike;
:mod:`hw_bnn.hardwired` makes the netlist. The graph keeps the tensors of the MVAU that such a node
replaces, which executes it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from qonnx.core.datatype import DataType

from ...hardwired import (
    KERNELS,
    Description,
    Layer,
    Network,
    Positions,
    compare_module,
    generate,
    prove_layer,
)
from ..pipelining import family_of, hardwired_period
from .classes import custom_op
from .mvau import MVAU, KernelMVAU


@custom_op(MVAU)
class HardwiredMVAU_rtl(KernelMVAU):
    """A dense layer, or a convolution's product, as constants.

    Its outputs are bits (one threshold a neuron) or the sums themselves.
    """

    kernel = "hardwired_flow"

    def get_nodeattr_types(self):
        return super().get_nodeattr_types() | {
            "latency": ("i", False, 1),
            "plannedLuts": ("i", False, 0),
            "plannedRegisters": ("i", False, 0),
            "sumBits": ("i", False, 0),  # of a sum, where thresholds differ by position; else 0
        }

    def kernels(self):
        return (self.kernel, *KERNELS)

    def core_name(self) -> str:
        return f"{self.module_name()}_core"

    def compare_name(self) -> str:
        return f"{self.module_name()}_compare"

    def own_sources(self):
        made = [self.core_name(), *([self.compare_name()] if self.get_nodeattr("sumBits") else [])]
        return [*(f"{name}.sv" for name in made), *super().own_sources()]

    def network(self, model) -> Network:
        """The layer over unsigned inputs u: x = 2u - 1 for bits, u - 2^(n-1) if signed.

        Where thresholds differ by position its outputs are the sums of w u (`positions`).
        """
        weights = model.get_initializer(self.onnx_node.input[1]).astype(np.int64).T
        if self.positions(model) is not None:
            return Network([Layer(weights, None)])
        table, total = self.thresholds(model), weights.sum(axis=1)
        dtype = self.get_input_datatype(0)
        bits = dtype.bitwidth()
        if dtype == DataType["BIPOLAR"]:  # dot = 2 sum - total
            shift, offsets = 1, -total
            limits = None if table is None else _of_bits(table[:, 0], total)
        else:
            half = 1 << bits - 1 if dtype.signed() else 0
            shift, offsets = 0, -half * total
            limits = None if table is None else table[:, 0] + half * total
        signed = dtype.signed() and dtype != DataType["BIPOLAR"]
        layer = Layer(weights, None, offsets, shift) if limits is None else Layer(weights, limits)
        return Network([layer], bits, signed)

    def positions(self, model) -> Positions | None:
        """Thresholds of the sums of w u by position, where they differ."""
        sets, index = self.threshold_sets(model)
        if len(sets) < 2:
            return None
        total = model.get_initializer(self.onnx_node.input[1]).astype(np.int64).sum(axis=0)
        tables = [_of_bits(table[:, 0], total) for table in sets]
        return Positions.of(tables, index, int(self.get_nodeattr("numInputVectors")[-1]))

    def kernel_parameters(self, model):
        return {
            "IN_BITS": self.get_instream_width(),
            "OUT_BITS": self.get_outstream_width(),
            "LATENCY": self.get_nodeattr("latency"),
        }

    def planned(self):
        registers = self.get_nodeattr("plannedRegisters") + self.get_nodeattr("latency")
        return {"lut": self.get_nodeattr("plannedLuts"), "ff": registers}

    def stream_links(self):
        return [*super().stream_links(), ".ce(ce)", ".x(x)", ".y(y)"]

    def body(self):
        bits = self.get_nodeattr("sumBits")
        wires = (
            f"\n  wire ce;\n  wire [{self.get_instream_width() - 1}:0] x;\n"
            f"  wire [{self.get_outstream_width() - 1}:0] y;\n"
        )
        if not bits:
            return f"{wires}  {self.core_name()} core (.ap_clk(ap_clk), .ce(ce), .x(x), .y(y));\n"
        return (
            f"{wires}  wire [{self.get_nodeattr('MH') * bits - 1}:0] sums;\n"
            f"  {self.core_name()} core (.ap_clk(ap_clk), .ce(ce), .x(x), .y(sums));\n"
            f"  {self.compare_name()} compare (\n"
            "      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n), .ce(ce),\n"
            "      .taken(in0_V_TVALID && in0_V_TREADY), .sums(sums), .y(y)\n  );\n"
        )

    def unfold(self) -> None:
        """All neurons and inputs at once."""
        self.set_nodeattr("PE", self.get_nodeattr("MH"))
        self.set_nodeattr("SIMD", self.get_nodeattr("MW"))
        self.set_nodeattr("MMV", 1)

    def live(self, model) -> int:
        """Neurons whose output is no constant."""
        network = self.network(model)
        (layer,) = network.layers
        if layer.thresholds is None:
            return len(layer.weights)
        largest = (1 << network.input_bits) - 1
        low = -largest * (layer.weights < 0).sum(axis=1)
        high = largest * (layer.weights > 0).sum(axis=1)
        return int(((layer.thresholds > low) & (layer.thresholds <= high)).sum())

    def generate(self, model, part: str, clk_period_ns: float) -> Description:
        """The netlist for a part and a clock; what it takes is kept with the node."""
        network, positions = self.network(model), self.positions(model)
        bits = self.get_output_datatype().bitwidth() if positions is None else network.score_bits()
        period = hardwired_period(family_of(part), clk_period_ns)
        core = _generated(_Key(network), period, bits)
        latency, luts, registers = core.latency, core.luts, core.registers
        if positions is not None:  # a LUT a bit compares, with a constant of few bits of position
            counted, kinds = positions.state_bits
            self.set_nodeattr("sumBits", bits)
            latency += 1
            luts += int(self.get_nodeattr("MH")) * bits + 2 * counted + kinds
            registers += int(self.get_nodeattr("MH")) + counted + core.latency * kinds
        self.set_nodeattr("latency", latency)
        self.set_nodeattr("plannedLuts", luts)
        self.set_nodeattr("plannedRegisters", registers)
        return core

    def generate_hdl(self, model, fpgapart, clk):
        """Write core and wrapper; registers by the generator's delay model."""
        core = self.generate(model, fpgapart, clk)
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        text = core.text.replace(_NAME, self.core_name())
        (folder / f"{self.core_name()}.sv").write_text(text)
        positions = self.positions(model)
        if positions is not None:
            name, bits = self.compare_name(), int(self.get_nodeattr("sumBits"))
            text = compare_module(name, positions, bits, core.latency)
            (folder / f"{name}.sv").write_text(text)
        super().generate_hdl(model, fpgapart, clk)


def _of_bits(thresholds: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Thresholds of sum w x, x = 2u - 1, as those of sum w u; total: sum of each neuron's w."""
    return -((-(thresholds + total)) // 2)


_NAME = "hardwired_core"
"""Of a generated module before it has a node's."""


class _Key:
    """A network, compared by its contents: the same layer is generated once."""

    def __init__(self, network: Network):
        self.network = network
        (layer,) = network.layers
        arrays = (layer.weights, layer.thresholds, layer.offsets)
        self._id = (
            network.input_bits,
            network.input_signed,
            layer.shift,
            *(None if a is None else (a.shape, a.tobytes()) for a in arrays),
        )

    def __hash__(self) -> int:
        return hash(self._id)

    def __eq__(self, other) -> bool:
        return self._id == other._id


@lru_cache(maxsize=32)
def _generated(key: _Key, period_ns: float, bits: int) -> Description:
    core = generate(key.network, _NAME, period_ns, bits, registered=False)
    prove_layer(core.netlist, key.network, core.latency, bits, _NAME)
    return core
