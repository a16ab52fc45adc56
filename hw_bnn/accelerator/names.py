"""What the words and numbers of accelerator.json may be.

The file is data, and its names become words of scripts, of SystemVerilog and paths: none can be
anything else than a name there.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ..errors import BadInput
from ..rtl import PREFIX
from .reserved import RESERVED

LARGEST = 1 << 40
"""Above any count of words, bits or cycles in a frame that could ever be run."""


class Part(BaseModel):
    """A part of accelerator.json: what it says is checked, and what it does not know refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


DataType = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_<>,]{0,63}$")]
"""A QONNX name: UINT8, INT8, BIPOLAR, ..."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,255}$")]
"""A simple identifier of Verilog."""

_MODULE = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_MODULE = 64


def is_module_name(name: str) -> bool:
    """Whether an accelerator's top module may have this name.

    It is a basic identifier of Verilog and VHDL alike and no keyword of either, in small
    letters (cells of FPGA libraries have capital ones), and begins otherwise than the modules
    that ship with hw_bnn.

    >>> [is_module_name(n) for n in ("digits", "two_b", "two__b", "Digits", "module", "bnn_fifo")]
    [True, True, False, False, False, False]
    """
    plain = len(name) <= _LONGEST_MODULE and bool(_MODULE.fullmatch(name))
    return plain and name not in RESERVED and not name.startswith(PREFIX)


def module_name(text: str) -> str:
    """The name of the top module of an accelerator that its user calls `text`.

    >>> module_name("digits"), module_name("My net (2)")
    ('digits', 'my_net_2')
    >>> module_name("module"), module_name("3-bit")
    ('net_module', 'net_3_bit')
    >>> module_name("bnn_fifo"), module_name("--")
    ('net_bnn_fifo', 'accelerator')
    """
    if is_module_name(text):
        return text
    name = re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")
    name = name[: _LONGEST_MODULE - 16].rstrip("_") or "accelerator"
    return name if is_module_name(name) else f"net_{name}"


def checked_module_name(name: str) -> str:
    """The name itself, where it is one that `is_module_name` takes.

    Raises:
        BadInput: it is not; the remedy is the nearest that is.
    """
    if not is_module_name(name):
        raise BadInput(
            f"name={name[:80]!r} cannot be the name of an accelerator's modules",
            remedy=f"use small letters, digits and single underscores, as {module_name(name)}",
        )
    return name


def _module(name: str) -> str:
    if not is_module_name(name):
        raise ValueError(f"{name[:80]!r} is no name of a top module")
    return name


ModuleName = Annotated[str, AfterValidator(_module)]
"""The name of an accelerator's top module (see `is_module_name`)."""

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$")]
"""A file's name without a folder; it starts neither with a dot nor as an option."""

RelativeName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){0,7}$"
    ),
]
"""A path below the folder."""

PartName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A board's or an FPGA part's name."""

Setting = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,64}$")]
"""A word that a kernel's parameter may be: "auto", "block", ..."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

Text = Annotated[str, StringConstraints(max_length=4096)]
"""The user's own name of a thing: shown, never in a path, script or source (see `file_name`)."""

Count = Annotated[int, Field(ge=1, le=LARGEST)]
Index = Annotated[int, Field(ge=0, le=LARGEST)]
Shape = Annotated[list[Count], Field(max_length=8)]


def file_name(name: str) -> str:
    """A user's own name of a thing as a file's name, a word of a source, or in a comment.

    >>> file_name("digits"), file_name("../my net\\n`rm`"), file_name("--")
    ('digits', '_my_net__rm_', 'accelerator')
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".-")[:64] or "accelerator"
