// bnn_vvau: vector-vector product of a depthwise or grouped convolution, with thresholds: each
// channel has the window of its own group's inputs alone.
//
//   acc[c] = sum_i x[g][i] * W[c][i]      g = c / GROUP_OUT, modulo 2^ACC_BITS, two's complement
//
// GROUP_IN input channels and GROUP_OUT output channels are a group (1 and 1: depthwise; 1 and m:
// with a channel multiplier m); i = tap*GROUP_IN + channel of the group, over the
// MW = K_H*K_W*GROUP_IN inputs of a window. ACC_BITS need only hold the final sums.
//
//   N_THRESHOLDS = 0:  y[c] = acc[c]                          OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (acc[c] >= T)
//   otherwise:  y[c] = OUT_BIAS + #{t : acc[c] >= T[c][t]}    OUT_BITS two's complement
//
// Folding: NF = MH/PE, SF = MW/SIMD; GROUP_OUT divides PE, GROUP_IN divides SIMD: a step works on
// PE/GROUP_OUT whole groups and SIMD/GROUP_IN taps of each. For nf: for sf: a word of
// SIMD*PE/GROUP_OUT elements comes in (tap, group, channel of the group; the last fastest), as
// bnn_window gives them with DEPTHWISE = 1 (a tap a word) and bnn_parallel_window (PE = MH). No
// input serves two steps: nothing is kept. An output word has PE elements, element 0 in the least
// significant bits. IN_BIPOLAR = 1 (with IN_BITS = 1): a bit is -1 or +1.
//
// WEIGHTS_FILE:    NF*SF words of PE*SIMD*WEIGHT_BITS bits, address nf*SF+sf, W[c][i] at bit
//                  (pe*SIMD+simd)*WEIGHT_BITS, c = nf*PE + pe, i = sf*SIMD + simd: two's
//                  complement, of WEIGHT_BITS = 1 a bit that is 1 for +1 and 0 for -1.
// THRESHOLDS_FILE: N_SETS*NF words, address set*NF+nf, threshold t of lane pe (two's complement,
//                  TH_BITS = ACC_BITS+1) at bit (pe*N_THRESHOLDS+t)*TH_BITS.
// SETS_FILE:       N_VECTORS words: the threshold set of each vector of a frame (N_SETS > 1 only).
//
// MULTIPLY = 1 takes a multiplier (a DSP block) a product, MULTIPLY = 0 bit planes in LUTs; weights
// of one bit need neither (bnn_mvau_signs).
//
// Initiation interval: NF*SF cycles a vector, without bubbles between vectors. Latency, from the
// last word of a vector in to its last word out: 3 + PIPELINE + WEIGHTS_STAGE cycles, of which
// PIPELINE (0 to 4) stand between weights and accumulator, WEIGHTS_STAGE right behind the memories.
module bnn_vvau #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int CONTEXTS = 1,   // weight sets; each pass has one (bnn_context_queue)
`endif
    parameter int MW           = 9,
    parameter int MH           = 16,
    parameter int PE           = 1,
    parameter int SIMD         = 1,
    parameter int GROUP_IN     = 1,
    parameter int GROUP_OUT    = 1,
    parameter int IN_BITS      = 8,
    parameter bit IN_SIGNED    = 1'b0,
    parameter bit IN_BIPOLAR   = 1'b0,
    parameter int WEIGHT_BITS  = 1,
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
    parameter bit MULTIPLY     = 1'b0,
    localparam int CHANNELS    = PE / GROUP_OUT * GROUP_IN,  // of a tap that come in at once
    localparam int WORD        = SIMD / GROUP_IN * CHANNELS
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
`endif
    input  logic                              ap_clk,
    input  logic                              ap_rst_n,

    input  logic [(WORD*IN_BITS+7)/8*8-1:0]   s_axis_tdata,
    input  logic                              s_axis_tvalid,
    output logic                              s_axis_tready,

    output logic [(PE*OUT_BITS+7)/8*8-1:0]    m_axis_tdata,
    output logic                              m_axis_tvalid,
    input  logic                              m_axis_tready
);

  localparam int IN_WIDTH   = WORD * IN_BITS;
  localparam int LANE_WIDTH = SIMD * WEIGHT_BITS;  // weights of a channel
  localparam int TH_BITS    = ACC_BITS + 1;
  localparam int TH_WIDTH   = N_THRESHOLDS > 0 ? PE * N_THRESHOLDS * TH_BITS : 1;

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (MW % SIMD != 0) begin : g_check_1
    $error("bnn_vvau: SIMD = %0d does not divide MW = %0d", SIMD, MW);
  end
  if (MH % PE != 0) begin : g_check_2
    $error("bnn_vvau: PE = %0d does not divide MH = %0d", PE, MH);
  end
  if (SIMD % GROUP_IN != 0 || PE % GROUP_OUT != 0) begin : g_check_3
    $error("bnn_vvau: SIMD = %0d and PE = %0d are not whole groups of %0d and %0d", SIMD, PE,
           GROUP_IN, GROUP_OUT);
  end
  if (IN_BITS < 1 || IN_BITS > 16) begin : g_check_4
    $error("bnn_vvau: IN_BITS = %0d is not in 1..16", IN_BITS);
  end
  if (IN_BIPOLAR && IN_BITS != 1) begin : g_check_5
    $error("bnn_vvau: IN_BIPOLAR needs IN_BITS = 1, not %0d", IN_BITS);
  end
  if (WEIGHT_BITS < 1 || WEIGHT_BITS > 9) begin : g_check_6
    $error("bnn_vvau: WEIGHT_BITS = %0d is not in 1..9", WEIGHT_BITS);
  end
  if (ACC_BITS < 1 || ACC_BITS > 32) begin : g_check_7
    $error("bnn_vvau: ACC_BITS = %0d is not in 1..32", ACC_BITS);
  end
  if (N_THRESHOLDS == 0 && OUT_BITS < ACC_BITS) begin : g_check_8
    $error("bnn_vvau: OUT_BITS = %0d is less than ACC_BITS = %0d", OUT_BITS, ACC_BITS);
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
      .SF(MW / SIMD), .NF(MH / PE), .N_SETS(N_SETS), .N_VECTORS(N_VECTORS),
      .PIPELINE(PIPELINE), .WEIGHTS_STAGE(WEIGHTS_STAGE), .REPLAY(1'b0),
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
    logic [SIMD*IN_BITS-1:0] own;  // of each tap the channels of the lane's group
    for (genvar tap = 0; tap < SIMD / GROUP_IN; tap++) begin : g_tap
      assign own[tap*GROUP_IN*IN_BITS+:GROUP_IN*IN_BITS] =
          x[(tap*CHANNELS + pe/GROUP_OUT*GROUP_IN)*IN_BITS+:GROUP_IN*IN_BITS];
    end

    logic [ACC_BITS-1:0] part, acc;
    if (WEIGHT_BITS == 1) begin : g_signs
      bnn_mvau_signs #(
          .N(SIMD), .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .IN_BIPOLAR(IN_BIPOLAR),
          .SUM_BITS(ACC_BITS), .PIPELINE(PIPELINE)
      ) u_signs (
          .ap_clk, .en, .x(own), .w(weights[pe*LANE_WIDTH+:LANE_WIDTH]), .sum(part)
      );
    end else begin : g_product
      bnn_mvau_product #(
          .N(SIMD), .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .IN_BIPOLAR(IN_BIPOLAR),
          .WEIGHT_BITS(WEIGHT_BITS), .MULTIPLY(MULTIPLY), .SUM_BITS(ACC_BITS), .PIPELINE(PIPELINE)
      ) u_product (
          .ap_clk, .en, .x(own), .w(weights[pe*LANE_WIDTH+:LANE_WIDTH]), .sum(part)
      );
    end

    always_ff @(posedge ap_clk) begin
      if (en && acc_valid) acc <= part + (acc_first ? '0 : acc);
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

endmodule : bnn_vvau
