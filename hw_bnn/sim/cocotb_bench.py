"""The cocotb test that `cocotb_engine` runs inside the simulator; it is not for import elsewhere.

The file named by HW_BNN_COCOTB_JOB says what to do; what came out goes to files beside it. Frames
go in and out through cocotbext-axi's AXI4-Stream source and sink, with tlast at each frame's end.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import random
from collections.abc import Iterator
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

PERIOD_NS = 10
RESET_CYCLES = 16
BUSY = 8
"""Of the config port's status: a packet is being worked on."""


class Bench:
    """Clock, reset, source and sink of an accelerator."""

    def __init__(self, dut, job: dict):
        self.dut, self.job = dut, job
        self.words = np.load(job["input"])
        Clock(dut.ap_clk, PERIOD_NS, unit="ns").start()
        reset = dict(reset=dut.ap_rst_n, reset_active_level=False)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.ap_clk, **reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.ap_clk, **reset)
        self.config = []
        if job["config_port"]:
            bus = AxiStreamBus.from_prefix(dut, "s_axis_cfg")
            self.config.append(AxiStreamSource(bus, dut.ap_clk, **reset))
        for part in (self.source, self.sink, *self.config):
            part.log.setLevel(logging.ERROR)  # they print whole frames
        rng = random.Random(job["seed"])
        for part, chance in zip((self.source, self.sink), job["stall"], strict=True):
            if chance:
                part.set_pause_generator(_pauses(rng.getrandbits(64), chance))

    async def reset(self) -> None:
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, RESET_CYCLES)
        self.source.clear()
        self.sink.clear()
        self.dut.ap_rst_n.value = 1
        await RisingEdge(self.dut.ap_clk)

    async def disturb(self, count: int) -> None:
        """Send `count` words, then reset with frames on their way."""
        for frame in self.words[: count // self.words.shape[1] + 1]:
            self.source.send_nowait(AxiStreamFrame(frame.tobytes()))
        taken = 0
        while taken < count:
            await RisingEdge(self.dut.ap_clk)
            valid, ready = self.dut.s_axis_tvalid.value, self.dut.s_axis_tready.value
            taken += bool(valid) and bool(ready)
        await self.reset()

    async def load(self) -> int:
        """Send the words of the config port and wait until all is done; the status."""
        words = np.load(self.job["config"])
        (port,) = self.config
        await port.send(AxiStreamFrame(words.tobytes()))
        await port.wait()
        while int(self.dut.cfg_status.value) & BUSY:
            await RisingEdge(self.dut.ap_clk)
        return int(self.dut.cfg_status.value)

    async def stream(self) -> dict:
        """Send all frames back to back and receive theirs."""
        started = _cycle()
        first: list[int] = []
        names = self.job["names"]
        for i, frame in enumerate(self.words):
            done = (lambda f: first.append(f.sim_time_start)) if i == 0 else None
            user = names[i] if names else None
            self.source.send_nowait(AxiStreamFrame(frame.tobytes(), tuser=user, tx_complete=done))
        outputs: list[bytes] = []
        ends: list[int] = []
        ends_given, size = [0, *self.job["frame_ends"]], self.job["beat_bytes"]
        for before, end in itertools.pairwise(ends_given):
            limit = self.job["hang_limit"] * PERIOD_NS
            try:
                frame = await with_timeout(self.sink.recv(), limit, "ns")
            except SimTimeoutError:
                return {"hang": self.states(), "frames": len(outputs), "cycle": _cycle() - started}
            if len(frame) != (end - before) * size:
                return {
                    "failed": f"m_axis: frame {len(outputs)} has {len(frame)} bytes up to tlast, "
                    f"expected {(end - before) * size}"
                }
            outputs.append(bytes(frame))
            ends.append(round(_in_ns(frame.sim_time_end) / PERIOD_NS) - started - 1)
        await ClockCycles(self.dut.ap_clk, 32)
        if not self.sink.empty() or self.sink.active:
            return {"failed": "m_axis: a word after the last frame"}
        np.save(self.job["output"], np.frombuffer(b"".join(outputs), np.uint8))
        begin = round(_in_ns(first[0]) / PERIOD_NS) - started
        return {"frame_done": ends, "first_in": begin, "cycles": ends[-1] + 1}

    def states(self) -> dict[str, list[bool]]:
        """(valid, ready) of every stream of the top."""
        return {
            name: [bool(getattr(self.dut, f"{name}_{wire}").value) for wire in ("tvalid", "tready")]
            for name in self.job["streams"]
        }


def _pauses(seed: int, chance: float) -> Iterator[bool]:
    rng = random.Random(seed)
    while True:
        yield rng.random() < chance


def _in_ns(time: float) -> float:
    """A time of cocotbext-axi, in steps of the simulator, in nanoseconds."""
    return time * get_sim_time("ns") / get_sim_time("step")


def _cycle() -> int:
    return round(get_sim_time("ns") / PERIOD_NS)


@cocotb.test()
async def accelerator(dut):
    """Stream the job's frames through and write what came out."""
    job = json.loads(Path(os.environ["HW_BNN_COCOTB_JOB"]).read_text())
    bench = Bench(dut, job)
    await bench.reset()
    if job["preamble"]:
        await bench.disturb(job["preamble"])
    status = await bench.load() if job["config"] else 0
    result = {**await bench.stream(), "config_status": status}
    Path(job["result"]).write_text(json.dumps(result))
