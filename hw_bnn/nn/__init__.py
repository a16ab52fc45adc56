"""Brevitas layers and models of 1-bit neural networks.

>>> import torch
>>> from hw_bnn.nn import BinaryActivation, BinaryLinear
>>> BinaryActivation()(torch.tensor([-0.5, 0.0, 2.0]))
tensor([-1.,  1.,  1.])
>>> layer = BinaryLinear(2, 1)
>>> layer.weight.data[:] = torch.tensor([[0.3, -0.2]])
>>> layer(torch.tensor([[3.0, 4.0]])).item()
-1.0
"""

from .estimators import ESTIMATORS, approx_sign_factor, sign
from .layers import (
    BinaryActivation,
    BinaryConv2d,
    BinaryLinear,
    InputQuantiser,
    InputSign,
    IntegerActivation,
    binary_layers,
    binary_parameters,
    clip_weights,
    project_to_signs,
    quantised_layers,
    real_parameters,
    set_weight_mode,
)

__all__ = [
    "ESTIMATORS",
    "BinaryActivation",
    "BinaryConv2d",
    "BinaryLinear",
    "InputQuantiser",
    "InputSign",
    "IntegerActivation",
    "approx_sign_factor",
    "binary_layers",
    "binary_parameters",
    "clip_weights",
    "project_to_signs",
    "quantised_layers",
    "real_parameters",
    "set_weight_mode",
    "sign",
]
