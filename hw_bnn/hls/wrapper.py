"""What stands around the IP that an HLS tool makes: the ports of the RTL's top, TLAST among them.

Vitis spells the data ports s_axis_TDATA, and so on, and the C++ has no TLAST: frames are counted in
words. With this module and the IP in the place of rtl/, a board's shell sees no difference.
"""

from __future__ import annotations

from ..rtl import rtl_path
from .design import Design
from .top import TOP

_WRAPPER = """\
// {name}: the accelerator made by an HLS tool, with the ports of the RTL's top; generated.
// {ip} is the tool's: its module's name in syn/verilog, or that of an instance of the IP.
module {name} (
    input  logic ap_clk,
    input  logic ap_rst_n,
    input  logic [{in_bits}-1:0] s_axis_tdata,
    input  logic s_axis_tvalid,
    output logic s_axis_tready,
    /* verilator lint_off UNUSEDSIGNAL */
    input  logic s_axis_tlast,  // frames are counted in words
    /* verilator lint_on UNUSEDSIGNAL */
    output logic [{out_bits}-1:0] m_axis_tdata,
    output logic m_axis_tvalid,
    input  logic m_axis_tready,
    output logic m_axis_tlast
);

  wire [{out_bits}-1:0] tdata;
  wire tvalid, tready;

  {ip} ip (
      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
      .s_axis_TDATA(s_axis_tdata), .s_axis_TVALID(s_axis_tvalid), .s_axis_TREADY(s_axis_tready),
      .m_axis_TDATA(tdata), .m_axis_TVALID(tvalid), .m_axis_TREADY(tready)
  );

  {last} #(.BITS({word_bits}), .WORDS({words})) tlast (
      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
      .s_axis_tdata(tdata), .s_axis_tvalid(tvalid), .s_axis_tready(tready),
      .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
      .m_axis_tlast(m_axis_tlast)
  );

endmodule : {name}
"""


def wrapper_files(design: Design) -> dict[str, str]:
    """File name in hls/ -> SystemVerilog: the wrapper, and the kernel that it needs."""
    top, last = design.accelerator.top, rtl_path("frame_last")
    given, taken = design.channels[0], design.channels[-1]
    text = _WRAPPER.format(
        name=top, ip=TOP, last=last.stem, in_bits=given.tdata_bits,
        out_bits=taken.tdata_bits, word_bits=taken.word_bits, words=taken.words,
    )  # fmt: skip
    return {f"wrapper/{top}.sv": text, f"wrapper/{last.name}": last.read_text()}
