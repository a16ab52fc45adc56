"""A core that gives out the bytes that it takes, in words of another width: the tests' core."""

from __future__ import annotations

import math

ECHO = """
module echo (
  input logic ap_clk, ap_rst_n,
  input logic [{in_msb}:0] s_axis_tdata, input logic s_axis_tvalid, output logic s_axis_tready,
  input logic s_axis_tlast,
  output logic [{out_msb}:0] m_axis_tdata, output logic m_axis_tvalid, input logic m_axis_tready,
  output logic m_axis_tlast
);
  bnn_width_converter #(
      .IN_BITS({in_bits}), .OUT_BITS({out_bits}), .FRAME_BITS({frame_bits})) convert (
      .ap_clk, .ap_rst_n, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
      .m_axis_tdata, .m_axis_tvalid, .m_axis_tready);
  assign m_axis_tlast = 1'b0;
endmodule : echo
"""


def frame_bytes(in_bytes: int, out_bytes: int) -> int:
    """Bytes of the shortest frame of whole words on both sides."""
    return math.lcm(in_bytes, out_bytes)


def echo_core(in_bytes: int, out_bytes: int) -> str:
    """SystemVerilog of module echo; it needs the kernel width_converter."""
    return ECHO.format(
        in_msb=8 * in_bytes - 1, out_msb=8 * out_bytes - 1,
        in_bits=8 * in_bytes, out_bits=8 * out_bytes,
        frame_bits=8 * frame_bytes(in_bytes, out_bytes),
    )  # fmt: skip
