// bnn_affine_argmax: scores and the label that belongs to them, a frame at a time.
//
//   label = argmax_c (A[c] * score[c] + B[c]),  the lowest c among equals
//
// A and B are two's complement, scores too unless IN_SIGNED = 0, and the arithmetic is exact. A frame
// is NF = N/PE input words of PE scores, c = nf*PE + pe, element 0 in the least significant bits.
//
//   MODE 0  scores: NF words of PE scores, SCORE_BITS each (extended)
//   MODE 1  label:  one word, LABEL_BITS
//   MODE 2  both:   NF words of PE scores; the label at bit PE*SCORE_BITS of the last one (zeros
//                   in the others)
//
// AFFINE_FILE: NF words, lane pe at bit pe*(A_BITS+B_BITS), A in the low A_BITS bits, B above.
// A_BITS = 0: A = 1 and B = 0, no file.
//
// Initiation interval: 1 cycle a word. Latency: 1 cycle for scores alone, otherwise
// 3 + $clog2(PE) + (A_BITS > 0 ? 2 : 0).
module bnn_affine_argmax #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int CONTEXTS = 1,   // weight sets; each pass has one (bnn_context_queue)
`endif
    parameter int N          = 10,
    parameter int PE         = 1,
    parameter int IN_BITS    = 8,
    parameter int IN_SIGNED  = 1,
    parameter int A_BITS     = 0,
    parameter int B_BITS     = 0,
    parameter int MODE       = 2,
    parameter int SCORE_BITS = 8,
    parameter int LABEL_BITS = 4,
    parameter     AFFINE_FILE = "",
    localparam int SCORES_WIDTH = MODE == 1 ? 0 : PE * SCORE_BITS,
    localparam int LABEL_WIDTH  = MODE == 0 ? 0 : LABEL_BITS,
    localparam int OUT_WIDTH    = SCORES_WIDTH + LABEL_WIDTH
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
`endif
    input  logic                          ap_clk,
    input  logic                          ap_rst_n,

    input  logic [(PE*IN_BITS+7)/8*8-1:0] s_axis_tdata,
    input  logic                          s_axis_tvalid,
    output logic                          s_axis_tready,

    output logic [(OUT_WIDTH+7)/8*8-1:0]  m_axis_tdata,
    output logic                          m_axis_tvalid,
    input  logic                          m_axis_tready
);

  localparam int NF       = N / PE;
  localparam int IN_WIDTH = PE * IN_BITS;
  localparam int NUMBER   = IN_SIGNED != 0 ? IN_BITS : IN_BITS + 1;  // bits of a score, with its sign

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N % PE != 0) begin : g_check_1
    $error("bnn_affine_argmax: PE = %0d does not divide N = %0d", PE, N);
  end
  if (IN_BITS < 1 || IN_BITS > 32) begin : g_check_2
    $error("bnn_affine_argmax: IN_BITS = %0d is not in 1..32", IN_BITS);
  end
  if (MODE < 0 || MODE > 2) begin : g_check_3
    $error("bnn_affine_argmax: MODE = %0d is not 0, 1 or 2", MODE);
  end
  if (MODE != 1 && SCORE_BITS < IN_BITS) begin : g_check_4
    $error("bnn_affine_argmax: SCORE_BITS = %0d is less than IN_BITS = %0d", SCORE_BITS, IN_BITS);
  end
  if (MODE != 0 && 2 ** LABEL_BITS < N) begin : g_check_5
    $error("bnn_affine_argmax: %0d label bits do not hold %0d labels", LABEL_BITS, N);
  end
  if (A_BITS < 0 || (A_BITS > 0 && B_BITS < 1)) begin : g_check_6
    $error("bnn_affine_argmax: A_BITS = %0d and B_BITS = %0d do not go together", A_BITS, B_BITS);
  end
`endif

  logic out_ready, out_valid_in;
  logic [OUT_WIDTH-1:0] y, out;
  logic [IN_WIDTH-1:0] x;
  assign x = s_axis_tdata[IN_WIDTH-1:0];

  // Scores of a word, extended to their output width.
  function automatic logic [PE*SCORE_BITS-1:0] extended(input logic [IN_WIDTH-1:0] word);
    for (int pe = 0; pe < PE; pe++)
      if (IN_SIGNED != 0)
        extended[pe*SCORE_BITS+:SCORE_BITS] = SCORE_BITS'($signed(word[pe*IN_BITS+:IN_BITS]));
      else extended[pe*SCORE_BITS+:SCORE_BITS] = SCORE_BITS'(word[pe*IN_BITS+:IN_BITS]);
  endfunction

  if (MODE == 0) begin : g_scores
    assign s_axis_tready = out_ready;
    assign out_valid_in  = s_axis_tvalid;
    assign y             = extended(x);
  end else begin : g_label
    localparam int LEVELS     = $clog2(PE);
    localparam int INDEX_BITS = LEVELS > 0 ? LEVELS : 1;
    localparam int FRONT      = A_BITS > 0 ? 3 : 1;  // stages before the tree
    localparam int STAGES     = FRONT + LEVELS;      // stages before the running maximum
    localparam int WIDER      = NUMBER + A_BITS > B_BITS ? NUMBER + A_BITS : B_BITS;
    localparam int VALUE_BITS = A_BITS > 0 ? WIDER + 1 : NUMBER;

    logic en, done, done_last;
    logic [STAGES-1:0] valid;  // bit i: a word is in stage i
    logic [PE*VALUE_BITS-1:0] values;
    logic [VALUE_BITS-1:0] value, best;
    logic [INDEX_BITS-1:0] index;
    logic [LABEL_BITS-1:0] label, base;  // base: number of the word's first score
    logic first_word, last_word;

    // Scores as signed numbers: an unsigned one gets a 0 on top.
    logic [PE*NUMBER-1:0] numbers;
    for (genvar pe = 0; pe < PE; pe++) begin : g_number
      if (IN_SIGNED != 0) begin : g_signed
        assign numbers[pe*NUMBER+:NUMBER] = x[pe*IN_BITS+:IN_BITS];
      end else begin : g_unsigned
        assign numbers[pe*NUMBER+:NUMBER] = {1'b0, x[pe*IN_BITS+:IN_BITS]};
      end
    end

    // The pipeline stands still while a result waits that the output cannot take.
    assign out_valid_in  = done && (MODE == 2 || done_last);
    assign en            = out_ready || !out_valid_in;
    assign s_axis_tready = en;

    if (A_BITS == 0) begin : g_identity
      always_ff @(posedge ap_clk) if (en) values <= numbers;
    end else begin : g_affine
      localparam int LANE_BITS    = A_BITS + B_BITS;
      localparam int PRODUCT_BITS = NUMBER + A_BITS;
      localparam int NF_BITS      = NF > 1 ? $clog2(NF) : 1;
      logic [NF_BITS-1:0] nf;
      logic [PE*LANE_BITS-1:0] affine;
      logic [PE*NUMBER-1:0] held;

`ifdef HW_BNN_CONFIG
      localparam int DEPTH        = CONTEXTS * NF;
      localparam int ADDR_BITS    = DEPTH > 1 ? $clog2(DEPTH) : 1;
      logic [ADDR_BITS-1:0] addr;
      if (CONTEXTS > 1) begin : g_contexts
        localparam int CONTEXT_BITS = $clog2(CONTEXTS);
        logic [CONTEXT_BITS-1:0] context_now;
        logic last_pass;
        bnn_context_queue #(.BITS(CONTEXT_BITS)) u_queue (
            .ap_clk, .ap_rst_n, .passes(cfg[CFG_WORD+29+:15]),
            .ends(en && s_axis_tvalid && (NF == 1 || nf == NF_BITS'(NF - 1))),
            .context_now, .last(last_pass)
        );
        logic [ADDR_BITS-1:0] base_now;
        bnn_context_base #(.CONTEXTS(CONTEXTS), .STRIDE(NF), .BITS(ADDR_BITS)) u_base (
            .context_now, .base(base_now)
        );
        assign addr = base_now + ADDR_BITS'(nf);
        logic unused;
        assign unused = &{1'b0, last_pass};
      end else begin : g_one_context
        assign addr = nf;
      end
      bnn_mvau_rom #(
          .CFG_WORD(CFG_WORD), .MEMORY(3),
          .BITS(PE * LANE_BITS), .DEPTH(DEPTH), .FILE(AFFINE_FILE)
      ) u_affine (
          .cfg, .ap_clk, .en, .addr, .q(affine)
      );
`else
      bnn_mvau_rom #(.BITS(PE * LANE_BITS), .DEPTH(NF), .FILE(AFFINE_FILE)) u_affine (
          .ap_clk, .en, .addr(nf), .q(affine)
      );
`endif
      always_ff @(posedge ap_clk) begin
        if (!ap_rst_n) nf <= '0;
        else if (en && s_axis_tvalid) nf <= NF == 1 || nf == NF_BITS'(NF - 1) ? '0 : nf + 1'b1;
      end
      always_ff @(posedge ap_clk) if (en) held <= numbers;

      for (genvar pe = 0; pe < PE; pe++) begin : g_lane
        // Sign-extended by hand: simulators differ on casts of signed numbers.
        logic [NUMBER-1:0] score;
        logic [A_BITS-1:0] a;
        logic [B_BITS-1:0] b;
        logic signed [PRODUCT_BITS-1:0] wide_score, wide_a, product;
        assign score      = held[pe*NUMBER+:NUMBER];
        assign a          = affine[pe*LANE_BITS+:A_BITS];
        assign wide_score = {{A_BITS{score[NUMBER-1]}}, score};
        assign wide_a     = {{NUMBER{a[A_BITS-1]}}, a};
        always_ff @(posedge ap_clk) begin
          if (en) begin
            product <= wide_score * wide_a;
            b       <= affine[pe*LANE_BITS+A_BITS+:B_BITS];
            values[pe*VALUE_BITS+:VALUE_BITS] <=
                {{(VALUE_BITS - PRODUCT_BITS) {product[PRODUCT_BITS-1]}}, product}
                + {{(VALUE_BITS - B_BITS) {b[B_BITS-1]}}, b};
          end
        end
      end
    end

    bnn_argmax_tree #(.N(PE), .BITS(VALUE_BITS), .DEPTH(LEVELS)) u_tree (
        .ap_clk, .en, .x(values), .value, .index
    );

    assign first_word = NF == 1 || base == '0;
    assign last_word  = NF == 1 || base == LABEL_BITS'(N - PE);

    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) begin
        valid <= '0;
        base  <= '0;
        done  <= 1'b0;
      end else if (en) begin
        valid <= STAGES'({valid, s_axis_tvalid});
        done  <= valid[STAGES-1];
        if (valid[STAGES-1]) base <= last_word ? '0 : base + LABEL_BITS'(PE);
      end
    end
    always_ff @(posedge ap_clk) begin
      if (en && valid[STAGES-1]) begin
        done_last <= last_word;
        if (first_word || $signed(value) > $signed(best)) begin
          best  <= value;
          label <= base + LABEL_BITS'(index);
        end
      end
    end

    if (MODE == 1) begin : g_alone
      assign y = label;
    end else begin : g_with_scores
      // The scores wait for their label in a ring that turns once in STAGES cycles.
      localparam int PLACE_BITS = STAGES > 1 ? $clog2(STAGES) : 1;
      logic [IN_WIDTH-1:0] ring[STAGES];
      logic [IN_WIDTH-1:0] waited;
      logic [PLACE_BITS-1:0] place;
      always_ff @(posedge ap_clk) begin
        if (!ap_rst_n) place <= '0;
        else if (en) place <= place == PLACE_BITS'(STAGES - 1) ? '0 : place + 1'b1;
      end
      always_ff @(posedge ap_clk) begin
        if (en) begin
          ring[place] <= x;
          waited      <= ring[place];
        end
      end
      assign y = {done_last ? label : {LABEL_BITS{1'b0}}, extended(waited)};
    end
  end

  bnn_skid #(.BITS(OUT_WIDTH)) u_out (
      .ap_clk, .ap_rst_n,
      .in_valid(out_valid_in), .in_ready(out_ready), .in_data(y),
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

endmodule : bnn_affine_argmax
