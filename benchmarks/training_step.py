"""Time of a training step of the 784-2048-2048-2048-10 binary perceptron, or of CNV, batch 100.

    python benchmarks/training_step.py [--network cnv] [--threads 2] [--rounds 15] [--json FILE]

Implementations of the same step (forward, squared hinge loss, backward, fused Adam, clipping), with
the same data and options, the perceptron's with the same initial weights, measured in turn within
one run:

    plain      the loop that one writes in PyTorch: torch.sign with an identity backward,
               functional.linear (torch.sign(0) is 0: exact ties of the first steps make its losses
               differ a little)
    hw_bnn     hw_bnn.nn.MLP with hw_bnn's training method
    compiled   hw_bnn's step with its model through torch.compile (with --compile: it needs a C++
               compiler, and a minute)
    mixed      hw_bnn's step of CNV with `mixed_precision`: bfloat16 products, channels last
    brevitas   the same network of Brevitas' stock layers (QuantLinear, QuantConv2d, QuantIdentity)

and, for hw_bnn's perceptron, a whole epoch through the data pipeline against its steps alone.
Medians are shown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
import warnings
from itertools import pairwise

warnings.filterwarnings("ignore")
os.environ.setdefault("BREVITAS_JIT", "0")

import torch
from torch import nn
from torch.nn import functional

from hw_bnn.nn import binary_parameters, zoo
from hw_bnn.nn.mlp import MLP, Input
from hw_bnn.train.losses import squared_hinge
from hw_bnn.train.methods import METHODS, Context

WIDTHS = [784, 2048, 2048, 2048, 10]
BATCH = 100
LR = 1e-3


class _PlainSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w):
        return torch.sign(w)

    @staticmethod
    def backward(ctx, grad):
        return grad


class _PlainActivation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sign(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class PlainNet(nn.Module):
    """What one writes without a library."""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList(
            nn.Parameter(nn.init.xavier_uniform_(torch.empty(o, i))) for i, o in pairwise(WIDTHS)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(o) for o in WIDTHS[1:])

    def forward(self, x):
        for index, (weight, norm) in enumerate(zip(self.weights, self.norms, strict=True)):
            x = norm(functional.linear(x, _PlainSign.apply(weight)))
            if index < len(self.weights) - 1:
                x = _PlainActivation.apply(x)
        return x


def plain_step():
    """The plain loop's step."""
    same = MLP(784, 10, hidden=WIDTHS[1:-1], input=Input(bits=0))
    model = PlainNet()
    with torch.no_grad():
        for weight, source in zip(model.weights, binary_parameters(same), strict=True):
            weight.copy_(source)
    optimiser = torch.optim.Adam(model.parameters(), lr=LR, fused=True)

    def step(x, y):
        optimiser.zero_grad(set_to_none=True)
        loss = squared_hinge(model(x), y)
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for weight in model.weights:
                weight.clamp_(-1, 1)
        return loss

    return step


def perceptron() -> MLP:
    """hw_bnn's, of signs."""
    return MLP(784, 10, hidden=WIDTHS[1:-1], input=Input(bits=0), activation="sign")


class Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def cnv() -> nn.Module:
    """FINN's CNV of hw_bnn's layers; its pixels are 0..255."""
    layers = {"channels": (64, 64, 128, 128, 256, 256), "fc": (512, 512), "padding": "valid"}
    return zoo.build(
        "vgg", in_channels=3, classes=10, input=Input(bits=8), activation="sign", **layers
    )


def hw_bnn_step(model: nn.Module, wrap=lambda model: model, *, mixed: bool = False):
    """hw_bnn's step: its model and its method, as the training loop calls them; `wrap` changes the
    model that is called.
    """
    settings = METHODS["ste"].Settings(optimiser="adam", lr=LR)
    method = METHODS["ste"](settings, model, Context(n_train=BATCH, epochs=1, steps_per_epoch=1))
    called = wrap(model.to(memory_format=torch.channels_last) if mixed else model)

    def step(x, y):
        def closure():
            for parameter in model.parameters():
                parameter.grad = None
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                outputs = called(x)
            outputs = outputs.float()
            loss = squared_hinge(outputs, y)
            loss.backward()
            return loss, outputs

        return method.step(closure)[0]

    return step


def brevitas_perceptron() -> nn.Module:
    """The same network of Brevitas' stock layers."""
    from brevitas.nn import QuantIdentity, QuantLinear
    from brevitas_examples.bnn_pynq.models.common import CommonActQuant, CommonWeightQuant

    layers = []
    for n_in, n_out in pairwise(WIDTHS):
        linear = QuantLinear(
            n_in, n_out, bias=False, weight_quant=CommonWeightQuant, weight_bit_width=1
        )
        nn.init.xavier_uniform_(linear.weight)
        layers += [
            linear,
            nn.BatchNorm1d(n_out),
            QuantIdentity(act_quant=CommonActQuant, bit_width=1),
        ]
    return nn.Sequential(*layers[:-1])


def brevitas_step(model: nn.Module):
    """A plain loop's step of Brevitas' layers."""
    from brevitas.nn import QuantConv2d, QuantLinear

    weights = [m.weight for m in model.modules() if isinstance(m, QuantConv2d | QuantLinear)]
    optimiser = torch.optim.Adam(model.parameters(), lr=LR, fused=True)

    def step(x, y):
        optimiser.zero_grad(set_to_none=True)
        loss = squared_hinge(model(x), y)
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for weight in weights:
                weight.clamp_(-1, 1)
        return loss

    return step


def epoch_overhead(step, batches: int) -> float:
    """Time of batches from the data pipeline and their steps, over that of the steps alone."""
    from hw_bnn.data.sets import SIZES
    from hw_bnn.train.data.pipeline import DataSource, Part
    from hw_bnn.train.recipe import Data

    source = object.__new__(DataSource)  # the pipeline over random pixels: no files needed
    source.spec, source.device = Data(name="mnist", batch=BATCH, scale="unit"), torch.device("cpu")
    source.sizes = SIZES["mnist"]
    source._set_pixels()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (BATCH * batches, 784), dtype=torch.uint8, generator=generator)
    source.train = Part(
        pixels.numpy(), torch.zeros(len(pixels), dtype=torch.int64).numpy(), source.device
    )
    ready = list(source.batches(torch.Generator().manual_seed(0)))
    alone, whole = [], []
    for _ in range(3):
        start = time.perf_counter()
        for x, y in ready:
            step(x, y)
        alone.append(time.perf_counter() - start)
        start = time.perf_counter()
        for x, y in source.batches(torch.Generator().manual_seed(0)):
            step(x, y)
        whole.append(time.perf_counter() - start)
    return statistics.median(whole) / statistics.median(alone)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--network", choices=("mlp", "cnv"), default="mlp")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--per-round", type=int, default=4, help="steps of each in turn")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile, too")
    parser.add_argument("--json", help="write the figures there")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clock = time.perf_counter if args.clock == "wall" else time.process_time
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(0, 10, (BATCH,), generator=generator)
    if args.network == "mlp":
        x = torch.rand(BATCH, 784, generator=generator)
        makers = {
            "plain": plain_step,
            "hw_bnn": lambda: hw_bnn_step(perceptron()),
            "brevitas": lambda: brevitas_step(brevitas_perceptron()),
        }
    else:
        x = torch.randint(0, 256, (BATCH, 3, 32, 32), generator=generator).float()
        makers = {
            "hw_bnn": lambda: hw_bnn_step(cnv()),
            "mixed": lambda: hw_bnn_step(cnv(), mixed=True),
            "brevitas": lambda: brevitas_step(
                nn.Sequential(Scale(1 / 255), zoo.build("cnv_1w1a"))  # takes pixels in [0, 1]
            ),
        }
    if args.compile:
        made = perceptron if args.network == "mlp" else cnv
        makers["compiled"] = lambda: hw_bnn_step(made(), torch.compile)
    steps, losses = {}, {}
    for name, make in makers.items():
        torch.manual_seed(0)
        steps[name] = make()
        losses[name] = [steps[name](x, y).item() for _ in range(3)]
    times = {name: [] for name in steps}
    for _ in range(args.rounds):
        for name, step in steps.items():
            for _ in range(args.per_round):
                start = clock()
                step(x, y)
                times[name].append(clock() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    document = {
        "milliseconds": {name: round(1e3 * value, 2) for name, value in medians.items()},
        "over_brevitas": {
            name: round(value / medians["brevitas"], 3) for name, value in medians.items()
        },
        "losses_of_the_first_steps": losses,
        "clock": args.clock,
        "threads": args.threads,
        "steps_each": args.rounds * args.per_round,
        "torch": torch.__version__,
        "machine": platform.platform(),
        "command": " ".join(["python", *sys.argv]),
    }
    if args.network == "mlp":
        document["hw_bnn_over_plain"] = round(medians["hw_bnn"] / medians["plain"], 3)
        document["epoch_over_steps"] = round(epoch_overhead(steps["hw_bnn"], 20), 3)
    text = json.dumps(document, indent=1)
    print(text)
    if args.json:
        with open(args.json, "w") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
