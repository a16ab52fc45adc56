"""The netlist engine: what synthesis left in DIR/synth/<family>.v, in Verilator,
by the native driver.

Cells behave as Yosys' own library says (read from the installed package when the model is built),
but for block RAMs and multipliers, which that library declares empty, and Xilinx' LUTs, whose
models build slowly: those are in cells/. Layers stay modules in the netlist and the streams between
them keep their names, so that statistics, capture and hang reports work. Weights and thresholds are
inside the netlist: it takes no memory files.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from ..accelerator import Description
from ..accelerator.netlists import open_netlist
from ..errors import BadInput, MissingTool, Unsupported
from .build import Design, Variant, stream_visibility
from .compiler import HERE
from .native import NativeModel

CELLS = HERE / "cells"
_LIBRARY = {"xc7": "xilinx", "xcup": "xilinx", "ecp5": "ecp5"}
_BLOCK_RAMS = {"xilinx": ("RAMB18E1", "RAMB36E1"), "ecp5": ("DP16KD",)}
_LUTS = {"xilinx": (*(f"LUT{k}" for k in range(1, 7)), "LUT6_2"), "ecp5": ()}
_MULTIPLIERS = {"xilinx": (), "ecp5": ("MULT18X18D",)}  # of which ours is the only model
_FLAGS = ("-Wno-SPECIFYIGN", "-Wno-INITIALDLY", "-Wno-MODDUP", "-Wno-UNOPTFLAT", "-Wno-MULTIDRIVEN")


def netlist_model(
    folder: Path, accelerator: Description, *, family: str | None = None, seed: int = 0,
    waves: bool = False, trust: bool = False,
) -> NativeModel:  # fmt: skip
    """A model of the netlist in FOLDER/synth.

    Args:
        family: which one, if there are several; by default the first of xc7, xcup,
            ecp5 that is there.
        trust: take a netlist that no synthesis of this user on this machine wrote.

    Raises:
        BadInput: there is no netlist, or it is damaged or strange. MissingTool: Yosys' cell library
            is not installed.
        Unsupported: the netlist has a cell without a model.
    """
    variant: Variant = "waves" if waves else "fast"
    design = netlist_design(folder, accelerator, family, variant, trust=trust)
    return NativeModel(folder / "rtl", accelerator, design=design, variant=variant, seed=seed + 1)


def netlist_design(
    folder: Path, accelerator: Description, family: str | None = None, variant: Variant = "fast",
    *, trust: bool = False,
) -> Design:  # fmt: skip
    """The build of a netlist; see `netlist_model`."""
    netlist, family = netlist_file(folder, family, tuple(_LIBRARY), trust=trust)
    library = _LIBRARY[family]
    text = netlist.read_text()
    used = used_cells(text)
    models = cell_library(library)
    own = [CELLS / "bnn_block_ram.v", CELLS / f"{library}_block_ram.v"]
    known = set(re.findall(r"^\s*module\s+(\w+)", "".join(models.values()), re.M))
    known |= {*_BLOCK_RAMS[library], *_LUTS[library], *_MULTIPLIERS[library]}
    if unknown := sorted(used - known):
        raise Unsupported(
            f"the netlist {netlist} has cells without a model: {', '.join(unknown)}",
            remedy="synthesise for another family, or simulate the RTL",
        )
    rams = used & set(_BLOCK_RAMS[library])
    luts = [CELLS / f"{library}_lut.v"] if _LUTS[library] else []
    multipliers = [CELLS / f"{library}_multiplier.v"] if used & set(_MULTIPLIERS[library]) else []
    texts = tuple(sorted(models.items()))
    return Design(
        sources=(*(own if rams else ()), *luts, *multipliers, netlist),
        in_bits=accelerator.input.tdata_bits, out_bits=accelerator.output.tdata_bits,
        top=accelerator.top, visible=stream_visibility(accelerator.top), variant=variant,
        extra_flags=_FLAGS, texts=texts, config=accelerator.config is not None,
        contexts=accelerator.contexts > 1,
    )  # fmt: skip


def netlist_file(
    folder: Path, family: str | None, families: Sequence[str], *, trust: bool = False
) -> tuple[Path, str]:
    """The netlist in FOLDER/synth and its family: the one asked for, or the first of `families`.

    Raises:
        BadInput: there is none of them, or it is damaged or strange.
    """
    found = [f for f in families if (folder / "synth" / f"{f}.v").is_file()]
    if family is not None and family not in families:
        raise BadInput(f"unknown family {family!r}", remedy=f"use one of {', '.join(families)}")
    if not found or (family is not None and family not in found):
        wanted = family or families[0]
        raise BadInput(
            f"{folder} has no netlist" + (f" of {family}" if family else ""),
            remedy=f"make one with `hw-bnn synth {folder} --family {wanted}`",
        )
    family = family or found[0]
    return open_netlist(folder, family, trust=trust), family


def used_cells(netlist: str) -> set[str]:
    """Names of the library cells in a netlist of Yosys: instances of modules it does not define."""
    defined = set(re.findall(r"^module\s+(\\\S+|\w+)", netlist, re.M))
    instance = r"^\s+(\\\S+|[A-Za-z_]\w*)\s+(?:#\s*\(|(?:\\\S+|\w+)\s+\()"
    keywords = {"module", "assign", "always", "if", "case", "initial", "wire", "reg"}
    return set(re.findall(instance, netlist, re.M)) - defined - keywords


def cell_library(library: str) -> dict[str, str]:
    """Yosys' cell models by file name, without those that cells/ has in their place.

    Raises:
        MissingTool: pyosys is not installed.
    """
    spec = importlib.util.find_spec("pyosys")
    if spec is None or not spec.submodule_search_locations:
        raise MissingTool(
            "Yosys' cell library is not installed",
            remedy="install it with `pip install 'hw-bnn[synth]'`",
        )
    share = Path(next(iter(spec.submodule_search_locations))) / "share" / library
    text = (share / "cells_sim.v").read_text()
    for name in (*_BLOCK_RAMS[library], *_LUTS[library]):
        text, count = re.subn(rf"^module {name}\b.*?^endmodule\b", "", text, flags=re.M | re.S)
        if count != 1:
            raise MissingTool(
                f"Yosys' cell library {share} is of an unknown version ({count} models of {name})",
                remedy="install pyosys==0.70",
            )
    return {"cells_sim.v": text} | {p.name: p.read_text() for p in share.glob("*.vh")}
