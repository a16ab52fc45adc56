"""An accelerator behind the shell: identification, runs, frames."""

import json
import os

import numpy as np

from .checks import Checks
from .errors import BoardError, DeadPort, MemoryFault, RunTimeout, WrongBitstream
from .port import PynqPort
from .registers import FIELDS, ID, REGISTERS, VERSION_MAJOR
from .weights import Weights
from .words import check_input, integers_of, pack, unpack


def default_batch(frame_bytes):
    """Frames of one run: 1024, but at least one and no more than 32 MiB hold, words in and out."""
    return min(1024, (32 << 20) // frame_bytes or 1)


def default_timeout(io, frames, clock_mhz):
    """Seconds that a run may take: four times what its frames take by folding, and 10 at least."""
    return max(10.0, 4 * frames * io["bound_cycles"] / (clock_mhz * 1e6))


class Board(Checks, Weights):
    """An accelerator behind the shell.

    Args:
        io: contents of the .json file, or its path.
        port: read32, write32, buffer, flush, invalidate, free, now, pause (see PynqPort).
        batch: frames of one run; more are cut into several. By default 1024,
            or as many as 32 MiB hold.
        timeout_s: how long a run may take; by default four times what a batch takes by folding, and
            10 s at least.
        check: read the identification registers first.

    Raises:
        WrongBitstream: the registers tell of another shell or accelerator.
        LoadRefused: the first load, of an accelerator whose memories start empty.
    """

    def __init__(self, io, port, batch=None, timeout_s=None, check=True):
        self._folder = "."  # where files that `io` names are
        if not isinstance(io, dict):
            self._folder = os.path.dirname(os.path.abspath(io))
            with open(io) as file:
                io = json.load(file)
        self.io, self.port = io, port
        self._in_frame = io["input"]["words"] * io["in_stride"]
        self._out_frame = self._out_words(None) * io["out_stride"]
        self.batch = default_batch(self._in_frame + self._out_frame) if batch is None else batch
        self.timeout_s = (
            default_timeout(io, self.batch, io["clock_mhz"]) if timeout_s is None else timeout_s
        )
        self._pairs, self._context, self.networks = [], None, {}
        if check:
            self.identify()
        if io.get("fill"):  # memories that hold nothing at the start
            self.load_weights(os.path.join(self._folder, io["fill"]))

    @classmethod
    def load(cls, bitfile, io=None, frequency_mhz=None, device=None, **options):
        """Load a bitstream by pynq, set the clock, and find the shell.

        Args:
            bitfile: the .bit; its .hwh stands beside it. io: the .json; beside it by default.
            frequency_mhz: of the clock; the one it was made for by default.
        """
        import pynq

        io = io or os.path.splitext(bitfile)[0] + ".json"
        with open(io) as file:
            document = json.load(file)
        wanted = frequency_mhz or document["clock_mhz"]
        overlay = pynq.Overlay(
            bitfile, download=False, **({} if device is None else {"device": device})
        )
        _complete_clocks(overlay, document["clock_mhz"])
        overlay.download()
        pynq.Clocks.fclk0_mhz = wanted
        found = [
            ip
            for ip in overlay.ip_dict.values()
            if ":" + document["ip"] + ":" in ip.get("type", "")
        ]
        if len(found) != 1:
            raise WrongBitstream(
                f"{bitfile} holds {len(found)} IPs of type {document['ip']}, expected one"
            )
        board = cls(io, PynqPort(int(found[0]["phys_addr"]), device=device), **options)
        board.overlay, board.clock_mhz = overlay, float(pynq.Clocks.fclk0_mhz)
        if options.get("timeout_s") is None:
            board.timeout_s = default_timeout(document, board.batch, board.clock_mhz)
        return board

    clock_mhz = None  # what the board says; None where it is not known
    cycles = 0  # of all runs that ended well, by the shell's counter

    # ---- registers

    def read(self, name):
        """Register `name`."""
        return self.port.read32(REGISTERS[name])

    def read64(self, name):
        """Registers name_LO and name_HI."""
        low = self.read(name + "_LO")
        return self.read(name + "_HI") << 32 | low

    def write(self, name, value):
        self.port.write32(REGISTERS[name], value)

    def identify(self):
        """Compare the identification registers with the .json file; else WrongBitstream."""
        io = self.io
        found = self.read("ID")
        if found != ID:
            raise WrongBitstream(
                f"register ID reads {found:#010x}, expected {ID:#010x}: no shell of hw_bnn is there"
            )
        version = self.read("VERSION") >> 16
        if version != VERSION_MAJOR:
            raise WrongBitstream(
                f"the shell's registers are of version {version}, this driver's of {VERSION_MAJOR}"
            )
        model = self.read64("MODEL")
        if model != int(io["model"], 16):
            raise WrongBitstream(
                f"the bitstream holds the accelerator {model:016x}, the files are of {io['model']}"
            )
        port = self.read("PORT")
        for name, got, want in (
            ("IN_STRIDE", self.read("IN_STRIDE"), io["in_stride"]),
            ("OUT_STRIDE", self.read("OUT_STRIDE"), io["out_stride"]),
            ("BUS_BYTES", port & 0xFF, io["bus_bytes"]),
            ("ADDRESS_BITS", port >> 8 & 0xFF, io["address_bits"]),
        ):
            if got != want:
                raise WrongBitstream(
                    f"{name} is {got} in the bitstream and {want} in the .json file"
                )

    # ---- runs

    def launch(self, source, target, frames):
        """Start a run of `frames` frames between two physical addresses; `finish` waits for it."""
        for name, value in (("SRC", source), ("DST", target)):
            self.write(name + "_LO", value & 0xFFFFFFFF)
            self.write(name + "_HI", value >> 32)
        self.write("SRC_WORDS", frames * self.io["input"]["words"])
        self.write("DST_WORDS", frames * self._out_words(self._context))
        self.write("CTRL", FIELDS["CTRL"]["START"])

    def finish(self, frames):
        """Wait for the end of a run, and raise what went wrong.

        Raises:
            RunTimeout, DeadPort: it did not end in timeout_s; words in and out are named.
            MemoryFault: the memory port answered with errors; the results are not to be used.
            BoardError: the shell refused the run.
        """
        if not self._idle_within(self.timeout_s):
            told = self._progress(frames)
            if self.contexts and self._field("MIXED"):
                told += "; frames wait for weights: load_weights first"
            self.abort()
            raise RunTimeout(f"no end after {self.timeout_s:g} s: {told}; aborted")
        self._raise_status(self.read("STATUS"), frames)
        self.cycles += self.read64("CYCLES")

    def abort(self):
        """End a run early; DeadPort where memory does not let it end."""
        self.write("CTRL", FIELDS["CTRL"]["ABORT"])
        if not self._idle_within(self.timeout_s):
            raise DeadPort(
                f"the memory port still owes responses {self.timeout_s:g} s after an abort: "
                "load the bitstream again"
            )

    def _idle_within(self, seconds):
        end = self.port.now() + seconds
        while True:
            late = (
                self.port.now() > end
            )  # looked at first, so that a slow host does not miss the end
            if self.read("CTRL") & FIELDS["CTRL"]["IDLE"]:
                return True
            if late:
                return False
            self.port.pause()

    def _progress(self, frames):
        words_in, words_out = self.read("WORDS_IN"), self.read("WORDS_OUT")
        all_in = frames * self.io["input"]["words"]
        all_out = frames * self._out_words(self._context)
        return f"{words_in} of {all_in} words in, {words_out} of {all_out} out"

    def _raise_status(self, status, frames):
        if not status:
            return
        named = [name for name, mask in FIELDS["STATUS"].items() if status & mask]
        told = f"{', '.join(named)} ({self._progress(frames)})"
        if any(name.endswith("ERR") for name in named):
            raise MemoryFault("the memory port answered with an error: " + told)
        raise BoardError("the run was refused or aborted: " + told)

    # ---- frames

    def run(self, x, context=None):
        """All frames through the accelerator.

        Args:
            x: (N, *shape) integers within the input contract, or floating-point numbers as the
                model's own input takes them.
            context: of several, the one that the frames run through; all by default.

        Returns:
            (scores (N, n) int64 or None, labels (N,) int64 or None), by the output's mode. Through
            all K contexts: (N, K, n) and (N, K); of an ensemble on chip sums and votes (N, n).

        Raises:
            ValueError: x does not fit. BoardError: see `finish`.
        """
        x = self._integers(x)
        self.choose(context)
        starts = list(range(0, len(x), self.batch))
        parts = []
        # Two pairs of buffers: while one run goes on, the next frames are packed and the
        # last unpacked.
        waiting = None
        try:
            for i, at in enumerate(starts):
                pair, frames = self._pair(i % 2), x[at : at + self.batch]
                self._place(pair[0], frames)
                if waiting is not None:
                    self.finish(waiting[1])
                self.launch(pair[0].address, pair[1].address, len(frames))
                before, waiting = waiting, (pair, len(frames))
                if before is not None:
                    parts.append(self._take(*before))
            if waiting is not None:
                last, waiting = waiting, None
                self.finish(last[1])
                parts.append(self._take(*last))
        except BaseException:
            if waiting is not None and not self.read("CTRL") & FIELDS["CTRL"]["IDLE"]:
                self.abort()
            raise
        if not parts:
            return unpack(
                self.io["output"],
                np.zeros((0, self._out_words(context), self.io["out_stride"]), np.uint8),
            )
        return tuple(None if part[0] is None else np.concatenate(part) for part in zip(*parts))

    def _integers(self, x):
        x = np.asarray(x)
        if x.dtype.kind == "f":
            if self.io.get("real") is None:
                raise ValueError(
                    "the .json file tells no conversion of real numbers: give integers"
                )
            x = integers_of(self.io["real"], x).reshape(
                (len(x),) + tuple(self.io["input"]["shape"])
            )
        return check_input(self.io["input"], x)

    def execute(self, x):
        """As FINN's driver: what the accelerator gives, (N, n) scores or (N, 1) labels."""
        scores, labels = self.run(x)
        return labels[:, None] if scores is None else scores

    def _pair(self, index):
        while len(self._pairs) <= index:
            self._pairs.append(
                (
                    self.port.buffer(self.batch * self._in_frame),
                    self.port.buffer(self.batch * self._out_frame),
                )
            )
        return self._pairs[index]

    def _place(self, buffer, frames):
        packed = pack(self.io["input"], frames, self.io["in_stride"]).reshape(-1)
        buffer.array[: packed.size] = packed
        self.port.flush(buffer)

    def _take(self, pair, count):
        self.port.invalidate(pair[1])
        size, stride = self._out_words(self._context), self.io["out_stride"]
        words = np.array(pair[1].array[: count * size * stride])
        return unpack(self.io["output"], words.reshape(count, size, stride))

    def close(self):
        """Give the buffers back."""
        for pair in self._pairs:
            for buffer in pair:
                self.port.free(buffer)
        self._pairs = []


def _complete_clocks(overlay, mhz):
    """pynq 4.0.0 on Zynq-7000 leaves clock frequencies None and divides by them."""
    for clock in (getattr(overlay, "clock_dict", None) or {}).values():
        if clock.get("enable") and not clock.get("frequency", mhz):
            clock["frequency"] = mhz
