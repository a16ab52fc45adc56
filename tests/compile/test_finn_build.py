"""Our steps named in a configuration of FINN's own build: its graph, our RTL of it, and the design
that FINN's CreateStitchedIP makes of it give golden's scores."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.compile.compile_stages import PART
from tests.networks.qonnx_graph import random_integers
from tests.networks.support_case import end, net, norm

pytest.importorskip("finn")

from hw_bnn.compile.build import write_rtl
from hw_bnn.compile.dataflow import DataflowGraph, build_dataflow, run_dataflow, to_stream_order
from hw_bnn.compile.frontend import ImportedModel, import_model
from hw_bnn.compile.headless import builder, finn_session
from hw_bnn.compile.lowering import lower
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel
from hw_bnn.sim import NativeModel, pack_input, unpack_output

PADDED = ((2, 4, 3, 1, (1, 1, 1, 1)), (4, 3, 2, 2, (1, 0, 0, 1)), (3, 4, 1, 1, (1, 0, 1, 1)))
"""1-bit maps with exact zeros around them: 3x3, a strided 2x2 of other borders, a 1x1; each
another way to the border in the graph."""


def padded(layers=PADDED) -> onnx.ModelProto:
    made = net((2, 5, 6), quantiser="bipolar")
    for layer in layers:
        made.conv(*layer)
        norm(made, layer[1])
        made.bipolar()
    return end(made)


VIVADO = Path(__file__).with_name("finn_vivado.tcl")
IP_STEPS = ("step_hw_codegen", "step_hw_ipgen", "step_create_stitched_ip")


def build(model: onnx.ModelProto, folder: Path, outputs=(), steps=()):
    """Run `finn build` in FOLDER, by our steps and then `steps`, inside a finn_session()."""
    onnx.save(model, folder / "network.onnx")
    builder()
    from finn.builder.build_dataflow import build_dataflow_cfg
    from finn.builder.build_dataflow_config import DataflowBuildConfig, DataflowOutputType

    from hw_bnn.compile.steps import BUILD

    config = DataflowBuildConfig(
        output_dir=str(folder / "out"),
        synth_clk_period_ns=10.0,
        fpga_part=PART,
        target_fps=1e6,
        generate_outputs=[DataflowOutputType[name] for name in outputs],
        steps=[*BUILD, *steps],
        save_intermediate_models=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        # it notes the version of the Vivado of this name
        patch.setenv("XILINX_VIVADO", str(folder / "none"))
        assert build_dataflow_cfg(str(folder / "network.onnx"), config) == 0


def streams_of(folder: Path):
    """The graph that our last step left."""
    from qonnx.core.modelwrapper import ModelWrapper

    return ModelWrapper(str(folder / "out" / "intermediate_models" / "step_bnn_streams.onnx"))


def rtl_of(model, imported, folder: Path):
    """The accelerator that we write of a graph of FINN's build, in FOLDER."""
    folder.mkdir()
    return write_rtl(
        DataflowGraph(model),
        imported,
        folder,
        name="built",
        options={
            "board": None,
            "part": PART,
            "clk_period_ns": 10.0,
            "runtime_weights": False,
            "ensemble": False,
        },
    )


def simulated(rtl: Path, accelerator, x: np.ndarray) -> np.ndarray:
    with NativeModel(rtl, accelerator) as model:
        words = model.run(pack_input(accelerator.input, x)).words
    return unpack_output(accelerator.output, words)[0]


def test_zero_padded_convolutions_through_finns_build(tmp_path):
    model = padded()
    golden, imported = GoldenModel.from_onnx(model), import_model(model)
    x = random_integers(golden, 24, 1)
    scores = golden.scores(x)
    assert len(np.unique(scores)) > 2
    with finn_session():
        build(model, tmp_path)
    built = streams_of(tmp_path)
    assert np.array_equal(run_dataflow(built, to_stream_order(x, imported.graph.transpose)), scores)
    accelerator = rtl_of(built, imported, tmp_path / "a")
    layers = {node.layer for node in accelerator.nodes if node.op == "XnorMVAU_rtl"}
    assert layers <= {node.name for node in model.graph.node} and len(layers) == 4
    assert np.array_equal(simulated(tmp_path / "a" / "rtl", accelerator, x), scores)


def around_finns(accelerator) -> str:
    """FINN's design with the ports of our top: it lacks TLAST."""
    frame = accelerator.streams[-1]
    return f"""module {accelerator.top} (
    input logic ap_clk, input logic ap_rst_n,
    input logic [{accelerator.input.tdata_bits - 1}:0] s_axis_tdata,
    input logic s_axis_tvalid, output logic s_axis_tready, input logic s_axis_tlast,
    output logic [{frame.tdata_bits - 1}:0] m_axis_tdata,
    output logic m_axis_tvalid, input logic m_axis_tready, output logic m_axis_tlast
);
  logic [{frame.tdata_bits - 1}:0] data;
  logic valid, ready;
  finn_design_wrapper design_of_finn (
      .ap_clk, .ap_rst_n, .sim_finish(1'b0), .s_axis_0_TDATA(s_axis_tdata),
      .s_axis_0_TVALID(s_axis_tvalid), .s_axis_0_TREADY(s_axis_tready),
      .m_axis_0_TDATA(data), .m_axis_0_TVALID(valid), .m_axis_0_TREADY(ready));
  bnn_frame_last #(.BITS({frame.word_bits}), .WORDS({frame.words})) last (
      .ap_clk, .ap_rst_n, .s_axis_tdata(data), .s_axis_tvalid(valid), .s_axis_tready(ready),
      .m_axis_tdata, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast);
endmodule
"""


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="tclsh is not installed")
def test_finns_own_stitching_of_our_kernels(tmp_path, monkeypatch):
    """CreateStitchedIP's script, run by finn_vivado.tcl; the design it describes is simulated."""
    import finn

    model = padded(PADDED[:1])
    golden, imported = GoldenModel.from_onnx(model), import_model(model)
    x = random_integers(golden, 24, 2)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "vivado").write_text(f'#!/bin/sh\nexec tclsh "{VIVADO}" "$@"\n')
    (tools / "vivado").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.setenv("FINN_RTLLIB", str(Path(finn.__path__[0]) / "finn-rtllib"))
    with finn_session():
        build(model, tmp_path, outputs=["STITCHED_IP"], steps=IP_STEPS)
        accelerator = rtl_of(streams_of(tmp_path), imported, tmp_path / "a")
        rtl = tmp_path / "a" / "rtl"
        stitched = (tmp_path / "out/stitched_ip/all_verilog_srcs.txt").read_text().split()
        for source in map(Path, stitched):
            for file in source.parent.glob("*.hex"):
                shutil.copy(file, rtl)
            shutil.copy(source, rtl)
    names = [Path(source).name for source in stitched]
    wrapper = "finn_design_wrapper.v"
    assert wrapper in names
    names = [*dict.fromkeys(names), "bnn_frame_last.sv", f"{accelerator.top}.sv"]
    (rtl / f"{accelerator.top}.sv").write_text(around_finns(accelerator))
    ends = [accelerator.streams[0], accelerator.streams[-1]]
    files = [memory for node in accelerator.nodes for memory in node.memories]
    files = [m.model_copy(update={"file": m.file.removeprefix("built_")}) for m in files]
    nodes = [accelerator.nodes[-1].model_copy(update={"memories": files})]
    changed = accelerator.model_copy(update={"sources": names, "streams": ends, "nodes": nodes})
    scores = golden.scores(x)
    assert len(np.unique(scores)) > 2
    assert np.array_equal(simulated(rtl, changed, x), scores)


def test_zeros_that_no_threshold_makes_up_for_are_refused():
    """A graph without the pass that widens such maps (passes.py): refused, never wrong RTL."""
    made = net((2, 5, 6), quantiser="bipolar")
    made.conv(2, 4, 3, 1, (1, 1, 1, 1))
    made.add("GlobalAveragePool")
    model = end(made)
    options = dict(part=PART, target=None, folding={}, mode="scores", check=False, log=None)
    with pytest.raises(
        Unsupported, match="Conv_.*: exact zero padding of a 1-bit map .*thresholds"
    ):
        build_dataflow(model, ImportedModel(lower(model)), **options)
