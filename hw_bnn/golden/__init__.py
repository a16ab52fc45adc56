"""The integer reference of a QONNX file: exact, and independent of torch, FINN and the compiler.

golden = GoldenModel.from_onnx("model.onnx")
scores = golden.scores(x)          # x: integers (N, *golden.input.shape) -> int64 (N, classes)
labels = golden.labels(scores)     # exact argmax, ties to the lowest index
"""

from .levels import Thresholds
from .model import GoldenModel, InputContract

__all__ = ["GoldenModel", "InputContract", "Thresholds"]
