"""The cocotb side of a bench: one coroutine that drives and records all streams of bench_top.

The handshake signals of all streams are bits of two ports of the top, so that a cycle costs two
accesses to the simulator whatever the number of instances; data are read and written only when they
move. (A source or sink from a library costs a coroutine and several accesses a cycle each, which
makes benches of a dozen instances ten times slower.)

    bench_top.drive[i]   tvalid of input stream i, tready of output stream i
    bench_top.probe[i]   tready of input stream i, tvalid of output stream i

where inputs are counted first, then outputs, instance by instance (`bench.stream_order`).
"""

from __future__ import annotations

import itertools
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

PERIOD_NS = 10


def no_stall():
    """Never a pause."""
    return itertools.repeat(False)


def random_stall(probability):
    """A maker of generators that pause in each cycle with the given probability."""
    return lambda: (random.random() < probability for _ in itertools.count())


def bursts(longest):
    """A maker of generators of pauses and runs of 1 to `longest` cycles in turn."""

    def generate():
        while True:
            for paused in (True, False):
                yield from itertools.repeat(paused, random.randint(1, longest))

    return generate


def every_other():
    """A pause in every second cycle."""
    return itertools.cycle([True, False])


class Source:
    """Offers queued words; a word offered stays until it is taken."""

    def __init__(self, dut, prefix):
        self.tdata = getattr(dut, f"{prefix}_tdata")
        self.pause = no_stall()
        self.clear()

    def clear(self):
        self.words: list[int] = []
        self.position = 0
        self.offered = False
        self.cycles: list[int] = []  # in which the words were taken

    def send(self, words):
        self.words += words

    def step(self, cycle, taken):
        """After a clock edge; returns tvalid of the next cycle."""
        if self.offered and taken:
            self.cycles.append(cycle)
            self.offered = False
        paused = next(self.pause)
        if not self.offered and not paused and self.position < len(self.words):
            self.tdata.value = self.words[self.position]
            self.position += 1
            self.offered = True
        return self.offered


class Sink:
    """Takes words as its pauses let it, and records them."""

    def __init__(self, dut, prefix):
        self.tdata = getattr(dut, f"{prefix}_tdata")
        self.tlast = getattr(dut, f"{prefix}_tlast", None)
        self.pause = no_stall()
        self.clear()

    def clear(self):
        self.ready = False
        self.words: list[int] = []
        self.lasts: list[int] = []
        self.cycles: list[int] = []  # in which the words were taken

    def step(self, cycle, offered):
        """After a clock edge; returns tready of the next cycle."""
        if self.ready and offered:
            self.words.append(int(self.tdata.value))
            self.cycles.append(cycle)
            if self.tlast is not None:
                self.lasts.append(int(self.tlast.value))
        self.ready = not next(self.pause)
        return self.ready


class TB:
    """Clock, reset, sources and sinks of a bench_top.

    Args:
        dut: bench_top.
        order: (prefix, port, is_input) of each bit of drive and probe.

    `sources[prefix, port]` and `sinks[prefix, port]` are its streams' ends.
    """

    def __init__(self, dut, order):
        self.dut, self.cycle, self.probe = dut, 0, 0
        self.sources: dict[tuple[str, str], Source] = {}
        self.sinks: dict[tuple[str, str], Sink] = {}
        self.ends: list[Source | Sink] = []
        for prefix, port, is_input in order:
            name, ends = f"{prefix}_{port}", self.sources if is_input else self.sinks
            ends[prefix, port] = Source(dut, name) if is_input else Sink(dut, name)
            self.ends.append(ends[prefix, port])
        self.edge = RisingEdge(dut.ap_clk)
        cocotb.start_soon(Clock(dut.ap_clk, PERIOD_NS, unit="ns").start())

    def set_idle_generator(self, make=no_stall):
        for source in self.sources.values():
            source.pause = make()

    def set_backpressure_generator(self, make=no_stall):
        for sink in self.sinks.values():
            sink.pause = make()

    def clear(self):
        """Forget what was queued and recorded, as in reset."""
        for end in self.ends:
            end.clear()

    async def step(self):
        """One cycle: wait for the edge, record what crossed it, drive the next cycle."""
        await self.edge
        self.cycle += 1
        self.probe, drive = int(self.dut.probe.value), 0
        for i, end in enumerate(self.ends):
            drive |= end.step(self.cycle, self.probe >> i & 1) << i
        self.dut.drive.value = drive

    async def run_until(self, done, limit_cycles):
        """Step until done() holds; returns whether it did within limit_cycles cycles."""
        for _ in range(limit_cycles):
            if done():
                return True
            await self.step()
        return done()

    async def reset(self, cycles=3):
        """Hold the reset for some cycles, streams idle; what was queued is forgotten."""
        self.dut.ap_rst_n.value = 0
        self.dut.drive.value = 0
        for _ in range(cycles):
            await self.edge
        self.clear()
        self.dut.ap_rst_n.value = 1
        await self.edge
