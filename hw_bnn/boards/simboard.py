"""The simulated board: the shell and an accelerator in Verilator, a memory,
and the driver's port to both.

    with SimulatedBoard(folder, accelerator, PORTS["zynq7000"]) as port:
        board = driver.Board(io_document(accelerator, port.shell), port)
        scores, labels = board.run(x)

Host buffers and the simulated memory are apart: only `flush` and `invalidate` move bytes between
them, so that a driver that forgets one gives wrong results here too. Time is counted in
simulated clock cycles.
"""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import sys
from bisect import insort
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Description
from ..errors import BadInput, CheckFailed
from ..sim.build import RUNTIMES, folder_sources
from ..sim.cache import content_key, entry
from ..sim.compiler import HERE as SIM
from ..sim.compiler import compiled, run_tool
from ..sim.verilator_env import find_compiler, verilator_environment
from . import BOARD_FILES
from .shell import TOP, Port, Shell, model_hash

SOURCE = Path(__file__).with_name("simboard.cpp")
DRIVER = BOARD_FILES / "pynq" / "driver"
"""The folder of the driver that runs on the board, a package."""

MEMORY_BYTES = 64 << 20
BASES = {32: 0x1000_0000, 40: 0x8_0000_0000}
"""Address width -> where the simulated memory lies; beyond 32 bits where the port reaches there."""
_GUARD = 4096  # bytes between two buffers
_FLAGS = (
    "--cc", "--no-timing", "--no-assert", "-O3", "--x-assign", "fast", "--x-initial", "unique",
    "--prefix", "Vboard", "--top-module", TOP, "--Mdir", "obj", "--quiet-stats",
    "--output-split", "20000", "--output-split-cfuncs", "2000",
    "-Wno-fatal", "-Wno-lint", "-Wno-style",
)  # fmt: skip
_LINK = (
    "-shared", "-pthread", "-static-libstdc++", "-static-libgcc", "-Wl,--wrap=fopen",
    "-Wl,-Bsymbolic", "-Wl,--version-script=exports.map",
)  # fmt: skip


class Behaviour(ctypes.Structure):
    """How the simulated memory behaves; see simboard.cpp."""

    _fields_ = [
        ("latency", ctypes.c_uint64),
        ("stall", ctypes.c_uint32 * 5),
        ("bursts", ctypes.c_uint32),
        ("fault_from", ctypes.c_uint64),
        ("fault_to", ctypes.c_uint64),
        ("fault", ctypes.c_uint32),
        ("dead", ctypes.c_uint32),
        ("address_after", ctypes.c_uint32),
        ("random", ctypes.c_uint64),
        ("beats_read", ctypes.c_uint64),
        ("beats_written", ctypes.c_uint64),
    ]


SLVERR, DECERR = 2, 3
ANY_TIME, WITH_DATA, AFTER_DATA = 0, 1, 2  # when memory takes the address of a write


@dataclass
class Buffer:
    """A host buffer and the address of its place in the simulated memory."""

    address: int
    array: NDArray[np.uint8]


class SimulatedBoard:
    """A port for the driver (`driver.Board`): registers, buffers and time of a simulated board.

    Args:
        folder: where memory files of the core are found. sources: of the core, in
            compilation order.
        shell: its shell.
        latency: of the memory, in cycles. stall: probability of a pause per cycle and channel.
        seed: of the pauses and of power-up values. bursts: outstanding ones that the memory takes.
        clk_period_ns: what a simulated cycle counts. poll_cycles: that pass before each
            register access.
        checks: with the AXI and stream checkers. memory_bytes: of the simulated memory.
    """

    window_s = 1e-4  # the driver measures the clock in; time is exact here

    def __init__(
        self, folder: Path, sources: Sequence[Path], shell: Shell, *, latency: int = 20,
        stall: float | Sequence[float] = 0.0, seed: int = 1, bursts: int = 16,
        clk_period_ns: float = 10.0, poll_cycles: int = 100, checks: bool = False,
        memory_bytes: int = MEMORY_BYTES,
    ):  # fmt: skip
        self.shell, self.clk_period_ns, self.poll_cycles = shell, clk_period_ns, poll_cycles
        self.base, self.memory_bytes = BASES[shell.port.addr_bits], memory_bytes
        self._handle: int | None = None
        self.behaviour = Behaviour(
            latency=latency, bursts=bursts, random=seed * 0x9E3779B97F4A7C15 % 2**64 or 1
        )
        self.set_stall(stall)
        with library(sources, shell, checks=checks) as path:
            self._lib = _load(path)
        error = ctypes.create_string_buffer(4096)
        self._handle = self._lib.hwb_board_create(
            str(folder.absolute()).encode(), seed, self.base, memory_bytes,
            ctypes.byref(self.behaviour), error, len(error),
        )  # fmt: skip
        if not self._handle:
            raise BadInput(
                f"the board cannot be simulated ({error.value.decode(errors='replace')})",
                remedy="compile the accelerator again",
            )
        self._buffers: list[Buffer] = []  # by address

    @classmethod
    def of(cls, folder: Path, accelerator: Description, port: Port, **options) -> SimulatedBoard:
        """The board of an accelerator folder."""
        rtl = folder / "rtl"
        sources = folder_sources(rtl, accelerator.sources)
        return cls(
            rtl,
            sources,
            Shell.of(accelerator, port),
            clk_period_ns=accelerator.clk_period_ns,
            **options,
        )

    def close(self) -> None:
        if self._handle:
            self._lib.hwb_board_destroy(self._handle)
            self._handle = None

    def __enter__(self) -> SimulatedBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self.close()

    # ---- the driver's port

    def read32(self, offset: int) -> int:
        value = ctypes.c_uint32()
        self._guard(self._lib.hwb_board_read32(self._handle, offset, ctypes.byref(value)))
        return value.value

    def write32(self, offset: int, value: int) -> None:
        self._guard(self._lib.hwb_board_write32(self._handle, offset, value))

    def buffer(self, size: int) -> Buffer:
        """A buffer whose bytes, in memory and on the host, are whatever stood there."""
        address = self.base + _GUARD
        for used in [*self._buffers, None]:  # the first gap that is wide enough
            end = self.base + self.memory_bytes if used is None else used.address
            if address + size + _GUARD <= end:
                break
            if used is None:
                raise BadInput(
                    f"a buffer of {size} bytes has no room in the simulated memory of "
                    f"{self.memory_bytes >> 20} MiB",
                    remedy="take a smaller batch, or free buffers",
                )
            address = used.address + -(-len(used.array) // _GUARD) * _GUARD + _GUARD
        made = Buffer(address, np.full(size, 0xCC, np.uint8))
        insort(self._buffers, made, key=lambda buffer: buffer.address)
        return made

    def flush(self, buffer: Buffer) -> None:
        self.poke(buffer.address, buffer.array)

    def invalidate(self, buffer: Buffer) -> None:
        buffer.array[:] = self.peek(buffer.address, len(buffer.array))

    def free(self, buffer: Buffer) -> None:
        self._buffers = [kept for kept in self._buffers if kept is not buffer]

    def now(self) -> float:
        return self.cycle * self.clk_period_ns * 1e-9

    def pause(self) -> None:
        self.run(self.poll_cycles)

    # ---- what only a simulated board has

    @property
    def cycle(self) -> int:
        """Clock cycles simulated so far."""
        return int(self._lib.hwb_board_cycle(self._handle))

    @property
    def irq(self) -> bool:
        return bool(self._lib.hwb_board_irq(self._handle))

    def run(self, cycles: int) -> None:
        """Let time pass."""
        self._guard(self._lib.hwb_board_run(self._handle, cycles))

    def reset(self) -> None:
        """Reset shell, core and memory port, as a new bitstream does; memory keeps its bytes."""
        self._guard(self._lib.hwb_board_reset(self._handle))

    def set_stall(self, stall: float | Sequence[float]) -> None:
        """Probability of a pause per cycle, of all channels or of (AR, R, AW, W, B)."""
        each = [stall] * 5 if isinstance(stall, (int, float)) else list(stall)
        for i, chance in enumerate(each):
            self.behaviour.stall[i] = min(2**32 - 1, round(chance * 2**32))

    def peek(self, address: int, size: int) -> NDArray[np.uint8]:
        """Bytes of the simulated memory."""
        found = np.empty(size, np.uint8)
        self._guard(self._lib.hwb_board_copy(self._handle, address, found.ctypes.data, size, 1))
        return found

    def poke(self, address: int, data: NDArray[np.uint8]) -> None:
        """Write bytes of the simulated memory."""
        given = np.ascontiguousarray(data)
        self._guard(
            self._lib.hwb_board_copy(self._handle, address, given.ctypes.data, given.nbytes, 0)
        )

    def _guard(self, status: int) -> None:
        if status:
            message = self._lib.hwb_board_message(self._handle).decode(errors="replace")
            raise CheckFailed(f"the simulated board stopped at cycle {self.cycle}: {message}")


@contextmanager
def library(sources: Sequence[Path], shell: Shell, *, checks: bool) -> Iterator[Path]:
    """Path of the board's shared library, built if the cache does not have it.

    Raises:
        MissingTool: Verilator, g++, make or perl is absent. CheckFailed: they reject the design.
    """
    env = verilator_environment()
    files = {
        path.name: path for path in (*shell.sources(checks=checks), *sources)
    }  # the core's own win
    texts = [(name, path.read_text()) for name, path in files.items()]
    own = [
        (p.name, p.read_text())
        for p in (SOURCE, *(SIM / n for n in ("exports.map", "fast_bits.hpp")))
    ]
    key = content_key(texts, shell.wrapper(), own, _FLAGS, _LINK, checks, RUNTIMES["fast"].key())

    def build(folder: Path) -> None:
        _build(folder, list(files.values()), shell, checks, env)

    with entry("board", key, build) as folder:
        yield folder / "board.so"


def _build(
    folder: Path, files: list[Path], shell: Shell, checks: bool, env: dict[str, str]
) -> None:
    work = folder / "work"
    (work / "src").mkdir(parents=True)
    for path in files:
        shutil.copyfile(path, work / "src" / path.name)
    (work / "src" / f"{TOP}.v").write_text(shell.wrapper())
    shutil.copyfile(SOURCE, work / SOURCE.name)
    shutil.copyfile(SIM / "exports.map", work / "exports.map")
    names = [f"src/{p.name}" for p in files if p.suffix not in {".svh", ".vh"}]
    defines = ["-DHW_BNN_CHECK"] if checks else []
    command = ["verilator", *_FLAGS, "-Isrc", *defines, *names, f"src/{TOP}.v"]
    run_tool(command, work, env, "Verilator")
    extra = [f"-DHWB_BEAT_BYTES={shell.beat_bytes}"]
    with compiled(work, work / SOURCE.name, RUNTIMES["fast"], env, extra) as objects:
        run_tool([find_compiler(), *objects, *_LINK, "-o", "../board.so"], work, env, "the linker")
    shutil.rmtree(work)


def io_document(accelerator: Description, shell: Shell, *, clock_mhz: float | None = None) -> dict:
    """What the driver needs to know: the .json file beside a bitstream.

    Args:
        clock_mhz: that the bitstream was made for; the accelerator's own by default.
    """
    return {
        "name": accelerator.name,
        "ip": TOP,
        "model": f"{model_hash(accelerator):016x}",
        "clock_mhz": 1000 / accelerator.clk_period_ns if clock_mhz is None else clock_mhz,
        "bound_cycles": accelerator.bound_cycles,
        "bus_bytes": shell.beat_bytes,
        "address_bits": shell.port.addr_bits,
        "in_stride": shell.in_stride,
        "out_stride": shell.out_stride,
        "input": accelerator.input.model_dump(mode="json"),
        "output": accelerator.output.model_dump(mode="json"),
        "contexts": shell.contexts,
        "real": None,
        "golden": None,
    }


@lru_cache(maxsize=1)
def driver() -> ModuleType:
    """The board's own driver, boards/pynq/driver, as a package."""
    name = "hw_bnn_board_driver"
    spec = importlib.util.spec_from_file_location(
        name, DRIVER / "__init__.py", submodule_search_locations=[str(DRIVER)]
    )
    if spec is None or spec.loader is None:
        raise BadInput(f"{DRIVER} cannot be read", remedy="install hw_bnn again")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _load(path: Path) -> ctypes.CDLL:
    lib = ctypes.CDLL(str(path))
    pointer, u64, u32 = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32
    lib.hwb_board_create.restype = pointer
    lib.hwb_board_create.argtypes = [ctypes.c_char_p, u64, u64, u64, pointer, ctypes.c_char_p, u64]
    lib.hwb_board_destroy.restype, lib.hwb_board_destroy.argtypes = None, [pointer]
    lib.hwb_board_message.restype, lib.hwb_board_message.argtypes = ctypes.c_char_p, [pointer]
    lib.hwb_board_cycle.restype, lib.hwb_board_cycle.argtypes = u64, [pointer]
    lib.hwb_board_irq.argtypes = [pointer]
    lib.hwb_board_reset.argtypes = [pointer]
    lib.hwb_board_run.argtypes = [pointer, u64]
    lib.hwb_board_read32.argtypes = [pointer, u32, pointer]
    lib.hwb_board_write32.argtypes = [pointer, u32, u32]
    lib.hwb_board_copy.argtypes = [pointer, u64, pointer, u64, ctypes.c_int32]
    return lib
