"""x @ sign(W)^T for a batch of signs on the CPU: the forward product in int8, exactly.

Products and sums of +-1 are integers of magnitude at most K < 2^24, so float32 holds them all and
the int8 product equals the float32 one bit for bit, in about half of its time with the processor's
dot-product instructions, conversions included. The backward products have real factors and stay in
float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .estimators import clipped_gradient, hard_sign

# Below this number of weights the conversions cost more than they save.
LEAST_WEIGHTS = 1 << 18


def worth_while(x: Tensor, weight: Tensor) -> bool:
    """Whether `x` (N, K) is made of +-1 and the product is large enough, on a CPU in float32."""
    return (
        x.dim() == 2
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and weight.numel() >= LEAST_WEIGHTS
        and x.shape[0] >= 16
        and _FAST_INT8
        and bool((x.abs() == 1).all())
    )


def _has_fast_int8() -> bool:
    """Whether torch multiplies int8 matrices, and the processor has instructions for it."""
    if not hasattr(torch, "_int_mm") or not torch.backends.mkldnn.is_available():
        return False
    try:
        with open("/proc/cpuinfo") as file:
            return any(word in file.read() for word in ("avx512_vnni", "avx_vnni", "amx_int8"))
    except OSError:
        return False


_FAST_INT8 = _has_fast_int8()


class BinaryProduct(torch.autograd.Function):
    """linear(x, sign(weight)) with the backward of the identity or clipped estimator."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, clipped: bool) -> Tensor:
        signs = hard_sign(weight)
        ctx.save_for_backward(x, signs, *([weight] if clipped else []))
        return torch._int_mm(x.to(torch.int8), signs.to(torch.int8).T).to(torch.float32)

    @staticmethod
    def backward(ctx, grad: Tensor):
        x, signs, *weight = ctx.saved_tensors
        grad_x = grad @ signs if ctx.needs_input_grad[0] else None
        grad_weight = None
        if ctx.needs_input_grad[1]:
            grad_weight = functional.linear(grad.T, x.T)
            if weight:
                grad_weight = clipped_gradient(grad_weight, weight[0])
        return grad_x, grad_weight, None
