"""The config port of an accelerator whose weights are loaded at run time: numbers, chain, text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..accelerator import ConfigPort, Node, RequantiserShape, Stream
from ..accelerator.config_stream import chunks
from ..errors import Unsupported
from ..rtl import PREFIX
from .loadable import declared
from .ops.kernel import CHAIN_BITS, PASS_BITS

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


def loaded_file(top: str) -> str:
    """Name of the memory file with the names of what contexts hold at the start."""
    return f"{top}_loaded.hex"


def config_port(
    nodes: Sequence[Node], imported: ImportedModel, head: AffineArgmax_rtl, top: str
) -> ConfigPort:
    """What accelerator.json tells of the port."""
    return ConfigPort(
        longest=LONGEST, total=total(nodes, head.contexts), loaded=loaded_file(top),
        weights=declared(imported.graph.ops), contexts=head.contexts,
        empty=starts_empty(nodes),
        requantisers=[None if shape is None else RequantiserShape(**asdict(shape))
                      for shape in imported.graph.requantisers],
        affine=[head.get_nodeattr("aBits"), head.get_nodeattr("bBits")],
    )  # fmt: skip


def starts_empty(nodes: Sequence[Node]) -> bool:
    """Whether a memory has no contents before a load."""
    return any(n.parameters.get("WEIGHTS_STYLE") == "ultra" for n in nodes)


def total(nodes: Sequence[Node], contexts: int) -> int:
    """Chunks of a context in all memories."""
    written = [m for n in nodes for m in n.memories if m.number is not None]
    return sum(m.words * chunks(m.bits) for m in written) // contexts


def ports(contexts: int) -> list[str]:
    """Lines of the top's ports."""
    return [
        "    input  logic [31:0] s_axis_cfg_tdata,",
        "    input  logic s_axis_cfg_tvalid,",
        "    output logic s_axis_cfg_tready,",
        "    output logic [31:0] cfg_status,",
        "    input  logic [7:0] cfg_context,  // whose name is asked for",
        "    output logic [31:0] cfg_loaded,",
        *(["    input  logic [7:0] s_axis_tuser,  // of a frame's first word: context + 1, or 0"]
          if contexts > 1 else []),
    ]  # fmt: skip


def body(nodes: Sequence[Node], source: Stream, contexts: int, top: str) -> list[str]:
    """Lines of the top: the chain's wires, and the gate in front of the first node."""
    links = [n.config for n in nodes if n.config is not None]
    wires = [f"  wire [{CHAIN_BITS - 1}:0] cfg_{i};" for i in [0, *links]]
    several, zero = contexts > 1, "8'b0"
    return [
        *wires,
        *([f"  wire [{PASS_BITS - 1}:0] passes;", "  wire pass_out;"] if several else []),
        f"  wire {INPUT}_tvalid;",
        f"  wire {INPUT}_tready;",
        "",
        f"  {PREFIX}{GATE} #(.IN_WORDS({source.words}), .LONGEST({LONGEST}), "
        f".TOTAL({total(nodes, contexts)}), .CONTEXTS({contexts}), "
        f".EMPTY({starts_empty(nodes):d}), "
        f'.LOADED_FILE("{loaded_file(top)}")) {GATE} (',
        "      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),",
        *(f"      .s_axis_cfg_{s}(s_axis_cfg_{s})," for s in ("tdata", "tvalid", "tready")),
        f"      .status(cfg_status), .cfg_out(cfg_0), .cfg_in(cfg_{max(links)}),",
        "      .which(cfg_context), .loaded(cfg_loaded),",
        "      .s_valid(s_axis_tvalid), .s_ready(s_axis_tready),",
        f"      .s_name({'s_axis_tuser' if several else zero}),",
        f"      .m_valid({INPUT}_tvalid), .m_ready({INPUT}_tready),",
        "      .frame_out(m_axis_tvalid && m_axis_tready && m_axis_tlast)",
        "  );",
    ]
