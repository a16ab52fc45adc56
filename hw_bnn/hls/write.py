"""`hls`: the C++ form of an accelerator, in DIR/hls.

    hls/top.cpp top.hpp    a call a layer, a stream an edge
        roms.hpp           the memories, words of the RTL's files
        include/hw_bnn/    the kernels' twins
        testbench.cpp vectors.hpp   frames, and what the golden model expects of them
        run_hls.tcl options.tcl hls_config.cfg    for vitis_hls, vitis-run and v++
        manifest.json      expected intervals, depths of streams, versions
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from .. import __version__, console
from ..accelerator import Accelerator
from ..folder import output_folder
from ..sim.packing import Words, pack_input, pack_output
from . import HLS_FILES
from .depths import FRAMES, least_depths
from .design import Design, design
from .scripts import hls_config, options_tcl, vectors_hpp
from .top import TOP, roms_hpp, top_cpp, top_hpp

SCHEMA = 1
VECTORS = 16
"""Frames of the test bench."""


def hls(folder: str | Path, *, least: bool = False) -> dict:
    """Write FOLDER/hls.

    Args:
        folder: an accelerator folder.
        least: give the streams between forks and adders their least depths, not the RTL's FIFOs'
            where those are deeper.

    Returns:
        The manifest.

    Raises:
        BadInput: no accelerator, or one that is damaged.
        Unsupported: a kernel without a twin.
        MissingTool: no C++ compiler, where depths are to be found by simulation.
    """
    folder = Path(folder)
    made = design(folder)
    frames = _frames(made.accelerator)
    if made.reconvergent:
        console.say("depths of streams between forks and adders")
        made = _with_depths(folder, made, frames, least)
    with output_folder(folder / "hls", overwrite=True) as place:
        _write(place, made)
        given = pack_input(made.accelerator.input, frames)
        (place / "vectors.hpp").write_text(vectors_hpp(given, _expected(folder, made, frames)))
        document = manifest(made)
        (place / "manifest.json").write_text(json.dumps(document, indent=1) + "\n")
    return document


def manifest(made: Design) -> dict:
    """What the code is and what is expected of it: intervals in cycles a frame."""
    accelerator = made.accelerator
    slowest = max(process.interval for process in made.processes)
    return {
        "schema_version": SCHEMA,
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
            {"name": c.name, "bits": c.word_bits, "words": c.words, "depth": c.depth} for c in made.inner
        ],
    }  # fmt: skip


def _write(place: Path, made: Design) -> None:
    """The sources, without test vectors."""
    (place / "top.hpp").write_text(top_hpp(made))
    (place / "top.cpp").write_text(top_cpp(made))
    (place / "roms.hpp").write_text(roms_hpp(made))
    (place / "options.tcl").write_text(options_tcl(made))
    (place / "hls_config.cfg").write_text(hls_config(made))
    for name in ("run_hls.tcl", "testbench.cpp"):
        shutil.copyfile(HLS_FILES / "vitis" / name, place / name)
    shutil.copytree(HLS_FILES / "include", place / "include")


def _with_depths(folder: Path, made: Design, frames: np.ndarray, least: bool) -> Design:
    """The design with depths at which no fork and adder wait for each other."""
    words = pack_input(made.accelerator.input, frames[:FRAMES])
    with tempfile.TemporaryDirectory(prefix="hw_bnn_hls_") as draft:
        place = Path(draft) / "hls"
        place.mkdir()
        _write(place, made)
        shutil.copyfile(folder / "accelerator.json", Path(draft) / "accelerator.json")
        found = least_depths(Path(draft), made, words)

    def depth(channel):
        asked = found.get(channel.name, channel.depth)
        return asked if least else max(asked, channel.depth)

    channels = [dataclasses.replace(c, depth=depth(c)) for c in made.channels]
    return dataclasses.replace(made, channels=channels)


def _frames(accelerator: Accelerator) -> np.ndarray:
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
    step = accelerator.options.get("input_scale")
    golden = GoldenModel.from_onnx(
        folder / "model.onnx",
        input_datatype=accelerator.options.get("input_datatype"),
        input_scale=None if step is None else Fraction(str(step)),
    )
    scores = np.asarray(golden.scores(frames)).reshape(len(frames), -1)
    mode = accelerator.output.mode
    return pack_output(
        accelerator.output,
        None if mode == "label" else scores,
        None if mode == "scores" else np.asarray(golden.labels(scores)),
    )

