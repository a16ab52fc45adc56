// bnn_mvau_feed: what a folded matrix-vector unit reads in each step: inputs, weights and thresholds.
//
// NF*SF steps a vector (bnn_mvau_replay); in step (nf, sf)
//
//   x          = input word sf of the vector, weights = WEIGHTS_FILE[nf*SF + sf]
//                (REPLAY = 0: word nf*SF + sf, so that a vector is NF*SF words)
//   thresholds = THRESHOLDS_FILE[set*NF + nf], set = SETS_FILE[vector] (bnn_mvau_thresholds)
//
// x and weights stand 1 + WEIGHTS_STAGE enabled cycles behind their step, together; PIPELINE stages
// behind them is an accumulator, which adds where acc_valid and starts again where acc_first. done
// comes one enabled cycle after the last step of an output word has been added, in step with
// thresholds. With CONTEXTS, WEIGHTS_FILE and THRESHOLDS_FILE hold so many of these memories one
// after another, and each pass of N_VECTORS vectors reads its context's (bnn_context_queue).
//
// Initiation interval: one step an enabled cycle.
module bnn_mvau_feed #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int CONTEXTS = 1,   // weight sets; each pass has one (bnn_context_queue)
`endif
    parameter int WORD_BITS     = 8,  // of an input word
    parameter int WEIGHT_BITS   = 8,  // of a word of weights
    parameter int TH_WIDTH      = 0,  // of a word of thresholds; 0 for none
    parameter int SF            = 1,
    parameter int NF            = 1,
    parameter int N_SETS        = 1,
    parameter int N_VECTORS     = 1,
    parameter int PIPELINE      = 1,
    parameter bit WEIGHTS_STAGE = 1'b0,
    parameter bit REPLAY        = 1'b1,
    parameter     WEIGHTS_FILE    = "",
    parameter     THRESHOLDS_FILE = "",
    parameter     SETS_FILE       = "",
    parameter     WEIGHTS_STYLE    = "auto",  // RAM_STYLE of mvau_rom
    parameter     THRESHOLDS_STYLE = "auto",
    localparam int TH_BITS_OUT  = TH_WIDTH > 0 ? TH_WIDTH : 1
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
`endif
    input  logic                   ap_clk,
    input  logic                   ap_rst_n,
    input  logic                   en,

    input  logic                   s_valid,
    output logic                   s_ready,
    input  logic [WORD_BITS-1:0]   s_data,

    output logic [WORD_BITS-1:0]   x,
    output logic [WEIGHT_BITS-1:0] weights,
    output logic [TH_BITS_OUT-1:0] thresholds,
    output logic                   acc_valid,
    output logic                   acc_first,
    output logic                   done
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (PIPELINE < 0 || PIPELINE > 4) begin : g_check_1
    $error("bnn_mvau_feed: PIPELINE = %0d is not in 0..4", PIPELINE);
  end
`endif

`ifdef HW_BNN_CONFIG
  localparam int DEPTH        = CONTEXTS * NF * SF;
  localparam int CONTEXT_BITS = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1;
  logic [CONTEXT_BITS-1:0] context_now;
`else
  localparam int DEPTH       = NF * SF;
`endif
  localparam int ADDR_BITS   = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int NF_BITS     = NF > 1 ? $clog2(NF) : 1;
  localparam int VECTOR_BITS = N_VECTORS > 1 ? $clog2(N_VECTORS) : 1;
  localparam int DELAY       = PIPELINE + 32'(WEIGHTS_STAGE);

  logic acc_last;
  logic [ADDR_BITS-1:0] addr;
  logic [NF_BITS-1:0] nf;
  logic [VECTOR_BITS-1:0] vector;
  logic [WORD_BITS-1:0] x_read;
  logic [WEIGHT_BITS-1:0] weights_read;

  bnn_mvau_replay #(
`ifdef HW_BNN_CONFIG
      .CONTEXTS(CONTEXTS),
`endif
      .BITS(WORD_BITS), .SF(SF), .NF(NF), .N_VECTORS(N_VECTORS), .DELAY(DELAY),
      .REPLAY(REPLAY)
  ) u_replay (
`ifdef HW_BNN_CONFIG
      .passes(cfg[CFG_WORD+29+:15]), .context_out(context_now),
`endif
      .ap_clk, .ap_rst_n, .en, .s_valid, .s_ready, .s_data,
      .addr, .nf, .vector, .x_data(x_read), .acc_valid, .acc_first, .acc_last
  );

  bnn_mvau_rom #(
`ifdef HW_BNN_CONFIG
      .CFG_WORD(CFG_WORD), .MEMORY(0),
`endif
      .BITS(WEIGHT_BITS), .DEPTH(DEPTH), .FILE(WEIGHTS_FILE), .RAM_STYLE(WEIGHTS_STYLE)
  ) u_weights (
`ifdef HW_BNN_CONFIG
      .cfg,
`endif
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

  if (TH_WIDTH > 0) begin : g_thresholds
    bnn_mvau_thresholds #(
`ifdef HW_BNN_CONFIG
      .CFG_WORD(CFG_WORD), .MEMORY(1), .CONTEXTS(CONTEXTS),
`endif
        .BITS(TH_WIDTH), .NF(NF), .N_SETS(N_SETS), .N_VECTORS(N_VECTORS),
        .DELAY(DELAY), .STAGE(WEIGHTS_STAGE), .FILE(THRESHOLDS_FILE),
        .SETS_FILE(SETS_FILE), .RAM_STYLE(THRESHOLDS_STYLE)
    ) u_thresholds (
`ifdef HW_BNN_CONFIG
      .cfg, .context_in(context_now),
`endif
        .ap_clk, .en, .nf, .vector, .q(thresholds)
    );
  end else begin : g_no_thresholds
    assign thresholds = '0;
    logic unused;
`ifdef HW_BNN_CONFIG
    assign unused = &{1'b0, nf, vector, context_now};
`else
    assign unused = &{1'b0, nf, vector};
`endif
  end

endmodule : bnn_mvau_feed
