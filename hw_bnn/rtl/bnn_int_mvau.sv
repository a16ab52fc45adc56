// bnn_int_mvau: matrix-vector product of n-bit integers by +-1 weights, with thresholds.
//
//   acc[c] = sum_i x[i] * (2*W[c][i] - 1)      modulo 2^ACC_BITS, two's complement
//
// which is formed bit plane by bit plane, x[i] = sum_b s_b 2^b x_b[i] (s_b = -1 for a sign bit):
//
//   acc[c] = 2 * sum_b s_b 2^b popcount(x_b & W[c])  -  sum_b s_b 2^b popcount(x_b)
//
// The second sum is shared by all channels. Since both are exact modulo 2^ACC_BITS, ACC_BITS need
// only hold the final sums.
//
//   N_THRESHOLDS = 0:  y[c] = acc[c]                          OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (acc[c] >= T)
//   otherwise:  y[c] = OUT_BIAS + #{t : acc[c] >= T[c][t]}    OUT_BITS two's complement
//
// Folding: NF = MH/PE, SF = MW/SIMD; channel c = nf*PE + pe, input i = sf*SIMD + simd; for nf: for
// sf. A vector is SF input words of SIMD*IN_BITS bits and NF output words of PE*OUT_BITS bits,
// element 0 in the least significant bits.
//
// WEIGHTS_FILE:    NF*SF words of PE*SIMD bits, address nf*SF+sf, bit pe*SIMD+simd = W[c][i].
// THRESHOLDS_FILE: N_SETS*NF words, address set*NF+nf, threshold t of lane pe (two's complement,
//                  TH_BITS = ACC_BITS+1) at bit (pe*N_THRESHOLDS+t)*TH_BITS.
// SETS_FILE:       N_VECTORS words: the threshold set of each vector of a frame (N_SETS > 1 only).
//
// Initiation interval: NF*SF cycles a vector, without bubbles between vectors. Latency, from the
// last word of a vector in to its last word out: (NF-1)*SF + 3 + PIPELINE + WEIGHTS_STAGE cycles.
// PIPELINE = register stages between weights and accumulator (0 to 4; more for wide SIMD at a fast
// clock); WEIGHTS_STAGE = 1 adds one right behind the memories, for block RAMs that answer late.
// MMV > 1: MMV neighbouring windows of a convolution share each word of weights and thresholds. SIMD =
// MW; an input word is one wide window that covers them (bnn_mvau_windows: RUN, STEP), an output word
// all MH channels of one pixel, MMV words a group. N_SETS = 1, N_VECTORS counts groups. A group takes
// max(NF, MMV) cycles; latency, to its first word out, NF + 3 + PIPELINE + WEIGHTS_STAGE.
module bnn_int_mvau #(
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
    parameter int ACC_BITS     = 16,
    parameter int N_THRESHOLDS = 1,
    parameter int OUT_BITS     = 1,
    parameter int OUT_BIAS     = 0,
    parameter     WEIGHTS_FILE    = "",
    parameter     THRESHOLDS_FILE = "",
    parameter     WEIGHTS_STYLE    = "auto",  // RAM_STYLE of mvau_rom
    parameter     THRESHOLDS_STYLE = "auto",
    parameter int N_SETS       = 1,
    parameter int N_VECTORS    = 1,
    parameter     SETS_FILE    = "",
    parameter int PIPELINE     = 1,
    parameter bit WEIGHTS_STAGE = 1'b0,
    parameter int MMV          = 1,
    parameter int RUN          = 1,  // elements of a kernel's row, and from a window to the next
    parameter int STEP         = 1,
    localparam int WORD        = SIMD / RUN * (RUN + (MMV - 1) * STEP),  // elements that come in
    localparam int OUT_LANES   = MMV > 1 ? MH : PE
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
`endif
    input  logic                              ap_clk,
    input  logic                              ap_rst_n,

    input  logic [(WORD*IN_BITS+7)/8*8-1:0]   s_axis_tdata,
    input  logic                              s_axis_tvalid,
    output logic                              s_axis_tready,

    output logic [(OUT_LANES*OUT_BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                              m_axis_tvalid,
    input  logic                              m_axis_tready
);

  localparam int NF       = MH / PE;
  localparam int SF       = MW / SIMD;
  localparam int IN_WIDTH = WORD * IN_BITS;
  localparam int TH_BITS  = ACC_BITS + 1;
  localparam int TH_WIDTH = N_THRESHOLDS > 0 ? PE * N_THRESHOLDS * TH_BITS : 1;

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (MW % SIMD != 0) begin : g_check_1
    $error("bnn_int_mvau: SIMD = %0d does not divide MW = %0d", SIMD, MW);
  end
  if (MH % PE != 0) begin : g_check_2
    $error("bnn_int_mvau: PE = %0d does not divide MH = %0d", PE, MH);
  end
  if (IN_BITS < 1 || IN_BITS > 16) begin : g_check_3
    $error("bnn_int_mvau: IN_BITS = %0d is not in 1..16", IN_BITS);
  end
  if (ACC_BITS < 1 || ACC_BITS > 32) begin : g_check_4
    $error("bnn_int_mvau: ACC_BITS = %0d is not in 1..32", ACC_BITS);
  end
  if (N_THRESHOLDS == 0 && OUT_BITS < ACC_BITS) begin : g_check_5
    $error("bnn_int_mvau: OUT_BITS = %0d is less than ACC_BITS = %0d", OUT_BITS, ACC_BITS);
  end
  if (MMV < 1 || (MMV > 1 && (SIMD != MW || N_SETS > 1 || SIMD % RUN != 0))) begin : g_check_6
    $error("bnn_int_mvau: MMV = %0d needs SIMD = MW, one set of thresholds, and RUN = %0d in SIMD",
           MMV, RUN);
  end
`endif

  logic en, done, acc_valid, acc_first;
  logic [IN_WIDTH-1:0] x;
  logic [PE*SIMD-1:0] weights;
  logic [TH_WIDTH-1:0] thresholds;
  logic [MMV*PE*ACC_BITS-1:0] sums;

  bnn_mvau_feed #(
`ifdef HW_BNN_CONFIG
      .CFG_WORD(CFG_WORD), .CONTEXTS(CONTEXTS),
`endif
      .WORD_BITS(IN_WIDTH), .WEIGHT_BITS(PE * SIMD), .TH_WIDTH(PE * N_THRESHOLDS * TH_BITS),
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

  logic [MMV*SIMD*IN_BITS-1:0] windows;
  bnn_mvau_windows #(
      .MMV(MMV), .ROWS(SIMD / RUN), .RUN(RUN), .STEP(STEP), .BITS(IN_BITS)
  ) u_windows (
      .word(x), .windows
  );

  for (genvar m = 0; m < MMV; m++) begin : g_window
    // Bit planes: plane[b*SIMD + simd] = bit b of element simd.
    logic [SIMD*IN_BITS-1:0] plane;
    for (genvar b = 0; b < IN_BITS; b++) begin : g_plane
      for (genvar simd = 0; simd < SIMD; simd++) begin : g_bit
        assign plane[b*SIMD+simd] = windows[(m*SIMD+simd)*IN_BITS+b];
      end
    end

    // The part that all channels share: sum_i x[i].
    logic [ACC_BITS-1:0] total;
    bnn_mvau_weighted #(
        .N(SIMD), .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .SUM_BITS(ACC_BITS),
        .PIPELINE(PIPELINE)
    ) u_total (
        .ap_clk, .en, .plane, .mask({SIMD{1'b1}}), .sum(total)
    );

    for (genvar pe = 0; pe < PE; pe++) begin : g_lane
      logic [ACC_BITS-1:0] positive;  // sum of the x[i] with weight +1
      logic [ACC_BITS-1:0] acc;

      bnn_mvau_weighted #(
          .N(SIMD), .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .SUM_BITS(ACC_BITS),
          .PIPELINE(PIPELINE)
      ) u_positive (
          .ap_clk, .en, .plane, .mask(weights[pe*SIMD+:SIMD]), .sum(positive)
      );

      always_ff @(posedge ap_clk) begin
        if (en && acc_valid) acc <= (acc_first ? '0 : acc) + ACC_BITS'({positive, 1'b0}) - total;
      end
      assign sums[(m*PE+pe)*ACC_BITS+:ACC_BITS] = acc;
    end
  end

  bnn_mvau_result #(
      .PE(PE), .SUM_BITS(ACC_BITS), .SUM_SIGNED(1'b1), .TH_BITS(TH_BITS),
      .N_THRESHOLDS(N_THRESHOLDS), .OUT_BITS(OUT_BITS), .OUT_BIAS(OUT_BIAS),
      .MMV(MMV), .MH(MH)
  ) u_result (
      .ap_clk, .ap_rst_n, .en, .done, .sums, .thresholds,
      .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

endmodule : bnn_int_mvau
