"""What people give as an array: NumPy's, torch's tensors, nested lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import BadInput


def as_array(given: Any, what: str) -> np.ndarray:
    """The array that is given; of a tensor its values, without its gradient.

    >>> as_array([[1, 2]], "x").shape
    (1, 2)
    >>> as_array([[1, 2], [3]], "x")
    Traceback (most recent call last):
    hw_bnn.errors.BadInput: x is a list that makes no array; give an array (N, *shape)

    Args:
        what: its name in an error.

    Raises:
        BadInput: it makes no array, or values of it are masked.
    """
    masked = isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given)
    try:
        if hasattr(given, "detach"):  # torch's: which is not imported for it
            given = given.detach().cpu()
            if str(given.dtype) == "torch.bfloat16":  # NumPy has none; float32 holds every one
                given = given.float()
        found = np.asarray(given)
    except (TypeError, ValueError, RuntimeError):  # ragged lists, sparse tensors, ...
        found = None
    if found is None or masked:
        kind = type(given).__name__
        how = "has masked values" if masked else "makes no array"
        raise BadInput(f"{what} is a {kind} that {how}", remedy="give an array (N, *shape)")
    return found
