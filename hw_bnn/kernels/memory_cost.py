"""What memories take on xc7, as Yosys maps them: LUTs, or block RAM.

Widths are in bits, depths in words. Block RAM counts in RAMB36 (a RAMB18 is a half).
"""

from __future__ import annotations

import math
from functools import cache

BLOCK_SHAPES = ((72, 512), (36, 1024), (18, 2048), (9, 4096), (4, 8192), (2, 16384), (1, 32768))
"""Width and depth of a RAMB36; a RAMB18 has half the width."""
HALF_IN_LUTS = 48
"""LUTs that Yosys spends on multiplexers before it takes half a block RAM more."""
DEEPEST_LUT_ROM = 4096
"""Words that xc7_rom_map.v maps to LUTs."""


@cache
def block_ram(width: int, depth: int) -> tuple[float, int]:
    """(RAMB36, LUTs of the multiplexers between banks) of a memory in block RAM."""
    return min(
        (_banks(width, depth, *shape) for shape in BLOCK_SHAPES),
        key=lambda cost: 2 * cost[0] * HALF_IN_LUTS + cost[1],
    )


def _banks(width: int, depth: int, wide: int, deep: int) -> tuple[float, int]:
    full, rest = divmod(depth, deep)
    halves = full * _columns(width, wide)
    if 2 * rest > deep or (rest and wide == 72):
        halves += _columns(width, wide)
    elif rest:  # a RAMB18 as wide holds half the words; none is 72 bits wide
        halves += math.ceil(width / wide)
    banks = full + (rest > 0)
    return halves / 2, width * (banks - 1)


def _columns(width: int, wide: int) -> int:
    """RAMB18 beside each other."""
    return math.ceil(2 * width / wide) if wide > 1 else 2 * width


def ultra_ram(width: int, depth: int) -> int:
    """Blocks of UltraRAM that a memory takes.

    >>> ultra_ram(576, 4096), ultra_ram(512, 4608)
    (8, 16)
    """
    return math.ceil(width / ULTRA_WORD) * math.ceil(depth / ULTRA_WORDS)


@cache
def rom_luts(width: int, depth: int) -> float:
    """LUTs of a read-only memory of random contents (see xc7_rom_map.v)."""
    if depth <= 1:
        return 0
    if depth <= 4:  # shared functions of the address; those of one address bit are free
        functions = 2**2 ** (depth - 1).bit_length()
        return functions * (1 - math.exp(-width / functions)) if depth > 2 else 0
    if depth <= 32:
        return math.ceil(width / 2)
    banks = math.ceil(depth / 256)
    multiplexer = 0 if banks == 1 else 1 if banks <= 4 else 3 if banks <= 8 else 7
    return width * (math.ceil(depth / 64) + multiplexer)


def ram_luts(width: int, depth: int) -> int:
    """LUTs of a memory with one write and one read port (RAM32M, RAM64M)."""
    if depth <= 32:
        return 4 * math.ceil(width / 6)
    parts = math.ceil(depth / 64)
    multiplexer = 0 if parts == 1 else width * math.ceil((parts - 1) / 3)
    return 4 * math.ceil(width / 3) * parts + multiplexer


def one_port_luts(width: int, depth: int) -> int:
    """LUTs of a memory that is written and read at one address (RAM32M, RAM64X1S and wider)."""
    return 4 * math.ceil(width / 8) if depth <= 32 else width * math.ceil(depth / 64)


AUTO_BITS = 9216
"""Bits up to which Yosys leaves a memory in LUTs, asked for nothing."""

ULTRA_WORD, ULTRA_WORDS = 72, 4096
"""Bits and words of a block of UltraRAM (UltraScale+). It has no contents at the start."""

RAM_IN_LUTS = 96
"""LUTs of memory that Yosys gives up for half a block RAM."""


def rom(
    width: int, depth: int, style: str = "auto", *, written: bool = False
) -> tuple[float, float, float]:
    """(LUTs, registers, RAMB36) of mvau_rom; written: its contents are loaded at run time.

    Of style "ultra" these are the multiplexers between blocks; `ultra_ram` counts the blocks.
    """
    if style == "ultra":
        return width * (math.ceil(depth / ULTRA_WORDS) - 1), 0, 0
    if written and width and depth:
        return (0, width, 0) if depth == 1 else ram(width, depth, style)
    if depth <= 1 or width == 0:
        return 0, 0, 0
    if style == "block" or (style == "auto" and depth > 256 and width * depth > AUTO_BITS):
        bram, lut = block_ram(width, depth)
        return lut, 0, bram
    return rom_luts(width, depth), width if depth > 4 else min(width, 2**depth), 0


def ram(
    width: int, depth: int, style: str = "auto", *, one_port: bool = False
) -> tuple[float, float, float]:
    """(LUTs, registers, RAMB36) of a memory that is written, with a clocked read; one_port: at the
    address that is written."""
    bram, multiplexer = block_ram(width, depth)
    small = (one_port_luts if one_port else ram_luts)(width, depth)
    if style == "block" or (style == "auto" and small > 2 * bram * RAM_IN_LUTS):
        return multiplexer, 0, bram
    return small, width, 0
