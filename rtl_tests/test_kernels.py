"""What holds for every kernel with a stream bench: lint-clean, accepted by Yosys, bad parameters
refused at elaboration."""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hw_bnn.rtl import FOLDER, PREFIX, module_of, rtl_path, rtl_sources
from hw_bnn.sim.verilator_env import verilator_environment
from rtl_tests.bench import file_name, top_text

KERNELS = [
    "affine_argmax",
    "fifo",
    "frame_last",
    "int_mvau",
    "requantise",
    "threshold",
    "vvau",
    "wide_mvau",
    "width_converter",
    "xnor_mvau",
]
MVAU = {"MW": 12, "MH": 4, "PE": 2, "SIMD": 3}
BAD = [
    ("xnor_mvau", MVAU | {"SIMD": 5}, "SIMD = 5 does not divide MW = 12"),
    ("xnor_mvau", MVAU | {"PE": 3}, "PE = 3 does not divide MH = 4"),
    ("xnor_mvau", MVAU | {"N_THRESHOLDS": 0, "OUT_BITS": 4}, "OUT_BITS = 4, but"),
    ("xnor_mvau", MVAU | {"PIPELINE": 5}, "PIPELINE = 5 is not in 0..4"),
    ("xnor_mvau", MVAU | {"N_THRESHOLDS": 3, "OUT_BITS": 1}, "3 thresholds do not fit one"),
    ("xnor_mvau", MVAU | {"N_THRESHOLDS": 4, "OUT_BITS": 2}, "levels 0 to 4 do not fit 2 bits"),
    ("xnor_mvau", MVAU | {"SIMD": 6, "MMV": 2}, "MMV = 2 needs SIMD = MW, one set of thresholds"),
    ("xnor_mvau", MVAU | {"SIMD": 12, "MMV": 2, "RUN": 5}, "and RUN = 5 in SIMD"),
    ("int_mvau", MVAU | {"SIMD": 6, "MMV": 2}, "MMV = 2 needs SIMD = MW, one set of thresholds"),
    ("int_mvau", MVAU | {"SIMD": 5}, "SIMD = 5 does not divide MW = 12"),
    ("int_mvau", MVAU | {"IN_BITS": 0}, "IN_BITS = 0 is not in 1..16"),
    ("int_mvau", MVAU | {"N_THRESHOLDS": 0, "OUT_BITS": 8}, "OUT_BITS = 8 is less than ACC_BITS"),
    ("wide_mvau", MVAU | {"WEIGHT_BITS": 1}, "WEIGHT_BITS = 1 is not in 2..9"),
    ("wide_mvau", MVAU | {"IN_BIPOLAR": 1}, "IN_BIPOLAR needs IN_BITS = 1, not 8"),
    ("vvau", MVAU | {"SIMD": 5}, "SIMD = 5 does not divide MW = 12"),
    ("vvau", MVAU | {"PE": 3}, "PE = 3 does not divide MH = 4"),
    ("vvau", MVAU | {"GROUP_IN": 2}, "SIMD = 3 and PE = 2 are not whole groups of 2 and 1"),
    ("vvau", MVAU | {"WEIGHT_BITS": 10}, "WEIGHT_BITS = 10 is not in 1..9"),
    ("vvau", MVAU | {"IN_BIPOLAR": 1}, "IN_BIPOLAR needs IN_BITS = 1, not 8"),
    ("vvau", MVAU | {"N_THRESHOLDS": 0, "OUT_BITS": 8}, "OUT_BITS = 8 is less than ACC_BITS"),
    ("threshold", {"CHANNELS": 6, "PE": 4}, "PE = 4 does not divide 6 channels"),
    ("requantise", {"CHANNELS": 6, "PE": 4}, "PE = 4 does not divide 6 channels"),
    ("requantise", {"PIECES": 3}, "PIECES = 3 is not 1 or 2"),
    ("requantise", {"SHIFT": 33}, "SHIFT = 33 of SUM_BITS = 34"),
    ("requantise", {"OFFSET_BITS": 35}, "SUM_BITS = 34 is less than a number of the table"),
    ("requantise", {"LOW": 128}, "LOW = 128 is above HIGH = 127"),
    ("requantise", {"HIGH": 128}, "8 bits do not hold LOW = -128 to HIGH = 128"),
    ("affine_argmax", {"N": 10, "PE": 3}, "PE = 3 does not divide N = 10"),
    ("affine_argmax", {"N": 10, "LABEL_BITS": 3}, "3 label bits do not hold 10 labels"),
    ("affine_argmax", {"A_BITS": 3, "B_BITS": 0}, "A_BITS = 3 and B_BITS = 0"),
    ("fifo", {"DEPTH": 0}, "DEPTH = 0 must be at least 1"),
    ("width_converter", {"FRAME_BITS": 0}, "FRAME_BITS = 0 must be at least 1"),
    ("frame_last", {"WORDS": 0}, "WORDS = 0 must be at least 1"),
]


def lint(*arguments):
    """Verilator's messages; "" is clean."""
    done = subprocess.run(
        ["verilator", "--lint-only", "-Wall", "--quiet", "-y", str(FOLDER), *map(str, arguments)],
        env=verilator_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def shapes_of(kernel):
    """The fixed shapes of a kernel's bench, and its function that draws data."""
    module = importlib.import_module(f"rtl_tests.{kernel}.test_{kernel}")
    sizes = getattr(module, "SIZES", None)
    return ([module.shape_of(*size) for size in sizes] if sizes else module.SHAPES), module.draw


def write_top(kernel, shapes, draw, folder):
    """bench_top.sv with all shapes, and the memory files that it names."""
    rng = np.random.default_rng(1)
    data = [draw(shape, rng) for shape in shapes]
    for i, item in enumerate(data):
        for parameter, memory in item.files.items():
            (folder / file_name(i, parameter)).write_text(memory.text())
    top = folder / "bench_top.sv"
    top.write_text(top_text(module_of(kernel), shapes, data))
    return top


def test_every_stream_kernel_has_a_bench_in_both_simulators():
    sink = re.compile(r"^ +input .*\bs_axis\w*_tvalid\b", re.M)
    kernels = {
        path.stem.removeprefix(PREFIX)
        for path in FOLDER.glob("*.sv")
        if sink.search(path.read_text())
    }
    assert kernels > set(KERNELS)
    for kernel in kernels:
        checked = {path.stem for path in rtl_sources(kernel, checks=True)}
        assert "bnn_stream_checker" in checked, f"{kernel} has no stream_checker on its output"
        bench = Path(__file__).parent / kernel / f"test_{kernel}.py"
        assert bench.is_file(), f"{kernel} has no bench"
        assert re.search(r'"icarus"|\(simulator\b', bench.read_text()), (
            f"{kernel} is not run in Icarus"
        )


@pytest.mark.parametrize("defines", [[], ["-DHW_BNN_CHECK", "-DHW_BNN_SIM"]])
@pytest.mark.parametrize("kernel", KERNELS)
def test_lint_is_clean(kernel, defines, tmp_path):
    shapes, draw = shapes_of(kernel)
    assert lint(*defines, write_top(kernel, shapes, draw, tmp_path)) == ""


@pytest.mark.parametrize("kernel, parameters, message", BAD)
def test_bad_parameters_are_refused(kernel, parameters, message):
    settings = [f"-G{name}={value}" for name, value in parameters.items()]
    assert message in lint(*settings, rtl_path(kernel))


def synthesise(kernel, shapes, draw, folder):
    """Cell counts of a top with these shapes, mapped for Xilinx 7-series as accelerators are."""
    pytest.importorskip("pyosys", reason="Yosys is missing: pip install 'hw-bnn[synth]'")
    from hw_bnn.synth.synthesis import synthesise as map_top

    top = write_top(kernel, shapes, draw, folder)
    return map_top(
        [*rtl_sources(kernel), top], "bench_top", "xc7", place=folder, cwd=folder, timeout_s=600
    )["cells"]


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_yosys_accepts(kernel, tmp_path):
    shapes, draw = shapes_of(kernel)
    cells = synthesise(kernel, shapes[1:5], draw, tmp_path)
    assert sum(count for name, count in cells.items() if name.startswith("LUT")) > 0, cells
    assert not [name for name in cells if name.startswith("LD")], "latches"


@pytest.mark.slow
def test_deep_weights_and_queues_go_to_block_memory(tmp_path):
    _, draw = shapes_of("xnor_mvau")
    shape = {"MW": 256, "MH": 128, "PE": 2, "SIMD": 16}  # 1024 words of 32 bits
    cells = synthesise("xnor_mvau", [shape], draw, tmp_path)
    assert cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) >= 1, cells
    _, draw = shapes_of("fifo")
    cells = synthesise("fifo", [{"BITS": 18, "DEPTH": 1024}], draw, tmp_path)
    assert cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) >= 1, cells
