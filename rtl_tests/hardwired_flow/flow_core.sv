// bnn_hardwired_flow around the simplest core: LATENCY enabled registers that pass on the inverted vector.
module flow_core #(
    parameter int BITS    = 8,
    parameter int LATENCY = 1
) (
    input  logic                     ap_clk,
    input  logic                     ap_rst_n,

    input  logic [(BITS+7)/8*8-1:0]  s_axis_tdata,
    input  logic                     s_axis_tvalid,
    output logic                     s_axis_tready,

    output logic [(BITS+7)/8*8-1:0]  m_axis_tdata,
    output logic                     m_axis_tvalid,
    input  logic                     m_axis_tready
);

  logic ce;
  logic [BITS-1:0] x;
  logic [LATENCY*BITS-1:0] stages;  // the youngest vector lowest; without a reset, as cores are

  bnn_hardwired_flow #(.IN_BITS(BITS), .OUT_BITS(BITS), .LATENCY(LATENCY)) flow (
      .ap_clk, .ap_rst_n, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .m_axis_tdata,
      .m_axis_tvalid, .m_axis_tready, .ce, .x, .y(stages[(LATENCY-1)*BITS+:BITS]));

  always_ff @(posedge ap_clk) if (ce) stages <= (LATENCY * BITS)'({stages, ~x});

endmodule : flow_core
