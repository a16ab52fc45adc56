"""The scenarios that every stream kernel goes through, as cocotb tests.

They read job.json in the working folder (written by :class:`rtl_tests.bench.Bench`) and drive all
instances at once.
"""

from __future__ import annotations

import itertools
import json
import random
from itertools import pairwise
from pathlib import Path

import cocotb

from rtl_tests.tb import TB, bursts, every_other, no_stall, random_stall

PATTERNS = {
    "none": no_stall,
    "half": random_stall(0.5),
    "mostly": random_stall(0.85),
    "bursts": bursts(9),
    "alternate": every_other,
}
# Words through the busiest stream for each pair of patterns: several times what pipelines hold.
STALLED_WORDS = 40
# Pairs that a slow simulator (an interpreter) goes through.
LIGHT_PAIRS = [("half", "half"), ("none", "mostly"), ("bursts", "none"), ("alternate", "bursts")]
SLACK_CYCLES = 400
AFTER_CYCLES = 12  # in which nothing more may come


class Instance:
    """One instance of the kernel, its data, and the checks on what came out."""

    def __init__(self, tb, item):
        self.tb, self.item = tb, item
        self.prefix, self.frames = item["prefix"], item["frames"]
        self.streams = [*item["inputs"].values(), *item["outputs"].values()]
        self.longest = max(len(stream["words"]) for stream in self.streams) // self.frames
        self.slowest = max(len(s["words"]) * s["pace"] for s in self.streams) // self.frames

    def words(self, stream, frames):
        return stream["words"][: len(stream["words"]) // self.frames * frames]

    def send(self, frames):
        for port, stream in self.item["inputs"].items():
            self.tb.sources[self.prefix, port].send(self.words(stream, frames))

    def enough_frames(self):
        """Frames for STALLED_WORDS words, or what there is."""
        return max(1, min(self.frames, -(-STALLED_WORDS // self.longest)))

    def cycles(self, frames):
        """About how long that many frames take unstalled."""
        return max(self.slowest, self.item["interval"] or 0) * frames

    def has(self, frames):
        """Whether that many frames came out."""
        return all(
            len(self.tb.sinks[self.prefix, port].words) >= len(self.words(stream, frames))
            for port, stream in self.item["outputs"].items()
        )

    def check(self, frames):
        """What came out is right, and nothing more came."""
        for port, stream in self.item["outputs"].items():
            sink, expected = self.tb.sinks[self.prefix, port], self.words(stream, frames)
            where = f"{self.prefix}_{port}"
            # Lengths are compared afterwards: the first wrong word tells more.
            for i, (a, b) in enumerate(zip(sink.words, expected, strict=False)):
                assert a == b, f"{where}: word {i} is {a:#x}, expected {b:#x}"
            count = len(sink.words)
            assert count == len(expected), f"{where}: {count} words came, not {len(expected)}"
            if stream["last"]:
                lasts = [int(i % stream["last"] == stream["last"] - 1) for i in range(count)]
                assert sink.lasts == lasts, f"{where}: tlast is wrong"

    def check_timing(self):
        """Exact initiation interval and latency of an unstalled run."""
        item = self.item
        for port, stream in item["outputs"].items():
            per_frame = len(stream["words"]) // self.frames
            ends = self.tb.sinks[self.prefix, port].cycles[per_frame - 1 :: per_frame]
            steps = [b - a for a, b in pairwise(ends)][item["settle"] :]
            where = f"{self.prefix}_{port}"
            if item["interval"] is not None:
                assert steps, f"{where}: too few frames to see the initiation interval"
                wrong = [step for step in steps if step != item["interval"]]
                assert not wrong, f"{where}: frames {steps} cycles apart, not {item['interval']}"
            if item["latency"] is not None:
                last_in = max(
                    self.tb.sources[self.prefix, name].cycles[
                        len(given["words"]) // self.frames - 1
                    ]
                    for name, given in item["inputs"].items()
                )
                took = ends[0] - last_in
                assert took == item["latency"], f"{where}: latency {took}, not {item['latency']}"


async def set_up(dut):
    job = json.loads(Path("job.json").read_text())
    for item in job["instances"]:
        for stream in (*item["inputs"].values(), *item["outputs"].values()):
            stream["words"] = [int(word, 16) for word in stream["words"]]
    tb = TB(dut, job["order"])
    await tb.reset()
    return tb, [Instance(tb, item) for item in job["instances"]], job["light"]


async def run(tb, instances, frames, slowness, what):
    """Send frames(instance) frames, wait for them and check them."""
    for instance in instances:
        instance.send(frames(instance))
    limit = slowness * max(i.cycles(frames(i)) for i in instances) + SLACK_CYCLES
    done = await tb.run_until(lambda: all(i.has(frames(i)) for i in instances), limit)
    for _ in range(AFTER_CYCLES):
        await tb.step()
    for instance in instances:
        try:
            instance.check(frames(instance))
        except AssertionError as error:
            raise AssertionError(
                f"{what}{'' if done else f' (stopped at {limit} cycles)'}: {error}"
            ) from error


@cocotb.test()
async def unstalled(dut):
    """All frames without a pause: values, exact initiation interval, exact latency."""
    tb, instances, _ = await set_up(dut)
    await run(tb, instances, lambda i: i.frames, 2, "unstalled")
    for instance in instances:
        instance.check_timing()


@cocotb.test()
async def stalled(dut):
    """Every pair of pause patterns of source and sink, one after the other."""
    tb, instances, light = await set_up(dut)
    for idle, backpressure in LIGHT_PAIRS if light else itertools.product(PATTERNS, PATTERNS):
        for end in tb.ends:
            end.clear()
        tb.set_idle_generator(PATTERNS[idle])
        tb.set_backpressure_generator(PATTERNS[backpressure])
        await run(tb, instances, Instance.enough_frames, 40, f"idle {idle}, stalls {backpressure}")


@cocotb.test()
async def reset_in_mid_frame(dut):
    """A reset at a random moment, stalls or not; the next frames are as after the first reset."""
    tb, instances, light = await set_up(dut)
    patterns = list(PATTERNS.values())
    for attempt in range(2 if light else 6):
        tb.set_idle_generator(random.choice(patterns))
        tb.set_backpressure_generator(random.choice(patterns))
        for instance in instances:
            instance.send(instance.frames)
        for _ in range(random.randint(1, 60)):
            await tb.step()
        await tb.reset(random.randint(1, 4))
        tb.set_idle_generator()
        tb.set_backpressure_generator()
        await run(tb, instances, lambda i: min(2, i.frames), 2, f"after reset {attempt}")


@cocotb.test()
async def capacity(dut):
    """A blocked output: exactly as many words go in as the kernel is said to hold."""
    tb, instances, _ = await set_up(dut)
    tb.set_backpressure_generator(random_stall(1.0))
    for instance in instances:
        instance.send(instance.frames)
    held = max(instance.item["capacity"] for instance in instances)
    for _ in range(held + 20):
        await tb.step()
    for instance in instances:
        taken = [len(tb.sources[instance.prefix, port].cycles) for port in instance.item["inputs"]]
        expected = instance.item["capacity"]
        assert taken == [expected], f"{instance.prefix}: {taken} words taken, not {expected}"
    tb.set_backpressure_generator()
    await tb.run_until(lambda: all(i.has(i.frames) for i in instances), 4 * held + SLACK_CYCLES)
    for instance in instances:
        instance.check(instance.frames)


@cocotb.test()
async def trace(dut):
    """Writes every handshake of a stalled run to trace.txt, to be compared between two builds."""
    tb, instances, _ = await set_up(dut)
    lines = []
    for pattern in ("half", "bursts"):
        tb.set_idle_generator(PATTERNS[pattern])
        tb.set_backpressure_generator(PATTERNS[pattern])
        for end in tb.ends:
            end.clear()
        for instance in instances:
            instance.send(instance.frames)
        for _ in range(600):
            await tb.step()
            lines.append(f"{tb.probe:x}\n")
    Path("trace.txt").write_text("".join(lines))
