// bnn_bench: what the C++ driver clocks. A register stage stands in front of every input of the
// accelerator, so that one evaluation of the model at the rising edge is a whole cycle: afterwards
// all signals have the values that the next rising edge will see, and nothing changes between.
//
// HW_BNN_CORE: macro, the accelerator's top module. IN_BITS, OUT_BITS: tdata widths. HW_BNN_CONFIG:
// macro, it has a config port. HW_BNN_CONTEXTS: macro, and frames name a context. The registers hold
// what the driver wrote one cycle before.
module bnn_bench #(
    parameter int IN_BITS  = 8,
    parameter int OUT_BITS = 8
) (
    input  logic                ap_clk,
    input  logic                next_rst_n,
    input  logic [IN_BITS-1:0]  next_tdata,
    input  logic                next_tvalid,
    input  logic                next_tlast,
    input  logic                next_tready,
`ifdef HW_BNN_CONFIG
    input  logic [31:0]         next_cfg_tdata,
    input  logic                next_cfg_tvalid,
    output logic                s_axis_cfg_tready,
    output logic [31:0]         cfg_status,
    input  logic [7:0]          next_cfg_context,
    output logic [31:0]         cfg_loaded,
`endif
`ifdef HW_BNN_CONTEXTS
    input  logic [7:0]          next_tuser,
`endif
    output logic                s_axis_tready,
    output logic [OUT_BITS-1:0] m_axis_tdata,
    output logic                m_axis_tvalid,
    output logic                m_axis_tlast
);

  logic               ap_rst_n;
  logic [IN_BITS-1:0] s_axis_tdata;
  logic               s_axis_tvalid;
  logic               s_axis_tlast;
  logic               m_axis_tready;

  always_ff @(posedge ap_clk) begin
    ap_rst_n      <= next_rst_n;
    s_axis_tdata  <= next_tdata;
    s_axis_tvalid <= next_tvalid;
    s_axis_tlast  <= next_tlast;
    m_axis_tready <= next_tready;
  end

`ifdef HW_BNN_CONFIG
  logic [31:0] s_axis_cfg_tdata;
  logic        s_axis_cfg_tvalid;
  logic [7:0]  cfg_context;
  always_ff @(posedge ap_clk) begin
    cfg_context       <= next_cfg_context;
    s_axis_cfg_tdata  <= next_cfg_tdata;
    s_axis_cfg_tvalid <= next_cfg_tvalid;
  end
`endif

`ifdef HW_BNN_CONTEXTS
  logic [7:0] s_axis_tuser;
  always_ff @(posedge ap_clk) s_axis_tuser <= next_tuser;
`endif

  `HW_BNN_CORE dut (
`ifdef HW_BNN_CONFIG
      .s_axis_cfg_tdata (s_axis_cfg_tdata),
      .s_axis_cfg_tvalid(s_axis_cfg_tvalid),
      .s_axis_cfg_tready(s_axis_cfg_tready),
      .cfg_status       (cfg_status),
      .cfg_context      (cfg_context),
      .cfg_loaded       (cfg_loaded),
`endif
`ifdef HW_BNN_CONTEXTS
      .s_axis_tuser (s_axis_tuser),
`endif
      .ap_clk       (ap_clk),
      .ap_rst_n     (ap_rst_n),
      .s_axis_tdata (s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast (s_axis_tlast),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast (m_axis_tlast)
  );

endmodule : bnn_bench
