"""What pynq sees of a board's processor: files of its Linux, clock registers,
and the shell's registers.

Time on a simulated board goes on only while it is simulated. An idle shell does nothing but count
its free counter, so idle time is not simulated: the counter's registers read as if the programmable
logic's clock, as the clock registers set it, had run all the time since the bitstream was loaded.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ...errors import BadInput
from ..hwh import CONTROL_BYTES
from ..processors import Processor
from ..registers import load
from ..simboard import SimulatedBoard

_WORD = 4
_FIRMWARE = "/lib/firmware/"
_MANAGER = "/sys/class/fpga_manager/fpga0/"
LARGEST_FIRMWARE = 256 << 20  # bytes; far above a bitstream of any board


class BoardProcessor:
    """A processor in front of a simulated board.

    Args:
        board: the programmable logic. processor: its kind. title: the board's name.
        run_cycles: how long a register access lets a run go on at most, in cycles.
        now: seconds; for tests.
    """

    def __init__(
        self, board: SimulatedBoard, processor: Processor, title: str, run_cycles: int,
        now: Callable[[], float] = time.monotonic,
    ):  # fmt: skip
        self.board, self.processor, self.run_cycles = board, processor, run_cycles
        self._now = now
        self.registers = dict(processor.boot)
        self._map = load()
        self._free, self._free_at, self._held = 0.0, now(), 0
        self.downloads = 0
        self._files = {
            "/proc/version": f"Linux version 6.6.0 (simulated) {processor.machine} hw_bnn",
            "/proc/device-tree/chosen/pynq_board": title,
            f"{_MANAGER}state": "operating",
            f"{_MANAGER}flags": "0",
        }
        self._firmware: dict[str, int] = {}  # name -> bytes; the contents mean nothing here

    # ---- files

    def exists(self, path: str) -> bool:
        return path in self._files or path.removeprefix(_FIRMWARE) in self._firmware

    def read_file(self, path: str) -> bytes:
        """Contents of a file; BadInput where there is none."""
        if path not in self._files:
            raise BadInput(f"the simulated board has no file {path}")
        return self._files[path].encode()

    def write_file(self, path: str, content: bytes) -> None:
        """Write one of the files that a download writes; BadInput for any other."""
        if path == f"{_MANAGER}flags":
            self._files[path] = content.decode(errors="replace").strip()
        elif path == f"{_MANAGER}firmware":
            self._load(content.decode(errors="replace").strip())
        elif path.startswith(_FIRMWARE) and "/" not in path.removeprefix(_FIRMWARE):
            self._firmware[path.removeprefix(_FIRMWARE)] = len(content)
        else:
            raise BadInput(f"the simulated board has no file {path} to write")

    def _load(self, name: str) -> None:
        """What the manager does with a bitstream: a reset; the logic stays this board's."""
        if name not in self._firmware:
            raise BadInput(f"the simulated board has no firmware {name}")
        if self._files[f"{_MANAGER}flags"] != "0":
            raise BadInput("the simulated board takes whole bitstreams only")
        self.board.reset()
        self.downloads += 1
        self._free, self._free_at = 0.0, self._now()

    # ---- registers

    @property
    def clock_mhz(self) -> float:
        """The programmable logic's clock, by the clock registers."""
        return self.processor.clock_mhz(self.registers)

    def check(self, address: int, size: int) -> None:
        """BadInput unless something is mapped at these addresses."""
        for known in (self.board.shell.port.control, *self.registers):
            page = known & ~(CONTROL_BYTES - 1)
            if page <= address and address + size <= page + CONTROL_BYTES:
                return
        raise BadInput(f"nothing is at {address:#x} of the simulated board")

    def read32(self, address: int) -> int:
        self.check(address, _WORD)
        offset = address - self.board.shell.port.control
        if not 0 <= offset < CONTROL_BYTES:
            return self.registers.get(address, 0)
        self._go_on()
        if offset == self._map["FREE_LO"].offset:
            self._count()
            self._held = int(self._free) >> 32
            return int(self._free) & 0xFFFFFFFF
        if offset == self._map["FREE_HI"].offset:
            return self._held
        return self.board.read32(offset)

    def write32(self, address: int, value: int) -> None:
        self.check(address, _WORD)
        offset = address - self.board.shell.port.control
        if not 0 <= offset < CONTROL_BYTES:
            self._count()  # until now at the old clock
            if address in self.registers:
                self.registers[address] = value
            return
        self.board.write32(offset, value)

    def _go_on(self) -> None:
        """Let a run that is under way go on to its end, or as far as one access lets it."""
        control = self._map["CTRL"]
        left, step = self.run_cycles, 256
        while left > 0 and not self.board.read32(control.offset) & control.fields["IDLE"].mask:
            self.board.run(min(step, left))
            left -= step
            step = min(2 * step, 65536)

    def _count(self) -> None:
        """Bring the free counter to now."""
        now = self._now()
        self._free += (now - self._free_at) * self.clock_mhz * 1e6
        self._free_at = now
