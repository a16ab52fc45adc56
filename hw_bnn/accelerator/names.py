"""What the words and numbers of accelerator.json may be.

The file is data, and its names become words of scripts, of SystemVerilog and paths: none can be
anything else than a name there.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, StringConstraints

LARGEST = 1 << 40
"""Above any count of words, bits or cycles in a frame that could ever be run."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,255}$")]
"""A simple identifier of Verilog."""

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
"""The user's own name of a thing: shown, never part of a path, script or source (see `file_name`)."""

Count = Annotated[int, Field(ge=1, le=LARGEST)]
Index = Annotated[int, Field(ge=0, le=LARGEST)]
Shape = Annotated[list[Count], Field(max_length=8)]


def file_name(name: str) -> str:
    """A user's own name of a thing as a file's name, a word of a source, or in a comment.

    >>> file_name("digits"), file_name("../my net\\n`rm`"), file_name("--")
    ('digits', '_my_net__rm_', 'accelerator')
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".-")[:64] or "accelerator"
