// bisection: an integer becomes a level by binary search through its channel's thresholds, in the
// structure of FINN's finn-rtllib/thresholding/hdl/thresholding.sv: a memory and a comparator a step.
//
//   y = #{t : x >= T[c][t]} - 2^(OUT_BITS-1), 2^OUT_BITS - 1 ascending thresholds a channel
//
// STEP_s_FILE: step s of OUT_BITS; word c*2^s + (the s highest bits of the count, found before) is
// the threshold in the middle of those that are left, IN_BITS + 1 bits in two's complement.
// CHANNELS is a power of two, an element a word. Only its cost is of interest: what compile builds
// is bnn_threshold or bnn_requantise.
//
// Initiation interval: 1 cycle a word. Latency: OUT_BITS + 1 cycles.
module bisection #(
    parameter int CHANNELS = 2,
    parameter int IN_BITS  = 8,
    parameter int OUT_BITS = 4,
    parameter STEP_0_FILE = "", parameter STEP_1_FILE = "", parameter STEP_2_FILE = "",
    parameter STEP_3_FILE = "", parameter STEP_4_FILE = "", parameter STEP_5_FILE = "",
    parameter STEP_6_FILE = "", parameter STEP_7_FILE = ""
) (
    input  logic                        ap_clk,
    input  logic                        ap_rst_n,

    input  logic [(IN_BITS+7)/8*8-1:0]  s_axis_tdata,
    input  logic                        s_axis_tvalid,
    output logic                        s_axis_tready,

    output logic [(OUT_BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                        m_axis_tvalid,
    input  logic                        m_axis_tready
);

  localparam int C_BITS = $clog2(CHANNELS);

  logic en, out_ready;
  logic [OUT_BITS-1:0] held;
  logic [OUT_BITS:0] valid;  // bit s: in front of step s
  logic [C_BITS-1:0] channel[OUT_BITS];
  logic signed [IN_BITS-1:0] x[OUT_BITS];
  logic [OUT_BITS-1:0] found[OUT_BITS+1];  // the highest s bits are set by the steps before
  logic [C_BITS-1:0] count;

  // The pipeline stands still while a result waits that the output cannot take.
  assign en = out_ready || !valid[OUT_BITS];
  assign s_axis_tready = en;
  assign valid = {held, s_axis_tvalid};
  assign channel[0] = count;
  assign x[0] = s_axis_tdata[IN_BITS-1:0];
  assign found[0] = '0;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      held  <= '0;
      count <= '0;
    end else if (en) begin
      held <= valid[OUT_BITS-1:0];
      if (s_axis_tvalid) count <= count + 1'b1;
    end
  end

  for (genvar s = 0; s < OUT_BITS; s++) begin : g_step
    logic [C_BITS+s-1:0] addr;
    logic signed [IN_BITS:0] middle;
    logic signed [IN_BITS-1:0] number;  // x beside the word that was read for it
    logic [OUT_BITS-1:0] known;

    if (s == 0) assign addr = channel[0];
    else assign addr = {channel[s], found[s][OUT_BITS-1-:s]};

    // A branch a step: each file's name is a parameter of its own, which an index does not reach.
    if (s == 0) begin : g_0
      bnn_mvau_rom #(.BITS(IN_BITS + 1), .DEPTH(CHANNELS), .FILE(STEP_0_FILE)) u_rom (
          .ap_clk, .en, .addr, .q(middle));
    end else if (s == 1) begin : g_1
      bnn_mvau_rom #(.BITS(IN_BITS + 1), .DEPTH(CHANNELS << 1), .FILE(STEP_1_FILE)) u_rom (
          .ap_clk, .en, .addr, .q(middle));
    end else if (s == 2) begin : g_2
      bnn_mvau_rom #(.BITS(IN_BITS + 1), .DEPTH(CHANNELS << 2), .FILE(STEP_2_FILE)) u_rom (
          .ap_clk, .en, .addr, .q(middle));
    end else if (s == 3) begin : g_3
      bnn_mvau_rom #(.BITS(IN_BITS + 1), .DEPTH(CHANNELS << 3), .FILE(STEP_3_FILE)) u_rom (
          .ap_clk, .en, .addr, .q(middle));
    end else if (s == 4) begin : g_4
      bnn_mvau_rom #(.BITS(IN_BITS + 1), .DEPTH(CHANNELS << 4), .FILE(STEP_4_FILE)) u_rom (
          .ap_clk, .en, .addr, .q(middle));
    end else if (s == 5) begin : g_5
      bnn_mvau_rom #(.BITS(IN_BITS + 1), .DEPTH(CHANNELS << 5), .FILE(STEP_5_FILE)) u_rom (
          .ap_clk, .en, .addr, .q(middle));
    end else if (s == 6) begin : g_6
      bnn_mvau_rom #(.BITS(IN_BITS + 1), .DEPTH(CHANNELS << 6), .FILE(STEP_6_FILE)) u_rom (
          .ap_clk, .en, .addr, .q(middle));
    end else begin : g_7
      bnn_mvau_rom #(.BITS(IN_BITS + 1), .DEPTH(CHANNELS << 7), .FILE(STEP_7_FILE)) u_rom (
          .ap_clk, .en, .addr, .q(middle));
    end

    always_ff @(posedge ap_clk) begin
      if (en) begin
        number <= x[s];
        known <= found[s];
      end
    end
    assign found[s+1] = known | (OUT_BITS'(number >= middle) << (OUT_BITS - 1 - s));

    if (s < OUT_BITS - 1) begin : g_next
      logic [C_BITS-1:0] of;
      always_ff @(posedge ap_clk) if (en) of <= channel[s];
      assign channel[s+1] = of;
      assign x[s+1] = number;
    end
  end

  logic [OUT_BITS-1:0] out;
  bnn_skid #(.BITS(OUT_BITS)) u_out (
      .ap_clk, .ap_rst_n,
      .in_valid(valid[OUT_BITS]), .in_ready(out_ready),
      .in_data({~found[OUT_BITS][OUT_BITS-1], found[OUT_BITS][OUT_BITS-2:0]}),
      .out_valid(m_axis_tvalid), .out_ready(m_axis_tready), .out_data(out)
  );
  assign m_axis_tdata = ($bits(m_axis_tdata))'(out);

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

endmodule : bisection
