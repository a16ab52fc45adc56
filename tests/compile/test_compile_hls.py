"""C++ for HLS tools: raw scores of C simulation = golden, faults named by layer, least depths."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import numpy as np
import onnx
import pytest

from tests.networks.support_cases import CASES

pytest.importorskip("finn")

from hw_bnn import cli
from hw_bnn.accelerator.folder import open_accelerator, reseal
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.frames import random_frames
from hw_bnn.golden import GoldenModel
from hw_bnn.hls import HLS_FILES, csim
from hw_bnn.hls.depths import least_depths
from hw_bnn.hls.design import LEAST_DEPTH, design
from hw_bnn.hls.files import reseal_files
from hw_bnn.hls.pragmas import faults
from hw_bnn.hls.top import TOP, comment
from hw_bnn.hls.write import hls
from hw_bnn.sim import stream_frames
from hw_bnn.sim.packing import pack_input, unpack_output
from hw_bnn.sim.verilator_env import find_compiler
from hw_bnn.simulation import simulate

ZERO_PADDING = "Padding of 1-bit maps: exact zeros (pads)"
POOL = "Max-pool: before BatchNorm, 3-bit activations"
ACTIVATIONS = "Quantiser: 4-bit signed"
RESIDUAL = "Residual: 4-bit shortcut"
SUPPORTED = [c.name for c in CASES if c.refused is None]
FRAMES = 1000


def accelerator(name: str, folder, **options):
    """A case of the support matrix, compiled, with its HLS code."""
    from hw_bnn.compile import compile_model

    model = next(c for c in CASES if c.name == name).build()
    onnx.save(model, folder / "net.onnx")
    options = {"target_cycles": 1000, "fifo_sizing": "none", "check": False} | options
    made = compile_model(folder / "net.onnx", folder / "accelerator", **options)
    hls(made)
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Name of a case -> its accelerator folder, compiled once."""
    folders = {}

    def get(name: str):
        if name not in folders:
            folders[name] = accelerator(name, tmp_path_factory.mktemp("hls"))
        return folders[name]

    return get


def check(folder, frames: int = FRAMES, **options) -> None:
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    x = random_frames(golden, frames, seed=3)
    result = stream_frames(folder, x, engine="hls", **options)
    scores, labels = result.scores, result.labels
    expected = np.asarray(golden.scores(x)).reshape(frames, -1)
    assert len(np.unique(expected)) > 3, "a dead network would hide mistakes"
    assert np.array_equal(scores, expected)
    assert np.array_equal(labels, golden.labels(expected))


@pytest.mark.parametrize("name", [ZERO_PADDING, POOL, ACTIVATIONS, RESIDUAL])
def test_raw_scores_are_the_golden_models(made, name):
    check(made(name), jobs=2)


def test_hard_wired_layers(tmp_path):
    check(accelerator("Dense: Gemm with bias", tmp_path, hardwired="all", target_cycles=None))


@pytest.mark.full
@pytest.mark.parametrize("name", SUPPORTED)
def test_every_supported_network(tmp_path, name):
    """Raw scores, and the pragmas of what is generated."""
    folder = accelerator(name, tmp_path)
    check(folder)
    assert faults((folder / "hls/top.cpp").read_text()) == []
    assert faults((folder / "hls/roms.hpp").read_text()) == []


def test_pragmas_of_generated_code_are_of_the_whitelist(made):
    """And a stream that is not there is found."""
    text = (made(RESIDUAL) / "hls/top.cpp").read_text()
    assert faults(text) == [] and text.count("#pragma HLS DATAFLOW") == 1
    stream = re.search(r"#pragma HLS STREAM variable=(\w+)", text)[1]
    wrong = text.replace(f"variable={stream} depth", "variable=elsewhere depth")
    (fault,) = faults(wrong)
    assert f"STREAM names elsewhere, which is not declared in {TOP}" in fault


def test_the_intervals_are_the_bound(made):
    """The manifest's: the folding's, and the slowest process is the RTL's slowest layer."""
    for name in (ZERO_PADDING, POOL, RESIDUAL):
        document = json.loads((made(name) / "hls/manifest.json").read_text())
        assert document["interval"] == document["rtl_bound_cycles"]
        assert {p["interval"] for p in document["processes"]} > {document["interval"]}


def test_the_same_accelerator_gives_the_same_bytes(made):
    folder = made(RESIDUAL)
    before = {p: p.read_bytes() for p in (folder / "hls").rglob("*") if p.is_file()}
    hls(folder)
    assert before == {p: p.read_bytes() for p in (folder / "hls").rglob("*") if p.is_file()}


def test_a_call_a_frame_gives_the_same_words(made):
    folder = made(POOL)
    with csim.opened(folder) as model:
        golden = GoldenModel.from_onnx(folder / "model.onnx")
        words = pack_input(model.accelerator.input, random_frames(golden, 40))
        assert np.array_equal(model.run(words), model.run(words, frame_by_frame=True))


@pytest.mark.parametrize("table", ["weights", "thresholds", "sets"])
def test_one_flipped_bit_is_found_and_its_layer_named(made, tmp_path, capsys, table):
    """In the first layer's memory, as it stands in roms.hpp."""
    folder = tmp_path / "accelerator"
    shutil.copytree(made(ZERO_PADDING), folder)
    accelerator = open_accelerator(folder)
    process = next(p for p in design(folder, accelerator).processes if p.kernel == "xnor_mvau")
    path = folder / "hls/roms.hpp"
    text = path.read_text()
    start = text.index(f" {process.name}_{table}[")
    row = re.compile(r"\{0x([0-9a-f]+)").search(text, start)
    flipped = int(row[1], 16) ^ 1
    path.write_text(f"{text[: row.start(1)]}{flipped:x}{text[row.end(1) :]}")
    with pytest.raises(BadInput, match="roms.hpp is not the file that hls wrote"):
        csim.opened(folder)
    reseal_files(folder)
    assert cli.run(["verify", str(folder), "--frames", "200", "--also", "hls"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: stages differ from the golden model: hls in "), error
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    first = golden.program.quantisers[1] if len(golden.program.quantisers) > 1 else None
    assert "hls differs from golden first in " in error and (first is None or first in error)


@pytest.mark.parametrize(
    "name",
    [RESIDUAL, *(pytest.param(name, marks=pytest.mark.full) for name in SUPPORTED
                 if name.startswith("Residual") and name != RESIDUAL)],
)  # fmt: skip
def test_least_depths_between_fork_and_adder(made, name):
    """With them all frames pass; one word less anywhere blocks, and the stream is named."""
    folder = made(name)
    made_design = design(folder, open_accelerator(folder))
    adders = {process.kernel for process in made_design.processes} & {"add"}
    assert bool(adders) == bool(made_design.reconvergent) == ("no hardware" not in name)
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    x = random_frames(golden, 20)
    words = pack_input(made_design.accelerator.input, x)
    model = csim.opened(folder, "bounded")
    depths = least_depths(model, made_design, words[:3])
    assert set(depths) == {c.name for c in made_design.reconvergent}
    if adders:
        assert max(depths.values()) > LEAST_DEPTH, "no stream has to wait"
    with model:
        scores, _ = unpack_output(model.accelerator.output, model.run_bounded(words, depths))
        assert np.array_equal(scores, np.asarray(golden.scores(x)).reshape(len(x), -1))
        blocked = [name for name, depth in depths.items() if depth > 1]
        for name in blocked:
            with pytest.raises(CheckFailed, match=f"deadlock: .*{name} is full"):
                model.run_bounded(words, depths | {name: depths[name] - 1})
        written = {c["name"]: c["depth"] for c in
                   json.loads((folder / "hls/manifest.json").read_text())["streams"]}  # fmt: skip
        assert all(written[name] >= depth for name, depth in depths.items())
        assert np.array_equal(model.run_bounded(words), model.run_bounded(words, depths))


@pytest.mark.parametrize("frames", [1, 4])
def test_the_test_bench_for_hls_tools_runs_here_too(made, tmp_path, frames):
    """testbench.cpp and top.cpp as two units, as Vitis compiles them, with our streams and numbers;
    a frame a call, and more of them."""
    folder = shutil.copytree(made(POOL) / "hls", tmp_path / "hls")
    places = [folder, folder / "include", *(HLS_FILES / "csim" / p for p in ("stream", "ap", "."))]
    command = [find_compiler(), "-std=c++14", "-Wno-unknown-pragmas", f"-DHW_BNN_FRAMES={frames}",
               *(f"-I{p}" for p in places), str(folder / "top.cpp"), str(folder / "testbench.cpp"),
               "-o", str(tmp_path / "bench")]  # fmt: skip

    def bench() -> tuple[int, list[str]]:
        subprocess.run(command, check=True, capture_output=True, text=True)
        run = subprocess.run([tmp_path / "bench"], capture_output=True, text=True)
        return run.returncode, run.stdout.splitlines()

    assert bench() == (0, ["0 words differ in 16 frames"])
    path = folder / "vectors.hpp"
    text = path.read_text()
    at = text.rindex("{0x") + 3  # the last word that is expected
    path.write_text(f"{text[:at]}{int(text[at], 16) ^ 1:x}{text[at + 1 :]}")
    code, lines = bench()
    assert code == 1 and lines[-1] == "1 words differ in 16 frames"
    assert lines[0].startswith("frame 15, ")


def test_the_wrapper_gives_the_tools_module_the_ports_of_the_rtls_top(made, tmp_path):
    """For the module that Vitis makes stands our RTL behind Vitis' port names, without TLAST."""
    folder = shutil.copytree(made(POOL), tmp_path / "accelerator")
    accelerator = open_accelerator(made(POOL))
    top = folder / "rtl" / f"{accelerator.top}.sv"
    bits = {"s": accelerator.input.tdata_bits, "m": accelerator.output.tdata_bits}
    stand_in = f"""
module {TOP} (
    input wire ap_clk, input wire ap_rst_n,
    input wire [{bits["s"] - 1}:0] s_axis_TDATA,
    input wire s_axis_TVALID, output wire s_axis_TREADY,
    output wire [{bits["m"] - 1}:0] m_axis_TDATA,
    output wire m_axis_TVALID, input wire m_axis_TREADY);
  inner inner (
      .ap_clk, .ap_rst_n, .s_axis_tdata(s_axis_TDATA), .s_axis_tvalid(s_axis_TVALID),
      .s_axis_tready(s_axis_TREADY), .s_axis_tlast(1'b0), .m_axis_tdata(m_axis_TDATA),
      .m_axis_tvalid(m_axis_TVALID), .m_axis_tready(m_axis_TREADY), .m_axis_tlast());
endmodule
"""
    inner = re.sub(rf"\b(module|endmodule :) {accelerator.top}\b", r"\1 inner", top.read_text())
    wrapper = folder / "hls/wrapper" / top.name
    top.write_text(f"{inner}\n{stand_in}\n{wrapper.read_text()}")
    reseal(folder)
    golden = GoldenModel.from_onnx(folder / "model.onnx")
    x = random_frames(golden, 12)  # the cocotb engine holds TLAST against the frames
    found = simulate(folder, x, engine="cocotb", stall=0.3)
    assert np.array_equal(found.scores, np.asarray(golden.scores(x)).reshape(len(x), -1))
    words = f".WORDS({accelerator.output.words})) tlast"
    head, tail = top.read_text().rsplit(words, 1)
    top.write_text(f"{head}.WORDS({accelerator.output.words + 1})) tlast{tail}")
    reseal(folder)
    with pytest.raises(CheckFailed, match="tlast"):
        simulate(folder, x, engine="cocotb")


def test_hls_refuses_what_is_no_accelerator(tmp_path, capsys):
    assert cli.run(["hls", str(tmp_path)]) == 2
    assert "is not an accelerator folder" in capsys.readouterr().err


def test_a_layers_name_stays_in_its_comment():
    assert comment("a\nint b;\r\u2028 \\ ??/") == "a.int b;.. . ../"
