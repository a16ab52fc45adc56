// bnn_frame_repeat: gives each frame TIMES times, one after another.
//
//   out[frame][time][word] = in[frame][word]   for time < TIMES, word < WORDS
//
// The first time a frame passes from the input and is kept, then it is read from memory; the next
// frame is taken behind the last word of the last time.
//
// Latency: 1 cycle. Initiation interval: 1 word a cycle, WORDS * TIMES a frame.
module bnn_frame_repeat #(
    parameter int BITS  = 8,
    parameter int WORDS = 1,
    parameter int TIMES = 2
) (
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,

    input  logic [(BITS+7)/8*8-1:0] s_axis_tdata,
    input  logic                    s_axis_tvalid,
    output logic                    s_axis_tready,

    output logic [(BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                    m_axis_tvalid,
    input  logic                    m_axis_tready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < 1 || WORDS < 1 || TIMES < 2) begin : g_check_1
    $error("bnn_frame_repeat: BITS = %0d and WORDS = %0d must be at least 1, TIMES = %0d at least 2",
           BITS, WORDS, TIMES);
  end
`endif

  localparam int WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int TIME_BITS = $clog2(TIMES);

  logic [BITS-1:0] given;
  logic [WORD_BITS-1:0] word;
  logic [TIME_BITS-1:0] pass;
  logic en, step, first, last_word;

  assign en            = m_axis_tready || !m_axis_tvalid;
  assign first         = pass == '0;
  assign step          = en && (!first || s_axis_tvalid);
  assign last_word     = WORDS == 1 || word == WORD_BITS'(WORDS - 1);
  assign s_axis_tready = en && first;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      word          <= '0;
      pass          <= '0;
      m_axis_tvalid <= 1'b0;
    end else if (en) begin
      m_axis_tvalid <= step;
      if (step) begin
        word <= last_word ? '0 : word + 1'b1;
        if (last_word) pass <= pass == TIME_BITS'(TIMES - 1) ? '0 : pass + 1'b1;
      end
    end
  end

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

  assign m_axis_tdata = ($bits(m_axis_tdata))'(given);

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(BITS)) u_check (
      .ap_clk, .ap_rst_n, .tdata(m_axis_tdata[BITS-1:0]),
      .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_frame_repeat
