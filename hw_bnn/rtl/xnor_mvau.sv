// xnor_mvau: matrix-vector product of +-1 numbers by XNOR and popcount, with thresholds.
//
//   bit 1 = +1, bit 0 = -1, so that for each output channel c
//     P[c]   = sum_i (x[i] ~^ W[c][i])       popcount, in [0, MW]
//     dot[c] = 2*P[c] - MW                   the signed dot product
//
//   N_THRESHOLDS = 0:  y[c] = dot[c]                        OUT_BITS two's complement
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y[c] = (P[c] >= T)     T = 0 always on, T = MW+1 never on
//   otherwise:  y[c] = OUT_BIAS + #{t : P[c] >= T[c][t]}    OUT_BITS two's complement
//
// Folding: NF = MH/PE, SF = MW/SIMD; channel c = nf*PE + pe, input i = sf*SIMD + simd; for nf: for
// sf. A vector is SF input words of SIMD bits and NF output words of PE*OUT_BITS bits, element 0
// in the least significant bits.
//
// WEIGHTS_FILE:    NF*SF words of PE*SIMD bits, address nf*SF+sf, bit pe*SIMD+simd = W[c][i].
// THRESHOLDS_FILE: N_SETS*NF words, address set*NF+nf, threshold t of lane pe (unsigned, TH_BITS =
//                  $clog2(MW+2)) at bit (pe*N_THRESHOLDS+t)*TH_BITS.
// SETS_FILE:       N_VECTORS words: the threshold set of each vector of a frame (N_SETS > 1 only).
//
// Initiation interval: NF*SF cycles a vector, without bubbles between vectors. Latency, from the
// last word of a vector in to its last word out: (NF-1)*SF + 3 + PIPELINE + WEIGHTS_STAGE cycles.
// PIPELINE = register stages between weights and accumulator (0 to 4; more for wide SIMD at a fast
// clock); WEIGHTS_STAGE = 1 adds one right behind the memories, for block RAMs that answer late.
module xnor_mvau #(
    parameter int MW           = 64,
    parameter int MH           = 64,
    parameter int PE           = 1,
    parameter int SIMD         = 1,
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
    parameter bit WEIGHTS_STAGE = 1'b0
) (
    input  logic                              ap_clk,
    input  logic                              ap_rst_n,

    input  logic [(SIMD+7)/8*8-1:0]           s_axis_tdata,
    input  logic                              s_axis_tvalid,
    output logic                              s_axis_tready,

    output logic [(PE*OUT_BITS+7)/8*8-1:0]    m_axis_tdata,
    output logic                              m_axis_tvalid,
    input  logic                              m_axis_tready
);

  localparam int NF          = MH / PE;
  localparam int SF          = MW / SIMD;
  localparam int ADDR_BITS   = NF * SF > 1 ? $clog2(NF * SF) : 1;
  localparam int NF_BITS     = NF > 1 ? $clog2(NF) : 1;
  localparam int VECTOR_BITS = N_VECTORS > 1 ? $clog2(N_VECTORS) : 1;
  localparam int COUNT_BITS  = $clog2(SIMD + 1);
  localparam int ACC_BITS    = $clog2(MW + 1);
  localparam int DOT_BITS    = ACC_BITS + 1;
  localparam int TH_BITS     = $clog2(MW + 2);
  localparam int OUT_WIDTH   = PE * OUT_BITS;
  localparam int DELAY       = PIPELINE + 32'(WEIGHTS_STAGE);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (MW % SIMD != 0) begin : g_check_1
    $error("xnor_mvau: SIMD = %0d does not divide MW = %0d", SIMD, MW);
  end
  if (MH % PE != 0) begin : g_check_2
    $error("xnor_mvau: PE = %0d does not divide MH = %0d", PE, MH);
  end
  if (N_THRESHOLDS < 0) begin : g_check_3
    $error("xnor_mvau: N_THRESHOLDS = %0d is negative", N_THRESHOLDS);
  end
  if (N_THRESHOLDS == 0 && OUT_BITS < DOT_BITS) begin : g_check_4
    $error("xnor_mvau: OUT_BITS = %0d, but a dot product of %0d needs %0d", OUT_BITS, MW, DOT_BITS);
  end
  if (PIPELINE < 0 || PIPELINE > 4) begin : g_check_5
    $error("xnor_mvau: PIPELINE = %0d is not in 0..4", PIPELINE);
  end
`endif

  logic en, out_ready, done;
  logic acc_valid, acc_first, acc_last;
  logic [ADDR_BITS-1:0] addr;
  logic [NF_BITS-1:0] nf;
  logic [VECTOR_BITS-1:0] vector;
  logic [SIMD-1:0] x_read, x;
  logic [PE*SIMD-1:0] weights_read, weights;
  logic [OUT_WIDTH-1:0] y;

  // The pipeline stands still while a result waits that the output cannot take.
  assign en = out_ready || !done;

  mvau_replay #(
      .BITS(SIMD), .SF(SF), .NF(NF), .N_VECTORS(N_VECTORS), .DELAY(DELAY)
  ) u_replay (
      .ap_clk, .ap_rst_n, .en,
      .s_valid(s_axis_tvalid), .s_ready(s_axis_tready), .s_data(s_axis_tdata[SIMD-1:0]),
      .addr, .nf, .vector, .x_data(x_read), .acc_valid, .acc_first, .acc_last
  );

  mvau_rom #(
      .BITS(PE * SIMD), .DEPTH(NF * SF), .FILE(WEIGHTS_FILE), .RAM_STYLE(WEIGHTS_STYLE)
  ) u_weights (
      .ap_clk, .en, .addr, .q(weights_read)
  );

  if (WEIGHTS_STAGE) begin : g_stage
    always_ff @(posedge ap_clk) begin
      if (en) begin
        weights <= weights_read;
        x       <= x_read;
      end
    end
  end else begin : g_no_stage
    assign weights = weights_read;
    assign x       = x_read;
  end

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) done <= 1'b0;
    else if (en) done <= acc_valid && acc_last;
  end

  localparam int TH_WIDTH = N_THRESHOLDS > 0 ? N_THRESHOLDS * TH_BITS : 1;  // of one lane
  logic [PE*TH_WIDTH-1:0] thresholds;

  if (N_THRESHOLDS > 0) begin : g_thresholds
    mvau_thresholds #(
        .BITS(PE * TH_WIDTH), .NF(NF), .N_SETS(N_SETS), .N_VECTORS(N_VECTORS),
        .DELAY(DELAY), .STAGE(WEIGHTS_STAGE), .FILE(THRESHOLDS_FILE),
        .SETS_FILE(SETS_FILE), .RAM_STYLE(THRESHOLDS_STYLE)
    ) u_thresholds (
        .ap_clk, .en, .nf, .vector, .q(thresholds)
    );
  end else begin : g_no_thresholds
    assign thresholds = '0;
    logic unused;
    assign unused = &{1'b0, nf, vector, thresholds};
  end

  for (genvar pe = 0; pe < PE; pe++) begin : g_lane
    logic [COUNT_BITS-1:0] count;
    logic [ACC_BITS-1:0] acc;

`ifdef HW_BNN_XC7  // the XNOR gates go into the first level of the LUT tree
    xnor_popcount #(.N(SIMD), .STAGES(PIPELINE)) u_count (
        .ap_clk, .ce(en), .a(x), .w(weights[pe*SIMD+:SIMD]), .count
    );
`else
    logic [SIMD-1:0] agree;
    assign agree = x ~^ weights[pe*SIMD+:SIMD];
    mvau_popcount #(.N(SIMD), .PIPELINE(PIPELINE)) u_count (
        .ap_clk, .en, .bits(agree), .count
    );
`endif

    always_ff @(posedge ap_clk) begin
      if (en && acc_valid) acc <= (acc_first ? '0 : acc) + ACC_BITS'(count);
    end

    if (N_THRESHOLDS > 0) begin : g_level
      mvau_level #(
          .SUM_BITS(ACC_BITS), .SUM_SIGNED(1'b0), .TH_BITS(TH_BITS),
          .N_THRESHOLDS(N_THRESHOLDS), .OUT_BITS(OUT_BITS), .OUT_BIAS(OUT_BIAS)
      ) u_level (
          .sum(acc), .thresholds(thresholds[pe*TH_WIDTH+:TH_WIDTH]),
          .level(y[pe*OUT_BITS+:OUT_BITS])
      );
    end else begin : g_dot
      logic signed [DOT_BITS-1:0] dot;
      assign dot = {acc, 1'b0} - DOT_BITS'(MW);
      assign y[pe*OUT_BITS+:OUT_BITS] = OUT_BITS'(dot);
    end
  end

  logic [OUT_WIDTH-1:0] out;
  skid #(.BITS(OUT_WIDTH)) u_out (
      .ap_clk, .ap_rst_n,
      .in_valid(done), .in_ready(out_ready), .in_data(y),
      .out_valid(m_axis_tvalid), .out_ready(m_axis_tready), .out_data(out)
  );
  assign m_axis_tdata = ($bits(m_axis_tdata))'(out);

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

`ifdef HW_BNN_CHECK
  stream_checker #(.BITS(OUT_WIDTH)) u_check (
      .ap_clk, .ap_rst_n, .tdata(out), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : xnor_mvau
