"""Brevitas quantisers: what turns into BipolarQuant and Quant nodes on export.

The scale of weights and 1-bit activations is 1, so that tensors are exactly +-1 and the dot
products are integers in torch, in QONNX and in hardware alike.
"""

from __future__ import annotations

from brevitas.core.bit_width import BitWidthImplType
from brevitas.core.quant import QuantType
from brevitas.core.restrict_val import FloatToIntImplType, RestrictValueType
from brevitas.core.scaling import ScalingImplType
from brevitas.core.zero_point import ZeroZeroPoint
from brevitas.inject import ExtendedInjector
from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver


class _Constant(ExtendedInjector):
    bit_width_impl_type = BitWidthImplType.CONST
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    zero_point_impl = ZeroZeroPoint
    float_to_int_impl_type = FloatToIntImplType.ROUND
    scaling_per_output_channel = False


class BipolarWeight(_Constant, WeightQuantSolver):
    """Weights sign(w) with sign(0) = +1 and scale 1."""

    quant_type = QuantType.BINARY
    bit_width = 1
    signed = True
    narrow_range = True
    scaling_const = 1.0


class BipolarActivation(_Constant, ActQuantSolver):
    """Activations sign(x) with sign(0) = +1 and scale 1."""

    quant_type = QuantType.BINARY
    bit_width = 1
    signed = True
    narrow_range = True
    min_val = -1.0
    max_val = 1.0


class IntegerInput(_Constant, ActQuantSolver):
    """n-bit integers with a constant scale; bit_width, signed, min_val and max_val are keywords."""

    quant_type = QuantType.INT
    narrow_range = False
