"""Runs frames on an accelerator behind the shell: on a PYNQ board, or on a simulated board.

    from driver import Board
    board = Board.load("digits.bit")            # digits.hwh and digits.json beside it
    board.selftest()
    labels = board.predict(x)                   # x: (N, ...) integers of the input type
    scores, labels = board.run(x)

One file for the board: it needs Python 3.8, numpy and pynq, nothing else. What a word holds comes
from the .json file, which `hw-bnn deploy` writes; the register map is generated from regs.yaml.
"""

import json
import os
import time

import numpy as np

# registers: begin
ID = 0x4E4E4248
VERSION_MAJOR = 1
REGISTERS = {
    "CTRL": 0x00,
    "GIER": 0x04,
    "IER": 0x08,
    "ISR": 0x0C,
    "SRC_LO": 0x10,
    "SRC_HI": 0x14,
    "SRC_WORDS": 0x18,
    "DST_LO": 0x1C,
    "DST_HI": 0x20,
    "DST_WORDS": 0x24,
    "STATUS": 0x2C,
    "CYCLES_LO": 0x30,
    "CYCLES_HI": 0x34,
    "WORDS_IN": 0x38,
    "WORDS_OUT": 0x3C,
    "ID": 0x40,
    "VERSION": 0x44,
    "IN_STRIDE": 0x48,
    "OUT_STRIDE": 0x4C,
    "PORT": 0x50,
    "MODEL_LO": 0x54,
    "MODEL_HI": 0x58,
    "FREE_LO": 0x5C,
    "FREE_HI": 0x60,
}
FIELDS = {  # register -> field -> mask
    "CTRL": {"START": 0x1, "DONE": 0x2, "IDLE": 0x4, "READY": 0x8, "ABORT": 0x100},
    "GIER": {"ENABLE": 0x1},
    "IER": {"DONE": 0x1, "ERROR": 0x2},
    "ISR": {"DONE": 0x1, "ERROR": 0x2},
    "STATUS": {
        "READ_SLVERR": 0x1,
        "READ_DECERR": 0x2,
        "WRITE_SLVERR": 0x4,
        "WRITE_DECERR": 0x8,
        "BAD_ADDRESS": 0x10,
        "BAD_WORDS": 0x20,
        "ABORTED": 0x40,
    },
    "VERSION": {"MINOR": 0xFFFF, "MAJOR": 0xFFFF0000},
    "PORT": {"BUS_BYTES": 0xFF, "ADDRESS_BITS": 0xFF00},
}
# registers: end


class BoardError(RuntimeError):
    """A run that did not give results; the message says why."""


class WrongBitstream(BoardError):
    """The programmable logic holds something else than this accelerator."""


class RunTimeout(BoardError):
    """A run did not end in time; it was aborted, and the next one starts afresh."""


class MemoryFault(BoardError):
    """The memory port answered a burst with an error."""


class DeadPort(BoardError):
    """An abort did not end: memory owes responses. The bitstream has to be loaded again."""


# ------------------------------------------------------------------------------------- words


def check_input(contract, x):
    """x as an integer array (N, *shape) within the contract; ValueError says what is wrong."""
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.integer):
        raise ValueError(f"the inputs are {x.dtype}, not integers of {contract['datatype']}")
    shape = tuple(contract["shape"])
    if x.ndim != len(shape) + 1 or x.shape[1:] != shape:
        raise ValueError(
            f"the inputs have shape {x.shape}, expected (N, {', '.join(map(str, shape))})"
        )
    bipolar = contract["datatype"] == "BIPOLAR"
    if x.size:
        low, high = int(x.min()), int(x.max())
        if low < contract["minimum"] or high > contract["maximum"] or (bipolar and (x == 0).any()):
            allowed = "-1 and 1" if bipolar else f"{contract['minimum']}..{contract['maximum']}"
            raise ValueError(
                f"input values in {low}..{high}, allowed are {allowed} ({contract['datatype']})"
            )
    return x


def pack(contract, x, stride):
    """Frames to the bytes of their words in memory.

    Args:
        contract: "input" of accelerator.json. x: (N, *shape) integers.
        stride: bytes from one word to the next.

    Returns:
        (N, words, stride) uint8: element i of a frame at bit i * element_bits of its bit string,
        which is cut into words of word_bits; a word's lowest byte first; the rest zero.
    """
    x = check_input(contract, x)
    count, bits = len(x), contract["element_bits"]
    if contract.get("transpose") is not None:
        x = x.transpose([0] + [1 + axis for axis in contract["transpose"]])
    flat = x.reshape(count, contract["elements"])
    if contract["datatype"] == "BIPOLAR":
        flat = flat > 0
    if bits == 1:
        line = (flat & 1).astype(np.uint8)
    else:
        size = next(s for s in (1, 2, 4, 8) if 8 * s >= bits)
        raw = np.ascontiguousarray(flat.astype(f"<i{size}")).view(np.uint8)
        line = np.unpackbits(raw.reshape(count, -1, size), axis=2, bitorder="little")[:, :, :bits]
        line = line.reshape(count, -1)
    words, word_bits = contract["words"], contract["word_bits"]
    full = np.zeros((count, words * word_bits), np.uint8)
    full[:, : line.shape[1]] = line
    packed = np.packbits(full.reshape(count, words, word_bits), axis=2, bitorder="little")
    result = np.zeros((count, words, stride), np.uint8)
    result[:, :, : packed.shape[2]] = packed
    return result


def unpack(contract, words):
    """Output words to (scores (N, n) int64 or None, labels (N,) int64 or None), by the
    output's mode.

    Args:
        contract: "output" of accelerator.json. words: (N, words, stride) uint8.
    """
    count, scores, labels = len(words), None, None
    bits = np.unpackbits(np.ascontiguousarray(words), axis=2, bitorder="little")
    if contract["mode"] != "label":
        size = contract["score_bits"]
        flat = bits[:, :, : contract["lanes"] * size].reshape(
            count, contract["words"] * contract["lanes"], size
        )
        bipolar = contract["datatype"] == "BIPOLAR"
        values = _integers(flat, contract["minimum"] < 0 and not bipolar)
        scores = np.ascontiguousarray(
            (2 * values - 1 if bipolar else values)[:, : contract["scores"]]
        )
    if contract["mode"] != "scores":
        at = contract["label_offset"]
        labels = _integers(bits[:, -1, at : at + contract["label_bits"]], False)
    return scores, labels


def _integers(bits, signed):
    """(..., B) bits, lowest first, to (...) integers."""
    packed = np.packbits(bits, axis=-1, bitorder="little")
    raw = np.zeros(packed.shape[:-1] + (8,), np.uint8)
    raw[..., : packed.shape[-1]] = packed
    values = raw.view("<i8")[..., 0]
    size = bits.shape[-1]
    if signed and size < 64:
        values = values - ((values >> (size - 1)) << size)
    return values


# -------------------------------------------------------------------------------------- ports


class PynqPort:
    """Registers by pynq's MMIO, buffers by its allocate."""

    window_s = 0.05  # to measure the clock in: long against the time of a register access

    def __init__(self, address, size=4096, device=None):
        import pynq

        self._pynq, self._device = pynq, device
        self._mmio = (
            pynq.MMIO(address, size) if device is None else pynq.MMIO(address, size, device=device)
        )

    def read32(self, offset):
        return int(self._mmio.read(offset)) & 0xFFFFFFFF  # PYNQ.remote 3.1 gives signed integers

    def write32(self, offset, value):
        self._mmio.write(offset, int(value))  # a numpy integer is refused

    def buffer(self, size):
        """A contiguous buffer of `size` bytes: an array with its physical address, `address`."""
        made = self._pynq.allocate(
            shape=(size,),
            dtype=np.uint8,
            **({} if self._device is None else {"target": self._device}),
        )
        return _PynqBuffer(made)

    def flush(self, buffer):
        buffer.made.flush()

    def invalidate(self, buffer):
        buffer.made.invalidate()

    def free(self, buffer):
        buffer.made.freebuffer()

    def now(self):
        """Seconds, of the clock that time-outs are counted by."""
        return time.monotonic()

    def pause(self):
        """Between two looks at a register."""


class _PynqBuffer:
    def __init__(self, made):
        self.made = made
        self.address = int(made.device_address)
        self.array = np.asarray(made)


# -------------------------------------------------------------------------------------- board


def default_batch(frame_bytes):
    """Frames of one run: 1024, but at least one and no more than 32 MiB hold, words in and out."""
    return min(1024, (32 << 20) // frame_bytes or 1)


def default_timeout(io, frames, clock_mhz):
    """Seconds that a run may take: four times what its frames take by folding, and 10 at least."""
    return max(10.0, 4 * frames * io["bound_cycles"] / (clock_mhz * 1e6))


class Board:
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
    """

    def __init__(self, io, port, batch=None, timeout_s=None, check=True):
        self._folder = "."  # where files that `io` names are
        if not isinstance(io, dict):
            self._folder = os.path.dirname(os.path.abspath(io))
            with open(io) as file:
                io = json.load(file)
        self.io, self.port = io, port
        self._in_frame = io["input"]["words"] * io["in_stride"]
        self._out_frame = io["output"]["words"] * io["out_stride"]
        self.batch = default_batch(self._in_frame + self._out_frame) if batch is None else batch
        self.timeout_s = (
            default_timeout(io, self.batch, io["clock_mhz"]) if timeout_s is None else timeout_s
        )
        self._pairs = []
        if check:
            self.identify()

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
        self.write("DST_WORDS", frames * self.io["output"]["words"])
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
        all_in, all_out = (frames * self.io[side]["words"] for side in ("input", "output"))
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

    def run(self, x):
        """All frames through the accelerator.

        Args:
            x: (N, *shape) integers within the input contract.

        Returns:
            (scores (N, n) int64 or None, labels (N,) int64 or None), by the output's mode.

        Raises:
            ValueError: x does not fit. BoardError: see `finish`.
        """
        x = check_input(self.io["input"], x)
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
                np.zeros((0, self.io["output"]["words"], self.io["out_stride"]), np.uint8),
            )
        return tuple(None if part[0] is None else np.concatenate(part) for part in zip(*parts))

    def predict(self, x):
        """Labels (N,): the accelerator's, or the argmax of its scores, ties to the lowest index."""
        scores, labels = self.run(x)
        return np.argmax(scores, axis=1) if labels is None else labels

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
        words = np.array(pair[1].array[: count * self._out_frame])
        return unpack(
            self.io["output"],
            words.reshape(count, self.io["output"]["words"], self.io["out_stride"]),
        )

    def close(self):
        """Give the buffers back."""
        for pair in self._pairs:
            for buffer in pair:
                self.port.free(buffer)
        self._pairs = []

    # ---- measurements and checks

    def throughput_test(self, frames=None):
        """One run of a whole batch of random frames; keys as in FINN's driver.

        "cycles[frame]" is counted by the shell, "runtime[ms]" by the host.
        """
        frames = self.batch if frames is None else min(frames, self.batch)
        contract = self.io["input"]
        shape = (frames,) + tuple(contract["shape"])
        drawn = np.random.RandomState(1).randint(
            contract["minimum"], contract["maximum"] + 1, shape
        )
        if contract["datatype"] == "BIPOLAR":
            drawn = np.where(drawn < 0, -1, 1)
        pair = self._pair(0)
        self._place(pair[0], drawn)
        before = self.port.now()
        self.launch(pair[0].address, pair[1].address, frames)
        self.finish(frames)
        seconds = self.port.now() - before
        return {
            "N": frames,
            "runtime[ms]": 1000 * seconds,
            "throughput[images/s]": frames / seconds,
            "DRAM_in_bandwidth[MB/s]": frames * self._in_frame / seconds / 1e6,
            "DRAM_out_bandwidth[MB/s]": frames * self._out_frame / seconds / 1e6,
            "fclk[mhz]": self.clock_mhz or self.io["clock_mhz"],
            "cycles[frame]": self.read64("CYCLES") / frames,
        }

    @property
    def io_shape_dict(self):
        """Shapes by the names of FINN's driver, N = 1."""
        inp, out = self.io["input"], self.io["output"]
        count = 1 if out["mode"] == "label" else out["scores"]
        return {
            "idt": [inp["datatype"]],
            "odt": [f"UINT{out['label_bits']}" if out["mode"] == "label" else out["datatype"]],
            "ishape_normal": [(1,) + tuple(inp["shape"])],
            "oshape_normal": [(1, count)],
            "ishape_folded": [(1, inp["words"], inp["word_bits"] // inp["element_bits"])],
            "oshape_folded": [(1, out["words"], out["lanes"])],
            "ishape_packed": [(1, inp["words"], self.io["in_stride"])],
            "oshape_packed": [(1, out["words"], self.io["out_stride"])],
            "num_inputs": 1,
            "num_outputs": 1,
        }

    def measured_mhz(self):
        """The clock by the shell's own counter against the host's, to half a percent.

        The window is as long as slow register accesses (of a board behind a network, say) ask for.
        """
        window = self.port.window_s
        first, start, blur = self._free_cycles()
        while True:
            while self.port.now() - start < window:
                self.port.pause()
            last, end, more = self._free_cycles()
            if blur + more < 0.01 * (end - start) or window > 50 * self.port.window_s:
                return (last - first) / (end - start) / 1e6
            window *= 2

    def _free_cycles(self):
        """(register FREE, when it was read in seconds, how long the read took)."""
        before = self.port.now()
        low = self.read("FREE_LO")
        after = self.port.now()
        return self.read("FREE_HI") << 32 | low, (before + after) / 2, after - before

    def selftest(self, golden=None):
        """Identification, clock and golden vectors.

        Args:
            golden: .npz with x, and scores and labels as far as the accelerator gives them; the
                .json file's "golden" by default, beside that file.

        Returns:
            {"model", "clock_mhz", "frames"}.

        Raises:
            WrongBitstream: see `identify`. BoardError: the clock is off by over 2 %, or an
                output differs.
        """
        self.identify()
        clock = self.measured_mhz()
        wanted = self.clock_mhz or self.io["clock_mhz"]
        if abs(clock - wanted) > 0.02 * wanted:
            raise BoardError(f"the clock runs at {clock:.2f} MHz, expected {wanted:.2f}")
        frames, name = 0, golden
        if name is None and self.io.get("golden"):
            name = os.path.join(self._folder, self.io["golden"])
        if name is not None:
            with np.load(name) as vectors:
                given = {key: vectors[key] for key in vectors.files}
            results = dict(zip(("scores", "labels"), self.run(given["x"])))
            for key, values in results.items():
                if values is None or key not in given:
                    continue
                wrong = (values != given[key]).reshape(len(values), -1).any(axis=1)
                if wrong.any():
                    first = int(np.argmax(wrong))
                    raise BoardError(
                        f"{wrong.sum()} of {len(wrong)} golden frames differ; first frame {first}: "
                        f"{key} are {values[first]}, expected {given[key][first]}"
                    )
            frames = len(given["x"])
        return {"model": self.io["model"], "clock_mhz": clock, "frames": frames}


def _complete_clocks(overlay, mhz):
    """pynq 4.0.0 on Zynq-7000 leaves clock frequencies None and divides by them."""
    for clock in (getattr(overlay, "clock_dict", None) or {}).values():
        if clock.get("enable") and not clock.get("frequency", mhz):
            clock["frequency"] = mhz
