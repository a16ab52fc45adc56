"""x @ sign(W)^T for a batch of signs on the CPU: a faster forward product, exactly.

Products and sums of +-1 are integers of magnitude at most K < 2^24, so float32 holds them all, and
two other ways give the same bits:

    int8     where the processor has dot-product instructions for it
    paired   two rows share one float32 row, x_1 + M x_2 with M a power of two above K, so that half
             of the rows are multiplied:

                 D = d_1 + M d_2,   |d_i| <= K < M,   d_i = K mod 2 (mod 2)

             All sums are integers below (K + 1)(M + 1) <= 2^24 in magnitude, so they are exact in
             any order. Of the numbers K mod 2 + 2 j, d_2 is the nearest one to D / M, since |d_1| /
             M < 1; and d_1 is what is left.

The backward products have real factors and stay in float32.
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
        and not torch.is_autocast_enabled("cpu")  # bfloat16 would not hold two rows in one
        and weight.numel() >= LEAST_WEIGHTS
        and x.shape[0] >= 16
        and (_FAST_INT8 or _pairs(*x.shape))
        and bool((x.abs() == 1).all())
    )


def product(x: Tensor, signs: Tensor) -> Tensor:
    """x @ signs^T of +-1, float32 (N, K) and (O, K) that are `worth_while`; float32 (N, O)."""
    if _FAST_INT8:
        return torch._int_mm(x.to(torch.int8), signs.to(torch.int8).T).to(torch.float32)
    return paired_product(x, signs)


def paired_product(x: Tensor, signs: Tensor) -> Tensor:
    """The same by rows in pairs; N even and K at most 4,094 (formulas: head of the file)."""
    n, k = x.shape
    factor, odd = _factor(k), k % 2
    pairs = torch.add(x[: n // 2], x[n // 2 :], alpha=factor)
    out = x.new_empty(n, len(signs))
    first, second = out[: n // 2], out[n // 2 :]
    torch.mm(pairs, signs.T, out=first)
    torch.div(first, factor, out=second)  # exact: a power of two
    if odd:
        second.sub_(1).div_(2).round_().mul_(2).add_(1)
    else:
        second.div_(2).round_().mul_(2)
    first.sub_(second, alpha=factor)
    return out


def _factor(k: int) -> int:
    """M, the smallest power of two above K."""
    return 1 << k.bit_length()


def _pairs(n: int, k: int) -> bool:
    """Whether rows can be multiplied in pairs, exactly."""
    return n % 2 == 0 and (k + 1) * (_factor(k) + 1) <= 1 << 24


def _has_fast_int8() -> bool:
    """Whether torch multiplies int8 matrices, and the processor has instructions for it."""
    if not hasattr(torch, "_int_mm") or not torch.backends.mkldnn.is_available():
        return False
    try:
        with open("/proc/cpuinfo") as file:
            flags = file.read()
            return any(word in flags for word in ("avx512_vnni", "avx_vnni", "amx_int8"))
    except OSError:
        return False


_FAST_INT8 = _has_fast_int8()


class BinaryProduct(torch.autograd.Function):
    """linear(x, sign(weight)) with the backward of the identity or clipped estimator."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, clipped: bool) -> Tensor:
        signs = hard_sign(weight)
        ctx.save_for_backward(x, signs, *([weight] if clipped else []))
        return product(x, signs)

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
