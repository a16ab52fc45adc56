// repeat_loop: bnn_frame_repeat, what ends its passes, and a node that looks at their contexts.
//
// s_axis: words with the frame's name above them. m_axis: words, above them the pass's context (8
// bits) and tlast.
module repeat_loop #(
    parameter int BITS  = 8,
    parameter int WORDS = 1,
    parameter int TIMES = 2
) (
    input  logic                     ap_clk,
    input  logic                     ap_rst_n,
    input  logic [(BITS+15)/8*8-1:0] s_axis_tdata,
    input  logic                     s_axis_tvalid,
    output logic                     s_axis_tready,
    output logic [(BITS+16)/8*8-1:0] m_axis_tdata,
    output logic                     m_axis_tvalid,
    input  logic                     m_axis_tready
);

  localparam int TDATA = (BITS + 7) / 8 * 8;

  logic [14:0] passes;
  logic [TDATA-1:0] between, out;
  logic [7:0] context_now;
  logic valid, ready, ends, last, tlast;

  bnn_frame_repeat #(.BITS(BITS), .WORDS(WORDS), .TIMES(TIMES)) u_repeat (
      .ap_clk, .ap_rst_n, .passes, .pass_out(ends),
      .s_axis_tdata(TDATA'(s_axis_tdata[BITS-1:0])), .s_axis_tuser(s_axis_tdata[BITS+:8]),
      .s_axis_tvalid, .s_axis_tready,
      .m_axis_tdata(between), .m_axis_tvalid(valid), .m_axis_tready(ready)
  );
  bnn_frame_last #(.BITS(BITS), .WORDS(WORDS), .CONTEXTS(TIMES)) u_last (
      .ap_clk, .ap_rst_n, .passes, .pass_out(ends),
      .s_axis_tdata(between), .s_axis_tvalid(valid), .s_axis_tready(ready),
      .m_axis_tdata(out), .m_axis_tvalid, .m_axis_tready, .m_axis_tlast(tlast)
  );
  bnn_context_queue #(.BITS(8)) u_queue (
      .ap_clk, .ap_rst_n, .passes, .ends, .context_now, .last
  );

  assign m_axis_tdata = ($bits(m_axis_tdata))'({tlast, context_now, out[BITS-1:0]});

endmodule : repeat_loop
