"""A netlist with one frame a bit lane, as a model that takes words and gives words.

with LanesModel(folder, accelerator) as model:
    run = model.run(pack_input(accelerator.input, x))
"""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...accelerator import Description
from ...errors import BadInput
from ..build import Design
from ..cache import content_key, entry, file_digest
from ..compiler import FAST, HERE, processor, run_tool
from ..config import Config
from ..driver_api import Run, load
from ..native import NativeModel
from ..netlist import netlist_file
from ..packing import Words
from ..results import EngineRun
from ..verilator_env import find_compiler, tool_versions, verilator_environment
from .cells import CELLS
from .netlist import Builder, Cell, Net, refused
from .program import TABLES, Program, program
from .reach import Ports

LANES = (64, 256, 512)
_FLAGS = ("-std=gnu++17", "-march=native", "-fPIC", "-shared", "-fvisibility=hidden")
_FAMILIES = ("xc7", "xcup")
_VERSION = 1  # of how a netlist is flattened


class LanesModel(NativeModel):
    """The gates of an accelerator for many frames at once.

    Args:
        folder: accelerator folder with a netlist.
        accelerator: its description.
        family: xc7 or xcup; by default the first that is there.
        lanes: 64, 256 or 512 frames side by side.
        seed: of the random bits that registers and memories without a start value start with,
            each lane with its own where lanes may differ.
        trust: take a netlist that no synthesis of this user on this machine wrote.

    Raises:
        Unsupported: a cell is not modelled, or an address, an enable of a memory or a handshake
            depends on the data; the cell is named. BadInput: there is no netlist.
        MissingTool: Yosys or a C++ compiler is not installed.
    """

    def __init__(
        self, folder: Path, accelerator: Description, *, family: str | None = None,
        lanes: int = 512, seed: int = 1, trust: bool = False,
    ):  # fmt: skip
        if lanes not in LANES:
            raise BadInput(f"lanes is {lanes}", remedy=f"use one of {', '.join(map(str, LANES))}")
        self._handle = None
        refuse(accelerator.config is not None, family)
        started = time.monotonic()
        self.lanes, self.accelerator = lanes, accelerator
        path, family = netlist_file(folder, family, _FAMILIES, trust=trust)
        self.design = Design(
            sources=(path,), in_bits=accelerator.input.tdata_bits,
            out_bits=accelerator.output.tdata_bits, top=accelerator.top,
            visible=("the netlist's own streams",),
        )  # fmt: skip
        self.program = read_program(path, accelerator)
        with _library() as library:
            self._lib = load(library)
        self._handle = self._machine(seed)
        self._check_ports()
        self._fifos: dict[str, bytes] = {}
        self.build_seconds = time.monotonic() - started

    def run(
        self, words: Words, *, names: NDArray[np.uint8] | None = None,
        progress: Callable[[int], None] | None = None, **options: Any,
    ) -> EngineRun:  # fmt: skip
        """As `NativeModel.run`. Frame f is the (f // lanes)-th of lane f % lanes: cycles are those
        of a lane's own frames. Statistics count lane-cycles, those of lanes without a frame too.
        """
        count = len(words)
        rows = np.arange(-(-count // self.lanes) * self.lanes) % count  # lanes without a frame
        told = None if progress is None else lambda k: progress(min(count, k * self.lanes))
        if len(rows) != count:
            words, names = words[rows], None if names is None else names[rows]
        run = super().run(words, names=names, progress=told, **options)
        run.lanes = self.lanes
        run.words, run.frame_done = run.words[:count], run.frame_done[:count]
        run.capture = {name: (w[:count], c[:count]) for name, (w, c) in run.capture.items()}
        return run

    def _job(
        self, words: Words, stall: tuple[float, float], seed: int,
        throttle: float | Fraction | None, watch: bool, limit: int, config: Config | None = None,
        names: NDArray[np.uint8] | None = None,
    ) -> tuple[Run, NDArray[np.uint8], NDArray[np.uint64]]:  # fmt: skip
        job, output, done = super()._job(words, stall, seed, throttle, watch, limit, config, names)
        job.in_words //= self.lanes
        job.out_words //= self.lanes
        return job, output, done

    def _machine(self, seed: int) -> int:
        """A handle of the library's, which reads the tables as long as it lives."""
        tables = [self.program.tables[name] for name in TABLES]
        names = [name.encode() for name in self.program.streams]
        self._names = (ctypes.c_char_p * max(1, len(names)))(*names)
        fields = [(t.ctypes.data, len(t)) for t in tables]
        fields.append((ctypes.addressof(self._names), len(names)))
        flat = [value for pair in fields for value in pair]
        self._program = (ctypes.c_uint64 * len(flat))(*flat)
        error = ctypes.create_string_buffer(4096)
        create = self._lib.hwb_lanes
        u64, pointer = ctypes.c_uint64, ctypes.c_void_p
        create.restype, create.argtypes = pointer, [pointer, u64, u64, ctypes.c_char_p, u64]
        handle = create(ctypes.addressof(self._program), self.lanes, seed, error, len(error))
        if not handle:
            raise BadInput(error.value.decode(errors="replace"), remedy="use fewer lanes")
        return handle


def refuse(port: bool, family: str | None) -> None:
    """What has no lanes, whatever its netlist is.

    Args:
        port: whether the accelerator has a config port.

    Raises:
        Unsupported: a config port, or a family whose cells are not modelled.
    """
    if port:
        raise refused("the accelerator has a config port, through which weights come")
    if family not in (None, *_FAMILIES):
        raise refused(f"there are no lanes of {family}, only of {' and '.join(_FAMILIES)}")


def lanes_model(folder: Path, accelerator: Description, frames: int, **options: Any) -> LanesModel:
    """A model with lanes for so many frames: the least that hold them, at most 512."""
    lanes = next((n for n in LANES if n >= frames), LANES[-1])
    return LanesModel(folder, accelerator, lanes=lanes, **options)


def _library() -> _File:
    """The interpreter, compiled where the build cache does not have it."""
    sources = [HERE / "lanes/lanes.cpp", HERE / "lanes/lanes.hpp", HERE / "driver.hpp"]
    key = content_key(
        [path.read_text() for path in sources], _FLAGS, FAST, find_compiler(), tool_versions(),
        processor(),
    )  # fmt: skip

    def build(folder: Path) -> None:
        command = [find_compiler(), FAST, *_FLAGS, f"-I{HERE}", str(sources[0]), "-o", "lanes.so"]
        run_tool(command, folder, verilator_environment(), "the C++ compiler")

    return _File("lanes", key, build, "lanes.so")


class _File:
    """A file of a cache entry, while the entry is held."""

    def __init__(self, kind: str, key: str, build: Callable[[Path], None], name: str):
        self._entry, self._name = entry(kind, key, build), name

    def __enter__(self) -> Path:
        return self._entry.__enter__() / self._name

    def __exit__(self, *error: Any) -> None:
        self._entry.__exit__(*error)


def flat_netlist(path: Path, top: str) -> dict[str, Any]:
    """The top module of a netlist of Yosys (Verilog), its layers dissolved, as Yosys' JSON."""
    from ...synth.yosys import run_yosys

    key = content_key(_VERSION, file_digest(path), top, metadata.version("pyosys"))

    def build(folder: Path) -> None:
        # cells of the library stay names: nothing here needs their modules
        run_yosys(
            [["read_verilog", str(path.absolute())], ["hierarchy", "-top", top],
             "flatten", ["select", "-module", top],
             ["write_json", "-selected", str(folder / "flat.json")]],
            log=folder / "log", subject=top,
        )  # fmt: skip

    with entry("flat", key, build) as folder:
        return json.loads((folder / "flat.json").read_text())["modules"][top]


def read_program(path: Path, accelerator: Description) -> Program:
    """A netlist's file as tables."""
    return module_program(
        flat_netlist(path, accelerator.top), [stream.name for stream in accelerator.streams]
    )


def module_program(module: dict[str, Any], streams: Sequence[str] = ()) -> Program:
    """A module of Yosys' JSON as tables; the ports are an accelerator's.

    Raises:
        Unsupported: see :class:`LanesModel`.
    """
    cells = [Cell(name, content) for name, content in module["cells"].items()]
    if unknown := sorted({cell.kind for cell in cells} - set(CELLS)):
        raise refused(f"there are no lanes of the cells {', '.join(unknown)}")
    nets = {name: content["bits"] for name, content in module["netnames"].items()}
    builder = Builder()
    ports = _ports(module, nets, streams)
    inputs: list[Net] = [ports.rst_n, ports.s_valid, ports.s_last, ports.m_ready, *ports.s_data]
    clock = module["ports"]["ap_clk"]["bits"][0]
    for net in (*inputs, clock):
        builder.source(net)
    for cell in cells:
        CELLS[cell.kind](builder, cell)
    outputs = [ports.s_ready, ports.m_valid, ports.m_last, *ports.m_data]
    return program(builder.resolve(clock, outputs), ports)


def _ports(module: dict[str, Any], nets: dict[str, list[Net]], streams: Sequence[str]) -> Ports:
    def port(name: str) -> list[Net]:
        return module["ports"][name]["bits"]

    inner = {
        name: (nets[f"{name}_tvalid"][0], nets[f"{name}_tready"][0], nets[f"{name}_tdata"])
        for name in streams
        if all(f"{name}_{part}" in nets for part in ("tvalid", "tready", "tdata"))
    }
    return Ports(
        rst_n=port("ap_rst_n")[0], s_valid=port("s_axis_tvalid")[0],
        s_last=port("s_axis_tlast")[0], s_data=port("s_axis_tdata"),
        m_ready=port("m_axis_tready")[0], s_ready=port("s_axis_tready")[0],
        m_valid=port("m_axis_tvalid")[0], m_last=port("m_axis_tlast")[0],
        m_data=port("m_axis_tdata"), streams=inner,
    )  # fmt: skip
