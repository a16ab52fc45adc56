// bnn_wide_mvau: matrix-vector product with weights of 2 to 9 bits, with thresholds.
//
//   acc[c] = sum_i x[i] * W[c][i]      modulo 2^ACC_BITS, two's complement (bnn_mvau_product)
//
// ACC_BITS need only hold the final sums.
//
//   N_THRESHOLDS = 0:  y[c] = acc[c]                          OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (acc[c] >= T)
//   otherwise:  y[c] = OUT_BIAS + #{t : acc[c] >= T[c][t]}    OUT_BITS two's complement
//
// Folding: NF = MH/PE, SF = MW/SIMD; channel c = nf*PE + pe, input i = sf*SIMD + simd; for nf: for
// sf. A vector is SF input words of SIMD*IN_BITS bits and NF output words of PE*OUT_BITS bits,
// element 0 in the least significant bits. IN_BIPOLAR = 1 (with IN_BITS = 1): a bit is -1 or +1.
//
// WEIGHTS_FILE:    NF*SF words of PE*SIMD*WEIGHT_BITS bits, address nf*SF+sf, W[c][i] (two's complement)
//                  at bit (pe*SIMD+simd)*WEIGHT_BITS.
// THRESHOLDS_FILE: N_SETS*NF words, address set*NF+nf, threshold t of lane pe (two's complement,
//                  TH_BITS = ACC_BITS+1) at bit (pe*N_THRESHOLDS+t)*TH_BITS.
// SETS_FILE:       N_VECTORS words: the threshold set of each vector of a frame (N_SETS > 1 only).
//
// MULTIPLY = 1 takes a multiplier (a DSP block) a lane, MULTIPLY = 0 bit planes in LUTs.
//
// Initiation interval: NF*SF cycles a vector, without bubbles between vectors. Latency, from the
// last word of a vector in to its last word out: (NF-1)*SF + 3 + PIPELINE + WEIGHTS_STAGE cycles.
// PIPELINE = register stages between weights and accumulator (0 to 4; more for wide SIMD at a fast
// clock); WEIGHTS_STAGE = 1 adds one right behind the memories, for block RAMs that answer late.
module bnn_wide_mvau #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int CONTEXTS = 1,   // weight sets; each pass has one (bnn_context_queue)
`endif
    parameter int MW           = 64,
    parameter int MH           = 64,
    parameter int PE           = 1,
    parameter int SIMD         = 1,
    parameter int IN_BITS      = 8,
    parameter bit IN_SIGNED    = 1'b0,
    parameter bit IN_BIPOLAR   = 1'b0,
    parameter int WEIGHT_BITS  = 2,
    parameter int ACC_BITS     = 16,
    parameter int N_THRESHOLDS = 1,
    parameter int OUT_BITS     = 1,
    parameter int OUT_BIAS     = 0,
    parameter     WEIGHTS_FILE    = "",
    parameter     THRESHOLDS_FILE = "",
    parameter     WEIGHTS_STYLE    = "auto",  // RAM_STYLE of bnn_mvau_rom
    parameter     THRESHOLDS_STYLE = "auto",
    parameter int N_SETS       = 1,
    parameter int N_VECTORS    = 1,
    parameter     SETS_FILE    = "",
    parameter int PIPELINE     = 1,
    parameter bit WEIGHTS_STAGE = 1'b0,
    parameter bit MULTIPLY     = 1'b0
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
`endif
    input  logic                              ap_clk,
    input  logic                              ap_rst_n,

    input  logic [(SIMD*IN_BITS+7)/8*8-1:0]   s_axis_tdata,
    input  logic                              s_axis_tvalid,
    output logic                              s_axis_tready,

    output logic [(PE*OUT_BITS+7)/8*8-1:0]    m_axis_tdata,
    output logic                              m_axis_tvalid,
    input  logic                              m_axis_tready
);

  localparam int NF         = MH / PE;
  localparam int SF         = MW / SIMD;
  localparam int IN_WIDTH   = SIMD * IN_BITS;
  localparam int LANE_WIDTH = SIMD * WEIGHT_BITS;  // weights of a channel
  localparam int TH_BITS    = ACC_BITS + 1;
  localparam int TH_WIDTH   = N_THRESHOLDS > 0 ? PE * N_THRESHOLDS * TH_BITS : 1;

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (MW % SIMD != 0) begin : g_check_1
    $error("bnn_wide_mvau: SIMD = %0d does not divide MW = %0d", SIMD, MW);
  end
  if (MH % PE != 0) begin : g_check_2
    $error("bnn_wide_mvau: PE = %0d does not divide MH = %0d", PE, MH);
  end
  if (IN_BITS < 1 || IN_BITS > 16) begin : g_check_3
    $error("bnn_wide_mvau: IN_BITS = %0d is not in 1..16", IN_BITS);
  end
  if (IN_BIPOLAR && IN_BITS != 1) begin : g_check_4
    $error("bnn_wide_mvau: IN_BIPOLAR needs IN_BITS = 1, not %0d", IN_BITS);
  end
  if (WEIGHT_BITS < 2 || WEIGHT_BITS > 9) begin : g_check_5
    $error("bnn_wide_mvau: WEIGHT_BITS = %0d is not in 2..9", WEIGHT_BITS);
  end
  if (ACC_BITS < 1 || ACC_BITS > 32) begin : g_check_6
    $error("bnn_wide_mvau: ACC_BITS = %0d is not in 1..32", ACC_BITS);
  end
  if (N_THRESHOLDS == 0 && OUT_BITS < ACC_BITS) begin : g_check_7
    $error("bnn_wide_mvau: OUT_BITS = %0d is less than ACC_BITS = %0d", OUT_BITS, ACC_BITS);
  end
`endif

  logic en, done, acc_valid, acc_first;
  logic [IN_WIDTH-1:0] x;
  logic [PE*LANE_WIDTH-1:0] weights;
  logic [TH_WIDTH-1:0] thresholds;
  logic [PE*ACC_BITS-1:0] sums;

  bnn_mvau_feed #(
`ifdef HW_BNN_CONFIG
      .CFG_WORD(CFG_WORD), .CONTEXTS(CONTEXTS),
`endif
      .WORD_BITS(IN_WIDTH), .WEIGHT_BITS(PE * LANE_WIDTH), .TH_WIDTH(PE * N_THRESHOLDS * TH_BITS),
      .SF(SF), .NF(NF), .N_SETS(N_SETS), .N_VECTORS(N_VECTORS),
      .PIPELINE(PIPELINE), .WEIGHTS_STAGE(WEIGHTS_STAGE),
      .WEIGHTS_FILE(WEIGHTS_FILE), .THRESHOLDS_FILE(THRESHOLDS_FILE), .SETS_FILE(SETS_FILE),
      .WEIGHTS_STYLE(WEIGHTS_STYLE), .THRESHOLDS_STYLE(THRESHOLDS_STYLE)
  ) u_feed (
`ifdef HW_BNN_CONFIG
      .cfg,
`endif
      .ap_clk, .ap_rst_n, .en,
      .s_valid(s_axis_tvalid), .s_ready(s_axis_tready), .s_data(s_axis_tdata[IN_WIDTH-1:0]),
      .x, .weights, .thresholds, .acc_valid, .acc_first, .done
  );

  for (genvar pe = 0; pe < PE; pe++) begin : g_lane
    logic [ACC_BITS-1:0] part, acc;

    bnn_mvau_product #(
        .N(SIMD), .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .IN_BIPOLAR(IN_BIPOLAR),
        .WEIGHT_BITS(WEIGHT_BITS), .MULTIPLY(MULTIPLY), .SUM_BITS(ACC_BITS), .PIPELINE(PIPELINE)
    ) u_product (
        .ap_clk, .en, .x, .w(weights[pe*LANE_WIDTH+:LANE_WIDTH]), .sum(part)
    );

    always_ff @(posedge ap_clk) begin
      if (en && acc_valid) acc <= (acc_first ? '0 : acc) + part;
    end
    assign sums[pe*ACC_BITS+:ACC_BITS] = acc;
  end

  bnn_mvau_result #(
      .PE(PE), .SUM_BITS(ACC_BITS), .SUM_SIGNED(1'b1), .TH_BITS(TH_BITS),
      .N_THRESHOLDS(N_THRESHOLDS), .OUT_BITS(OUT_BITS), .OUT_BIAS(OUT_BIAS)
  ) u_result (
      .ap_clk, .ap_rst_n, .en, .done, .sums, .thresholds,
      .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

endmodule : bnn_wide_mvau
