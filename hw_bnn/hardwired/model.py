"""A hard-wired network by its definition, in SystemVerilog: what simulators build in its place.

A netlist of a hundred thousand blocks takes Verilator's compiler many minutes; the same function as
a loop over rows of weights takes seconds. Both stand in the generated module, this one where
HW_BNN_SIM is defined; :mod:`.proof` proves them equal.
"""

from __future__ import annotations

import numpy as np

from .network import Layer, Network


def behaviour(network: Network, latency: int, score_bits: int) -> list[str]:
    """The body of a module with the ports of the generated one (ap_clk, ce, x, y).

    Args:
        latency: enabled cycles from x to y.
        score_bits: width of an output.
    """
    mw, bits = network.layers[0].weights.shape[1], network.input_bits
    outputs = network.layers[-1].weights.shape[0] * score_bits
    vector = f"logic [{mw * bits - 1}:0]"
    tables, body = [], _planes(mw, bits, network.input_signed)
    for number, layer in enumerate(network.layers):
        tables += _tables(layer, number)
        body += _layer(layer, number, bits if number == 0 else 1, score_bits)
    last = len(network.layers) - 1
    if network.layers[last].thresholds is not None:
        body.append(f"    return a{last + 1}[0];")
    return [
        *tables,
        f"  function automatic logic [{outputs - 1}:0] evaluate(input {vector} x);",
        "    int total, sum;",
        *sorted(body, key=lambda line: not line.startswith("    logic")),  # declarations first
        "  endfunction",
        f"  logic [{latency * outputs - 1}:0] pipe;",
        "  always_ff @(posedge ap_clk)"
        f" if (ce) pipe <= {latency * outputs}'({{pipe, evaluate(x)}});",
        f"  assign y = pipe[{latency * outputs - 1}:{(latency - 1) * outputs}];",
    ]


def _planes(mw: int, bits: int, signed: bool) -> list[str]:
    """a0[j] = bit j of every feature, as an unsigned number's."""
    lines = [f"    logic [{mw - 1}:0] a0[{bits}];"]
    if bits == 1:
        lines.append("    a0[0] = x;")
    else:
        lines += [
            f"    for (int k = 0; k < {mw}; k++)",
            f"      for (int j = 0; j < {bits}; j++) a0[j][k] = x[k*{bits}+j];",
        ]
    return [*lines, f"    a0[{bits - 1}] = ~a0[{bits - 1}];"] if signed else lines


def _tables(layer: Layer, number: int) -> list[str]:
    """Rows of weights, 1 for +1, and the neurons' thresholds or offsets."""
    mh, mw = layer.weights.shape
    packed = np.packbits(layer.weights > 0, axis=1, bitorder="little")[:, ::-1]
    rows = ",\n    ".join(f"{mw}'h{row.tobytes().hex()}" for row in packed)
    constants = layer.offsets if layer.thresholds is None else layer.thresholds
    values = np.zeros(mh, np.int64) if constants is None else constants
    limits = ", ".join(map(str, values.tolist()))
    return [
        f"  localparam logic [{mw - 1}:0] WEIGHTS_{number}[{mh}] = '{{\n    {rows}}};",
        f"  localparam int CONSTANTS_{number}[{mh}] = '{{{limits}}};",
    ]


def _layer(layer: Layer, number: int, bits: int, score_bits: int) -> list[str]:
    """sum = 2 u(S+) - U of every neuron, and its output."""
    mh = layer.weights.shape[0]
    lines = [
        "    total = 0;",
        f"    for (int j = 0; j < {bits}; j++) total += int'($countones(a{number}[j])) << j;",
        f"    for (int m = 0; m < {mh}; m++) begin",
        "      sum = -total;",
        f"      for (int j = 0; j < {bits}; j++)",
        f"        sum += int'($countones(a{number}[j] & WEIGHTS_{number}[m])) << (j + 1);",
    ]
    if layer.thresholds is None:
        value = f"(sum <<< {layer.shift}) + CONSTANTS_{number}[m]"
        lines.append(f"      evaluate[m*{score_bits}+:{score_bits}] = {score_bits}'({value});")
        return [*lines, "    end"]
    lines.append(f"      a{number + 1}[0][m] = sum >= CONSTANTS_{number}[m];")
    return [f"    logic [{mh - 1}:0] a{number + 1}[1];", *lines, "    end"]
