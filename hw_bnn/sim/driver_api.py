"""The C interface of a Verilated library, for ctypes; driver.hpp declares it a first time."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput

ABI = 3
DONE, MORE, HUNG, FAILED = range(4)


def _fields(
    kind: type[ctypes._SimpleCData], *names: str
) -> list[tuple[str, type[ctypes._SimpleCData]]]:
    return [(name, kind) for name in names]


class Stream(ctypes.Structure):
    _fields_ = [
        *_fields(ctypes.c_uint64, "idle", "starved", "stalled", "moved"),
        *_fields(ctypes.c_void_p, "words", "cycles"),
        *_fields(ctypes.c_uint64, "room"),
    ]


class Run(ctypes.Structure):
    _fields_ = [
        *_fields(ctypes.c_void_p, "input", "output", "frame_done"),
        *_fields(ctypes.c_void_p, "frame_end", "names"),
        *_fields(ctypes.c_uint64, "in_words", "out_words", "frame_in_words",
                 "throttle_num", "throttle_den", "hang_limit"),
        *_fields(ctypes.c_uint32, "stall_in", "stall_out"),
        *_fields(ctypes.c_uint64, "random"),
        *_fields(ctypes.c_uint32, "watch"),
        *_fields(ctypes.c_void_p, "config", "config_from"),
        *_fields(ctypes.c_uint64, "config_words"),
        *_fields(ctypes.c_uint32, "hold", "in_valid", "out_ready", "started", "config_valid"),
        *_fields(ctypes.c_uint64, "cycle", "in_done", "out_done", "frames_done", "first_in",
                 "last_progress", "next_word_at", "config_done"),
    ]  # fmt: skip


def load(path: Path) -> ctypes.CDLL:
    lib = ctypes.CDLL(str(path))
    if lib.hwb_abi() != ABI:
        raise BadInput(f"{path} is of another version", remedy="delete it")
    pointer, u64, text = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_char_p
    lib.hwb_create.restype, lib.hwb_create.argtypes = pointer, [text, u64, text, u64]
    lib.hwb_destroy.restype, lib.hwb_destroy.argtypes = None, [pointer]
    lib.hwb_message.restype, lib.hwb_message.argtypes = text, [pointer]
    lib.hwb_ports.restype, lib.hwb_ports.argtypes = None, [pointer, pointer, pointer]
    lib.hwb_reset.argtypes = [pointer, u64]
    lib.hwb_bind.argtypes = [pointer, text, pointer, pointer, u64]
    lib.hwb_state.argtypes = [pointer, pointer, pointer]
    lib.hwb_find.restype, lib.hwb_find.argtypes = u64, [pointer, text, text, u64]
    lib.hwb_get.argtypes = [pointer, text, text, pointer]
    lib.hwb_set.argtypes = [pointer, text, text, u64]
    lib.hwb_trace.argtypes = [pointer, text, u64, u64, u64]
    lib.hwb_config_loaded.restype = ctypes.c_uint32
    lib.hwb_config_loaded.argtypes = [pointer, ctypes.c_uint32]
    lib.hwb_config_status.restype, lib.hwb_config_status.argtypes = ctypes.c_uint32, [pointer]
    lib.hwb_run.argtypes = [pointer, pointer, u64]
    return lib


def check_array(
    what: str, values: NDArray[Any], shape: tuple[int, ...], dtype: type[np.unsignedinteger]
) -> None:
    """Check an array of which the library gets the address: it would go on past a shorter one.

    Raises:
        BadInput: it has another shape or type, or is not contiguous.
    """
    if values.shape != shape or values.dtype != dtype or not values.flags.c_contiguous:
        layout = "" if values.flags.c_contiguous else ", not contiguous"
        raise BadInput(
            f"{what}: shape {values.shape} of {values.dtype}{layout}; shape {shape} of "
            f"{np.dtype(dtype)}, contiguous, is needed"
        )


def chance(probability: float) -> int:
    """A probability as the library compares it with 32 random bits."""
    return min(2**32 - 1, round(probability * 2**32))
