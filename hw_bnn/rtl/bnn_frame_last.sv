// bnn_frame_last: passes a stream through and marks each frame's last word with tlast.
//
//   tlast = 1 at words WORDS-1, 2*WORDS-1, ... after reset
//
// Latency 0: wires and a counter. Initiation interval 1.
module bnn_frame_last #(
    parameter int BITS  = 8,
    parameter int WORDS = 1
) (
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

  assign m_axis_tdata  = s_axis_tdata;
  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;
  assign m_axis_tlast  = word == COUNT_BITS'(WORDS - 1);

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) word <= '0;
    else if (s_axis_tvalid && m_axis_tready) word <= m_axis_tlast ? '0 : word + 1'b1;
  end

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS((BITS + 7) / 8 * 8 + 1)) u_check (
      .ap_clk, .ap_rst_n, .tdata({m_axis_tlast, m_axis_tdata}),
      .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_frame_last
