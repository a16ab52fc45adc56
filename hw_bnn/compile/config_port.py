"""The config port of an accelerator whose weights are loaded at run time: numbers, chain, text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..accelerator import ConfigPort, Node, Stream
from ..accelerator.config_stream import chunks
from ..errors import Unsupported
from ..rtl import PREFIX
from .loadable import declared
from .ops.kernel import CHAIN_BITS

if TYPE_CHECKING:
    from .frontend import ImportedModel
    from .ops.argmax import AffineArgmax_rtl

GATE, PLACE = "config_gate", "config_node"
"""Kernels' parts: one at the port, one a node with memories."""
LONGEST = 32
"""Chunks of a packet: as many words as a LUT RAM is deep."""
MOST_CHUNKS, MOST_ROWS, MOST_NODES = 1 << 15, 1 << 24, 1 << 12
INPUT = "config_in"
"""Name of the top's wires behind the gate, of the input stream."""


def number_nodes(ops: Sequence, model) -> None:
    """Give the ops whose memories can be written their numbers, from 1.

    Raises:
        Unsupported: a memory beyond what the port's header can tell.
    """
    number = 0
    for op in ops:
        written = op.writable(op.kernel_parameters(model))
        number += bool(written)
        op.set_nodeattr("config", number if written else 0)
        for memory in written:
            if memory.rows >= MOST_ROWS or chunks(memory.word_bits) >= MOST_CHUNKS:
                raise Unsupported(
                    f"{memory.rows:,} words of {memory.word_bits:,} bits are too large to be "
                    "loaded at run time",
                    node=op.get_nodeattr("layer") or op.onnx_node.name,
                    remedy="compile for more cycles a frame, with fewer contexts, or without "
                    "runtime_weights=True",
                )
    if number >= MOST_NODES:
        raise Unsupported(
            f"{number:,} layers are too many to be loaded at run time",
            remedy="compile without runtime_weights=True",
        )


def config_port(nodes: Sequence[Node], imported: ImportedModel, head: AffineArgmax_rtl):
    """What accelerator.json tells of the port."""
    return ConfigPort(
        longest=LONGEST, total=total(nodes), weights=declared(imported.graph.ops),
        affine=[head.get_nodeattr("aBits"), head.get_nodeattr("bBits")], contexts=head.contexts,
    )  # fmt: skip


def total(nodes: Sequence[Node]) -> int:
    """Chunks of all memories."""
    written = [m for n in nodes for m in n.memories if m.number is not None]
    return sum(m.words * chunks(m.bits) for m in written)


def ports() -> list[str]:
    """Lines of the top's ports."""
    return [
        "    input  logic [31:0] s_axis_cfg_tdata,",
        "    input  logic s_axis_cfg_tvalid,",
        "    output logic s_axis_cfg_tready,",
        "    output logic [31:0] cfg_status,",
    ]


def body(nodes: Sequence[Node], source: Stream) -> list[str]:
    """Lines of the top: the chain's wires, and the gate in front of the first node."""
    links = [n.config for n in nodes if n.config is not None]
    wires = [f"  wire [{CHAIN_BITS - 1}:0] cfg_{i};" for i in [0, *links]]
    return [
        *wires,
        f"  wire {INPUT}_tvalid;",
        f"  wire {INPUT}_tready;",
        "",
        f"  {PREFIX}{GATE} #(.IN_WORDS({source.words}), .LONGEST({LONGEST}), "
        f".TOTAL({total(nodes)})) {GATE} (",
        "      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),",
        *(f"      .s_axis_cfg_{s}(s_axis_cfg_{s})," for s in ("tdata", "tvalid", "tready")),
        f"      .status(cfg_status), .cfg_out(cfg_0), .cfg_in(cfg_{max(links)}),",
        "      .s_valid(s_axis_tvalid), .s_ready(s_axis_tready),",
        f"      .m_valid({INPUT}_tvalid), .m_ready({INPUT}_tready),",
        "      .frame_out(m_axis_tvalid && m_axis_tready && m_axis_tlast)",
        "  );",
    ]
