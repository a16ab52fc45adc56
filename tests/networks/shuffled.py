"""Other networks of a file's structure: its parameters in another order."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper


def shuffled(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """The model with each tensor of float parameters shuffled, and of weights half of the signs
    turned.

    Counts, scales and shapes stay, and a variance stays positive. Weights are tensors of two or
    more axes longer than 1.
    """
    made, rng = onnx.ModelProto(), np.random.default_rng(seed)
    made.CopyFrom(model)
    for tensor in made.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind != "f" or values.size < 2:
            continue
        values = rng.permutation(values.reshape(-1)).reshape(values.shape)
        if sum(size > 1 for size in values.shape) > 1:
            values = values * rng.choice([-1, 1], values.shape).astype(values.dtype)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return made
