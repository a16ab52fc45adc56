"""One top module out of a dataflow graph: an instance a node, a stream an edge.

The top's wires <stream>_tdata, <stream>_tvalid and <stream>_tready are what
simulations and reports name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from ..accelerator import Node, Stream
from ..kernels.base import CONTEXTS
from ..rtl import module_of, rtl_texts
from . import config_port
from .provenance import layers, origins

FRAME_LAST, FRAME_REPEAT, ENSEMBLE = "frame_last", "frame_repeat", "ensemble"
_OF_THIS_RUN = ("code_gen_dir_ipgen", "ipgen_path", "ip_path", "gen_top_module", "prefix")
"""Attributes whose folders and names have no place in the saved graph."""


@dataclass
class Stitched:
    """What was written to rtl/."""

    nodes: list[Node]
    streams: list[Stream]
    sources: list[str]


def stitch(
    model: ModelWrapper, rtl: Path, top: str, part: str, clk_period_ns: float,
    *, ensemble: bool = False,
) -> Stitched:  # fmt: skip
    """Write wrappers, memories, kernels and the module `top` into folder `rtl`; ensemble: a frame's
    results in all contexts leave as sums and votes.

    All but the kernels, which every accelerator shares, have names that begin with `top`: several
    accelerators may stand in one design.
    """
    streams = _streams(model, origins(model))
    by_tensor: dict[str, list[Stream]] = {}
    for tensor, stream in streams:
        by_tensor.setdefault(tensor, []).append(stream)
    owners = layers(model)
    nodes, own = [], []
    ops = [getCustomOp(node) for node in model.graph.node]
    contexts = max(op.contexts for op in ops)
    kernels: list[str] = []
    written: list[str] = []  # kernels that know of the config port
    (written if contexts > 1 and not ensemble else kernels).append(FRAME_LAST)
    loadable = any(op.loadable for op in ops)
    if loadable:
        config_port.number_nodes(ops, model)
        kernels += [config_port.GATE, config_port.PLACE]
    for node, op in zip(model.graph.node, ops, strict=True):
        op.set_nodeattr("code_gen_dir_ipgen", str(rtl))
        op.set_nodeattr("prefix", f"{top}_")
        op.generate_hdl(model, part, clk_period_ns)
        (written if op.get_nodeattr("config") else kernels).extend(op.kernels())
        own += op.own_sources()
        nodes.append(_describe(model, node, op, by_tensor, owners))
        for attribute in _OF_THIS_RUN:
            op.set_nodeattr(attribute, "")
    last, output = streams[-2][1], streams[-1][1]
    nodes.append(
        Node(
            name="tlast",
            op="FrameLast",
            kernel=FRAME_LAST,
            inputs=[last.name],
            outputs=[output.name],
            cycles=output.words,
            parameters={"BITS": output.word_bits, "WORDS": output.words},
        )
    )
    flat = [stream for _, stream in streams]
    if contexts > 1:
        nodes, flat = _in_contexts(nodes, flat, contexts)
        kernels.append(FRAME_REPEAT)
    if ensemble:
        nodes, flat = _summed(nodes, flat, ops[-1].kernel_parameters(model), contexts)
        kernels.append(ENSEMBLE)
    (rtl / f"{top}.sv").write_text(_top(top, nodes, flat, contexts))
    files = rtl_texts(*dict.fromkeys(kernels)) | rtl_texts(*dict.fromkeys(written), writable=True)
    for name, text in files.items():
        (rtl / name).write_text(text)
    sources = [*files, *own, f"{top}.sv"]
    (rtl / "files.f").write_text("\n".join(sources) + "\n")
    return Stitched(nodes, flat, sources)


def _in_contexts(
    nodes: list[Node], streams: list[Stream], contexts: int
) -> tuple[list[Node], list[Stream]]:
    """The nodes and streams with each frame repeated in front of them, once a context."""
    source, *inner = streams
    first = next(node for node in nodes if source.name in node.inputs)
    again = source.model_copy(
        update={"name": f"{FRAME_REPEAT}_out0", "producer": FRAME_REPEAT, "consumer": first.name}
    )
    inner = [s.model_copy(update={"words": contexts * s.words}) for s in (again, *inner)]
    found = [Node(
        name=FRAME_REPEAT, op="FrameRepeat", kernel=FRAME_REPEAT, inputs=[source.name],
        outputs=[again.name], cycles=contexts * source.words,
        parameters={"BITS": source.word_bits, "WORDS": source.words, "TIMES": contexts},
    )]  # fmt: skip
    for node in nodes:
        inputs = [again.name if name == source.name else name for name in node.inputs]
        more = {"inputs": inputs, "cycles": contexts * node.cycles}
        if node.name == "tlast":
            more["parameters"] = {**node.parameters, CONTEXTS: contexts}
        found.append(node.model_copy(update=more))
    return found, [source.model_copy(update={"consumer": FRAME_REPEAT}), *inner]


def _summed(
    nodes: list[Node], streams: list[Stream], label: dict[str, int | str], contexts: int
) -> tuple[list[Node], list[Stream]]:
    """The nodes and streams with the contexts' results summed up behind them.

    Args:
        label: parameters of the last layer's kernel.
    """
    *inner, last = nodes
    *before, output = streams
    parameters = {k: int(label[k]) for k in ("N", "PE", "SCORE_BITS", "LABEL_BITS")}
    parameters |= {"SCORE_SIGNED": int(label["IN_SIGNED"]), "TIMES": contexts}
    bits = parameters["SCORE_BITS"] + (contexts - 1).bit_length() + contexts.bit_length()
    words = parameters["N"]
    given = output.model_copy(
        update={"words": words, "word_bits": bits, "tdata_bits": -(-bits // 8) * 8}
    )
    sums = given.model_copy(
        update={"name": f"{ENSEMBLE}_out0", "producer": ENSEMBLE, "consumer": last.name}
    )
    found = Node(
        name=ENSEMBLE, op="Ensemble", kernel=ENSEMBLE, inputs=last.inputs, outputs=[sums.name],
        cycles=before[-1].words + words, parameters=parameters,
    )  # fmt: skip
    shape = {"BITS": bits, "WORDS": words}
    end = last.model_copy(update={"inputs": [sums.name], "cycles": words, "parameters": shape})
    before[-1] = before[-1].model_copy(update={"consumer": ENSEMBLE})
    return [*inner, found, end], [*before, sums, given]


def _streams(model: ModelWrapper, held: dict[str, str]) -> list[tuple[str, Stream]]:
    """(tensor, stream) of each edge: the input first, the last node's, the top's output last."""
    found = []
    name = model.graph.input[0].name
    consumer = model.find_consumer(name)
    op = getCustomOp(consumer)
    index = list(consumer.input).index(name)
    found.append(
        (
            name,
            _stream(
                "s_axis",
                "s_axis",
                consumer.name,
                op.get_folded_input_shape(index),
                op.get_instream_width(index),
                held.get(name),
            ),
        )
    )
    for node in model.graph.node:
        op = getCustomOp(node)
        for index, tensor in enumerate(node.output):
            consumer = model.find_consumer(tensor)
            words = op.get_folded_output_shape(index)
            if hasattr(op, "output_layout"):
                words = (op.output_layout()[3], 1)
            found.append(
                (
                    tensor,
                    _stream(
                        f"{node.name}_out{index}",
                        node.name,
                        consumer.name if consumer is not None else "tlast",
                        words,
                        op.get_outstream_width(index),
                        held.get(tensor),
                    ),
                )
            )
    last = found[-1][1]
    out = last.model_copy(update={"name": "m_axis", "producer": "tlast", "consumer": "m_axis"})
    return [*found, ("", out)]


def _stream(name, producer, consumer, folded, bits, origin) -> Stream:
    return Stream(
        name=name,
        producer=producer,
        consumer=consumer,
        tensor=origin,
        words=int(np.prod(folded[:-1])),
        word_bits=int(bits),
        tdata_bits=-(-int(bits) // 8) * 8,
    )


def _describe(model, node, op, by_tensor, owners) -> Node:
    def attribute(name):
        return int(op.get_nodeattr(name)) if name in op.get_nodeattr_types() else None

    inputs = [by_tensor[node.input[i]] for i in op.stream_inputs()]
    return Node(
        name=node.name,
        op=node.op_type,
        kernel=op.kernel,
        layer=owners.get(node.name),
        inputs=[s[0].name for s in inputs],
        outputs=[by_tensor[t][0].name for t in node.output],
        cycles=int(op.get_exp_cycles()),
        pe=attribute("PE"),
        simd=attribute("SIMD"),
        mw=attribute("MW"),
        mh=attribute("MH"),
        depth=attribute("depth"),
        config=attribute("config") or None,
        **op.described(model),
    )


def _wire(stream: str, signal: str, loadable: bool) -> str:
    """The top's wire of a stream; its input's handshake goes through the config port's gate."""
    if loadable and stream == "s_axis" and signal != "TDATA":
        return f"{config_port.INPUT}_{signal.lower()}"
    return f"{stream}_{signal.lower()}"


def _instances(top: str, nodes: list[Node], loadable: bool, contexts: int) -> list[str]:
    """Lines of the layers' instances."""
    lines: list[str] = []
    before = 0
    for node in nodes:
        links = [".ap_clk(ap_clk)", ".ap_rst_n(ap_rst_n)"]
        if node.config is not None:
            links += [f".cfg_in(cfg_{before})", f".cfg_out(cfg_{node.config})"]
            before = node.config
            links += [".passes(passes)"] if contexts > 1 else []
        for prefix, names in (("in", node.inputs), ("out", node.outputs)):
            for i, name in enumerate(names):
                links += [
                    f".{prefix}{i}_V_{s}({_wire(name, s, loadable)})"
                    for s in ("TDATA", "TVALID", "TREADY")
                ]
        instance = f"  {top}_{node.name} {node.name} ("
        lines += ["", instance, "      " + ",\n      ".join(links), "  );"]
    return lines


def _plain(node: Node, loadable: bool) -> list[str]:
    """Lines of a kernel's instance without a wrapper: what repeats frames, what sums results."""
    given = ", ".join(f".{name}({value})" for name, value in node.parameters.items())
    ends = (("s_axis", node.inputs[0]), ("m_axis", node.outputs[0]))
    links = ["      .passes(passes)", "      .pass_out(pass_out)"]
    links += ["      .s_axis_tuser(s_axis_tuser)"] if node.name == FRAME_REPEAT else []
    links += [
        f"      .{port}_{s.lower()}({_wire(name, s, loadable)})"
        for port, name in ends
        for s in ("TDATA", "TVALID", "TREADY")
    ]
    begin = f"  {module_of(node.kernel)} #({given}) {node.name} ("
    return ["", begin, "      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),", ",\n".join(links), "  );"]


def _top(top: str, nodes: list[Node], streams: list[Stream], contexts: int) -> str:
    source, output = streams[0], streams[-1]
    loadable = any(node.config for node in nodes)
    plain = [node for node in nodes if node.name in (FRAME_REPEAT, ENSEMBLE)]
    layers = [node for node in nodes[:-1] if node not in plain]
    lines = [
        f"// {top}: the accelerator, generated; one instance a layer, one stream an edge.",
        f"// Frame in: {source.words} words of {source.word_bits} bits; "
        f"frame out: {output.words} words of {output.word_bits} bits.",
        "// TLAST is ignored at the input and set on the last word of each frame at the output.",
        f"module {top} (",
        "    input  logic ap_clk,",
        "    input  logic ap_rst_n,",
        *(config_port.ports(contexts) if loadable else []),
        f"    input  logic [{source.tdata_bits - 1}:0] s_axis_tdata,",
        "    input  logic s_axis_tvalid,",
        "    output logic s_axis_tready,",
        "    /* verilator lint_off UNUSEDSIGNAL */",
        "    input  logic s_axis_tlast,  // frames are counted in words",
        "    /* verilator lint_on UNUSEDSIGNAL */",
        f"    output logic [{output.tdata_bits - 1}:0] m_axis_tdata,",
        "    output logic m_axis_tvalid,",
        "    input  logic m_axis_tready,",
        "    output logic m_axis_tlast",
        ");",
        "",
    ]
    for stream in streams[1:-1]:
        lines += [
            f"  wire [{stream.tdata_bits - 1}:0] {stream.name}_tdata;",
            f"  wire {stream.name}_tvalid;",
            f"  wire {stream.name}_tready;",
        ]
    lines += config_port.body(nodes, source, contexts, top) if loadable else []
    for node in plain:
        lines += _plain(node, loadable)
    lines += _instances(top, layers, loadable, contexts)
    last = nodes[-1]
    several = CONTEXTS in last.parameters
    given = ", ".join(f".{name}({value})" for name, value in last.parameters.items())
    lines += [
        "",
        f"  {module_of(FRAME_LAST, writable=several)} #({given}) {last.name} (",
        "      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),",
        *(["      .passes(passes), .pass_out(pass_out),"] if several else []),
        *(f"      .s_axis_{s}({last.inputs[0]}_{s})," for s in ("tdata", "tvalid", "tready")),
        "      .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid),",
        "      .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast)",
        "  );",
        "",
        f"endmodule : {top}",
        "",
    ]
    return "\n".join(lines)
