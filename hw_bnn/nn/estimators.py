"""The sign function with sign(0) = +1 and its straight-through estimators.

Forward, all alike: sign(x) = +1 for x >= 0 (also for -0.0), -1 otherwise. Backward, the factor by
which the incoming gradient is multiplied:

    identity      1                                    Bengio et al. 2013; "pure STE"
    clipped       1 where |x| <= 1, else 0             BinaryNet's hard tanh; the boundary passes
    approx_sign   2 - 2|x| where |x| < 1, else 0       Bi-Real Net's polynomial

>>> import torch
>>> x = torch.tensor([-1.5, -0.5, 0.0, 0.25], requires_grad=True)
>>> sign(x, "approx_sign").sum().backward()
>>> x.grad
tensor([0.0000, 1.0000, 2.0000, 1.5000])
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import BadInput

ESTIMATORS = ("identity", "clipped", "approx_sign")


_ONE = torch.ones(())


def hard_sign(x: Tensor) -> Tensor:
    """sign(x) in x's dtype, +1 at 0 and at -0.0, without a gradient.

    Adding +0.0 turns -0.0 into +0.0, and copysign then takes the sign bit: two vectorised passes, a
    fraction of the time of a comparison and a selection.
    """
    out = torch.add(x, 0.0)
    return (
        torch.copysign(_ONE, out, out=out)
        if x.device.type == "cpu"
        else torch.where(x >= 0, 1.0, -1.0)
    )


def approx_sign_factor(x: Tensor) -> Tensor:
    """The derivative of Bi-Real Net's polynomial: max(2 - 2|x|, 0)."""
    return (2 - 2 * x.abs()).clamp_(min=0)


def clipped_gradient(grad: Tensor, x: Tensor) -> Tensor:
    """grad where |x| <= 1, else 0; one vectorised pass."""
    # hardtanh_backward passes |x| < above, x's next number after 1, which is |x| <= 1.
    above = 1 + torch.finfo(x.dtype).eps
    return torch.ops.aten.hardtanh_backward(grad, x, -above, above)


class _Identity(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return hard_sign(x)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        return grad


class _Clipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return hard_sign(x)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return clipped_gradient(grad, x)


class _ApproxSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return hard_sign(x)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * approx_sign_factor(x)


_FUNCTIONS = {"identity": _Identity, "clipped": _Clipped, "approx_sign": _ApproxSign}


def sign(x: Tensor, estimator: str = "clipped") -> Tensor:
    """sign(x), any shape and float dtype, values +-1, with the backward factor of `estimator`."""
    return _FUNCTIONS[estimator].apply(x)


def check_estimator(name: str) -> str:
    """`name`, or BadInput naming the estimators there are."""
    if name not in ESTIMATORS:
        raise BadInput(
            f"no estimator is called {name!r}", remedy=f"use one of {', '.join(ESTIMATORS)}"
        )
    return name
