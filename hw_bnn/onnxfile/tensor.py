"""The numbers of a tensor of the file."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, numpy_helper

from ..errors import BadInput

AGAIN = "export the model again"
"""The remedy where a file does not keep to the ONNX standard."""

_NO_NUMBERS = (
    TensorProto.UNDEFINED,
    TensorProto.STRING,
    TensorProto.COMPLEX64,
    TensorProto.COMPLEX128,
)


def numbers(tensor: TensorProto, node: str, remedy: str = "train the network again") -> np.ndarray:
    """The numbers of a tensor: integers, bool, or floats of 32 or 64 bits (narrower ones widened).

    Args:
        tensor: of the file. node: what reads it, for messages. remedy: of NaN and infinity.

    Raises:
        BadInput: it holds text, complex numbers, NaN or infinity.
    """
    named = f"its tensor {tensor.name!r}" if tensor.name else "its tensor"
    if tensor.data_type in _NO_NUMBERS:
        kind = TensorProto.DataType.Name(tensor.data_type)
        raise BadInput(f"{named} is {kind}, not numbers", node=node, remedy=AGAIN)
    array = numpy_helper.to_array(tensor)
    if array.dtype.kind not in "biuf" or array.dtype == np.float16:  # ml_dtypes: bfloat16, int4 ...
        kind = TensorProto.DataType.Name(tensor.data_type)
        array = array.astype(np.int8 if "INT" in kind else np.float32)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadInput(f"{named} holds NaN or infinity", node=node, remedy=remedy)
    return array
