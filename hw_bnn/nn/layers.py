"""Layers of 1-bit networks: Brevitas modules with a short path for training.

Each is the Brevitas layer of the same kind, so it exports to QONNX as Brevitas' own do; outside an
export its forward pass is one sign and one matrix product, without Brevitas' quantiser graph.

A binary layer's `weight` is either a latent (real) tensor or the very weights in use, by
`weight_mode`:

    sign         forward uses sign(weight) with the layer's estimator (BinaryConnect, BinaryNet)
    real         forward uses weight itself: full precision, and the methods whose optimiser keeps
                 the latent state and writes the relaxed or binary weights (Bop, BNEW,
                 BMD, PMF, BayesBiNN)
    stochastic   training draws +1 with probability clip((w+1)/2, 0, 1) (BinaryConnect,
                 clipped identity)

In eval mode the network is the one that goes to hardware, sign(weight), whatever the mode; a
network that is meant to stay real (a full-precision baseline) sets `eval_real`.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
from brevitas.nn.quant_layer import QuantWeightBiasInputOutputLayer
from torch import Tensor, nn
from torch.nn import functional

from ..errors import BadInput
from .binary_product import BinaryProduct, worth_while
from .estimators import check_estimator, clipped_gradient, hard_sign, sign
from .quantisers import BipolarActivation, BipolarWeight, IntegerInput

WEIGHT_MODES = ("sign", "real", "stochastic")


class _StochasticSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w: Tensor) -> Tensor:
        ctx.save_for_backward(w)
        return hard_sign(((w + 1) / 2).clamp_(0, 1) - torch.rand_like(w))

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (w,) = ctx.saved_tensors
        return clipped_gradient(grad, w)


class _BinaryWeightMixin:
    """State and forward weight shared by BinaryLinear and BinaryConv2d."""

    weight: nn.Parameter  # of the torch layer that this is mixed into
    training: bool

    def _set_up(self, estimator: str, scaled: bool = False) -> None:
        self.estimator = check_estimator(estimator)
        self.scaled = scaled
        self.weight_mode = "sign"
        self.eval_real = False

    def forward_weight(self) -> Tensor:
        """The weights of this forward pass, same shape as `weight`: +-1, or real in mode `real`.

        A `scaled` layer multiplies the signs of each output channel by the channel's mean |weight|.
        """
        real = self.weight_mode == "real" if self.training else self.eval_real
        if real:
            return self.weight
        if self.training and self.weight_mode == "stochastic":
            signs = _StochasticSign.apply(self.weight)
        else:
            signs = sign(self.weight, self.estimator)
        return signs * self.channel_scale() if self.scaled else signs

    def channel_scale(self) -> Tensor:
        """Mean |weight| of each output channel, detached, shaped to multiply the weight."""
        return self.weight.detach().abs().mean(tuple(range(1, self.weight.dim())), keepdim=True)


class BinaryLinear(_BinaryWeightMixin, QuantLinear):
    """Fully connected layer with weights +-1 and no bias.

    Args:
        in_features, out_features: sizes; input (N, in_features), output (N, out_features).
        estimator: straight-through estimator of the weights, see :mod:`hw_bnn.nn.estimators`.

    The latent weights start Glorot uniform (Alizadeh et al. 2019).
    """

    def __init__(self, in_features: int, out_features: int, *, estimator: str = "clipped"):
        super().__init__(in_features, out_features, bias=False, weight_quant=BipolarWeight)
        self._set_up(estimator)
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.weight_quant.export_mode:
            return super().forward(x)
        plain = self.training and self.weight_mode == "sign" and self.estimator != "approx_sign"
        if plain and worth_while(x, self.weight):
            return BinaryProduct.apply(x, self.weight, self.estimator == "clipped")
        return functional.linear(x, self.forward_weight())


class BinaryConv2d(_BinaryWeightMixin, QuantConv2d):
    """2-D convolution with weights +-1 and no bias; input (N, C, H, W).

    Zero padding of +-1 maps puts zeros between the signs; it is exact in hw_bnn's hardware (masked
    lanes), but other tools may treat it as -1: see `pad_value` of the models for padding with -1.

    `scaled` multiplies each output channel by its mean |latent weight| (XNOR-Net, ReActNet); the
    factor is exported behind the convolution and ends up in the thresholds.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        estimator: str = "clipped",
        scaled: bool = False,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            bias=False,
            weight_quant=BipolarWeight,
        )
        self._set_up(estimator, scaled)
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.weight_quant.export_mode:
            y = super().forward(x)
            return y * self.channel_scale().view(1, -1, 1, 1) if self.scaled else y
        return functional.conv2d(
            x, self.forward_weight(), None, self.stride, self.padding, self.dilation
        )


class BinaryActivation(QuantIdentity):
    """sign(x) with sign(0) = +1, any shape; backward by `estimator`."""

    def __init__(self, estimator: str = "clipped"):
        super().__init__(act_quant=BipolarActivation)
        self.estimator = check_estimator(estimator)

    def forward(self, x: Tensor) -> Tensor:
        if self.act_quant.export_mode:
            return super().forward(x)
        return sign(x, self.estimator)


class InputQuantiser(QuantIdentity):
    """The network's integer input: round(x / scale), clipped to the range of `bits`
    bits, times scale.

    Args:
        bits: 2..16.
        signed: two's complement range, else 0..2^bits - 1.
        scale: real value of one step, positive.

    Rounding is half to even, as torch, numpy and QONNX's ROUND do it. The gradient passes unchanged
    inside the range; a network's input does not ask for one.
    """

    def __init__(self, bits: int = 8, *, signed: bool = False, scale: float = 1.0):
        if not 2 <= bits <= 16:
            raise BadInput(
                f"an integer input has 2 to 16 bits, not {bits}", remedy="use `sign` for 1 bit"
            )
        if not scale > 0:
            raise BadInput(f"the input's scale must be positive, not {scale}")
        # Brevitas divides the constant by the largest magnitude, 2^(bits-1)
        # signed or 2^bits-1 unsigned.
        largest = 2 ** (bits - 1) if signed else 2**bits - 1
        super().__init__(
            act_quant=IntegerInput,
            bit_width=bits,
            signed=signed,
            min_val=-scale * largest if signed else 0.0,
            max_val=scale * largest,
        )
        self.bits, self.signed, self.scale = bits, signed, scale


class IntegerActivation(InputQuantiser):
    """Signed n-bit integers on a constant scale inside a network;
    the gradient passes inside the range.
    """

    def __init__(self, bits: int, *, scale: float):
        super().__init__(bits, signed=True, scale=scale)


class InputSign(nn.Module):
    """The 1-bit input of FINN's MNIST networks: sign(2x - 1), x in [0, 1] (+1 from x = 1/2 on)."""

    def __init__(self):
        super().__init__()
        self.sign = BinaryActivation("identity")

    def forward(self, x: Tensor) -> Tensor:
        return self.sign(2.0 * x - 1.0)


def binary_layers(model: nn.Module) -> Iterator[tuple[str, QuantLinear | QuantConv2d]]:
    """(name, layer) of every layer with 1-bit weights, Brevitas' own ones included."""
    for name, module in model.named_modules():
        if (
            isinstance(module, QuantLinear | QuantConv2d)
            and module.weight_quant.is_quant_enabled
            and int(module.weight_quant.bit_width()) == 1
        ):
            yield name, module


def quantised_layers(model: nn.Module) -> list[nn.Module]:
    """Every layer whose weights Brevitas quantises, to 1 bit or more."""
    return [
        module for module in model.modules()
        if isinstance(module, QuantWeightBiasInputOutputLayer)
        and module.weight_quant.is_quant_enabled
    ]  # fmt: skip


def binary_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The weights that become +-1, in module order."""
    return [layer.weight for _, layer in binary_layers(model)]


def real_parameters(model: nn.Module) -> list[nn.Parameter]:
    """All other parameters (BatchNorm, biases, real layers), in module order."""
    binary = {id(p) for p in binary_parameters(model)}
    return [p for p in model.parameters() if id(p) not in binary]


def set_weight_mode(
    model: nn.Module, mode: str, *, estimator: str | None = None, eval_real: bool = False
) -> None:
    """Put all BinaryLinear and BinaryConv2d of `model` into `mode` (see the module's text)."""
    if mode not in WEIGHT_MODES:
        raise BadInput(
            f"no weight mode is called {mode!r}", remedy=f"use one of {', '.join(WEIGHT_MODES)}"
        )
    for name, layer in binary_layers(model):
        if not isinstance(layer, _BinaryWeightMixin):
            if mode != "sign" or eval_real or estimator not in (None, "identity", "clipped"):
                raise BadInput(
                    f"this layer is one of Brevitas' own, which knows the sign only, not {mode!r}",
                    node=name,
                    remedy="use hw_bnn's models for this method",
                )
            continue
        layer.weight_mode, layer.eval_real = mode, eval_real
        if estimator is not None:
            layer.estimator = check_estimator(estimator)


def clip_tensors(tensors, limit: float = 1.0) -> None:
    """Clip each tensor to [-limit, limit] in place: one launch on a GPU,
    one pass over each on a CPU.
    """
    tensors = list(tensors)
    if tensors and tensors[0].is_cuda:
        torch._foreach_clamp_min_(tensors, -limit)
        torch._foreach_clamp_max_(tensors, limit)
    else:
        for tensor in tensors:
            tensor.clamp_(-limit, limit)


@torch.no_grad()
def clip_weights(model_or_parameters, limit: float = 1.0) -> None:
    """Clip the latent weights to [-limit, limit] in place, after an optimiser's step."""
    if isinstance(model_or_parameters, nn.Module):
        model_or_parameters = binary_parameters(model_or_parameters)
    clip_tensors(model_or_parameters, limit)


@torch.no_grad()
def project_to_signs(model: nn.Module) -> None:
    """Replace the latent weights by their signs in place, sign(0) = +1."""
    for parameter in binary_parameters(model):
        parameter.copy_(hard_sign(parameter))
