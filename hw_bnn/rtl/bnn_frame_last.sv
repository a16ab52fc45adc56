// bnn_frame_last: passes a stream through and marks each frame's last word with tlast.
//
//   tlast = 1 at words WORDS-1, 2*WORDS-1, ... after reset
//
// With CONTEXTS a frame has the words of one pass or of several (bnn_context_queue).
//
// Latency 0: wires and a counter. Initiation interval 1.
module bnn_frame_last #(
`ifdef HW_BNN_CONFIG
    parameter int CONTEXTS = 2,  // weight sets: WORDS are a pass's
`endif
    parameter int BITS  = 8,
    parameter int WORDS = 1
) (
`ifdef HW_BNN_CONFIG
    input  logic [14:0]             passes,  // of bnn_frame_repeat
    output logic                    pass_out,
`endif
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,

    input  logic [(BITS+7)/8*8-1:0] s_axis_tdata,
    input  logic                    s_axis_tvalid,
    output logic                    s_axis_tready,

    output logic [(BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                    m_axis_tvalid,
    input  logic                    m_axis_tready,
    output logic                    m_axis_tlast
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < 1) begin : g_check_1
    $error("bnn_frame_last: BITS = %0d must be at least 1", BITS);
  end
  if (WORDS < 1) begin : g_check_2
    $error("bnn_frame_last: WORDS = %0d must be at least 1", WORDS);
  end
`endif

  localparam int COUNT_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  logic [COUNT_BITS-1:0] word;
  logic last_word, last_pass;

  assign m_axis_tdata  = s_axis_tdata;
  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;
  assign last_word     = word == COUNT_BITS'(WORDS - 1);
  assign m_axis_tlast  = last_word && last_pass;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) word <= '0;
    else if (s_axis_tvalid && m_axis_tready) word <= last_word ? '0 : word + 1'b1;
  end

`ifdef HW_BNN_CONFIG
  localparam int CONTEXT_BITS = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1;
  logic [CONTEXT_BITS-1:0] context_now;
  assign pass_out = last_word && s_axis_tvalid && m_axis_tready;
  bnn_context_queue #(.BITS(CONTEXT_BITS)) u_queue (
      .ap_clk, .ap_rst_n, .passes, .ends(pass_out), .context_now, .last(last_pass)
  );
  logic unused;
  assign unused = &{1'b0, context_now};
`else
  assign last_pass = 1'b1;
`endif

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS((BITS + 7) / 8 * 8 + 1)) u_check (
      .ap_clk, .ap_rst_n, .tdata({m_axis_tlast, m_axis_tdata}),
      .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_frame_last
