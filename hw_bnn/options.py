"""What compiling, frames and engines can be asked: name, type, default and meaning, stated once.

The command line makes its flags of these classes, the functions their keyword arguments, so that
`--target-cycles 64` and `target_cycles=64` are the same:

>>> @flat(build=CompileOptions)
... def target(model, *, build):
...     return build.target_cycles
>>> target("model.onnx", target_cycles=64)
64
>>> target("model.onnx", target_cycle=64)
Traceback (most recent call last):
    ...
TypeError: target() has no argument 'target_cycle'; did you mean 'target_cycles'?
>>> target("model.onnx", target_cycles="64")
Traceback (most recent call last):
    ...
hw_bnn.errors.BadInput: target_cycles= is '64' (str); give a whole number or None

Light: nothing but the standard library is imported here.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import BadInput

Result = TypeVar("Result")

OutputMode = Literal["scores", "label", "both"]
Memory = Literal["auto", "lut", "block", "ultra"]
FifoSizing = Literal["auto", "simulation", "analysis", "none"]

MOST_JOBS = max(256, 4 * (os.cpu_count() or 1))


@dataclass(frozen=True)
class Option:
    """What an option says to people, and how the command line takes it.

    help: one sentence. metavar: what stands for the value. also: other flags for it. type: what the
    command line takes, where functions take more. read: from the command line's text to the value.
    """

    help: str
    metavar: str | None = None
    also: tuple[str, ...] = ()
    type: Any = None
    read: Callable[[str], Any] | None = None


def parse_window(text: str) -> tuple[int, int]:
    """The text FROM:TO as two numbers.

    >>> parse_window("1000:1250")
    (1000, 1250)
    """
    start, _, end = text.partition(":")
    if not (start.strip().isdecimal() and end.strip().isdecimal()):
        raise BadInput(
            f"window= is {text!r}, no window of cycles", remedy="write FROM:TO, as 1000:1250"
        )
    return int(start), int(end)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of the classes of options: a value of another type than its field's is refused.

    Numbers of NumPy's count as Python's, and become such; ranges are checked by what uses them.

    Raises:
        BadInput: it names the argument, the value and what is expected.
    """

    def __post_init__(self) -> None:
        kind: type = type(self)
        for name, parameter in parameters(kind).items():
            value = checked(name, getattr(self, name), get_args(parameter.annotation)[0])
            object.__setattr__(self, name, value)


def checked(name: str, value: Any, expected: Any) -> Any:
    """The value, if it has the type; numbers as Python's own.

    Raises:
        BadInput: it has another type.
    """
    kinds = get_args(expected) if get_origin(expected) in (Union, UnionType) else (expected,)
    for kind in kinds:
        found = _as(kind, value)
        if found is not _OTHER:
            return found
    wanted = " or ".join(dict.fromkeys(_called(kind) for kind in kinds))
    raise BadInput(f"{name}= is {value!r:.60} ({type(value).__name__})", remedy=f"give {wanted}")


_OTHER = object()


def _as(kind: Any, value: Any) -> Any:
    """The value as one of a type, _OTHER if it is none."""
    if kind is Any:
        return value
    if get_origin(kind) is Literal:
        kind = str  # which texts there are is told by what uses them
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        fits = isinstance(value, tuple | list) and len(value) == len(kinds)
        found = tuple(map(_as, kinds, value)) if fits else (_OTHER,)
        return _OTHER if _OTHER in found else found
    if kind is int:
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        return int(value) if whole else _OTHER
    if kind is float:
        real = isinstance(value, Real) and not isinstance(value, bool)
        exact = isinstance(value, int | Fraction)
        return (value if exact else float(value)) if real else _OTHER
    if kind is bool and type(value).__name__ in ("bool", "bool_"):  # NumPy's has both names
        return bool(value)
    return value if isinstance(value, kind) else _OTHER


def _called(kind: Any) -> str:
    """A type in words."""
    if get_origin(kind) is tuple:
        return f"{len(get_args(kind))} of them"
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    return _WORDS[kind]


_WORDS = {
    int: "a whole number", float: "a number", str: "a text", bool: "True or False",
    Path: "a Path", dict: "a dict", NoneType: "None",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TargetOptions(Options):
    """What an accelerator is for: enough to estimate it."""

    board: Annotated[str | None, Option("pynq-z1 (default), pynq-z2, zcu104, ...")] = None
    target_fps: Annotated[float | None, Option("Frames per second to reach.")] = None
    target_cycles: Annotated[
        int | None, Option("Cycles per frame to reach (1,024, or the nearest possible).")
    ] = None
    clk_period_ns: Annotated[float, Option("Clock period in ns.", also=("--clock-ns",))] = 10.0
    input_datatype: Annotated[
        str | None,
        Option("Take raw integers (UINT8, ...), quantise on the chip.", also=("--input-type",)),
    ] = None
    input_scale: Annotated[
        Any, Option("Real value of one input step, as 1/255.", type=str | None)
    ] = None
    output_mode: Annotated[OutputMode, Option("What the core gives for a frame.")] = "both"
    memory: Annotated[
        Memory,
        Option("Where weights stand: LUTs, block RAM; ultra: UltraRAM too (loaded at run time)."),
    ] = "auto"
    hardwired: Annotated[
        str | None,
        Option("Layers as constants, a vector or window a cycle: all, auto, or LAYER,LAYER,..."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class CompileOptions(TargetOptions):
    """How a model becomes an accelerator."""

    name: Annotated[
        str | None, Option("Of the accelerator's modules and files; the model file's by default.")
    ] = None
    part: Annotated[str | None, Option("An FPGA part instead of a board.")] = None
    folding: Annotated[
        str | Path | dict | None,
        Option("A JSON file of PE and SIMD by node, or `finn` for SetFolding.", type=str | None),
    ] = None
    runtime_weights: Annotated[
        bool, Option("Weights can be loaded at run time, by the port s_axis_cfg.")
    ] = False
    contexts: Annotated[
        int, Option("Sets of weights at run time; each frame is run through all.")
    ] = 1
    ensemble: Annotated[
        bool, Option("One result a frame: for each class the sums of scores and votes of contexts.")
    ] = False
    max_fifo_depth: Annotated[int | None, Option("Cap on every FIFO, in words.")] = None
    fifo_sizing: Annotated[
        FifoSizing,
        Option(
            "How FIFO depths are found: by simulation (the least), by analysis (quicker, somewhat "
            "deeper), auto (by simulation where that is quick), none (a frame in each)."
        ),
    ] = "auto"
    check: Annotated[bool, Option("Check every pass on sample frames.")] = True

    def files(self) -> list[Path]:
        """The files that they name: that of the folding, if there is one."""
        named = isinstance(self.folding, str | Path) and self.folding != "finn"
        return [Path(self.folding)] if named else []  # type: ignore[arg-type]  # as `named` says


@dataclass(frozen=True, kw_only=True)
class FrameOptions(Options):
    """Which frames an accelerator is given; random ones where nothing is asked for."""

    inputs: Annotated[
        Any,  # a path, or the array itself
        Option(
            "A .npy file of frames: integers of the input type, or real numbers.", type=Path | None
        ),
    ] = None
    dataset: Annotated[
        str | None, Option("digits, mnist, fashion_mnist, cifar10, cifar100, image_folder.")
    ] = None
    split: Annotated[str, Option("train, test or all.")] = "test"
    data_root: Annotated[
        str | Path | None,
        Option("Folder of data files, in torchvision's layout; default $HW_BNN_DATA."),
    ] = None
    scale: Annotated[
        str,
        Option(
            "Stored pixels p to real inputs: auto (the model's own, else integer for digits and "
            "unit for images), integer p, unit p/m, bipolar p/(m/2) - 1, standardise; m is 16 for "
            "digits, 255 for images."
        ),
    ] = "auto"
    limit: Annotated[int | None, Option("The first so many frames only.")] = None
    frames: Annotated[int | None, Option("Number of random frames (1,000).")] = None
    seed: Annotated[int, Option("Of random frames and pauses.")] = 0


@dataclass(frozen=True, kw_only=True)
class EngineOptions(Options):
    """How frames run through an accelerator."""

    engine: Annotated[str, Option("native, cocotb, netlist, lanes, shell or hls.")] = "native"
    stall: Annotated[
        float | tuple[float, float],
        Option("Probability of a pause, each cycle and end.", type=float),
    ] = 0.0
    throttle: Annotated[
        float | None, Option("A slower source: cycles for each word.", metavar="CYCLES")
    ] = None
    waves: Annotated[str | Path | None, Option("FST waveform file to write.")] = None
    window: Annotated[
        tuple[int, int] | None,
        Option("Only these cycles of the waveform.", "FROM:TO", type=str | None, read=parse_window),
    ] = None
    jobs: Annotated[int, Option("Processes to simulate with.")] = 1
    scheduler: Annotated[
        str | None, Option("A running Dask scheduler, as tcp://host:8786; else local.")
    ] = None
    resume: Annotated[bool, Option("Keep finished parts, go on with them.")] = False
    weights: Annotated[
        str | Path | None, Option("Load these first: a folder of `hw-bnn weights`.")
    ] = None
    context: Annotated[
        int | None, Option("Run frames through this context alone (of --contexts), from 0.")
    ] = None
    statistics: Annotated[bool, Option("Count each layer's starved and stalled cycles.")] = False
    family: Annotated[
        str | None, Option("Which netlist: xc7, xcup or ecp5 (engines netlist and lanes).")
    ] = None


def check_jobs(jobs: int) -> None:
    """Refuse a number of processes that no machine serves.

    Raises:
        BadInput: it is below 1, or above MOST_JOBS.
    """
    if not 1 <= jobs <= MOST_JOBS:
        raise BadInput(f"jobs= is {jobs}", remedy=f"use 1 to {MOST_JOBS}")


def check_positive(name: str, value: float | None) -> None:
    """Refuse a value that is no finite number above 0; None is fine.

    Raises:
        BadInput: it is none.
    """
    if value is not None and not (math.isfinite(value) and value > 0):
        raise BadInput(f"{name} is {value}", remedy="use a finite number above 0")


@functools.cache
def parameters(kind: type) -> dict[str, inspect.Parameter]:
    """The fields of a class of options as keyword parameters, by name."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(kind)
    }  # fmt: skip


def flat(**classes: type) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Let a function that takes classes of options take their fields as keyword arguments.

    Args:
        classes: parameter's name -> its class. A field of two of them is one argument for both; an
            object of the class itself may be given by the parameter's name instead.

    Raises (the function that is made):
        TypeError: there is no such argument, or a field is given beside an object that holds it.
        BadInput: an argument has the wrong type.
    """

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        own = inspect.signature(function).parameters
        spread = {name: p for kind in classes.values() for name, p in parameters(kind).items()}
        kept = [parameter for name, parameter in own.items() if name not in classes]
        signature = inspect.Signature([*kept, *(p for n, p in spread.items() if n not in own)])

        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> Result:
            made = {name: given.pop(name) for name in classes if name in given}
            for name in given:
                if name not in signature.parameters:
                    near = difflib.get_close_matches(name, signature.parameters, n=1)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    raise TypeError(f"{function.__name__}() has no argument {name!r}{hint}")
            for name, ready in made.items():
                _check_ready(function.__name__, name, ready, classes[name], set(given) - set(own))
            fields_given = {name: given[name] for name in given if name in spread}
            for name, kind in classes.items():
                if name not in made:
                    here = parameters(kind)
                    made[name] = kind(**{n: v for n, v in fields_given.items() if n in here})
            rest = {name: v for name, v in given.items() if name in own}
            return function(*args, **rest, **made)

        # what inspect looks for
        call.__signature__ = signature  # type: ignore[attr-defined]
        return call

    return decorate


def _check_ready(function: str, name: str, ready: Any, kind: type, beside: set[str]) -> None:
    """Refuse a ready-made object of options that is none, or beside which its fields are given."""
    if not isinstance(ready, kind):
        raise TypeError(
            f"{function}() takes {name}= as {kind.__name__}, not as {type(ready).__name__}"
        )
    if twice := sorted(beside & set(parameters(kind))):
        raise TypeError(
            f"{function}() got {', '.join(f'{field}=' for field in twice)} beside {name}=, "
            f"which holds it: give one of them"
        )


def changed(options: Any) -> list[str]:
    """Names of the fields that differ from their defaults."""
    given = {field.name: (getattr(options, field.name), field.default) for field in fields(options)}
    return [
        name for name, (value, default) in given.items()
        if value is not default and (default is None or value != default)
    ]  # fmt: skip
