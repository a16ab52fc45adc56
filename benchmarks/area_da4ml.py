"""Verilog of da4ml for a binary network: run by area.py with the Python that has da4ml 0.6.0.

python area_da4ml.py network.npz OUT LATENCY_CUTOFF
"""

import sys

import numpy as np
from da4ml.codegen import RTLModel
from da4ml_network import binary_network

logic, _ = binary_network(np.load(sys.argv[1]))
model = RTLModel(logic, "mlp", sys.argv[2], latency_cutoff=float(sys.argv[3]))
model.write()
print(model)
