// bnn_threshold: integers become levels, a channel's thresholds each.
//
//   N_THRESHOLDS = 1, OUT_BITS = 1:  y = (x >= T)
//   otherwise:                       y = OUT_BIAS + #{t : x >= T[c][t]}, OUT_BITS two's complement
//   with bit c of NEGATE_FILE set, ~x stands for x: -x >= T holds exactly where ~x = -x - 1 >= T - 1,
//   so that a falling comparison is T - 1 in the file
//
// A vector of CHANNELS elements is NF = CHANNELS/PE words of PE elements; channel c = nf*PE + pe.
// THRESHOLDS_FILE: N_SETS*NF words, address set*NF+nf, threshold t of lane pe (two's complement,
//                  TH_BITS = IN_BITS+2) at bit (pe*N_THRESHOLDS+t)*TH_BITS.
// SETS_FILE:       N_VECTORS words: the threshold set of each vector of a frame (N_SETS > 1 only).
// NEGATE_FILE:     NF words of PE bits, lane pe at bit pe; "" for none.
//
// Initiation interval: 1 cycle a word. Latency: 3 cycles.
module bnn_threshold #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int CONTEXTS = 1,   // weight sets; each pass has one (bnn_context_queue)
`endif
    parameter int CHANNELS     = 1,
    parameter int PE           = 1,
    parameter int IN_BITS      = 8,
    parameter bit IN_SIGNED    = 1'b1,
    parameter int N_THRESHOLDS = 1,
    parameter int OUT_BITS     = 1,
    parameter int OUT_BIAS     = 0,
    parameter     THRESHOLDS_FILE = "",
    parameter int N_SETS       = 1,
    parameter int N_VECTORS    = 1,
    parameter     SETS_FILE    = "",
    parameter     NEGATE_FILE  = ""
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
`endif
    input  logic                              ap_clk,
    input  logic                              ap_rst_n,

    input  logic [(PE*IN_BITS+7)/8*8-1:0]     s_axis_tdata,
    input  logic                              s_axis_tvalid,
    output logic                              s_axis_tready,

    output logic [(PE*OUT_BITS+7)/8*8-1:0]    m_axis_tdata,
    output logic                              m_axis_tvalid,
    input  logic                              m_axis_tready
);

  localparam int NF          = CHANNELS / PE;
  localparam int NF_BITS     = NF > 1 ? $clog2(NF) : 1;
  localparam int VECTOR_BITS = N_VECTORS > 1 ? $clog2(N_VECTORS) : 1;
  localparam int TH_BITS     = IN_BITS + 2;
  localparam int TH_WIDTH    = N_THRESHOLDS * TH_BITS;  // of one lane
  localparam int IN_WIDTH    = PE * IN_BITS;
  localparam int OUT_WIDTH   = PE * OUT_BITS;

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (CHANNELS % PE != 0) begin : g_check_1
    $error("bnn_threshold: PE = %0d does not divide %0d channels", PE, CHANNELS);
  end
  if (IN_BITS < 1 || IN_BITS > 32) begin : g_check_2
    $error("bnn_threshold: IN_BITS = %0d is not in 1..32", IN_BITS);
  end
  if (N_VECTORS < 1) begin : g_check_3
    $error("bnn_threshold: N_VECTORS = %0d must be at least 1", N_VECTORS);
  end
`endif

  logic en, out_ready;
  logic [1:0] valid;  // bit i: a word is in stage i
  logic [NF_BITS-1:0] nf;
  logic [VECTOR_BITS-1:0] vector;
`ifdef HW_BNN_CONFIG
  localparam int CONTEXT_BITS = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1;
  logic [CONTEXT_BITS-1:0] context_now;
  if (CONTEXTS > 1) begin : g_contexts
    logic last_pass;
    bnn_context_queue #(.BITS(CONTEXT_BITS)) u_queue (
        .ap_clk, .ap_rst_n, .passes(cfg[CFG_WORD+29+:15]),
        .ends(en && s_axis_tvalid && last_nf
              && (N_VECTORS == 1 || vector == VECTOR_BITS'(N_VECTORS - 1))),
        .context_now, .last(last_pass)
    );
    logic unused_last;
    assign unused_last = &{1'b0, last_pass};
  end else begin : g_one_context
    assign context_now = '0;
  end
`endif
  logic [IN_WIDTH-1:0] early, x;
  logic [PE*TH_WIDTH-1:0] thresholds;
  logic [OUT_WIDTH-1:0] y;
  logic last_nf;

  // The pipeline stands still while a result waits that the output cannot take.
  assign en = out_ready || !valid[1];
  assign s_axis_tready = en;
  assign last_nf = NF == 1 || nf == NF_BITS'(NF - 1);

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      valid  <= '0;
      nf     <= '0;
      vector <= '0;
    end else if (en) begin
      valid <= {valid[0], s_axis_tvalid};
      if (s_axis_tvalid) begin
        nf <= last_nf ? '0 : nf + 1'b1;
        if (N_VECTORS > 1 && last_nf)
          vector <= vector == VECTOR_BITS'(N_VECTORS - 1) ? '0 : vector + 1'b1;
      end
    end
  end

  always_ff @(posedge ap_clk) begin
    if (en) begin
      early <= s_axis_tdata[IN_WIDTH-1:0];
      x     <= early;
    end
  end

  bnn_mvau_thresholds #(
`ifdef HW_BNN_CONFIG
      .CFG_WORD(CFG_WORD), .MEMORY(1), .CONTEXTS(CONTEXTS),
`endif
      .BITS(PE * TH_WIDTH), .NF(NF), .N_SETS(N_SETS), .N_VECTORS(N_VECTORS),
      .DELAY(0), .FILE(THRESHOLDS_FILE), .SETS_FILE(SETS_FILE)
  ) u_thresholds (
`ifdef HW_BNN_CONFIG
      .cfg, .context_in(context_now),
`endif
      .ap_clk, .en, .nf, .vector, .q(thresholds)
  );

  logic [PE-1:0] negate;
  if (NEGATE_FILE == "") begin : g_rising
    assign negate = '0;
  end else begin : g_falling
    bnn_mvau_thresholds #(
`ifdef HW_BNN_CONFIG
      .CFG_WORD(CFG_WORD), .MEMORY(2), .CONTEXTS(CONTEXTS),
`endif
        .BITS(PE), .NF(NF), .N_SETS(1), .N_VECTORS(1), .DELAY(0), .FILE(NEGATE_FILE), .SETS_FILE("")
    ) u_negate (
`ifdef HW_BNN_CONFIG
      .cfg, .context_in(context_now),
`endif
        .ap_clk, .en, .nf, .vector(1'b0), .q(negate)
    );
  end

  for (genvar pe = 0; pe < PE; pe++) begin : g_lane
    // One bit more, so that unsigned elements are non-negative numbers beside signed thresholds.
    logic [IN_BITS:0] element;
    assign element = {IN_SIGNED && x[pe*IN_BITS+IN_BITS-1], x[pe*IN_BITS+:IN_BITS]}
                   ^ {(IN_BITS + 1) {negate[pe]}};
    bnn_mvau_level #(
        .SUM_BITS(IN_BITS + 1), .SUM_SIGNED(1'b1), .TH_BITS(TH_BITS),
        .N_THRESHOLDS(N_THRESHOLDS), .OUT_BITS(OUT_BITS), .OUT_BIAS(OUT_BIAS)
    ) u_level (
        .sum(element), .thresholds(thresholds[pe*TH_WIDTH+:TH_WIDTH]),
        .level(y[pe*OUT_BITS+:OUT_BITS])
    );
  end

  logic [OUT_WIDTH-1:0] out;
  bnn_skid #(.BITS(OUT_WIDTH)) u_out (
      .ap_clk, .ap_rst_n,
      .in_valid(valid[1]), .in_ready(out_ready), .in_data(y),
      .out_valid(m_axis_tvalid), .out_ready(m_axis_tready), .out_data(out)
  );
  assign m_axis_tdata = ($bits(m_axis_tdata))'(out);

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(OUT_WIDTH)) u_check (
      .ap_clk, .ap_rst_n, .tdata(out), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_threshold
