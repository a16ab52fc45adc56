"""Our steps named in a configuration of FINN's own build: graph and RTL give golden's scores."""

from __future__ import annotations

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


def padded() -> onnx.ModelProto:
    """1-bit maps with exact zeros around them: 3x3, a strided 2x2 of other borders, a 1x1; each
    another way to the border in the graph."""
    made = net((2, 5, 6), quantiser="bipolar")
    made.conv(2, 4, 3, 1, (1, 1, 1, 1))
    norm(made, 4)
    made.bipolar()
    made.conv(4, 3, 2, 2, (1, 0, 0, 1))
    norm(made, 3)
    made.bipolar()
    made.conv(3, 4, 1, 1, (1, 0, 1, 1))
    norm(made, 4)
    made.bipolar()
    return end(made)


def build(model: onnx.ModelProto, folder):
    """What `finn build` leaves after our last step."""
    from qonnx.core.modelwrapper import ModelWrapper

    onnx.save(model, folder / "network.onnx")
    with finn_session():
        builder()
        from finn.builder.build_dataflow import build_dataflow_cfg
        from finn.builder.build_dataflow_config import DataflowBuildConfig

        from hw_bnn.compile.steps import BUILD

        config = DataflowBuildConfig(
            output_dir=str(folder / "out"),
            synth_clk_period_ns=10.0,
            fpga_part=PART,
            target_fps=1e6,
            generate_outputs=[],
            steps=list(BUILD),
            save_intermediate_models=True,
        )
        with (
            pytest.MonkeyPatch.context() as patch
        ):  # it notes the version of the Vivado of this name
            patch.setenv("XILINX_VIVADO", str(folder / "none"))
            assert build_dataflow_cfg(str(folder / "network.onnx"), config) == 0
    return ModelWrapper(str(folder / "out" / "intermediate_models" / "step_bnn_streams.onnx"))


def test_zero_padded_convolutions_through_finns_build(tmp_path):
    model = padded()
    golden, imported = GoldenModel.from_onnx(model), import_model(model)
    x = random_integers(golden, 24, 1)
    scores = golden.scores(x)
    assert len(np.unique(scores)) > 2
    built = build(model, tmp_path)
    assert np.array_equal(run_dataflow(built, to_stream_order(x, imported.graph.transpose)), scores)
    (tmp_path / "a").mkdir()
    accelerator = write_rtl(
        DataflowGraph(built),
        imported,
        tmp_path / "a",
        name="built",
        options={"board": None, "part": PART, "clk_period_ns": 10.0},
    )
    layers = {node.layer for node in accelerator.nodes if node.op == "XnorMVAU_rtl"}
    assert layers <= {node.name for node in model.graph.node} and len(layers) == 4
    with NativeModel(tmp_path / "a" / "rtl", accelerator) as rtl:
        found, _ = unpack_output(
            accelerator.output, rtl.run(pack_input(accelerator.input, x)).words
        )
    assert np.array_equal(found, scores)


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
