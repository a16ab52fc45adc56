"""The models by name.

    mlp                                   :class:`hw_bnn.nn.mlp.MLP`
    tfc_1w1a sfc_1w1a lfc_1w1a cnv_1w1a   FINN's networks, from brevitas_examples as they are
                                          (also 1w2a, 2w2a)
    tfc sfc lfc                           784-h-h-h-10 of our own layers, h = 64, 256, 1024
    vgg alexnet                           :mod:`hw_bnn.nn.vgg`
    resnet18 bnew_resnet20 birealnet18    :mod:`hw_bnn.nn.resnet`; wide_resnet22 is the real teacher
    reactnet_a toy                        :mod:`hw_bnn.nn.reactnet`, :mod:`hw_bnn.nn.toy`

>>> sum(p.numel() for n, p in build("sfc").named_parameters() if "linear" in n)
334336
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from ..errors import BadInput
from .blocks import RPReLU, RSign
from .mlp import MLP, Input, Norm
from .reactnet import reactnet_a
from .resnet import birealnet18, bnew_resnet20, resnet18, wide_resnet22
from .toy import toy
from .vgg import alexnet, vgg

FINN_NAMES = ("tfc", "sfc", "lfc", "cnv")
_FINN_BITS = {"tfc": ("1w1a", "1w2a", "2w2a"), "lfc": ("1w1a", "1w2a")}
_WIDTHS = {"tfc": 64, "sfc": 256, "lfc": 1024}


def finn(name: str) -> nn.Module:
    """One of brevitas_examples.bnn_pynq's networks, untrained,
    as defined there (`sfc_1w1a`, ...).
    """
    from brevitas_examples.bnn_pynq import models

    model, _ = models.model_with_cfg(name, False)
    return model


def fc(width: int, *, input_bits: int = 1, norm: Norm = Norm()) -> MLP:
    """784-width-width-width-10 with 1-bit weights and activations.

    input_bits = 1 takes pixels in [0, 1] and their sign; 8 takes pixels as integers 0..255.
    """
    return MLP(784, 10, hidden=[width] * 3, input=Input(bits=input_bits), norm=norm)


def _fc_builder(width: int) -> Callable[..., MLP]:
    def build_fc(input_bits: int = 1, norm: Norm = Norm()) -> MLP:
        return fc(width, input_bits=input_bits, norm=norm)

    return build_fc


def _finn_builder(name: str) -> Callable[[], nn.Module]:
    def build_finn() -> nn.Module:
        return finn(name)

    return build_finn


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "vgg": vgg,
    "alexnet": alexnet,
    "resnet18": resnet18,
    "bnew_resnet20": bnew_resnet20,
    "birealnet18": birealnet18,
    "wide_resnet22": wide_resnet22,
    "reactnet_a": reactnet_a,
    "toy": toy,
    **{name: _fc_builder(width) for name, width in _WIDTHS.items()},
    **{
        f"{name}_{bits}": _finn_builder(f"{name}_{bits}")
        for name in FINN_NAMES
        for bits in _FINN_BITS.get(name, ("1w1a", "1w2a", "2w2a"))
    },
}


def build(name: str, **options) -> nn.Module:
    """The untrained model called `name`.

    Raises:
        BadInput: there is no such model.
    """
    if name not in BUILDERS:
        raise BadInput(
            f"no model is called {name!r}", remedy=f"use one of {', '.join(sorted(BUILDERS))}"
        )
    return BUILDERS[name](**options)


@torch.no_grad()
def randomise_norms(
    model: nn.Module, seed: int = 0, inputs: torch.Tensor | None = None
) -> nn.Module:
    """Give every BatchNorm random statistics and gains of both signs, every PReLU random slopes
    and every learnable shift a random value, as tests of hardware want them.

    Args:
        inputs: (N, ...) of the model: statistics are those of its sums on them. Without, the means
            spread over the accumulators that random signs give (standard deviation sqrt(fan in)),
            so that thresholds fall inside and outside of the reachable range; that is for networks
            whose sums are of +-1, unscaled.

    In place; returns the model.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(like, low, high):
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    fan_in = 1
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, nn.Linear | nn.Conv2d):
            fan_in = module.weight[0].numel()
        elif isinstance(module, nn.PReLU):
            module.weight.copy_(uniform(module.weight, -0.5, 1.25))
        elif isinstance(module, RSign | RPReLU):
            for shift in module.parameters(recurse=False):
                shift.copy_(uniform(shift, -0.75, 0.75))
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) or hasattr(module, "running_var"):
            buffers = dict(module.named_buffers(recurse=False))
            mean, variance = buffers["running_mean"], buffers["running_var"]
            mean.copy_(uniform(mean, -1, 1) * 2 * fan_in**0.5)
            variance.copy_(uniform(variance, 0.5, 1.5) * fan_in)
            if weight is not None:
                gain = uniform(weight, 0.2, 1.5)
                flip = torch.rand(weight.shape, generator=generator) < 0.5
                # TensorNorm scales all logits alike: its gain stays positive,
                # as training leaves it.
                weight.copy_(torch.where(flip, -gain, gain) if weight.numel() > 1 else gain)
                bias = module.get_parameter("bias")
                bias.copy_(uniform(bias, -0.5, 0.5))
    if inputs is not None:
        update_bn([inputs], model)
    return model
