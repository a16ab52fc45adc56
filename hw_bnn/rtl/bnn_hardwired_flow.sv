// bnn_hardwired_flow: stream handshake around a hard-wired core of LATENCY register stages.
//
//   y = the core's output LATENCY enabled cycles after x; ce enables all of the core's registers
//
// A word is a whole vector. All stages move together, unless a result waits that the consumer does
// not take: tready is combinational in m_axis_tready, like that of a fifo of one word.
//
// Initiation interval: 1 cycle a word. Latency: LATENCY cycles.
module bnn_hardwired_flow #(
    parameter int IN_BITS  = 64,
    parameter int OUT_BITS = 64,
    parameter int LATENCY  = 1
) (
    input  logic                        ap_clk,
    input  logic                        ap_rst_n,

    input  logic [(IN_BITS+7)/8*8-1:0]  s_axis_tdata,
    input  logic                        s_axis_tvalid,
    output logic                        s_axis_tready,

    output logic [(OUT_BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                        m_axis_tvalid,
    input  logic                        m_axis_tready,

    output logic                        ce,
    output logic [IN_BITS-1:0]          x,
    input  logic [OUT_BITS-1:0]         y
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (LATENCY < 1) begin : g_check_1
    $error("bnn_hardwired_flow: LATENCY = %0d must be at least 1", LATENCY);
  end
`endif

  logic [LATENCY-1:0] valid;  // bit i: a word is in stage i

  assign m_axis_tvalid = valid[LATENCY-1];
  assign ce            = m_axis_tready || !m_axis_tvalid;
  assign s_axis_tready = ce;
  assign x             = s_axis_tdata[IN_BITS-1:0];
  assign m_axis_tdata  = ($bits(m_axis_tdata))'(y);

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) valid <= '0;
    else if (ce) valid <= LATENCY'({valid, s_axis_tvalid});
  end

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(OUT_BITS)) u_check (
      .ap_clk, .ap_rst_n, .tdata(y), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_hardwired_flow
