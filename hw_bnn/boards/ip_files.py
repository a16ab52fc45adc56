"""What stands in an IP's folder besides the accelerator's sources: wrapper, templates, README."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Description
from ..accelerator.names import file_name
from . import BOARD_FILES
from .interfaces import STREAM_SIGNALS, clock_and_reset, stream

VENDOR, LIBRARY, VERSION = "hw_bnn", "user", "1.0"
TEMPLATES = BOARD_FILES / "ip"
_SHOWN = 32
"""Words of the example that the README shows; example.json has them all."""


@dataclass(frozen=True)
class Example:
    """A frame and what the golden model says of it.

    inputs, outputs: the words of s_axis and m_axis (words, bytes), the lowest byte first.
    """

    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    scores: list[int] | None
    label: int | None

    def document(self) -> dict:
        """For example.json: words as hexadecimal digits, the first to go first."""
        return {
            "s_axis_tdata": hex_words(self.inputs), "m_axis_tdata": hex_words(self.outputs),
            "scores": self.scores, "label": self.label,
        }  # fmt: skip


def hex_words(words: NDArray[np.uint8]) -> list[str]:
    """Each word as the number that tdata shows.

    >>> hex_words(np.array([[1, 2], [255, 0]], np.uint8))
    ['0201', '00ff']
    """
    return [word.tobytes()[::-1].hex() for word in words]


def module_of(accelerator: Description) -> str:
    """Name of the wrapper's module, and of the IP."""
    return f"{accelerator.top}_ip"


def wrapper(accelerator: Description) -> str:
    """Plain Verilog around the top, with the attributes by which Vivado finds its interfaces."""
    ports = [clock_and_reset(("s_axis", "m_axis"))]
    ports += stream("s_axis", accelerator.input.tdata_bits, is_input=True)
    ports += stream("m_axis", accelerator.output.tdata_bits, is_input=False)
    return Template((TEMPLATES / "wrapper.v.in").read_text()).substitute(
        MODULE=module_of(accelerator), TOP=accelerator.top, PORTS=",\n".join(ports),
        LINKS=_links("      .{0}({0})"),
    )  # fmt: skip


def verilog_instance(accelerator: Description) -> str:
    """A template of an instance in Verilog."""
    return (
        f"// An instance of {module_of(accelerator)}: copy, and connect your own signals.\n"
        f"{module_of(accelerator)} {accelerator.top}_i (\n{_links('    .{0}({0})')}\n);\n"
    )


def vhdl_instance(accelerator: Description) -> str:
    """The component's declaration and a template of an instance in VHDL."""
    module = module_of(accelerator)
    widths = {
        "s_axis_tdata": accelerator.input.tdata_bits,
        "m_axis_tdata": accelerator.output.tdata_bits,
    }
    inputs = {
        "ap_clk",
        "ap_rst_n",
        "s_axis_tdata",
        "s_axis_tvalid",
        "s_axis_tlast",
        "m_axis_tready",
    }
    ports = []
    for name in _names():
        bits = widths.get(name)
        kind = f"std_logic_vector({bits - 1} downto 0)" if bits else "std_logic"
        ports.append(f"    {name:13} : {'in ' if name in inputs else 'out'} {kind}")
    return (
        f"-- The component {module}: the declaration stands before the architecture's begin,\n"
        "-- the instance behind it. Copy, and connect your own signals.\n"
        f"component {module} is\n  port (\n"
        + ";\n".join(ports)
        + f"\n  );\nend component {module};\n\n"
        f"{accelerator.top}_i : {module}\n  port map (\n{_links('    {0} => {0}')}\n  );\n"
    )


def constraint(accelerator: Description) -> str:
    """The clock that the accelerator was compiled for, where the IP is synthesised by itself."""
    period = f"{accelerator.clk_period_ns:.3f}"
    return (
        "# For synthesis of the IP by itself (out of context); in a design your clock's own\n"
        f"# constraint holds. {module_of(accelerator)} was compiled for {period} ns.\n"
        f"create_clock -name ap_clk -period {period} [get_ports ap_clk]\n"
    )


def core_file(accelerator: Description, sources: list[str], memories: list[str]) -> str:
    """The FuseSoC core: simulation, lint and synthesis take its default target.

    Args:
        sources, memories: paths in the IP's folder; all names are simple (accelerator/names.py).
    """
    name = accelerator.top
    kinds = {"sv": "systemVerilogSource", "v": "verilogSource"}
    lines = [
        "CAPI=2:", f"name: {VENDOR}:{LIBRARY}:{name}:{VERSION}",
        f"description: 1-bit neural network {name}, AXI4-Stream in and out", "", "filesets:",
        "  rtl:", "    files:",
    ]  # fmt: skip
    for path in sources:
        lines.append(f"      - {path}: {{file_type: {kinds[path.rpartition('.')[2]]}}}")
    for path in memories:  # read by their bare names, from the folder in which a tool runs
        lines.append(f"      - {path}: {{file_type: user, copyto: {path.rpartition('/')[2]}}}")
    lines += [
        "", "targets:", "  default: &default", "    filesets: [rtl]",
        f"    toplevel: {module_of(accelerator)}", "  lint:", "    <<: *default",
        "    default_tool: verilator", "    tools:", "      verilator:", "        mode: lint-only",
        "        verilator_options: [-Wall]", "",
    ]  # fmt: skip
    return "\n".join(lines)


def readme(accelerator: Description, example: Example) -> str:
    """How to use the IP: reset, words, a frame in hexadecimal digits."""
    module = module_of(accelerator)
    source, sink = accelerator.input, accelerator.output
    return Template((TEMPLATES / "README.md.in").read_text()).substitute(
        MODULE=module, TOP=accelerator.top, NAME=file_name(accelerator.name), VENDOR=VENDOR,
        LIBRARY=LIBRARY, VERSION=VERSION, PERIOD=f"{accelerator.clk_period_ns:g}",
        CYCLES=accelerator.bound_cycles, IN_BITS=source.tdata_bits, OUT_BITS=sink.tdata_bits,
        IN_WORDS=source.words, OUT_WORDS=sink.words, IN_LAYOUT=_input_layout(accelerator),
        OUT_LAYOUT=_output_layout(accelerator),
        IN_HEX=_listing(hex_words(example.inputs)), OUT_HEX=_listing(hex_words(example.outputs)),
        MEANING=_meaning(example),
    )  # fmt: skip


def _names() -> list[str]:
    streams = [f"{bus}_{signal}" for bus in ("s_axis", "m_axis") for signal in STREAM_SIGNALS]
    return ["ap_clk", "ap_rst_n", *streams]


def _links(form: str) -> str:
    return ",\n".join(form.format(name) for name in _names())


def _input_layout(accelerator: Description) -> str:
    contract = accelerator.input
    if contract.datatype == "BIPOLAR":
        kind = "1 for +1 and 0 for -1"
    else:
        form = "two's complement" if contract.minimum < 0 else "unsigned"
        kind = f"{contract.minimum} to {contract.maximum}, {form}"
    size, word = contract.element_bits, contract.word_bits
    told = f"A frame has {contract.elements} elements of {size} bit{'s' * (size > 1)} ({kind})"
    if len(contract.stream_shape) > 1:
        shape = " x ".join(map(str, contract.stream_shape))
        told += f",\nheight, width, channels {shape}, the channel fastest"
    told += (
        f".\nElement i stands from bit {size} i of the frame on; word w holds the frame's bits from"
        f" {word} w on,\n{word} of them. What the last word has over is 0."
    )
    if spare := contract.tdata_bits - word:
        told += f" The upper {spare} bits of tdata are not read."
    return told


def _output_layout(accelerator: Description) -> str:
    contract = accelerator.output
    lanes, bits = contract.lanes, contract.score_bits
    parts = []
    if contract.mode != "label":
        form = "two's complement" if contract.signed else "unsigned"
        if contract.datatype == "BIPOLAR":
            form = "1 for +1 and 0 for -1"
        held = "score w" if lanes == 1 else f"the scores {lanes} w to {lanes} w + {lanes - 1}"
        each = "" if lanes == 1 else " each"
        parts.append(
            f"Word w holds {held} of {contract.scores}: {bits} bits{each} ({form}), from bit 0 on."
        )
    if contract.mode != "scores":
        high = contract.label_offset + contract.label_bits - 1
        parts.append(f"Bits {high}:{contract.label_offset} of the frame's last word are the label.")
    return "\n".join(parts)


def _listing(words: list[str]) -> str:
    shown = "\n".join(f"    {word}" for word in words[:_SHOWN])
    more = len(words) - _SHOWN
    return shown + (f"\n    ... {more} more, in example.json" if more > 0 else "")


def _meaning(example: Example) -> str:
    told = [] if example.scores is None else [
        "the scores " + ", ".join(map(str, example.scores[:_SHOWN]))
        + (" ..." if len(example.scores) > _SHOWN else "")
    ]  # fmt: skip
    told += [] if example.label is None else [f"the label {example.label}"]
    return " and ".join(told)
