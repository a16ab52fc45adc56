// bnn_stream_fork with its outputs as ports of their own, as the bench wants them; lanes from N on idle.
// Checks what the streams alone cannot show: a word is offered at once at all outputs, whichever of
// them are ready, so that a branch never waits for another.
module fork_lanes #(
    parameter int BITS = 8,
    parameter int N    = 4,
    localparam int TDATA = (BITS + 7) / 8 * 8
) (
    input  logic             ap_clk,
    input  logic             ap_rst_n,

    input  logic [TDATA-1:0] s_axis_tdata,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,

    output logic [TDATA-1:0] m_axis_0_tdata,
    output logic             m_axis_0_tvalid,
    input  logic             m_axis_0_tready,
    output logic [TDATA-1:0] m_axis_1_tdata,
    output logic             m_axis_1_tvalid,
    input  logic             m_axis_1_tready,
    output logic [TDATA-1:0] m_axis_2_tdata,
    output logic             m_axis_2_tvalid,
    input  logic             m_axis_2_tready,
    output logic [TDATA-1:0] m_axis_3_tdata,
    output logic             m_axis_3_tvalid,
    input  logic             m_axis_3_tready
);

  logic [4*TDATA-1:0] tdata;
  logic [3:0] tvalid, tready;
  assign {m_axis_3_tdata, m_axis_2_tdata, m_axis_1_tdata, m_axis_0_tdata} = tdata;
  assign {m_axis_3_tvalid, m_axis_2_tvalid, m_axis_1_tvalid, m_axis_0_tvalid} = tvalid;
  assign tready = {m_axis_3_tready, m_axis_2_tready, m_axis_1_tready, m_axis_0_tready};

  bnn_stream_fork #(
      .BITS(BITS),
      .N(N)
  ) u_fork (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tdata(tdata[N*TDATA-1:0]),
      .m_axis_tvalid(tvalid[N-1:0]),
      .m_axis_tready(tready[N-1:0])
  );

  logic entered = 1'b0;  // a word, at the last edge
  always_ff @(posedge ap_clk) begin
    entered <= ap_rst_n && s_axis_tvalid && s_axis_tready;
    if (ap_rst_n && entered && tvalid[N-1:0] !== {N{1'b1}}) begin
      $error("%m: a word is not offered at every output");
      $finish;
    end
  end

endmodule : fork_lanes
