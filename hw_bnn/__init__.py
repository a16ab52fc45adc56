"""1-bit neural networks from training to a proven FPGA accelerator, without vendor tools.

    import hw_bnn as hb

    model = hb.export(module, "model.onnx", example_input=x)   # or hb.train(...) before it
    accelerator = hb.compile(model, target_cycles=64)          # SystemVerilog in a folder
    accelerator.predict(x)                                     # simulated, bit by bit
    accelerator.verify(inputs=x)["passed"]                     # against the golden model

Every command of `hw-bnn` is a function here, with the same names of arguments. Nothing heavy is
imported before it is used; lazy.py tells how `hb.train` is a function and a package.
"""

from typing import TYPE_CHECKING

from .lazy import open_face

__version__ = "0.1.0"

open_face(
    __name__,
    {
        "Accelerator": ".handle:Accelerator",
        "GoldenModel": ".golden:GoldenModel",
        "board": ".boards.remote.server:board",
        "bitstream": ".boards.bitstream:bitstream",
        "compile": ".handle:compile",
        "demo": ".demo:demo",
        "deploy": ".boards.deploy:deploy",
        "diff": ".diff:diff",
        "doctor": ".doctor:doctor",
        "estimate": ".estimate:estimate",
        "export": ".export:export",
        "get": ".zoo:get",
        "hls": ".hls.write:hls",
        "info": ".info:info",
        "init": ".init:init",
        "package": ".boards.package:package",
        "recipes": ".train.catalogue:recipes",
        "report": ".report.accelerator_report:report",
        "simulate": ".simulation:simulate",
        "sweep": ".train.sweeps:sweep",
        "synth": ".synth.synthesis:synth",
        "train": ".train.run:train",
        "verify": ".verify.verify:verify",
        "weights": ".compile.weights:weights",
    },
)

if TYPE_CHECKING:
    from .boards.bitstream import bitstream
    from .boards.deploy import deploy
    from .boards.package import package
    from .boards.remote.server import board
    from .compile.weights import weights
    from .demo import demo
    from .diff import diff
    from .doctor import doctor
    from .estimate import estimate
    from .export import export
    from .golden import GoldenModel
    from .handle import Accelerator, compile
    from .hls.write import hls
    from .info import info
    from .init import init
    from .report.accelerator_report import report
    from .simulation import simulate
    from .synth.synthesis import synth
    from .train.catalogue import recipes
    from .train.run import train
    from .train.sweeps import sweep
    from .verify.verify import verify
    from .zoo import get

__all__ = [
    "Accelerator", "GoldenModel", "bitstream", "board", "compile", "demo", "deploy", "diff",
    "doctor", "estimate", "export", "get", "hls", "info", "init", "package", "recipes", "report",
    "simulate", "sweep", "synth", "train", "verify", "weights",
]  # fmt: skip
