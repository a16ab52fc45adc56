"""`hls`: the C++ form of an accelerator, in DIR/hls.

hls/top.cpp top.hpp    a function a node, a stream an edge
    roms.hpp           the memories, words of the RTL's files
    include/hw_bnn/    the kernels' twins
    testbench.cpp vectors.hpp   frames, and what the golden model expects of them
    run_hls.tcl options.tcl hls_config.cfg    for vitis_hls, vitis-run and v++
    wrapper/           what gives the tool's module the ports of the RTL's top
    manifest.json      expected intervals, depths of streams, versions
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from .. import __version__, console
from ..accelerator import Description
from ..accelerator.config_stream import refuse_port
from ..accelerator.folder import DATAFLOW, MODEL, open_accelerator
from ..files.given import given_path
from ..sim.packing import Words, pack_input, pack_output
from . import HLS_FILES
from .csim import CSim
from .csynth import csynth
from .depths import FRAMES, least_depths
from .design import LEAST_DEPTH, Channel, Design, design
from .files import write_files
from .scripts import hls_config, options_tcl, vectors_hpp
from .top import TOP, roms_hpp, top_cpp, top_hpp
from .wrapper import wrapper_files

VECTORS = 16
"""Frames of the test bench."""


def hls(
    folder: str | Path,
    *,
    least: bool = False,
    report: str | Path | None = None,
    trust: bool = False,
) -> dict:
    """Write FOLDER/hls, or read a report of its synthesis back.

    Args:
        folder: an accelerator folder.
        least: give the streams between forks and joins their least depths, not the RTL's FIFOs'
            where those are deeper.
        report: Vitis' csynth.xml of this code; no code is written then (csynth.py).
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).

    Returns:
        The manifest; of a report what `csynth` returns.

    Raises:
        BadInput: no accelerator, or one that is damaged or not trusted.
        Unsupported: a kernel without a twin.
        MissingTool: no C++ compiler, where depths are to be found by simulation.
    """
    if report is not None:
        return csynth(folder, report, trust=trust)
    folder = given_path(folder)
    accelerator = open_accelerator(folder, trust=trust, needs=[MODEL, DATAFLOW])
    refuse_port(accelerator, "HLS code")
    made = design(folder, accelerator)
    frames = _frames(accelerator)
    given = pack_input(accelerator.input, frames)
    if made.reconvergent:
        console.say("depths of streams between forks and joins")
        with CSim(_sources(made), accelerator, "bounded") as model:
            made = _deepened(made, least_depths(model, made, given[:FRAMES]), least)
    files = _sources(made)
    files["vectors.hpp"] = vectors_hpp(given, _expected(folder, made, frames))
    files |= wrapper_files(made)
    return write_files(folder, files, manifest(made))


def manifest(made: Design) -> dict:
    """What the code is and what is expected of it: intervals in cycles a frame."""
    accelerator = made.accelerator
    slowest = max(process.interval for process in made.processes)
    return {
        "accelerator": accelerator.name,
        "top": TOP,
        "part": accelerator.part,
        "clk_period_ns": accelerator.clk_period_ns,
        "hw_bnn": __version__,
        "interval": slowest,
        "rtl_bound_cycles": accelerator.bound_cycles,
        "initiation_interval": 1,
        "processes": [
            {"name": p.name, "kernel": p.kernel, "layer": p.layer, "function": p.template,
             "interval": p.interval}
            for p in made.processes
        ],
        "streams": [
            {"name": c.name, "bits": c.word_bits, "words": c.words, "depth": c.depth}
            for c in made.inner
        ],
    }  # fmt: skip


def _sources(made: Design) -> dict[str, str]:
    """All files but the test vectors."""
    texts = {
        "top.hpp": top_hpp(made),
        "top.cpp": top_cpp(made),
        "roms.hpp": roms_hpp(made),
        "options.tcl": options_tcl(made),
        "hls_config.cfg": hls_config(made),
    }
    for name in ("run_hls.tcl", "testbench.cpp"):
        texts[name] = (HLS_FILES / "vitis" / name).read_text()
    include = HLS_FILES / "include"
    for path in sorted(include.rglob("*.hpp")):
        texts[f"include/{path.relative_to(include).as_posix()}"] = path.read_text()
    return texts


def _deepened(made: Design, found: dict[str, int], least: bool) -> Design:
    """The design with depths at which no fork and adder wait for each other."""

    def depth(channel: Channel) -> int:
        asked = max(LEAST_DEPTH, found.get(channel.name, 0))
        return asked if least and channel.name in found else max(asked, channel.depth)

    channels = [dataclasses.replace(c, depth=depth(c)) for c in made.channels]
    return dataclasses.replace(made, channels=channels)


def _frames(accelerator: Description) -> np.ndarray:
    """Random frames of the input type."""
    contract, rng = accelerator.input, np.random.default_rng(0)
    size = (VECTORS, *contract.shape)
    if contract.datatype == "BIPOLAR":
        return rng.choice(np.array([-1, 1]), size)
    return rng.integers(contract.minimum, contract.maximum + 1, size)


def _expected(folder: Path, made: Design, frames: np.ndarray) -> Words:
    """Output words by the golden model."""
    from ..golden import GoldenModel

    accelerator = made.accelerator
    golden = GoldenModel.from_onnx(
        folder / "model.onnx",
        input_datatype=accelerator.input_datatype,
        input_scale=accelerator.input_scale,
    )
    scores = np.asarray(golden.scores(frames)).reshape(len(frames), -1)
    mode = accelerator.output.mode
    return pack_output(
        accelerator.output,
        None if mode == "label" else scores,
        None if mode == "scores" else np.asarray(golden.labels(scores)),
    )
