"""The C++ twins: the same words in, the same words out as the benches of the RTL."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from hw_bnn.hardwired import Layer, Network
from hw_bnn.hls import HLS_FILES
from hw_bnn.hls.twins import TWINS
from hw_bnn.kernels.base import PLACEMENT, SHARING
from hw_bnn.rtl import FOLDER, kernels, rtl_path, rtl_texts
from rtl_tests.bench import Data, Stream
from rtl_tests.hls import csim_bench
from rtl_tests.hls.shapes import draw, fixed
from rtl_tests.packing import pack_words

KERNELS = [*TWINS, "hardwired_flow"]
MANY = 200
SOME = 6
PARAMETER = re.compile(r"^ +parameter +(?:(?:int|bit) +)?(\w+) *= *([^,/\n]+)", re.M)
"""A parameter of a SystemVerilog module and its default."""


def cases(kernels, count, seed, corners=True):
    rng = np.random.default_rng(seed)
    found = []
    for kernel in kernels:
        found += fixed(kernel, rng) if corners else []
        found += [draw(kernel, rng) for _ in range(count)]
    return found


def test_every_kernel_of_every_shape_of_its_bench():
    """One compilation: the benches' corner shapes and a few random ones of each kernel."""
    csim_bench.run(cases(KERNELS, SOME, seed=1), optimise="-O0")


def test_every_kernel_has_both_forms():
    """What accelerators are made of, but for FIFOs (streams have depths), the frame counter and
    what comes with the config port."""
    include = HLS_FILES / "include/hw_bnn"
    for kernel in [*KERNELS, "popcount", "pool2d"]:
        assert rtl_path(kernel).is_file() and (include / f"{kernel}.hpp").is_file()
    benches = {p.name for p in FOLDER.parents[1].joinpath("rtl_tests").iterdir() if p.is_dir()}
    assert set(KERNELS) == benches & kernels() - {
        "config_gate",
        "ensemble",
        "fifo",
        "frame_last",
        "frame_repeat",
        "popcount",
    }


@pytest.mark.parametrize("kernel", TWINS)
def test_template_arguments_are_the_parameters(kernel):
    """In the order of the SystemVerilog, with its defaults, without files, placement and MMV."""
    text = rtl_texts(kernel)[rtl_path(kernel).name]
    found = {
        name: int(value.strip().replace("1'b", ""))
        for name, value in PARAMETER.findall(text.split(") (")[0])
        if name not in PLACEMENT | SHARING and not name.endswith(("_FILE", "_STYLE"))
    }
    assert list(found.items()) == list(TWINS[kernel].defaults.items())
    header = (HLS_FILES / "include/hw_bnn" / f"{kernel}.hpp").read_text()
    (arguments,) = re.findall(rf"template <([^>]+)>\s*void {kernel}\(", header)
    assert re.findall(r"(?:int|bool) (\w+)", arguments) == list(found)


def test_popcount_of_every_width():
    """Both forms, at widths around the limbs, against the number of ones drawn."""
    rng = np.random.default_rng(4)
    widths = [1, 2, 5, 31, 63, 64, 65, 128, 130, 576]
    for defines in ([], ["HW_BNN_PLAIN"]):
        found = []
        for mw in widths:
            bits = rng.integers(0, 2, (50, mw))
            network = Network([Layer(np.ones((1, mw), int), None)], 1)
            out = network.score_bits()
            data = Data(
                inputs={"s_axis": Stream(mw, pack_words(bits, 1, mw))},
                outputs={"m_axis": Stream(out, pack_words(bits.sum(1)[:, None], out, 1))},
                frames=50,
            )
            found.append(("hardwired_flow", network, data))
        csim_bench.run(found, optimise="-O0", defines=defines)


def test_a_stream_that_runs_dry_and_one_that_keeps_words_are_errors():
    kernel, shape, data = draw("pad", np.random.default_rng(1))
    more = dataclasses.replace(data, frames=data.frames + 1)
    output = data.outputs["m_axis"]
    fewer = dataclasses.replace(output, words=output.words[:-1])
    less = dataclasses.replace(data, outputs={"m_axis": fewer})
    assert csim_bench.results([(kernel, shape, more), (kernel, shape, less)]) == [
        "stream s_axis is read while empty",
        "stream m_axis keeps 1 words that nobody reads",
    ]


@pytest.mark.full
@pytest.mark.parametrize("kernel", KERNELS)
def test_many_random_shapes(kernel, shape_seed):
    csim_bench.run(cases([kernel], MANY, seed=shape_seed), optimise="-O0")


@pytest.mark.full
@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_synthesised_is_simulated(kernel):
    """Without the short cuts of C simulation: the loops that the HLS tool unrolls."""
    csim_bench.run(cases([kernel], 20, seed=2), optimise="-O0", defines=["HW_BNN_PLAIN"])


@pytest.mark.full
@pytest.mark.parametrize("kernel", KERNELS)
def test_open_ap_types_give_the_same_words(kernel):
    """AMD's own ap_int.h (Apache-2.0, in hls4ml's package) in the place of our shim."""
    found = importlib.util.find_spec("hls4ml")
    if found is None:
        pytest.skip("hls4ml is not installed (pip install --no-deps hls4ml==1.3.0)")
    types = Path(found.origin).parent / "templates/vivado/ap_types"
    csim_bench.run(cases([kernel], 6, seed=3), optimise="-O0", types=types)
