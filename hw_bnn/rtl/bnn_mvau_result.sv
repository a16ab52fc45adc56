// bnn_mvau_result: the output side of a matrix-vector unit: PE sums become an output word; with MMV
// vectors beside each other the PE sums of each, of which a word of all MH channels comes out a vector
// (bnn_mvau_pixels).
//
//   N_THRESHOLDS = 0:  y[pe] = sum[pe]                       OUT_BITS two's complement
//   otherwise:         y[pe] = level of sum[pe] (bnn_mvau_level) against its N_THRESHOLDS thresholds
//
// done says that sums and thresholds are there; en goes to all that stands before: the pipeline
// stands still while a result waits that the output cannot take. Latency 1 (skid), with MMV > 1 one
// more to the first vector; initiation interval 1, with MMV > 1 max(MH/PE, MMV) for MMV vectors.
module bnn_mvau_result #(
    parameter int PE           = 1,
    parameter int SUM_BITS     = 8,
    parameter bit SUM_SIGNED   = 1'b0,
    parameter int TH_BITS      = 8,
    parameter int N_THRESHOLDS = 1,
    parameter int OUT_BITS     = 1,
    parameter int OUT_BIAS     = 0,
    parameter int MMV          = 1,  // vectors that share the thresholds
    parameter int MH           = PE,
    localparam int TH_WIDTH    = N_THRESHOLDS > 0 ? PE * N_THRESHOLDS * TH_BITS : 1,
    localparam int OUT_LANES   = MMV > 1 ? MH : PE
) (
    input  logic                           ap_clk,
    input  logic                           ap_rst_n,

    output logic                           en,
    input  logic                           done,
    input  logic [MMV*PE*SUM_BITS-1:0]     sums,
    input  logic [TH_WIDTH-1:0]            thresholds,

    output logic [(OUT_LANES*OUT_BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                           m_axis_tvalid,
    input  logic                           m_axis_tready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N_THRESHOLDS < 0) begin : g_check_1
    $error("bnn_mvau_result: N_THRESHOLDS = %0d is negative", N_THRESHOLDS);
  end
  if (N_THRESHOLDS == 0 && (OUT_BITS < SUM_BITS || !SUM_SIGNED)) begin : g_check_2
    $error("bnn_mvau_result: OUT_BITS = %0d cannot hold signed sums of %0d bits", OUT_BITS, SUM_BITS);
  end
`endif

  localparam int OUT_WIDTH  = MMV * PE * OUT_BITS;
  localparam int LANE_WIDTH = N_THRESHOLDS * TH_BITS;

  logic out_ready, out_valid, out_taken;
  logic [OUT_WIDTH-1:0] y, out;

  assign en = out_ready || !done;

  for (genvar lane = 0; lane < MMV * PE; lane++) begin : g_lane
    if (N_THRESHOLDS > 0) begin : g_level
      bnn_mvau_level #(
          .SUM_BITS(SUM_BITS), .SUM_SIGNED(SUM_SIGNED), .TH_BITS(TH_BITS),
          .N_THRESHOLDS(N_THRESHOLDS), .OUT_BITS(OUT_BITS), .OUT_BIAS(OUT_BIAS)
      ) u_level (
          .sum(sums[lane*SUM_BITS+:SUM_BITS]),
          .thresholds(thresholds[lane%PE*LANE_WIDTH+:LANE_WIDTH]),
          .level(y[lane*OUT_BITS+:OUT_BITS])
      );
    end else begin : g_sum
      assign y[lane*OUT_BITS+:OUT_BITS] = OUT_BITS'($signed(sums[lane*SUM_BITS+:SUM_BITS]));
    end
  end

  if (N_THRESHOLDS == 0) begin : g_no_thresholds
    logic unused;
    assign unused = &{1'b0, thresholds};
  end

  bnn_skid #(.BITS(OUT_WIDTH)) u_out (
      .ap_clk, .ap_rst_n,
      .in_valid(done), .in_ready(out_ready), .in_data(y),
      .out_valid, .out_ready(out_taken), .out_data(out)
  );
  if (MMV > 1) begin : g_pixels
    logic [MH*OUT_BITS-1:0] pixel;
    bnn_mvau_pixels #(.MMV(MMV), .NF(MH / PE), .BITS(PE * OUT_BITS)) u_pixels (
        .ap_clk, .ap_rst_n, .in_valid(out_valid), .in_ready(out_taken), .in_data(out),
        .out_valid(m_axis_tvalid), .out_ready(m_axis_tready), .out_data(pixel)
    );
    assign m_axis_tdata = ($bits(m_axis_tdata))'(pixel);
  end else begin : g_words
    assign m_axis_tvalid = out_valid;
    assign out_taken     = m_axis_tready;
    assign m_axis_tdata  = ($bits(m_axis_tdata))'(out);
  end

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(OUT_WIDTH)) u_check (
      .ap_clk, .ap_rst_n, .tdata(out), .tvalid(out_valid), .tready(out_taken)
  );
`endif

endmodule : bnn_mvau_result
