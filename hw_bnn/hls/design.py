"""An accelerator as HLS processes and channels: its nodes without the FIFOs,
its streams with depths.

A FIFO node is no process: the streams before and behind it are one channel, named as its producer's
stream, as deep as the FIFO.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..accelerator import Description, Node, Stream
from ..errors import BadInput, Unsupported
from .hardwired import core
from .tables import limb_rows
from .twins import TWINS

LEAST_DEPTH = 2
"""Words of a stream for which nothing asks more, Vitis' own default."""


@dataclass(frozen=True)
class Channel:
    """A stream between two processes: name, useful bits of a word, words a frame, depth in words,
    and the tensor of the model file that it carries, where there is one."""

    name: str
    word_bits: int
    words: int
    depth: int
    tensor: str | None
    tdata_bits: int


@dataclass(frozen=True)
class Process:
    """A call of a kernel's twin.

    template: the instantiated function. code: what is to be defined before it. units: the call's
    count for one frame. interval: steps of its loop for one frame. tables: name -> rows of limbs.
    """

    name: str
    kernel: str
    layer: str | None
    template: str
    inputs: list[str]
    outputs: list[str]
    units: int
    interval: int
    code: str = ""
    tables: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """Processes in dataflow order and the channels between them, input first, output last."""

    accelerator: Description
    processes: list[Process]
    channels: list[Channel]

    @property
    def inner(self) -> list[Channel]:
        return [c for c in self.channels if c.name not in ("s_axis", "m_axis")]

    @property
    def reconvergent(self) -> list[Channel]:
        """Channels on a path from a fork to what joins its branches: where too small a depth
        deadlocks."""
        producer = {name: p for p in self.processes for name in p.outputs}
        consumer = {name: p for p in self.processes for name in p.inputs}

        def reaches(channel: str, kernels: set[str], step: dict[str, Process], side: str) -> bool:
            process = step.get(channel)
            if process is None:
                return False
            further = getattr(process, side)
            return process.kernel in kernels or any(
                reaches(name, kernels, step, side) for name in further
            )

        return [
            c for c in self.inner
            if reaches(c.name, {"add", "concat"}, consumer, "outputs")
            and reaches(c.name, {"stream_fork"}, producer, "inputs")
        ]  # fmt: skip


def design(folder: Path, accelerator: Description) -> Design:
    """The HLS form of an accelerator folder, given its description as it was opened.

    Raises:
        BadInput: a memory file that is not as the description says.
        Unsupported: a kernel without a twin.
    """
    streams = {stream.name: stream for stream in accelerator.streams}
    joined = _joined(accelerator)
    depths: dict[str, int] = {}
    for node in accelerator.nodes:
        if node.kernel == "fifo":
            name = joined[node.inputs[0]]
            depths[name] = depths.get(name, 0) + (node.depth or 1)
    kept = [s for s in accelerator.streams if joined[s.name] == s.name]
    channels = [_channel(s, max(LEAST_DEPTH, depths.get(s.name, 0))) for s in kept]
    processes = [
        _process(folder, node, streams, joined)
        for node in accelerator.nodes
        if node.kernel not in ("fifo", "frame_last")
    ]
    return Design(accelerator, processes, channels)


def _joined(accelerator: Description) -> dict[str, str]:
    """Stream -> the channel that it is part of: its name, or the top's ports that it touches."""
    found = {stream.name: stream.name for stream in accelerator.streams}
    for node in accelerator.nodes:  # in dataflow order
        if node.kernel == "fifo":
            found[node.outputs[0]] = found[node.inputs[0]]
        if node.kernel == "frame_last":
            last = found[node.inputs[0]]
            found = {name: "m_axis" if joined == last else joined for name, joined in found.items()}
    return found


def _channel(stream: Stream, depth: int) -> Channel:
    return Channel(stream.name, stream.word_bits, stream.words, depth, stream.tensor,
                   stream.tdata_bits)  # fmt: skip


def _process(folder: Path, node: Node, streams: dict[str, Stream], joined: dict) -> Process:
    words = streams[node.inputs[0]].words
    inputs = [joined[name] for name in node.inputs]
    outputs = [joined[name] for name in node.outputs]
    if node.kernel == "hardwired_flow":
        code, template = _hardwired(folder, node, streams)
        return Process(
            node.name, node.kernel, node.layer, template, inputs, outputs, words, words, code
        )
    twin = TWINS.get(node.kernel)
    if twin is None:
        raise Unsupported(
            f"the kernel {node.kernel} has no HLS twin", node=node.name,
            remedy=f"kernels with one: {', '.join(TWINS)}",
        )  # fmt: skip
    tables = {
        f"{node.name}_{memory.parameter.removesuffix('_FILE').lower()}": _rows(
            folder, node, memory.parameter, memory.rows, memory.bits
        )
        for memory in twin.memories(node.parameters)
    }
    return Process(
        node.name,
        node.kernel,
        node.layer,
        twin.template(node.parameters),
        inputs,
        outputs,
        units=twin.units(node.parameters, words),
        interval=twin.interval(node.parameters, words),
        tables=tables,
    )


def _rows(folder: Path, node: Node, parameter: str, rows: int, bits: int) -> np.ndarray:
    """The memory's words, or zeros where the node has none."""
    memory = node.memory(parameter)
    if memory is None:
        return limb_rows(["0"] * rows, bits)
    path = folder / "rtl" / memory.file
    try:
        words = path.read_text().split()
        table = limb_rows(words, bits)
    except (OSError, ValueError, OverflowError) as error:
        raise BadInput(
            f"{path} cannot be read as a memory ({error})", remedy="compile the model again"
        ) from error
    if (len(words), memory.bits) != (rows, bits):
        raise BadInput(
            f"{path} has {len(words)} words of {memory.bits} bits where {node.kernel} reads {rows} "
            f"of {bits}", remedy="compile the model again",
        )  # fmt: skip
    return table


def _hardwired(folder: Path, node: Node, streams: dict[str, Stream]) -> tuple[str, str]:
    """(core, template): the constants stand in the dataflow graph alone."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    from ..compile.headless import builder, finn_session

    with finn_session():
        builder()
        from ..compile import finn_ops  # noqa: F401  registers the nodes

        model = ModelWrapper(str(folder / "dataflow.onnx"))
        op = getCustomOp(model.get_node_from_name(node.name))
        if op.positions(model) is not None:
            raise Unsupported(
                "constants behind exact zero padding of a bipolar map have no HLS twin",
                node=node.name, remedy="compile for it with this layer folded",
            )  # fmt: skip
        network = op.network(model)
    in_bits, out_bits = (streams[s[0]].word_bits for s in (node.inputs, node.outputs))
    name = f"{node.name}_core"
    text = core(name, network, out_bits // len(network.layers[0].weights))
    return text, f"hardwired_flow<{in_bits}, {out_bits}, {name}>"
