"""The twin of a hard-wired layer: weights and limits are constants that the tool folds to logic."""

from __future__ import annotations

import numpy as np

from ..hardwired import Network
from .tables import bit_rows, table


def core(name: str, network: Network, out_bits: int) -> str:
    """C++ of a struct `name` whose evaluate() is the one layer of a network.

    Args:
        network: of one layer, as its netlist is generated from (hw_bnn.hardwired).
        out_bits: bits of an output.
    """
    (layer,) = network.layers
    mh, mw = layer.weights.shape
    rows = bit_rows((layer.weights > 0).astype(np.uint8))
    constants = layer.offsets if layer.thresholds is None else layer.thresholds
    constants = np.zeros(mh, np.int64) if constants is None else constants
    numbers = ", ".join(f"{int(c)}ll" for c in constants)
    arguments = (mw, mh, network.input_bits, int(network.input_signed),
                 int(layer.thresholds is not None), layer.shift, out_bits)  # fmt: skip
    return (
        f"{table(f'{name}_weights', rows)}"
        f"static const long long {name}_constants[{mh}] = {{{numbers}}};\n"
        f"struct {name} {{\n"
        f"  static ap_uint<{mh * out_bits}> evaluate("
        f"const ap_uint<{mw * network.input_bits}>& x) {{\n"
        "#pragma HLS INLINE\n"
        f"    return hw_bnn::hardwired_layer<{', '.join(map(str, arguments))}>(\n"
        f"        x, {name}_weights, {name}_constants);\n"
        "  }\n"
        "};\n"
    )
