"""A small accelerator folder, made by hand: 16 bits -> FIFO -> one layer of 8 neurons."""

import numpy as np
import pytest

from hw_bnn.accelerator import Description, Input, Node, Output, Stream
from hw_bnn.accelerator.folder import seal
from hw_bnn.rtl import rtl_sources

TOP_TEXT = """
module tiny (
    input logic ap_clk, input logic ap_rst_n,
    input logic [15:0] s_axis_tdata, input logic s_axis_tvalid, output logic s_axis_tready,
    input logic s_axis_tlast,
    output logic [7:0] m_axis_tdata, output logic m_axis_tvalid, input logic m_axis_tready,
    output logic m_axis_tlast);
  wire [15:0] between_tdata;
  wire between_tvalid, between_tready;
  layer0_fifo layer0_fifo (
      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
      .in0_V_TDATA(s_axis_tdata), .in0_V_TVALID(s_axis_tvalid),
      .in0_V_TREADY(s_axis_tready), .out0_V_TDATA(between_tdata), .out0_V_TVALID(between_tvalid),
      .out0_V_TREADY(between_tready));
  layer1_mvau layer1_mvau (
      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
      .in0_V_TDATA(between_tdata), .in0_V_TVALID(between_tvalid),
      .in0_V_TREADY(between_tready), .out0_V_TDATA(m_axis_tdata), .out0_V_TVALID(m_axis_tvalid),
      .out0_V_TREADY(m_axis_tready));
  assign m_axis_tlast = m_axis_tvalid;
endmodule
"""
WRAPPER = """
module {name} (
    input wire ap_clk, input wire ap_rst_n,
    input wire [15:0] in0_V_TDATA, input wire in0_V_TVALID, output wire in0_V_TREADY,
    output wire [{out}:0] out0_V_TDATA, output wire out0_V_TVALID, input wire out0_V_TREADY);
  {kernel} #({parameters}) kernel (
      .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
      .s_axis_tdata(in0_V_TDATA), .s_axis_tvalid(in0_V_TVALID),
      .s_axis_tready(in0_V_TREADY), .m_axis_tdata(out0_V_TDATA), .m_axis_tvalid(out0_V_TVALID),
      .m_axis_tready(out0_V_TREADY));
endmodule
"""


QUEUE = {"BITS": 16, "DEPTH": 2}
UNIT = {"MW": 16, "MH": 8, "PE": 8, "SIMD": 16, "PIPELINE": 2}


@pytest.fixture
def accelerator(tmp_path):
    """16 bits -> FIFO -> one layer of 8 neurons, one word a frame each way."""
    folder = tmp_path / "acc"
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    files = rtl_sources("fifo", "xnor_mvau")
    for file in files:
        (rtl / file.name).write_bytes(file.read_bytes())
    (rtl / "layer0_fifo.v").write_text(
        WRAPPER.format(
            name="layer0_fifo", out=15, kernel="bnn_fifo", parameters=".BITS(16), .DEPTH(2)"
        )
    )
    (rtl / "layer1_mvau.v").write_text(
        WRAPPER.format(
            name="layer1_mvau",
            out=7,
            kernel="bnn_xnor_mvau",
            parameters=".MW(16), .MH(8), .PE(8), .SIMD(16), .N_THRESHOLDS(1), .OUT_BITS(1),"
            ' .PIPELINE(2), .WEIGHTS_FILE("w.hex"), .THRESHOLDS_FILE("t.hex")',
        )
    )
    rng = np.random.default_rng(0)
    (rtl / "w.hex").write_text(f"{int.from_bytes(rng.bytes(16), 'little'):x}\n")
    (rtl / "t.hex").write_text("4210842108\n")
    (rtl / "tiny.sv").write_text(TOP_TEXT)
    sources = [file.name for file in files] + ["layer0_fifo.v", "layer1_mvau.v", "tiny.sv"]

    def stream(name, producer, consumer, bits):
        return Stream(name=name, producer=producer, consumer=consumer, words=1, word_bits=bits,
                      tdata_bits=bits)  # fmt: skip

    seal(
        folder,
        Description(
            name="tiny",
            top="tiny",
            board="ulx3s",
            part="LFE5U-85F-6BG381C",
            clk_period_ns=20.0,
            input=Input(
                datatype="BIPOLAR",
                minimum=-1,
                maximum=1,
                shape=[16],
                stream_shape=[16],
                tensor="in",
                elements=16,
                element_bits=1,
                words=1,
                word_bits=16,
                tdata_bits=16,
            ),
            output=Output(
                mode="label",
                tensor="out",
                datatype="BIPOLAR",
                minimum=-1,
                maximum=1,
                scores=8,
                lanes=1,
                score_bits=1,
                label_bits=8,
                label_offset=0,
                words=1,
                tdata_bits=8,
            ),
            nodes=[
                Node(
                    name="layer0_fifo",
                    op="Fifo_rtl",
                    kernel="fifo",
                    cycles=1,
                    parameters=QUEUE,
                    inputs=["s_axis"],
                    outputs=["between"],
                ),
                Node(
                    name="layer1_mvau",
                    op="XnorMVAU_rtl",
                    kernel="xnor_mvau",
                    cycles=1,
                    parameters=UNIT,
                    inputs=["between"],
                    outputs=["m_axis"],
                ),
            ],  # fmt: skip
            streams=[
                stream("s_axis", "s_axis", "layer0_fifo", 16),
                stream("between", "layer0_fifo", "layer1_mvau", 16),
                stream("m_axis", "layer1_mvau", "m_axis", 8),
            ],
            bound_cycles=1,
            sources=sources,
            hashes={},
            versions={},
            options={},
        ),
    )
    return folder
