"""A binary network as da4ml's logic; imported by a Python that has da4ml 0.6.0."""

import numpy as np
from da4ml.trace import FixedVariableArrayInput, HWConfig, comb_trace


def binary_network(arrays):
    """The combinational logic of a network of +-1 weights on bits.

    Args:
        arrays: w0, w1, ... (MH, MW) of +-1, and t0, t1, ... (MH,) popcount thresholds of all layers
            but the last, as np.load gives them.

    Returns:
        (da4ml's logic of the last layer's sums over bits, the number of layers).
    """
    layers = len([name for name in arrays if name.startswith("w")])
    source = FixedVariableArrayInput((arrays["w0"].shape[1],), hwconf=HWConfig(1, -1, -1))
    bits = source.quantize(0, 1, 0)  # unsigned, one integer bit
    for k in range(layers):
        weights = arrays[f"w{k}"]
        sums = bits @ weights.T.astype(np.float64)
        if k < layers - 1:
            # popcount >= T is sum >= T - (number of -1 weights)
            limits = arrays[f"t{k}"] - (weights < 0).sum(1)
            bits = (sums >= limits.astype(np.float64)).quantize(0, 1, 0)
    return comb_trace(source, sums), layers
