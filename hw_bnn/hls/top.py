"""The C++ of an accelerator's top: a dataflow region with a call a node and a stream an edge."""

from __future__ import annotations

from .design import Channel, Design, Process
from .tables import table

TOP = "bnn_accelerator_hls"
"""The top function, and the module that an HLS tool makes of it."""


def comment(text: str) -> str:
    """A user's name in a line of comment: nothing in it ends the line or goes on in the next."""
    return "".join(c if c.isprintable() and c not in "\\?" else "." for c in text)


def top_hpp(design: Design) -> str:
    """Declarations: what a test bench needs to know of the top."""
    source, sink = design.channels[0], design.channels[-1]
    return (
        f"// {TOP}: the accelerator's top function, generated.\n"
        "#pragma once\n\n"
        "#include <ap_int.h>\n#include <hls_stream.h>\n\n"
        "// Frames of one call: more than one only where the caller has so many at once.\n"
        "#ifndef HW_BNN_FRAMES\n#define HW_BNN_FRAMES 1\n#endif\n\n"
        f"typedef ap_uint<{source.word_bits}> in_word;\n"
        f"typedef ap_uint<{sink.word_bits}> out_word;\n"
        f"const int IN_WORDS = {source.words};  // of a frame\n"
        f"const int OUT_WORDS = {sink.words};\n\n"
        f"void {TOP}(hls::stream<in_word>& s_axis, hls::stream<out_word>& m_axis);\n"
    )


def roms_hpp(design: Design) -> str:
    """All memories, and the cores of hard-wired layers."""
    parts = [
        "// Memories of the accelerator, generated: a row is a word of the RTL's memory file, in\n"
        "// limbs of 64 bits, the lowest first.\n#pragma once\n"
    ]
    for process in design.processes:
        if process.tables or process.code:
            parts.append(
                f"// {process.name}{f' ({comment(process.layer)})' if process.layer else ''}\n"
            )
        parts += [table(name, rows) for name, rows in process.tables.items()]
        parts.append(process.code)
    return "\n".join(part for part in parts if part)


def top_cpp(design: Design) -> str:
    """The dataflow region: a function a node, by whose name a tool's reports call it."""
    kernels = sorted({process.kernel for process in design.processes})
    widths = {channel.name: channel.word_bits for channel in design.channels}
    lines = [
        f"// {TOP}: the accelerator for HLS tools, generated: a function a node, a stream an edge.",
        "// The words of s_axis and m_axis are the RTL's. There is no TLAST: frames are counted.",
        '#include "top.hpp"',
        "",
        *(f'#include "hw_bnn/{kernel}.hpp"' for kernel in kernels),
        '#include "roms.hpp"',
        "",
        *(_function(process, widths) for process in design.processes),
        f"void {TOP}(hls::stream<in_word>& s_axis, hls::stream<out_word>& m_axis) {{",
        "#pragma HLS INTERFACE axis port=s_axis",
        "#pragma HLS INTERFACE axis port=m_axis",
        "#pragma HLS INTERFACE ap_ctrl_none port=return",
        "#pragma HLS DATAFLOW",
        *(line for channel in design.inner for line in _declaration(channel)),
        "  HW_BNN_REGION;",
        *(_call(process) for process in design.processes),
        "}",
        "",
    ]
    return "\n".join(lines)


def _declaration(channel: Channel) -> list[str]:
    return [
        f'  hls::stream<ap_uint<{channel.word_bits}> > {channel.name}("{channel.name}");',
        f"#pragma HLS STREAM variable={channel.name} depth={channel.depth}",
        f"  HW_BNN_DEPTH({channel.name}, {channel.depth});",
    ]


def _function(process: Process, widths: dict[str, int]) -> str:
    """A node as a function of its streams and the number of frames."""
    inputs = [f"in{i}" for i in range(len(process.inputs))]
    outputs = [f"out{i}" for i in range(len(process.outputs))]
    streams = dict(zip([*inputs, *outputs], [*process.inputs, *process.outputs], strict=True))
    ports = [f"hls::stream<ap_uint<{widths[name]}> >& {port}" for port, name in streams.items()]
    units = "frames" if process.units == 1 else f"{process.units} * frames"
    if process.kernel == "stream_fork":
        arguments = [*inputs, units, *outputs]
    else:
        arguments = [*inputs, *outputs, *process.tables, units]
    note = f"// {comment(process.layer)}\n" if process.layer else ""
    head = f"static void {process.name}("
    parameters = (",\n" + " " * len(head)).join([*ports, "unsigned frames"])
    return (
        f"{note}{head}{parameters}) {{\n"
        "#pragma HLS INLINE off\n"
        f"  hw_bnn::{process.template}(\n      {', '.join(arguments)});\n}}\n"
    )


def _call(process: Process) -> str:
    arguments = [*process.inputs, *process.outputs, "HW_BNN_FRAMES"]
    return f"  HW_BNN_PROCESS({process.name}({', '.join(arguments)}));"
