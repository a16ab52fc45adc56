"""Resources and timing of an accelerator by open tools.

    document = synth("digits_accelerator", family="xc7")
    document["total"]["lut"], document["layers"]["XnorMVAU_rtl_0"]["lut"]

Layers (the instances of the stitched top) stay modules of their own, so that their cost is exact;
the little that synthesis could save across their streams is not taken.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from ..accelerator import Description
from ..accelerator.folder import open_accelerator
from ..accelerator.netlists import write_netlist
from ..errors import BadInput, CheckFailed
from ..files.given import text_path
from ..files.inside import new_file
from ..files.temporary import temporary_folder
from ..options import check_positive
from .block_netlist import PRIMITIVES
from .depth import logic_depth
from .resources import count_resources, module_cells
from .yosys import Command, run_yosys, slang_command

ROM_MAP = PRIMITIVES.with_name("xc7_rom_map.v")
MOST_MHZ = 10_000
FAMILIES = {
    "xc7": "Xilinx 7-series (PYNQ-Z1, PYNQ-Z2)",
    "xcup": "Xilinx UltraScale+ (Ultra96-V2, ZCU104, KV260)",
    "ecp5": "Lattice ECP5 (ULX3S)",
}


def family_defines(family: str) -> list[str]:
    """Macros that choose the kernels' form for a family.

    Raises:
        BadInput: there is no such family.
    """
    if family not in FAMILIES:
        raise BadInput(f"there is no family {family!r}", remedy=f"use one of {', '.join(FAMILIES)}")
    return ["SYNTHESIS", *(["HW_BNN_XC7"] if family in ("xc7", "xcup") else [])]


def _memories(style: str) -> str:
    """Yosys selection of the memories that ask for a style; read_slang keeps it as a number."""
    bits = "".join(f"{letter:08b}" for letter in style.encode())
    return f"t:$mem_v2 a:rom_style={len(bits)}'b{bits} %i"


def synth_commands(family: str, top: str, *, ultra: bool = False) -> list[Command]:
    """Yosys commands that map `top`; modules marked keep_hierarchy stay.

    Args:
        ultra: memories may take UltraRAM, of a family that has it.
    """
    if family == "ecp5":
        flow = ["synth_ecp5", "-top", top, "-abc9"]
        return [
            [*flow, "-run", "begin:map_ram"],
            # made for six-input LUTs: a memory that ought to stand in them may be
            # smaller in a block
            f"setattr -unset rom_style -unset ram_style {_memories('distributed')}",
            [*flow, "-run", "map_ram:"],
            "clean",
        ]
    flow = ["synth_xilinx", "-family", family, "-top", top, "-flatten", "-noiopad"]
    flow += ["-uram"] if ultra else []
    rom = ["techmap", "-autoproc", "-map", str(ROM_MAP)]
    return [
        [*flow, "-run", "begin:map_memory"],
        [*rom, "t:$mem_v2", *_memories("block").split(), "%d"],
        [*rom, "-D", "HW_BNN_DEEP", *_memories("distributed").split()],
        # what is left asks for memory that can be written, which a read-only one is not
        f'setattr -set rom_style "logic" -set ram_style "logic" {_memories("distributed")} '
        "r:WR_PORTS=0 %i",
        "opt",
        [*flow, "-run", "map_memory:"],
        "clean",
    ]


def synth(
    folder: str | Path,
    family: str = "xc7",
    *,
    pnr: bool = False,
    freq_mhz: float | None = None,
    timeout_s: float = 3600,
    trust: bool = False,
) -> dict:
    """Synthesise an accelerator and write DIR/synth/<family>.json.

    Beside it: <family>.v (the netlist, Verilog, layers as modules), <family>.log and, with `pnr`,
    the placed design's timing report.

    Args:
        folder: accelerator folder.
        family: xc7, xcup or ecp5.
        pnr: place and route too (ECP5-85F, ecp5 only): Fmax and the critical path.
        freq_mhz: clock to reach; the accelerator's own by default. With `pnr`, missing it is an
        error.
        timeout_s: limit for each tool, in seconds.
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).

    Returns:
        The document: "family", "total" and "layers" (resources, see :mod:`.resources`), "depth",
        "seconds", "versions", "netlist", and "pnr" where asked for.

    Raises:
        BadInput: no accelerator, a damaged or strange one, an unknown family, or DIR/synth cannot
            be written; what was there before stays.
        MissingTool: Yosys or nextpnr is not installed.
        CheckFailed: a tool failed (its message and log are told), ran out of time, or the routed
            design misses `freq_mhz`.
    """
    folder = text_path(folder).absolute()
    defines = family_defines(family)
    _check_clock(family, pnr, freq_mhz)
    check_positive("timeout_s=", timeout_s)
    accelerator = open_accelerator(folder, trust=trust)
    ultra = _ultra(accelerator, family)
    rtl = folder / "rtl"
    start = time.monotonic()
    with temporary_folder("synth") as work:
        made = [work / f"{family}.{suffix}" for suffix in ("v", "ys")]
        result = synthesise(
            [rtl / name for name in accelerator.sources],
            accelerator.top,
            family,
            cwd=rtl,
            place=work,
            log=new_file(folder, "synth", f"{family}.log"),
            layers=[node.name for node in accelerator.nodes],
            timeout_s=timeout_s,
            subject=accelerator.name,
            defines=defines,
            ultra=ultra,
        )
        document = {
            "name": accelerator.name,
            "family": family,
            "part": {"xc7": "xc7z020-1", "xcup": "xczu3eg-1", "ecp5": "LFE5U-85F-6"}[family],
            **result,
            "seconds": {"synth": round(time.monotonic() - start, 1)},
            "versions": {"pyosys": metadata.version("pyosys")},
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        }
        if family == "ecp5":
            made.append(work / "ecp5.nextpnr.json")
        if pnr:
            from .place_route import place_and_route

            routed = place_and_route(
                work / "ecp5.nextpnr.json",
                accelerator,
                place=work,
                log=new_file(folder, "synth", "nextpnr.log"),
                freq_mhz=freq_mhz or 1000 / accelerator.clk_period_ns,
                timeout_s=timeout_s,
            )
            made.append(work / "nextpnr_report.json")
            document["seconds"]["pnr"] = routed.pop("seconds")
            document["versions"]["nextpnr"] = routed.pop("version")
            document["pnr"] = routed
        return write_netlist(folder, family, made, document)


def _ultra(accelerator: Description, family: str) -> bool:
    """Whether an accelerator's weights stand in UltraRAM.

    Raises:
        BadInput: they do, and the family has none.
    """
    ultra = [n.name for n in accelerator.nodes if n.parameters.get("WEIGHTS_STYLE") == "ultra"]
    if ultra and family != "xcup":
        raise BadInput(
            f"its weights stand in UltraRAM, which {FAMILIES[family]} has not",
            node=ultra[0],
            remedy='use family="xcup"',
        )
    return bool(ultra)


def _check_clock(family: str, pnr: bool, freq_mhz: float | None) -> None:
    """Refuse place and route where there is none, and a clock that no device has."""
    if pnr and family != "ecp5":
        raise BadInput(
            f"there is no open place and route for {family}",
            remedy='use family="ecp5" with pnr=True, or Vivado for a bitstream',
        )
    if freq_mhz is not None and not 0 < freq_mhz <= MOST_MHZ:
        raise BadInput(f"the clock is {freq_mhz} MHz", remedy=f"use at most {MOST_MHZ:,} MHz")


def synthesise(
    sources: Sequence[Path],
    top: str,
    family: str,
    *,
    place: Path,
    log: Path | None = None,
    cwd: Path | None = None,
    layers: Sequence[str] = (),
    parameters: Mapping[str, object] | None = None,
    defines: Sequence[str] | None = None,
    timeout_s: float = 3600,
    subject: str | None = None,
    extra: Sequence[Command] = (),
    ultra: bool = False,
) -> dict:
    """Map any module and count it.

    Args:
        sources: SystemVerilog files.
        top: module to map, with `parameters`.
        place: folder for <family>.v, <family>.ys, <family>.log and, for ecp5,
            <family>.nextpnr.json.
        log: another place for the log.
        cwd: folder that memory files are found from.
        layers: instances of the top that stay modules, with counts of their own.
        extra: Yosys commands after reading and before mapping.
        ultra: as of `synth_commands`.

    Returns:
        {"total", "layers", "depth", "cells", "netlist", "log"}.
    """
    defines = family_defines(family) if defines is None else defines
    log = log or place / f"{family}.log"
    xilinx = family in ("xc7", "xcup")
    library = PRIMITIVES if xilinx else PRIMITIVES.with_name("ecp5_primitives.sv")
    read = slang_command([library, *sources], top, defines=defines, parameters=parameters)
    with temporary_folder("netlist") as temporary:
        kept, flat = temporary / "kept.json", temporary / "flat.json"
        run_yosys(
            [
                "scratchpad -set abc9.verify false",
                read,
                ["hierarchy", "-check", "-top", top],
                # read_slang gives every instance a module of its own, <module>$<path of it>.
                *(["setattr", "-mod", "-set", "keep_hierarchy", "1", f"*${top}.{layer}"]
                  for layer in layers),
                *extra,
                *synth_commands(family, top, ultra=ultra),
                *_writing(family, place.absolute(), kept, flat),
            ],
            log=log, cwd=cwd, timeout_s=timeout_s, subject=subject or top,
        )  # fmt: skip
        counted = json.loads(kept.read_text())["modules"]
        netlist = json.loads(flat.read_text())["modules"][top]
    modules = {name.removeprefix("\\"): document for name, document in counted.items()}
    cells = module_cells(modules, top)
    total = count_resources(cells)
    if total.get("unknown"):
        raise CheckFailed(
            f"synthesis left {total['unknown']} cells that no library cell covers (log: {log})",
            node=subject or top,
        )
    if (script := log.with_suffix(".ys")) != place / f"{family}.ys":
        shutil.move(script, place / f"{family}.ys")
    return {
        "total": total,
        "layers": _by_layer(modules, top, layers),
        "depth": logic_depth(netlist, family).as_dict(),
        "cells": dict(sorted(cells.items())),
        "netlist": f"{family}.v",
        "log": f"{family}.log",
    }


def _writing(family: str, place: Path, kept: Path, flat: Path) -> list[Command]:
    """Commands after mapping: counts by module into `kept`, the netlist, all flat into `flat`."""
    placed = [["write_json", str(place / "ecp5.nextpnr.json")]] if family == "ecp5" else []
    return [
        ["tee", "-q", "-o", str(kept), "stat", "-json"],
        ["write_verilog", "-noattr", str(place / f"{family}.v")],
        "setattr -mod -unset keep_hierarchy",
        "flatten",
        "clean",
        *placed,
        ["write_json", str(flat)],
    ]


def _by_layer(modules: Mapping[str, dict], top: str, layers: Sequence[str]) -> dict[str, dict]:
    """Resources of the instances of the top that stayed modules."""
    found = {}
    for layer in layers:
        module = next((name for name in modules if name.endswith(f"${top}.{layer}")), None)
        if module is not None:
            found[layer] = count_resources(module_cells(modules, module))
    return found
