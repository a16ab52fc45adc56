"""How options become flags: those of hw_bnn.options' classes, and those that commands share."""

from __future__ import annotations

import functools
import inspect
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import typer

from ..options import Option, parameters


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
Folder = Annotated[Path, typer.Argument(help="An accelerator folder.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(help="Folder of data files, in torchvision's layout; default $HW_BNN_DATA."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an output folder of hw_bnn's.")]
Seed = Annotated[int, typer.Option(help="Of random frames and pauses.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Take a folder not compiled by you here: its RTL is run.")
]
Jobs = Annotated[int, typer.Option(help="Processes to simulate with.")]
Scheduler = Annotated[
    str | None, typer.Option(help="A running Dask scheduler, as tcp://host:8786; else local.")
]
Frequency = Annotated[
    float | None,
    typer.Option("--freq-mhz", "--freq", help="Clock to reach in MHz; the accelerator's own."),
]

TimeOut = Annotated[float, typer.Option(help="Limit for each tool, in seconds.")]


def flags(**classes: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command whose parameters are classes of options one flag for each of their fields.

    Args:
        classes: parameter's name -> its class, as :func:`hw_bnn.options.flat` takes them.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(command, eval_str=True).parameters
        spread: dict[str, inspect.Parameter] = {}
        shown: dict[str, inspect.Parameter] = {}
        for name, parameter in own.items():
            if name in classes:
                fields = parameters(classes[name])
                new = {n: p for n, p in fields.items() if n not in own and n not in spread}
                spread |= new
                shown |= {n: _flag(p) for n, p in new.items()}
            else:
                shown[name] = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)

        @functools.wraps(command)
        def call(**given: Any) -> Any:
            taken = {n: _value(p, given.pop(n)) for n, p in spread.items()}
            made = {
                name: kind(**{f: {**given, **taken}[f] for f in parameters(kind)})
                for name, kind in classes.items()
            }
            return command(**given, **made)

        # what inspect looks for, and Typer through it
        call.__signature__ = inspect.Signature(list(shown.values()))  # type: ignore[attr-defined]
        call.__annotations__ = {}
        return call

    return decorate


def _option(parameter: inspect.Parameter) -> Option:
    return next(x for x in parameter.annotation.__metadata__ if isinstance(x, Option))


def _value(parameter: inspect.Parameter, given: Any) -> Any:
    read = _option(parameter).read
    return given if read is None or given is None else read(given)


def _flag(parameter: inspect.Parameter) -> inspect.Parameter:
    """A field as Typer takes it."""
    option = _option(parameter)
    names = [f"--{parameter.name.replace('_', '-')}"]
    if parameter.default is True:
        names[0] += f"/--no-{names[0][2:]}"
    kind = option.type or _plain(get_args(parameter.annotation)[0])
    flag = typer.Option(*names, *option.also, help=option.help, metavar=option.metavar)
    return parameter.replace(annotation=Annotated[kind, flag])


def _plain(annotation: Any) -> Any:
    """The type that a command line gives: a path where functions take text too."""
    if get_origin(annotation) in (Union, types.UnionType):
        members = set(get_args(annotation))
        if {str, Path} <= members:
            return Path | None if type(None) in members else Path
    return annotation
