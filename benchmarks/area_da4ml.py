"""Verilog of da4ml for a binary network: run by area.py with the Python that has da4ml 0.6.0.

python area_da4ml.py network.npz OUT LATENCY_CUTOFF
"""

import sys

import numpy as np
from da4ml.codegen import RTLModel
from da4ml.trace import FixedVariableArrayInput, HWConfig, comb_trace

network = np.load(sys.argv[1])
layers = len([name for name in network.files if name.startswith("w")])
source = FixedVariableArrayInput((network["w0"].shape[1],), hwconf=HWConfig(1, -1, -1))
bits = source.quantize(0, 1, 0)  # unsigned, one integer bit
for k in range(layers):
    weights = network[f"w{k}"]
    sums = bits @ weights.T.astype(np.float64)
    if k < layers - 1:
        # popcount >= T is sum >= T - (number of -1 weights)
        limits = network[f"t{k}"] - (weights < 0).sum(1)
        bits = (sums >= limits.astype(np.float64)).quantize(0, 1, 0)
logic = comb_trace(source, sums)
model = RTLModel(logic, "mlp", sys.argv[2], latency_cutoff=float(sys.argv[3]))
model.write()
print(model)
