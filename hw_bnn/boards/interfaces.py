"""Attributes of Verilog ports by which Vivado knows a module's interfaces (UG1118, UG994).

>>> print(tagged("axis", "s_axis", "TDATA", "input", 8, "s_axis_tdata"))
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 s_axis TDATA" *)
    input  wire [7:0]   s_axis_tdata
"""

from __future__ import annotations

from collections.abc import Sequence

STREAM_SIGNALS = ("tdata", "tvalid", "tready", "tlast")


def tagged(kind: str, bus: str, signal: str, direction: str, bits: int, name: str) -> str:
    """The declaration of a port that is a signal of an interface.

    Args:
        kind: aximm or axis. direction: input or output. bits: 1 for a port without a range.
    """
    width = f"[{bits - 1}:0]" if bits > 1 else ""
    info = f'    (* X_INTERFACE_INFO = "xilinx.com:interface:{kind}:1.0 {bus} {signal}" *)'
    return f"{info}\n    {direction:6} wire {width:7} {name}"


def clock_and_reset(busses: Sequence[str]) -> str:
    """The ports ap_clk and ap_rst_n, to which these interfaces belong."""
    return "\n".join(
        [
            '    (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk CLK" *)',
            f'    (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF {":".join(busses)}, '
            'ASSOCIATED_RESET ap_rst_n" *)',
            "    input  wire         ap_clk,",
            '    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 ap_rst_n RST" *)',
            '    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)',
            "    input  wire         ap_rst_n",
        ]
    )


def stream(bus: str, bits: int, *, is_input: bool) -> list[str]:
    """Declarations of an AXI4-Stream's ports: tdata of `bits`, tvalid, tready, tlast."""
    there, back = ("input", "output") if is_input else ("output", "input")
    ways = (there, there, back, there)
    return [
        tagged(
            "axis", bus, signal.upper(), way, bits if signal == "tdata" else 1, f"{bus}_{signal}"
        )
        for signal, way in zip(STREAM_SIGNALS, ways, strict=True)
    ]
