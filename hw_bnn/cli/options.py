"""The options that several commands share, as Typer's annotated types."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Literal

import typer


class Debugging:
    """Whether `--debug` was given in this run."""

    on = False

    @classmethod
    def start(cls) -> None:
        """Forget the run before."""
        cls.on = False

    @classmethod
    def set(cls, value: bool) -> bool:
        """Callback of the option."""
        if value:
            cls.on = True
            warnings.simplefilter("default")
        return value


Json = Annotated[bool, typer.Option("--json", help="Print the result document on stdout.")]
Debug = Annotated[
    bool, typer.Option("--debug", callback=Debugging.set, help="Show the traceback of an error.")
]

DataRoot = Annotated[
    Path | None,
    typer.Option(help="Folder of data files, in torchvision's layout; default $HW_BNN_DATA."),
]

Model = Annotated[Path, typer.Argument(help="A QONNX file.")]
Board = Annotated[str | None, typer.Option(help="pynq-z1 (default), pynq-z2, zcu104, ...")]
Part = Annotated[str | None, typer.Option(help="An FPGA part instead of a board.")]
TargetFps = Annotated[float | None, typer.Option(help="Frames per second to reach.")]
TargetCycles = Annotated[
    int | None, typer.Option(help="Cycles per frame to reach (1,024, or the nearest possible).")
]
Folding = Annotated[
    str | None, typer.Option(help="A JSON file of PE and SIMD by node, or `finn` for SetFolding.")
]
ClockPeriod = Annotated[float, typer.Option("--clock-ns", help="Clock period in ns.")]
InputType = Annotated[
    str | None, typer.Option(help="Take raw integers (UINT8, ...), quantise on the chip.")
]
InputScale = Annotated[str | None, typer.Option(help="Real value of one input step, as 1/255.")]
OutputMode = Annotated[
    Literal["scores", "label", "both"], typer.Option(help="What the core gives for a frame.")
]
Memory = Annotated[
    Literal["auto", "lut", "block"], typer.Option(help="Where weights stand: LUTs or block RAM.")
]
Hardwired = Annotated[
    bool, typer.Option("--hardwired", help="Dense layers as constants, a frame a cycle.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an output folder of hw_bnn's.")]
Inputs = Annotated[
    Path | None,
    typer.Option(help="A .npy file of frames: integers of the input type, or real numbers."),
]
Dataset = Annotated[
    str | None,
    typer.Option(help="digits, mnist, fashion_mnist, cifar10, cifar100, image_folder."),
]
Split = Annotated[str, typer.Option(help="train, test or all.")]
Scale = Annotated[
    str,
    typer.Option(
        help="Stored pixels p to real inputs: auto (the model's own, else integer for digits and "
        "unit for images), integer p, unit p/m, bipolar p/(m/2) - 1, standardise; m is 16 for "
        "digits, 255 for images."
    ),
]
Limit = Annotated[int | None, typer.Option(help="The first so many frames only.")]
RandomFrames = Annotated[
    int | None, typer.Option("--frames", help="Number of random frames (1,000).")
]
Seed = Annotated[int, typer.Option(help="Of random frames and pauses.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Take a folder not compiled by you here: its RTL is run.")
]
Jobs = Annotated[int, typer.Option(help="Processes to simulate with.")]
Scheduler = Annotated[
    str | None, typer.Option(help="A running Dask scheduler, as tcp://host:8786; else local.")
]


def parse_window(text: str | None) -> tuple[int, int] | None:
    """The text FROM:TO as two numbers."""
    if text is None:
        return None
    start, colon, end = text.partition(":")
    if not (colon and start.strip().isdecimal() and end.strip().isdecimal()):
        raise typer.BadParameter(f"{text!r} is no window of cycles: write FROM:TO, as 1000:1250")
    return int(start), int(end)


Frequency = Annotated[
    float | None, typer.Option("--freq", help="Clock to reach in MHz; the accelerator's own.")
]
