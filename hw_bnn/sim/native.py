"""The native engine: a Verilated accelerator as a library in this process,
frames in and out as numpy.

    with NativeModel(rtl, accelerator) as model:
        run = model.run(pack_input(accelerator.input, x))
        scores, labels = unpack_output(accelerator.output, run.words)

One call streams any number of frames back to back and blocks no other thread. The model keeps its
state between runs; each run starts with a reset. A pause pattern, a slower source and other FIFO
capacities are run-time values. Speed and exactness rest on `driver.cpp`; nothing here is per cycle.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Description
from ..accelerator.config_stream import check_status, first_load
from ..errors import BadInput, CheckFailed
from ..files.temporary import temporary_folder
from .build import Design, Variant, library
from .config import Config
from .driver_api import DONE, FAILED, HUNG, MORE, Run, Stream, chance, check_array, load
from .packing import Words, by_frame, frame_ends, frame_names
from .results import EngineRun, Handshakes, StreamStatistics
from .rtl_design import rtl_design
from .stall import hang_limit, hang_report, lost_words, stall_pair

RESET_CYCLES = 16
SCOPE = "bnn_bench.dut"
_SLICE = 200_000  # cycles between two looks at progress and Ctrl-C; adapted to about 0.1 s


class NativeModel:
    """A Verilated accelerator. Needs only its RTL and description, not a whole folder.

    Args:
        rtl: folder with the sources and memory files.
        accelerator: its description (sources, streams, input and output contracts).
        variant: "fast", or "waves" to write FST files too.
        seed: of the random bits that registers without a reset start with.
        design: the sources to build, if not those of the accelerator (a netlist).
        filled: memories that start empty get the accelerator's own contents, through the port.

    Raises:
        MissingTool, BadInput, CheckFailed: see `hw_bnn.sim.build.library`; BadInput too where a
            memory file is missing.
    """

    def __init__(
        self,
        rtl: Path | str,
        accelerator: Description,
        *,
        variant: Variant = "fast",
        seed: int = 1,
        design: Design | None = None,
        filled: bool = True,
    ):
        self.accelerator = accelerator
        self.variant: Variant = variant
        rtl = Path(rtl)
        self.design = design or rtl_design(rtl, accelerator, variant)
        self._handle: int | None = None
        started = time.monotonic()
        with library(self.design) as path:
            self._lib = load(path)
        self.build_seconds = time.monotonic() - started
        self._waves: Path | str | None = None
        self._handle = self._create(rtl, seed)
        self._check_ports()
        self._fifos = self._find_fifos()
        self.set_fifo_caps(
            {n.name: n.depth for n in accelerator.nodes if n.depth and n.name in self._fifos}
        )
        if filled and (first := first_load(accelerator, rtl)) is not None:
            self.run(np.zeros((0, accelerator.input.words, self.in_bytes), np.uint8),
                     config=Config(first))  # fmt: skip

    def close(self) -> None:
        """Free the model; the object cannot be used any more."""
        if self._handle:
            self._lib.hwb_destroy(self._handle)
            self._handle = None

    def __enter__(self) -> NativeModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self.close()

    @property
    def fifos(self) -> list[str]:
        """Node names of the FIFOs that have run-time capacities."""
        return sorted(self._fifos)

    def set_fifo_caps(self, caps: Mapping[str, int]) -> None:
        """Set capacities in words, by node name; they hold for the runs that follow.

        Raises:
            BadInput: there is no such FIFO, or the capacity is not positive.
        """
        for name, words in caps.items():
            if name not in self._fifos:
                raise BadInput(
                    f"the accelerator has no FIFO {name!r} "
                    f"(it has: {', '.join(self.fifos) or 'none'})"
                )
            if words < 1:
                raise BadInput(f"the capacity of FIFO {name} is {words}, it must be at least 1")
            self._guard(self._lib.hwb_set(self._handle, self._fifos[name], b"sim_cap", words))

    def fifo_max(self) -> dict[str, int]:
        """Largest fill in the last run, in words, by node name."""
        value = ctypes.c_uint64()
        result = {}
        for name, scope in self._fifos.items():
            self._guard(self._lib.hwb_get(self._handle, scope, b"sim_max", ctypes.byref(value)))
            result[name] = int(value.value)
        return result

    def trace(self, path: Path | str | None, window: tuple[int, int] | None = None) -> None:
        """Write the waves of the next runs to PATH (FST), cycles window[0] <= c < window[1].

        Cycle c starts at time c*clk_period. None closes the file. Needs variant "waves".
        """
        start, end = window or (0, 2**63)
        period = round(self.accelerator.clk_period_ns * 1000)
        name = None if path is None else str(Path(path).absolute()).encode()
        named, self._waves = path or self._waves, path
        if self._lib.hwb_trace(self._handle, name, start, end, period) != DONE:
            raise BadInput(
                f"the waves {named} {self._message()}",
                remedy="free some space, choose another disk, or fewer cycles (window=)",
            )

    def run(
        self,
        words: Words,
        *,
        stall: float | tuple[float, float] = 0.0,
        seed: int = 1,
        throttle: float | Fraction | None = None,
        watch: bool = False,
        capture: Sequence[str] = (),
        look: range = range(0),
        preamble: int = 0,
        hang_cycles: int | None = None,
        config: Config | None = None,
        names: NDArray[np.uint8] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> EngineRun:
        """Reset, then stream all frames through.

        Args:
            words: (N, input words, bytes) uint8 from `pack_input`.
            stall: probability of a pause in each cycle, of the source and of the sink.
            seed: of the pauses.
            throttle: cycles between two input words, at least; fractions count.
            watch: count handshakes of every stream and check that offered words stay.
            capture: names of streams whose words are kept (implies watch).
            look: cycles whose handshakes are kept (implies watch).
            preamble: first stream this many words in and reset in the middle, as a test.
            hang_cycles: cycles without a word on s_axis or m_axis that count as a hang.
            config: what goes to the config port meanwhile.
            names: (N,) each frame's context + 1, 0 (the default) for all: the words of a frame
                that names one are fewer, the rest is 0 where others need them.
            progress: called with the number of frames newly done.

        Raises:
            BadInput: an array is not of these shapes and types.
            CheckFailed: a load before the frames is refused, nothing moves any more (the streams
                that block are named), tlast stands wrong, words are lost or left over, or an
                assertion in the RTL fires.
        """
        started = time.monotonic()
        watch = watch or bool(capture or look)
        looked: Handshakes = {}
        limit = hang_cycles or hang_limit(self.accelerator, stall_pair(stall), throttle)
        streams, kept = self._bind(len(words), capture if watch else ())
        if preamble:
            self._preamble(words, preamble, limit)
        self._reset()
        how = (stall_pair(stall), seed, throttle, watch, limit, config, names)
        job, output, frame_done = self._job(words, *how)
        hung = self._drive(job, progress, look, looked) == HUNG
        if short := self._short(job, kept):
            raise CheckFailed(short)
        if hung:
            again = (words, *how[:3], True, *how[4:])
            raise CheckFailed(self._hang(job, self._loser(watch, again)))
        if config is not None and config.first:
            check_status(self.config_status)
        result = EngineRun(
            words=by_frame(output, self._ends) if len(words) else output[:0, None],
            frame_done=frame_done,
            first_in=int(job.first_in),
            cycles=int(job.cycle),
            seconds=time.monotonic() - started,
            fifo_max=self.fifo_max(),
            config_status=self.config_status,
            looked=looked,
        )
        for i, stream in enumerate(self.accelerator.streams if watch else ()):
            s = streams[i]
            result.streams[stream.name] = StreamStatistics(
                int(s.moved), int(s.stalled), int(s.starved), int(s.idle)
            )
        result.capture = {name: (data, cycles) for name, (data, cycles, _) in kept.items()}
        return result

    @property
    def config_status(self) -> int:
        """The status word of the config port, 0 without one (rtl/bnn_config_gate.sv)."""
        return int(self._lib.hwb_config_status(self._handle))

    def loaded(self, context: int = 0) -> int:
        """The name of what a context holds (`name_of` of config_stream), between two runs; 0 where
        its contents are a mixture.
        """
        return int(self._lib.hwb_config_loaded(self._handle, context))

    # ------------------------------------------------------------------------------- internals

    def _create(self, rtl: Path, seed: int) -> int:
        """A handle of the library's; memory files are read now and never again."""
        error = ctypes.create_string_buffer(4096)
        with temporary_folder("memories") as memories:
            if self.design.names:
                self.design.names.link_memories(rtl, memories)
            handle = self._lib.hwb_create(str(memories).encode(), seed, error, len(error))
        if not handle:
            raise BadInput(
                f"the accelerator cannot be simulated ({self._told(error.value)})",
                remedy="compile it again",
            )
        return handle

    def _reset(self) -> None:
        """Hold reset, and start to measure the FIFOs' fill anew."""
        self._guard(self._lib.hwb_reset(self._handle, RESET_CYCLES))
        for scope in self._fifos.values():
            self._guard(self._lib.hwb_set(self._handle, scope, b"sim_max", 0))

    def _job(
        self, words: Words, stall: tuple[float, float], seed: int,
        throttle: float | Fraction | None, watch: bool, limit: int, config: Config | None = None,
        names: NDArray[np.uint8] | None = None,
    ) -> tuple[Run, NDArray[np.uint8], NDArray[np.uint64]]:  # fmt: skip
        count = len(words)
        inp, out = self.accelerator.input, self.accelerator.output
        check_array("the input words", words, (count, inp.words, self.in_bytes), np.uint8)
        given = frame_names(count, None) if names is None else names
        check_array("names", given, (count,), np.uint8)
        ends = frame_ends(out, given)
        output = np.zeros((int(ends[-1]) if count else 0, self.out_bytes), np.uint8)
        frame_done = np.zeros(count, np.uint64)
        pace = Fraction(throttle or 0).limit_denominator(4096)
        load = config or Config(np.zeros(0, np.uint32))
        if len(load.words) and not self.design.config:
            raise BadInput(
                "the accelerator has no config port", remedy="compile it with runtime_weights=True"
            )
        job = Run(
            input=words.ctypes.data, output=output.ctypes.data, frame_done=frame_done.ctypes.data,
            frame_end=ends.ctypes.data, names=given.ctypes.data,
            in_words=count * inp.words, out_words=len(output), frame_in_words=inp.words,
            throttle_num=pace.numerator, throttle_den=pace.denominator, hang_limit=limit,
            stall_in=chance(stall[0]), stall_out=chance(stall[1]),
            random=(seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64 or 1, watch=watch,
            config=load.words.ctypes.data, config_from=load.times.ctypes.data,
            config_words=len(load.words), hold=load.first,
        )  # fmt: skip
        self._load, self._ends, self._named = load, ends, given  # the library reads them
        return job, output, frame_done

    def _drive(
        self, job: Run, progress: Callable[[int], None] | None,
        look: range = range(0), looked: Handshakes | None = None,
    ) -> int:  # fmt: skip
        """Run a job in slices of about 0.1 s until it is DONE or HUNG; `looked` is filled."""
        slice_cycles, told = _SLICE // 10, 0
        while True:
            before, budget = time.monotonic(), slice_cycles
            if look and looked is not None:
                budget = min(budget, self._up_to(job, look, looked))
            status = self._lib.hwb_run(self._handle, ctypes.byref(job), budget)
            spent = time.monotonic() - before
            if progress is not None:
                done = int(job.frames_done)
                progress(done - told)
                told = done
            if status in (DONE, HUNG):
                return status
            if status != MORE:
                where = f"at cycle {job.cycle}, in frame {job.frames_done}"
                raise CheckFailed(f"the simulation stopped {where}: {self._message()}")
            if budget == slice_cycles:
                slice_cycles = max(1000, int(slice_cycles * min(4.0, 0.1 / max(spent, 1e-6))))

    def _up_to(self, job: Run, look: range, looked: Handshakes) -> int:
        """Cycles to run at most until the next that is looked at; keeps what this one shows."""
        if not job.started:  # cycle 0 is not shown yet
            return 0
        if job.cycle in look:
            looked[int(job.cycle)] = self.stream_states()
            return 1
        return look.start - job.cycle if job.cycle < look.start else _SLICE * 1000

    def _preamble(self, words: Words, count: int, limit: int) -> None:
        """Feed `count` words from reset, so that the next reset hits frames on their way."""
        self._reset()
        job, *_arrays = self._job(words, (0.0, 0.0), 1, None, False, limit)  # it writes into them
        if count >= job.in_words:
            raise BadInput(f"a preamble of {count} words needs more than the {len(words)} frames")
        while job.in_done < count:
            status = self._lib.hwb_run(self._handle, ctypes.byref(job), 1)
            if status == HUNG:
                raise CheckFailed(self._hang(job))
            if status == FAILED:
                raise CheckFailed(f"the simulation stopped before the reset: {self._message()}")

    def _bind(
        self, frames: int, capture: Sequence[str]
    ) -> tuple[ctypes.Array[Stream], dict[str, tuple[Words, NDArray[np.uint64], int]]]:
        streams = self.accelerator.streams if self.design.visible else []
        known = {stream.name for stream in streams}
        for name in capture:
            if name not in known:
                raise BadInput(f"the accelerator has no stream {name!r}")
        table = (Stream * max(1, len(streams)))()
        kept = {}
        for slot, stream in zip(table, streams, strict=False):
            if stream.name in capture:
                count = frames * stream.words
                data = np.zeros((frames, stream.words, stream.tdata_bits // 8), np.uint8)
                cycles = np.zeros((frames, stream.words), np.uint64)
                slot.words, slot.cycles, slot.room = data.ctypes.data, cycles.ctypes.data, count
                kept[stream.name] = (data, cycles, count)
        names = (ctypes.c_char_p * max(1, len(streams)))(*(s.name.encode() for s in streams))
        scope = SCOPE.encode()
        self._guard(self._lib.hwb_bind(self._handle, scope, names, table, len(streams)))
        self._table = table  # the library writes into it
        return table, kept

    def stream_states(self) -> dict[str, tuple[bool, bool]]:
        """(valid, ready) of every stream bound, in the present cycle."""
        streams = self.accelerator.streams if self.design.visible else []
        valid = (ctypes.c_uint8 * max(1, len(streams)))()
        ready = (ctypes.c_uint8 * max(1, len(streams)))()
        self._lib.hwb_state(self._handle, valid, ready)
        return {s.name: (bool(valid[i]), bool(ready[i])) for i, s in enumerate(streams)}

    def _short(
        self, job: Run, kept: Mapping[str, tuple[Words, NDArray[np.uint64], int]]
    ) -> str | None:
        """Which stream that is kept never carried its last words, where all frames came out."""
        if (job.in_done, job.out_done) != (job.in_words, job.out_words):
            return None
        for i, stream in enumerate(self.accelerator.streams):
            moved = int(self._table[i].moved)
            if stream.name in kept and moved < (count := kept[stream.name][2]):
                return (
                    f"stream {stream.name} carried {moved:,} words where the frames have {count:,}"
                )
        return None

    def _hang(self, job: Run, lost: str | None = None) -> str:
        inp = self.accelerator.input
        before = self._ends[job.frames_done - 1] if job.frames_done else 0
        return hang_report(
            self.accelerator, self.stream_states(),
            cycles=int(job.cycle - job.last_progress), at=int(job.last_progress),
            taken=divmod(int(job.in_done), inp.words),
            given=(int(job.frames_done), int(job.out_done - before)),
            lost=lost, config_status=self.config_status if self.design.config else 1,
        )  # fmt: skip

    def _loser(self, watched: bool, again: tuple) -> str | None:
        """Which node lost words in a run that hung and in which nothing blocks.

        Unless the run was watched it is repeated with counts; `again` is for `_job`. Where frames
        name contexts, a node's words tell nothing.
        """
        if (
            not self.design.visible
            or self._named.any()
            or (True, False) in self.stream_states().values()
        ):
            return None
        if not watched:
            self._reset()
            job, *_arrays = self._job(*again)
            if self._drive(job, None) != HUNG:
                return None
        streams = self.accelerator.streams
        moved = {s.name: int(self._table[i].moved) for i, s in enumerate(streams)}
        return lost_words(self.accelerator, moved, self.stream_states())

    def _check_ports(self) -> None:
        inside, outside = ctypes.c_uint64(), ctypes.c_uint64()
        self._lib.hwb_ports(self._handle, ctypes.byref(inside), ctypes.byref(outside))
        self.in_bytes, self.out_bytes = int(inside.value), int(outside.value)

    def _find_fifos(self) -> dict[str, bytes]:
        """FIFO node -> scope of its variables (instance NODE or NODE_i of the top, or in it)."""
        size = self._lib.hwb_find(self._handle, b"sim_max", None, 0)
        text = ctypes.create_string_buffer(size + 1)
        self._lib.hwb_find(self._handle, b"sim_max", text, size + 1)
        scopes = text.value.decode().split()
        names = {node.name for node in self.accelerator.nodes}
        found = {}
        for scope in scopes:
            instance = scope.removeprefix(f"{SCOPE}.").split(".")[0]
            name = instance if instance in names else instance.removesuffix("_i")
            found[name] = scope.encode()
        return found

    def _message(self) -> str:
        return self._told(self._lib.hwb_message(self._handle))

    def _told(self, message: bytes) -> str:
        text = message.decode(errors="replace")
        return self.design.names.told(text) if self.design.names else text

    def _guard(self, status: int) -> None:
        if status == FAILED:
            raise CheckFailed(f"the simulation stopped: {self._message()}")
