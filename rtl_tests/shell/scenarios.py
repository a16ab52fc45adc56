"""The shell between cocotbext-axi's models: the board's own driver, in a thread, against
AxiLiteMaster and AxiRam.

Run inside the simulator by test_shell.py; shell.json in the working folder says which
shape is built.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam

from hw_bnn.boards.simboard import driver

PERIOD_NS = 10
GUARD = 64  # bytes on both sides of a buffer that must stay


class TB:
    """Clock, reset, a processor's port, a memory; also the driver's port (see driver.PynqPort)."""

    window_s = 1e-5

    @classmethod
    async def start(cls, dut):
        """Reset some cycles before the models look, since registers power up with any value."""
        dut.ap_rst_n.value = 0
        cocotb.start_soon(Clock(dut.ap_clk, PERIOD_NS, unit="ns").start())
        await ClockCycles(dut.ap_clk, 8)
        tb = cls(dut)
        await tb.reset()
        return tb

    def __init__(self, dut):
        self.dut, self.job = dut, json.loads(Path("shell.json").read_text())
        reset = dict(reset=dut.ap_rst_n, reset_active_level=False)
        self.master = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset
        )
        self.ram = AxiRam(
            AxiBus.from_prefix(dut, "m_axi"),
            dut.ap_clk,
            size=2 ** self.job["address_bits"],
            **reset,
        )
        for part in (
            self.master.write_if,
            self.master.read_if,
            self.ram.write_if,
            self.ram.read_if,
        ):
            part.log.setLevel(logging.ERROR)

    async def reset(self):
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, 16)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 2)

    def stall(self, chance, seed):
        """Pauses on all channels of the memory."""
        rng = random.Random(seed)
        w, r = self.ram.write_if, self.ram.read_if
        for channel in (w.aw_channel, w.w_channel, w.b_channel, r.ar_channel, r.r_channel):
            pauses = (rng.random() < chance for _ in itertools.count())
            channel.set_pause_generator(pauses if chance else None)
            if not chance:
                channel.pause = False

    # ---- the driver's port

    @resume
    async def read32(self, offset):
        return int.from_bytes((await self.master.read(offset, 4)).data, "little")

    @resume
    async def write32(self, offset, value):
        await self.master.write(offset, value.to_bytes(4, "little"))

    @resume
    async def pause(self):
        await ClockCycles(self.dut.ap_clk, 50)

    def now(self):
        return get_sim_time("ns") * 1e-9

    async def transfer(self, frames, source, target, seed):
        """`frames` frames of random bytes through an echo core; all bytes around them unchanged."""
        job, rng = self.job, np.random.default_rng(seed)
        words = rng.integers(
            0, 256, (frames * job["input"]["words"], job["in_bytes"]), dtype=np.uint8
        )
        image = rng.integers(0, 256, (len(words), job["in_stride"]), dtype=np.uint8)
        image[:, : job["in_bytes"]] = words
        out = words.reshape(-1, job["out_bytes"])
        wanted = np.zeros((len(out), job["out_stride"]), np.uint8)
        wanted[:, : job["out_bytes"]] = out
        before = rng.integers(0, 256, wanted.size + 2 * GUARD, dtype=np.uint8)
        self.ram.write(source, image.tobytes())
        self.ram.write(target - GUARD, before.tobytes())
        board = driver().Board(job, self, timeout_s=1e-3, check=False)

        @bridge
        def run():
            board.identify()
            board.launch(source, target, frames)
            board.finish(frames)

        await run()
        after = np.frombuffer(bytes(self.ram.read(target - GUARD, len(before))), np.uint8)
        before[GUARD:-GUARD] = wanted.reshape(-1)
        assert (after == before).all(), f"{(after != before).sum()} bytes differ, frames {frames}"


@cocotb.test()
async def stalls_counts_and_offsets(dut):
    """Odd counts, buffers on both sides of 4 KiB borders, with and without pauses."""
    tb = await TB.start(dut)
    bus, high = tb.job["bus_bytes"], 1 << tb.job["address_bits"] - 1
    for seed, (stall, frames) in enumerate(itertools.product((0, 0.4), (1, 3, 25))):
        tb.stall(stall, seed)
        await tb.transfer(frames, high + 4096 * seed - 3 * bus, high + 2**20 - 5 * bus * seed, seed)


@cocotb.test()
async def reset_in_mid_run(dut):
    """After a reset while bursts are outstanding the next run is right."""
    tb = await TB.start(dut)

    @bridge
    def launch():
        driver().Board(tb.job, tb, check=False).launch(2**20, 2**21, 200)

    await launch()
    await ClockCycles(dut.ap_clk, 120)
    await tb.reset()
    await tb.transfer(9, 2**20, 2**21, seed=1)
