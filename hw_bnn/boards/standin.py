"""A stand-in for a bitstream: a .bit file that pynq can read and that configures nothing.

The simulated board needs none, but pynq loads an overlay only with a .bit beside its .hwh. A real
board's FPGA manager refuses the stand-in: it has no sync word.
"""

from __future__ import annotations

import struct
from hashlib import sha256


def stand_in(handoff: bytes, part: str) -> bytes:
    """A .bit file for a part.

    Args:
        handoff: the .hwh. Its hash is in the bytes, since pynq keeps what it read of a .hwh by the
            contents of the .bit.
    """
    digest = sha256(handoff).hexdigest()
    body = f"This is no bitstream, but a stand-in for the simulated board: {digest}.".encode()
    body += b" " * (-len(body) % 4)
    head = struct.pack(">H9sH", 9, bytes.fromhex("0ff00ff00ff00ff000"), 1)
    fields = {"a": "stand_in;Version=none", "b": part, "c": "1980/01/01", "d": "00:00:00"}
    for key, text in fields.items():
        value = text.encode() + b"\0"
        head += key.encode() + struct.pack(">H", len(value)) + value
    return head + b"e" + struct.pack(">I", len(body)) + body
