// bnn_requantise: integers on one scale become integers on another, by a channel's own numbers.
//
//   y[c] = clip((gain[c]*x[c] + offset[c]) >>> SHIFT, LOW, HIGH)         (bnn_requantise_lane.sv)
//
// HALF_EVEN = 1 rounds what lies between two results to the even one (its half stands in the
// offset). PIECES = 2: gain and offset of the lower piece below x = at[c], else of the upper one.
//
// A vector of CHANNELS elements is NF = CHANNELS/PE words of PE elements; channel c = nf*PE + pe.
// TABLE_FILE: NF words; from the lowest bit lane after lane gain, offset; with two pieces gain0,
//             offset0, gain1, offset1, at (IN_BITS+1 bits). All two's complement.
//
// Initiation interval: 1 cycle a word. Latency: 5 cycles.
module bnn_requantise #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int CONTEXTS = 1,   // tables; each pass has one (bnn_context_queue)
    parameter int N_VECTORS = 1,  // of a frame, at whose end the context changes
`endif
    parameter int CHANNELS    = 1,
    parameter int PE          = 1,
    parameter int IN_BITS     = 16,
    parameter bit IN_SIGNED   = 1'b1,
    parameter int OUT_BITS    = 8,
    parameter int LOW         = -128,
    parameter int HIGH        = 127,
    parameter int SHIFT       = 8,
    parameter bit HALF_EVEN   = 1'b0,
    parameter int PIECES      = 1,
    parameter int GAIN_BITS   = 16,
    parameter int OFFSET_BITS = 24,
    parameter int SUM_BITS    = 34,
    parameter     TABLE_FILE  = ""
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0]            cfg,  // of bnn_config_node
`endif
    input  logic                            ap_clk,
    input  logic                            ap_rst_n,

    input  logic [(PE*IN_BITS+7)/8*8-1:0]   s_axis_tdata,
    input  logic                            s_axis_tvalid,
    output logic                            s_axis_tready,

    output logic [(PE*OUT_BITS+7)/8*8-1:0]  m_axis_tdata,
    output logic                            m_axis_tvalid,
    input  logic                            m_axis_tready
);

  localparam int NF         = CHANNELS / PE;
  localparam int NF_BITS    = NF > 1 ? $clog2(NF) : 1;
  localparam int IN_WIDTH   = PE * IN_BITS;
  localparam int OUT_WIDTH  = PE * OUT_BITS;
  localparam int PIECE_BITS = GAIN_BITS + OFFSET_BITS;
  localparam int ENTRY_BITS = PIECES == 1 ? PIECE_BITS : 2 * PIECE_BITS + IN_BITS + 1;

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (CHANNELS % PE != 0) begin : g_check_1
    $error("bnn_requantise: PE = %0d does not divide %0d channels", PE, CHANNELS);
  end
  if (IN_BITS < 1 || IN_BITS > 32) begin : g_check_2
    $error("bnn_requantise: IN_BITS = %0d is not in 1..32", IN_BITS);
  end
  if (PIECES < 1 || PIECES > 2) begin : g_check_3
    $error("bnn_requantise: PIECES = %0d is not 1 or 2", PIECES);
  end
  if (SHIFT < 0 || SUM_BITS < SHIFT + 2) begin : g_check_4
    $error("bnn_requantise: SHIFT = %0d of SUM_BITS = %0d", SHIFT, SUM_BITS);
  end
  if (SUM_BITS < OFFSET_BITS || SUM_BITS < GAIN_BITS) begin : g_check_5
    $error("bnn_requantise: SUM_BITS = %0d is less than a number of the table has", SUM_BITS);
  end
  if (LOW > HIGH) begin : g_check_6
    $error("bnn_requantise: LOW = %0d is above HIGH = %0d", LOW, HIGH);
  end
  if (OUT_BITS < 1 || OUT_BITS > 24) begin : g_check_7
    $error("bnn_requantise: OUT_BITS = %0d is not in 1..24", OUT_BITS);
  end
  if (LOW < 0 ? LOW < -(2 ** (OUT_BITS - 1)) || HIGH >= 2 ** (OUT_BITS - 1) : HIGH >= 2 ** OUT_BITS) begin : g_check_8
    $error("bnn_requantise: %0d bits do not hold LOW = %0d to HIGH = %0d", OUT_BITS, LOW, HIGH);
  end
`endif

  logic en, out_ready;
  logic [3:0] valid;  // bit i: a word is in stage i
  logic [NF_BITS-1:0] nf;
  logic last_nf;
  logic [IN_WIDTH-1:0] x;
  logic [PE*ENTRY_BITS-1:0] entries;
  logic [OUT_WIDTH-1:0] y;

  // The pipeline stands still while a result waits that the output cannot take.
  assign en = out_ready || !valid[3];
  assign s_axis_tready = en;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      valid <= '0;
      nf    <= '0;
    end else if (en) begin
      valid <= {valid[2:0], s_axis_tvalid};
      if (s_axis_tvalid) nf <= last_nf ? '0 : nf + 1'b1;
    end
  end
  assign last_nf = NF == 1 || nf == NF_BITS'(NF - 1);

  always_ff @(posedge ap_clk) if (en) x <= s_axis_tdata[IN_WIDTH-1:0];

`ifdef HW_BNN_CONFIG
  localparam int DEPTH     = CONTEXTS * NF;
  localparam int ADDR_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  logic [ADDR_BITS-1:0] addr;
  if (CONTEXTS > 1) begin : g_contexts
    localparam int CONTEXT_BITS = $clog2(CONTEXTS);
    localparam int VECTOR_BITS  = N_VECTORS > 1 ? $clog2(N_VECTORS) : 1;
    logic [VECTOR_BITS-1:0] vector;
    logic [CONTEXT_BITS-1:0] context_now;
    logic [ADDR_BITS-1:0] base;
    logic last_pass, last_vector;
    assign last_vector = N_VECTORS == 1 || vector == VECTOR_BITS'(N_VECTORS - 1);
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) vector <= '0;
      else if (en && s_axis_tvalid && last_nf) vector <= last_vector ? '0 : vector + 1'b1;
    end
    bnn_context_queue #(.BITS(CONTEXT_BITS)) u_queue (
        .ap_clk, .ap_rst_n, .passes(cfg[CFG_WORD+29+:15]),
        .ends(en && s_axis_tvalid && last_nf && last_vector), .context_now, .last(last_pass)
    );
    bnn_context_base #(.CONTEXTS(CONTEXTS), .STRIDE(NF), .BITS(ADDR_BITS)) u_base (
        .context_now, .base
    );
    assign addr = base + ADDR_BITS'(nf);
    logic unused_last;
    assign unused_last = &{1'b0, last_pass};
  end else begin : g_one_context
    assign addr = ADDR_BITS'(nf);
  end

  bnn_mvau_rom #(
      .CFG_WORD(CFG_WORD), .MEMORY(5), .BITS(PE * ENTRY_BITS), .DEPTH(DEPTH), .FILE(TABLE_FILE)
  ) u_table (
      .cfg, .ap_clk, .en, .addr, .q(entries)
  );
`else
  bnn_mvau_rom #(.BITS(PE * ENTRY_BITS), .DEPTH(NF), .FILE(TABLE_FILE)) u_table (
      .ap_clk, .en, .addr(nf), .q(entries)
  );
`endif

  for (genvar pe = 0; pe < PE; pe++) begin : g_lane
    bnn_requantise_lane #(
        .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .OUT_BITS(OUT_BITS), .LOW(LOW), .HIGH(HIGH),
        .SHIFT(SHIFT), .HALF_EVEN(HALF_EVEN), .PIECES(PIECES), .GAIN_BITS(GAIN_BITS),
        .OFFSET_BITS(OFFSET_BITS), .SUM_BITS(SUM_BITS)
    ) u_lane (
        .ap_clk, .en, .x(x[pe*IN_BITS+:IN_BITS]), .entry(entries[pe*ENTRY_BITS+:ENTRY_BITS]),
        .y(y[pe*OUT_BITS+:OUT_BITS])
    );
  end

  logic [OUT_WIDTH-1:0] out;
  bnn_skid #(.BITS(OUT_WIDTH)) u_out (
      .ap_clk, .ap_rst_n,
      .in_valid(valid[3]), .in_ready(out_ready), .in_data(y),
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

endmodule : bnn_requantise
