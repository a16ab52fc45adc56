// bnn_frame_repeat: gives each frame once for each context, or once for the one that it names.
//
//   out[frame][pass][word] = in[frame][word]   for word < WORDS
//
// s_axis_tuser of a frame's first word names its context: 0 for all TIMES of them, one pass after
// another in their order, c + 1 for context c alone. (A name above TIMES is as 0.) The frame's first
// pass comes from the input and is kept, then it is read from memory; the next frame is taken behind
// the last word of the last pass. Each pass is announced before its first word (bnn_context_queue);
// pass_out tells that one has left the accelerator, inside are LIMIT at most.
//
// Latency: 2 cycles. Initiation interval: 1 word a cycle.
module bnn_frame_repeat #(
    parameter int BITS  = 8,
    parameter int WORDS = 1,
    parameter int TIMES = 2
) (
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,

    input  logic [(BITS+7)/8*8-1:0] s_axis_tdata,
    input  logic [7:0]              s_axis_tuser,
    input  logic                    s_axis_tvalid,
    output logic                    s_axis_tready,

    output logic [(BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                    m_axis_tvalid,
    input  logic                    m_axis_tready,

    output logic [14:0]             passes,
    input  logic                    pass_out
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < 1 || WORDS < 1 || TIMES < 2 || TIMES > 255) begin : g_check_1
    $error("bnn_frame_repeat: BITS = %0d and WORDS = %0d must be at least 1, TIMES = %0d in 2..255",
           BITS, WORDS, TIMES);
  end
`endif

  localparam int WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int TIME_BITS = $clog2(TIMES);
  localparam logic [4:0] LIMIT = 5'd30;  // a node may lag a pass behind the last one's results

  logic [BITS-1:0] given, held;
  logic [WORD_BITS-1:0] word;
  logic [TIME_BITS-1:0] pass;
  logic [4:0] place, under_way;
  logic [7:0] named;
  logic en, step, first, first_word, last_word, room, begins, one, one_kept, last_pass, valid;

  assign en            = m_axis_tready || !m_axis_tvalid;
  assign first         = pass == '0;
  assign first_word    = WORDS == 1 || word == '0;
  assign last_word     = WORDS == 1 || word == WORD_BITS'(WORDS - 1);
  assign room          = !first_word || under_way != LIMIT;
  assign step          = en && room && (!first || s_axis_tvalid);
  assign begins        = step && first_word;
  assign named         = s_axis_tuser - 8'd1;  // 255 for all
  assign one           = first && (first_word ? named < $unsigned(8'(TIMES)) : one_kept);
  assign last_pass     = one || pass == TIME_BITS'(TIMES - 1);
  assign s_axis_tready = en && room && first;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      word          <= '0;
      pass          <= '0;
      valid         <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end else if (en) begin
      valid         <= step;
      m_axis_tvalid <= valid;
      if (step) begin
        word <= last_word ? '0 : word + 1'b1;
        if (last_word) pass <= last_pass ? '0 : pass + 1'b1;
      end
    end
  end
  always_ff @(posedge ap_clk) if (begins) one_kept <= one;

  // A pass is announced in the cycle in which its first word waits behind the memory.
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      passes[14] <= 1'b0;
      place      <= '0;
      under_way     <= '0;
    end else begin
      passes[14] <= begins;
      if (begins) place <= place + 1'b1;
      if (begins != pass_out) under_way <= pass_out ? under_way - 1'b1 : under_way + 1'b1;
    end
  end
  always_ff @(posedge ap_clk) passes[13:0] <= {place, last_pass, one ? named : 8'(pass)};

  if (WORDS == 1) begin : g_hold
    always_ff @(posedge ap_clk) if (s_axis_tready) given <= s_axis_tdata[BITS-1:0];
  end else begin : g_memory
    logic [BITS-1:0] memory[WORDS];
    logic [BITS-1:0] fresh, kept;
    logic from_input;
    always_ff @(posedge ap_clk) begin
      if (s_axis_tready) memory[word] <= s_axis_tdata[BITS-1:0];
      if (en) begin
        kept       <= memory[word];
        fresh      <= s_axis_tdata[BITS-1:0];
        from_input <= first;
      end
    end
    assign given = from_input ? fresh : kept;
  end
  always_ff @(posedge ap_clk) if (en) held <= given;
  assign m_axis_tdata = ($bits(m_axis_tdata))'(held);

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(BITS)) u_check (
      .ap_clk, .ap_rst_n, .tdata(m_axis_tdata[BITS-1:0]),
      .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_frame_repeat
