"""FINN's dataflow graph: built by its steps and ours, executed in Python for comparison."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx

from ..errors import BadInput, CheckFailed
from .boards import NOTHING, Budget
from .frontend import ImportedModel
from .limits import begin

if TYPE_CHECKING:
    from qonnx.core.modelwrapper import ModelWrapper

    from .hardwiring import Wiring

SAMPLE_FRAMES = 4
SKIPPED = ("WidthConverter_rtl", "Fifo_rtl")
"""Ops that move words and change no value: left out of Python execution."""
BATCH_FIRST = ("numInputVectors", "inp_shape", "out_shape")
"""Attributes of FINN's ops (layers, its Reshape) that begin with the number of frames."""


@dataclass
class DataflowGraph:
    """A graph of RTL ops.

    Attributes:
        model: qonnx ModelWrapper.
        why: the folding explained (folding_report.py).
    """

    model: ModelWrapper
    why: dict[str, object] = field(default_factory=dict)

    def ops(self):
        from qonnx.custom_op.registry import getCustomOp

        return [getCustomOp(n) for n in self.model.graph.node]

    def head(self):
        """The last op, which gives scores and label."""
        return next(op for op in self.ops() if op.onnx_node.op_type == "AffineArgmax_rtl")

    def folding(self) -> dict[str, dict[str, int]]:
        """PE, SIMD and MMV of every node that has them: a folding file's contents."""
        from .choices import FOLDING, folds

        found = {}
        for op in self.ops():
            values = {k: int(op.get_nodeattr(k)) for k in FOLDING if folds(op, k)}
            if values:
                found[op.onnx_node.name] = values
        return found

    def set_fifo_depths(self, depths: dict[str, int]) -> None:
        """Depth in words by FIFO name."""
        for op in self.ops():
            if op.onnx_node.name in depths:
                op.set_nodeattr("depth", int(depths[op.onnx_node.name]))

    def save(self, path: Path) -> None:
        """Write the graph; the same graph gives the same bytes."""
        proto = copy.deepcopy(self.model.model)
        for node in proto.graph.node:
            keep = [
                a
                for a in sorted(node.attribute, key=lambda a: a.name)
                if a.name not in ("code_gen_dir_ipgen", "ipgen_path", "ip_path")
            ]
            del node.attribute[:]
            node.attribute.extend(keep)
        path.write_bytes(proto.SerializeToString(deterministic=True))


def build_dataflow(
    proto: onnx.ModelProto,
    imported: ImportedModel,
    *,
    part: str,
    target: int | None,
    folding,
    mode: str,
    check: bool,
    log: Path | None,
    say=lambda _name: None,
    board: str | None = None,
    memory: str = "auto",
    wiring: Wiring | None = None,
    contexts: int = 0,
    reserve: Budget = NOTHING,
) -> DataflowGraph:
    """Run FINN's builder steps and ours on an imported model.

    Args:
        target: cycles a frame, or None where no folding is given for the default or the nearest
            that is possible; with a board, for the best rate that it holds.
        folding: None, a dictionary, or "finn" (SetFolding).
        check: compare with the golden model after every step.
        log: file for what FINN prints.
        board: what has to hold the accelerator; None for no limit.
        memory: where weights stand: "auto", "lut", "block" or "ultra".
        wiring: which layers become netlists of constants (hardwiring.py); None for no layer.
        contexts: sets of weights that are loaded at run time; 0 where they are constants.
        reserve: what of the board is for what the folding search does not count.

    Raises:
        CheckFailed: a step changed a raw score; names the step.
    """
    from .headless import builder, finn_session, outside

    say = outside(say)
    with finn_session(log) as workspace:
        finn_steps = builder()
        from . import steps as own
        from .folding import DEFAULT_TARGET_CYCLES, fold
        from .folding_report import explain
        from .provenance import layers

        config = _finn_config(workspace, part, target or DEFAULT_TARGET_CYCLES)
        checker = _Checker(proto, imported) if check else None
        model = imported.finn_model(mode)

        def run(name):
            nonlocal model
            begin(name)
            say(name)
            step = getattr(own, name, None) or getattr(finn_steps, name)
            model = step(model, config)
            if checker:
                checker.compare(model, name)

        for name in own.BEFORE_FOLDING:
            run(name)
        if folding == "finn":
            run("step_target_fps_parallelization")
        run("step_bnn_rtl_ops")
        if contexts:
            own.make_loadable(model, contexts)
        run("step_bnn_bit_widths")  # before folding: costs depend on them, they do not on folding
        say("folding")
        search, plan = fold(
            model, folding, target=target, board=board, memory=memory, wiring=wiring,
            reserve=reserve,
        )  # fmt: skip
        if checker:
            checker.compare(model, "folding")
        run("step_bnn_streams")
        return DataflowGraph(model, explain(search, plan, layers(model), target))


def _finn_config(workspace: Path, part: str, target: int):
    """What FINN's builder steps read."""
    from finn.builder.build_dataflow_config import DataflowBuildConfig

    return DataflowBuildConfig(
        output_dir=str(workspace / "out"),
        synth_clk_period_ns=10.0,
        fpga_part=part,
        generate_outputs=[],
        standalone_thresholds=False,
        target_fps=1e8 // target,
    )


def execute(folder: str | Path, x: np.ndarray, *, batch: int = 256) -> np.ndarray:
    """Scores of an accelerator's dataflow graph, executed by FINN in Python.

    Args:
        x: integers (frames, *input.shape), in the shape of the model file.
        batch: frames executed at once.

    Returns:
        int64 (frames, scores).

    Raises:
        BadInput: the folder is no accelerator, or x does not fit its input.
    """
    with _loaded(folder, x) as (_, model, frames):
        return run_dataflow(model, frames, batch)


def trace(
    folder: str | Path, x: np.ndarray, shapes: dict[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """What an accelerator's dataflow graph holds of the model file's tensors, executed by
    FINN in Python.

    Args:
        x: as for `execute`; all frames are executed at once.
        shapes: tensor of the model file -> shape of one frame, (C,) or (C, H, W). Where the
            compiler has moved a pool behind a quantiser, two edges stand for its tensor: the one of
            this size is taken.

    Returns:
        tensor -> int64 (frames, *shape), of the tensors that the graph holds.

    Raises:
        As `execute`.
    """
    from qonnx.core.onnx_exec import execute_onnx

    with _loaded(folder, x) as (accelerator, model, frames):
        runnable = _with_batch(model, len(frames))
        values = execute_onnx(runnable, _fed(runnable, frames), return_full_exec_context=True)
        outputs = {node.name: node.output for node in runnable.graph.node}
    found: dict[str, np.ndarray] = {}
    for stream in accelerator.streams:
        if stream.tensor in shapes and stream.producer in outputs:
            index = int(stream.name.removeprefix(f"{stream.producer}_out"))
            value = np.rint(values[outputs[stream.producer][index]]).astype(np.int64)
            shape = (len(frames), *shapes[stream.tensor])
            if value.size == np.prod(shape):
                value = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
                found.setdefault(stream.tensor, value.reshape(shape))
    return found


@contextmanager
def _loaded(folder: str | Path, x: np.ndarray):
    """(accelerator, its dataflow graph, frames in stream order) in a session of FINN."""
    from qonnx.core.modelwrapper import ModelWrapper

    from ..accelerator.folder import DATAFLOW, open_accelerator
    from .headless import builder, finn_session

    accelerator = open_accelerator(folder, needs=[DATAFLOW])
    contract = accelerator.input
    x = np.asarray(x)
    if x.shape[1:] != tuple(contract.shape):
        raise BadInput(
            f"frames have the shape {x.shape[1:]}", remedy=f"use {tuple(contract.shape)}"
        )
    with finn_session():
        builder()
        from . import finn_ops  # noqa: F401

        model = ModelWrapper(str(Path(folder) / "dataflow.onnx"))
        yield accelerator, model, to_stream_order(x, contract.transpose)


def to_stream_order(x: np.ndarray, transpose) -> np.ndarray:
    """Frames of the model file's shape -> channel fastest."""
    return x.transpose(0, *(t + 1 for t in transpose)) if transpose else x


def run_dataflow(model, frames: np.ndarray, batch: int = 256) -> np.ndarray:
    """Execute a graph (before or after folding) on int frames in stream order; int64 scores."""
    from qonnx.core.onnx_exec import execute_onnx

    outputs = []
    for start in range(0, len(frames), batch):
        part = frames[start : start + batch]
        runnable = _with_batch(model, len(part))
        result = execute_onnx(runnable, _fed(runnable, part))[runnable.graph.output[0].name]
        exact = np.rint(result).astype(np.int64)
        if not np.array_equal(exact, result):
            raise CheckFailed("the dataflow graph gave a score that is no integer")
        outputs.append(exact.reshape(len(part), -1))
    return np.concatenate(outputs) if outputs else np.zeros((0, 0), np.int64)


def _fed(model, frames: np.ndarray) -> dict[str, np.ndarray]:
    """The input of a graph; frames of one axis besides the channels are maps of height 1 in it."""
    name = model.graph.input[0].name
    return {name: frames.astype(np.float32).reshape(model.get_tensor_shape(name))}


def _with_batch(model, batch: int):
    """A copy for `batch` frames, without the ops that only move words."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    from .steps import retype_layers

    copied = ModelWrapper(copy.deepcopy(model.model))
    retype_layers(
        copied
    )  # FINN's MVAU executes bipolar x bipolar as a popcount, not as a dot product
    for node in [n for n in copied.graph.node if n.op_type in SKIPPED]:
        consumer = copied.find_consumer(node.output[0])
        if consumer is None:  # the last one writes the graph output
            producer = copied.find_producer(node.input[0])
            producer.output[list(producer.output).index(node.input[0])] = node.output[0]
        else:
            consumer.input[list(consumer.input).index(node.output[0])] = node.input[0]
        copied.graph.node.remove(node)
    parameters = {i.name for i in copied.graph.initializer}
    names = {n for node in copied.graph.node for n in [*node.input, *node.output]} - parameters
    for name in names | {copied.graph.input[0].name, copied.graph.output[0].name}:
        shape = copied.get_tensor_shape(name)
        if shape:
            copied.set_tensor_shape(name, [batch, *shape[1:]])
    for node in copied.graph.node:
        if node.domain.startswith("finn"):
            op = getCustomOp(node)
            for name in set(BATCH_FIRST) & set(op.get_nodeattr_types()):
                op.set_nodeattr(name, [batch, *list(op.get_nodeattr(name))[1:]])
        elif node.op_type == "Reshape":
            shape_name = node.input[1]
            old = copied.get_initializer(shape_name)
            copied.set_initializer(shape_name, np.array([batch, *old[1:]], dtype=np.int64))
    return copied


class _Checker:
    """Raw scores of sample frames, from the golden model, to hold every step against."""

    def __init__(self, proto: onnx.ModelProto, imported: ImportedModel):
        from ..golden import GoldenModel

        graph = imported.graph
        tensor = graph.tensors[graph.input]
        rng = np.random.default_rng(0)
        shape = (SAMPLE_FRAMES, *graph.model_shape)
        x = rng.integers(tensor.minimum, tensor.maximum, shape, endpoint=True)
        x[0], x[1] = tensor.minimum, tensor.maximum
        if tensor.datatype == "BIPOLAR":
            x = np.where(x > 0, 1, -1)
        golden = GoldenModel.from_onnx(
            proto, input_datatype=imported.input_datatype, input_scale=imported.input_scale
        )
        self.scores = np.asarray(golden.scores(x)).reshape(SAMPLE_FRAMES, -1)
        self.frames = to_stream_order(x, graph.transpose)

    def compare(self, model, step: str) -> None:
        found = run_dataflow(model, self.frames)
        wrong = np.argwhere(found != self.scores)
        if len(wrong):
            frame, score = wrong[0]
            raise CheckFailed(
                f"after {step} the graph differs from the golden model in {len(wrong)} scores, "
                f"first in frame {frame}, score {score}: {found[frame, score]} instead of "
                f"{self.scores[frame, score]}",
                remedy="this is a defect of the compiler: please report it with the model",
            )
