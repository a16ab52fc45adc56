"""QONNX execution as the stage that the reference is compared with."""

from __future__ import annotations

import numpy as np
import onnx

from hw_bnn.golden import GoldenModel


class QonnxStage:
    """A model executed by qonnx; x (N, ...) has the file's batch as its first axis."""

    def __init__(self, model: onnx.ModelProto):
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.infer_shapes import InferShapes

        self.wrapper = ModelWrapper(model, make_deepcopy=True).transform(InferShapes())
        names = {i.name for i in self.wrapper.graph.initializer}
        (self.input,) = (i for i in self.wrapper.graph.input if i.name not in names)
        self.batch = self.input.type.tensor_type.shape.dim[0].dim_value

    def trace(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """All tensors of the file."""
        from qonnx.core.onnx_exec import execute_onnx

        return execute_onnx(
            self.wrapper, {self.input.name: x.astype(np.float32)}, return_full_exec_context=True
        )


def random_integers(golden: GoldenModel, frames: int, seed: int = 0) -> np.ndarray:
    contract, rng = golden.input, np.random.default_rng(seed)
    if contract.datatype == "BIPOLAR":
        return rng.integers(0, 2, (frames, *contract.shape)) * 2 - 1
    return rng.integers(contract.minimum, contract.maximum + 1, (frames, *contract.shape))


def compare(model: onnx.ModelProto, golden: GoldenModel, x: np.ndarray):
    """FloatDifference of qonnx execution on integers x."""
    stage, real = QonnxStage(model), golden.real_input(x)
    names = (*golden.program.quantisers, golden.output_tensor)
    parts = [stage.trace(real[i : i + stage.batch]) for i in range(0, len(x), stage.batch)]
    return golden.explain_float_difference(
        x, {name: np.concatenate([p[name] for p in parts]) for name in names}
    )
