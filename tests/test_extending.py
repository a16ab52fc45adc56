"""What CONTRIBUTING.md promises: so many files add a board, an optimiser, a stage,
an engine, a kernel, and no more.

The files are added to a copy of the package, laid out as the wheel installs it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import onnx
import pytest

from hw_bnn.accelerator.folder import reseal
from tests.networks.small_onnx import perceptron
from tests.small_accelerator import make_folder

ROOT = Path(__file__).resolve().parents[1]


class Copy:
    """A copy of the package to which files are added."""

    def __init__(self, folder: Path):
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__")
        for source, place in (("hw_bnn", ""), ("boards", "board_files"), ("hls", "hls_files")):
            shutil.copytree(ROOT / source, folder / "hw_bnn" / place, ignore=ignore)

    def add(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / ("" if name.startswith("rtl_tests") else "hw_bnn") / name
            assert not path.exists()
            path.parent.mkdir(exist_ok=True)
            path.write_text(dedent(text))

    def run(self, code: str) -> str:
        """What a program prints that uses the copy."""
        check = f"import hw_bnn as hb; assert hb.__file__.startswith({str(self.folder)!r})\n"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", check + dedent(code)], cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)}, capture_output=True, text=True,
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("copy"))
    onnx.save(perceptron(), made.folder / "model.onnx")
    return made


BOARD = """
    title: A toy board
    part: xc7a35tcpg236-1
    luts: 20800
    ffs: 41600
    brams: 50
    dsps: 90
"""


@pytest.mark.slow
def test_a_board_is_one_file(copy):
    copy.add({"board_files/toy/board.yaml": BOARD})
    told = copy.run("""
        from hw_bnn.errors import BadInput
        options = dict(check=False, fifo_sizing="none")
        made = hb.compile("model.onnx", "toy", board="toy", **options).description
        print(made.board, made.part, made.bound_cycles)
        try:
            hb.compile("model.onnx", "none", board="toyy", **options)
        except BadInput as error:
            print(error)
        """)
    fits, unknown = told.splitlines()
    assert fits.split()[:2] == ["toy", "xc7a35tcpg236-1"]
    assert "pynq-z2, toy, ultra96-v2" in unknown


OPTIMISER = '''
    """signSGD: w <- w - lr sign(dL/dw)."""

    import torch


    class SignSGD(torch.optim.Optimizer):
        def __init__(self, params, lr=1e-3):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for weight in group["params"]:
                    if weight.grad is not None:
                        weight.sub_(weight.grad.sign(), alpha=group["lr"])
'''

METHOD = '''
    """signSGD on latent weights, one of torch's optimisers on all others."""

    from typing import ClassVar, Literal

    from ...nn import binary_parameters
    from ...nn.schema import Section
    from ...optim.sign_sgd import SignSGD
    from ..schedule import Rate
    from .base import Method, TorchOptimiser, register


    class SignSGDSettings(Section):
        section: ClassVar[str] = "training.method (sign_sgd)"
        name: Literal["sign_sgd"] = "sign_sgd"
        lr: Rate = 1e-3
        real: TorchOptimiser


    @register
    class SignSGDMethod(Method[SignSGDSettings]):
        Settings = SignSGDSettings

        def build(self):
            self.add("weights", SignSGD(binary_parameters(self.model)), lr=self.settings.lr)
            self.add_real(self.settings.real)
'''


def test_an_optimiser_is_two_files(copy):
    copy.add({"optim/sign_sgd.py": OPTIMISER, "train/methods/sign_sgd.py": METHOD})
    told = copy.run("""
        import json
        from hw_bnn.errors import BadInput
        from hw_bnn.train.recipe_schema import recipe_schema
        method = {"name": "sign_sgd", "lr": {"start": 0.02, "end": 0.001, "kind": "linear"},
                  "real": {"lr": 0.01}}
        options = dict(quiet=True, tensorboard=False)
        change = {"training.method": method, "training.epochs": 12, "threads": 1}
        run = hb.train("digits_mlp", set=change, out="run", **options)
        print(json.loads((run / "result.json").read_text())["test_accuracy"])
        hb.export(run, "digits.onnx")
        print("SignSGDSettings" in recipe_schema()["$defs"])
        try:
            change["training.method"] = {**method, "ls": 1}
            hb.train("digits_mlp", set=change, out="none", **options)
        except BadInput as error:
            print(error)
        """)
    accuracy, described, refused = told.splitlines()
    assert float(accuracy) > 0.85 and described == "True"
    assert refused == "training.method (sign_sgd) has no key 'ls'; did you mean 'lr'?"


STAGE = '''
    """The frames in reverse: what a stage says of one frame depends on no other."""

    from ..stage import Stage, StageRun, register


    @register
    class Reversed(Stage):
        name, order, optional = "reversed", 45, True

        def run(self, case, x, advance):
            scores = case.golden.scores(x[::-1])[::-1]
            advance(len(x))
            return StageRun(scores {wrong})
'''


@pytest.mark.full
def test_a_stage_is_one_file(copy):
    copy.add({
        "verify/stages/reversed.py": STAGE.format(wrong=""),
        "verify/stages/wrong.py": STAGE.replace("reversed", "wrong").replace("45", "46").format(
            wrong="+ (x[:, :1] == 7)"
        ),
    })  # fmt: skip
    told = copy.run("""
        options = dict(frames=64, check=False, fifo_sizing="none")
        found = hb.verify("model.onnx", also=["reversed", "wrong"], **options)
        wrong = found["mismatches"]
        print("found", found["passed"], found["frames"]["reversed"], wrong["reversed"],
              0 < wrong["wrong"] < 64)
        """)
    assert "found False 64 0 True" in told.splitlines()


ENGINE = '''
    """The golden model in the accelerator's place."""

    import time

    from ...golden import GoldenModel
    from ..engine import Engine, register
    from ..results import SimulationResult


    @register
    class Model(Engine):
        name, order, offers = "model", 90, frozenset()

        def run(self, task, progress):
            scores = GoldenModel.from_onnx(task.folder / "model.onnx").scores(task.frames)
            return SimulationResult(
                engine=self.name, frames=len(scores), scores=scores, labels=None,
                cycles_per_frame=None, latency_cycles=None, cycles=None, seconds=1.0,
                build_seconds=0.0, seed=task.seed,
            )
'''


def test_an_engine_is_one_file(copy):
    copy.add({"sim/engines/model.py": ENGINE})
    make_folder(copy.folder / "net")
    onnx.save(perceptron((64, 8, 10)), copy.folder / "net/model.onnx")
    reseal(copy.folder / "net")
    told = copy.run("""
        import numpy as np
        from hw_bnn.errors import BadInput
        x = np.random.default_rng(1).integers(0, 16, (5, 64))
        run = hb.simulate("net", x, engine="model", trust=True)
        golden = hb.GoldenModel.from_onnx("net/model.onnx")
        print(np.array_equal(run.scores, golden.scores(x)), run.cycles)
        try:
            hb.simulate("net", x, engine="model", jobs=2, trust=True)
        except BadInput as error:
            print(error)
        """)
    assert told.splitlines() == [
        "True None",
        "the engine model does not offer several jobs; "
        "use the engine native or hls, or leave it out",
    ]


NEGATE = '''
    """Minus every element."""

    from .base import Kernel, Parts, register


    @register
    class Negate(Kernel):
        """A subtractor a lane."""

        name = "negate"
        defaults = {"PE": 2, "IN_BITS": 8, "IN_SIGNED": 1}

        def cost(self, parameters):
            return None
'''

NEGATE_SV = """
    // bnn_negate: out = -in, element by element, two's complement of IN_BITS + 1 bits.
    //
    // Latency 0. Initiation interval: 1 word a cycle.
    module bnn_negate #(
        parameter int PE        = 2,
        parameter int IN_BITS   = 8,
        parameter bit IN_SIGNED = 1,
        localparam int IN_TDATA  = (PE * IN_BITS + 7) / 8 * 8,
        localparam int OUT_TDATA = (PE * (IN_BITS + 1) + 7) / 8 * 8
    ) (
        input  logic                 ap_clk,
        input  logic                 ap_rst_n,
        input  logic [IN_TDATA-1:0]  s_axis_tdata,
        input  logic                 s_axis_tvalid,
        output logic                 s_axis_tready,
        output logic [OUT_TDATA-1:0] m_axis_tdata,
        output logic                 m_axis_tvalid,
        input  logic                 m_axis_tready
    );
      logic [PE*(IN_BITS+1)-1:0] word;
      for (genvar p = 0; p < PE; p++) begin : g_lane
        logic [IN_BITS-1:0] in;
        assign in = s_axis_tdata[p*IN_BITS +: IN_BITS];
        assign word[p*(IN_BITS+1) +: IN_BITS+1] = -{IN_SIGNED && in[IN_BITS-1], in};
      end
      assign m_axis_tdata  = OUT_TDATA'(word);
      assign m_axis_tvalid = s_axis_tvalid;
      assign s_axis_tready = m_axis_tready;

      logic unused;
      assign unused = &{1'b0, ap_clk, ap_rst_n, s_axis_tdata};

    `ifdef HW_BNN_CHECK
      bnn_stream_checker #(.BITS(OUT_TDATA)) u_check (
          .ap_clk, .ap_rst_n, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
      );
    `endif
    endmodule : bnn_negate
"""

NEGATE_BENCH = """
    import numpy as np

    from rtl_tests.bench import Bench, Data, Stream
    from rtl_tests.pixels import pack

    SHAPES = [dict(PE=2, IN_BITS=8, IN_SIGNED=1), dict(PE=3, IN_BITS=4, IN_SIGNED=0)]


    def draw(shape, rng):
        pe, bits = shape["PE"], shape["IN_BITS"]
        low = -(1 << bits - 1) if shape["IN_SIGNED"] else 0
        sent = rng.integers(low, low + (1 << bits), (60, pe))
        sent[0] = low
        return Data(inputs={"s_axis": Stream(pe * bits, pack(sent, pe, bits))},
                    outputs={"m_axis": Stream(pe * (bits + 1), pack(-sent, pe, bits + 1))},
                    frames=12, interval=5, latency=0)


    def test_negate(simulator):
        rng = np.random.default_rng(1)
        Bench("negate", SHAPES, simulator).run([draw(shape, rng) for shape in SHAPES], seed=1)
"""

NEGATE_RULE = '''
    """Neg in hardware (the rule that comes with hw_bnn turns the sign of the scale)."""

    from dataclasses import dataclass, replace

    from .integer_graph import Op
    from .ops.classes import custom_op
    from .ops.maps import MapOp
    from .registry import rule
    from .rules_elementwise import negative
    from .values import Activation


    @custom_op()
    class Negate_rtl(MapOp):
        kernel = "negate"

        def execute_node(self, context, graph):
            context[self.onnx_node.output[0]] = -context[self.onnx_node.input[0]]

        def infer_node_datatype(self, model):
            bits = self.get_input_datatype().bitwidth() + 1
            self.set_nodeattr("outputDataType", f"INT{bits}")
            super().infer_node_datatype(model)

        def kernel_parameters(self, model):
            dtype = self.get_input_datatype()
            return {"PE": self.get_nodeattr("SIMD"), "IN_BITS": dtype.bitwidth(),
                    "IN_SIGNED": int(dtype.signed())}


    @dataclass
    class Negate(Op):
        def emit(self, emitter):
            source, target = (emitter.graph.tensors[n] for n in (*self.inputs, self.output))
            shape = source.shape if len(source.shape) == 3 else (1, 1, *source.shape)
            emitter.map("Negate_rtl", self.inputs, emitter.out(target), source, shape,
                        outputDataType=target.datatype, **emitter.whose(self))


    @rule("Neg")
    def negate(state, node):
        """-(alpha u + beta) = alpha (-u) - beta."""
        value = state.value(node, 0)
        source = isinstance(value, Activation) and state.tensors[value.tensor]
        if not source or source.datatype == "BIPOLAR" or value.bends or value.pools:
            return negative(state, node)
        bits = int(source.datatype.lstrip("UINT")) + 1
        output = state.fresh()
        state.add_tensor(output, source.shape, -source.maximum, -source.minimum, node.output,
                         f"INT{bits}")
        state.ops.append(Negate(node.name, [value.tensor], output))
        beta = [-b for b in value.beta]
        state.values[node.output] = replace(value, tensor=output, beta=beta)
'''


@pytest.mark.full
def test_a_kernel_is_four_files(copy):
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "rtl_tests", copy.folder / "rtl_tests", ignore=ignore)
    copy.add({
        "kernels/negate.py": NEGATE,
        "rtl/bnn_negate.sv": NEGATE_SV,
        "rtl_tests/negate/test_negate.py": NEGATE_BENCH,
        "compile/rules_negate.py": NEGATE_RULE,
    })  # fmt: skip
    model = perceptron()
    first = next(node for node in model.graph.node if node.name == "layer0")
    minus = onnx.helper.make_node("Neg", [first.input[0]], ["minus"], "minus")
    model.graph.node.insert(list(model.graph.node).index(first), minus)
    first.input[0] = "minus"
    onnx.save(model, copy.folder / "minus.onnx")
    told = copy.run("""
        import numpy as np, pytest
        from hw_bnn.errors import Unsupported
        assert pytest.main(["-q", "rtl_tests/negate", "-p", "no:cacheprovider"]) == 0
        made = hb.compile("minus.onnx", "minus", target_cycles=16, fifo_sizing="none")
        x = np.random.default_rng(0).integers(0, 16, (200, 16))
        scores = made.simulate(x).scores
        print("kernels", *[node.kernel for node in made.description.nodes])
        print("exact", np.array_equal(scores, made.golden.scores(x)),
              len(np.unique(scores)) > 2, made.verify(inputs=x[:64])["passed"])
        try:
            hb.hls("minus")
        except Unsupported as error:
            print("refused", error)
        """).splitlines()
    assert next(line for line in told if line.startswith("kernels")).split().count("negate") == 1
    assert "exact True True True" in told
    refused = next(line for line in told if line.startswith("refused"))
    assert "Negate_rtl_0: the kernel negate has no HLS twin" in refused
