// bnn_channels: some neighbouring channels of every pixel; the others are dropped.
//
//   out[pixel][word] = in[pixel][FIRST + word]   for word < TAKEN, of WORDS words a pixel
//
// Words pass as they are, whatever their elements mean.
//
// Latency: 1 cycle. Initiation interval: 1 word in a cycle, WORDS a pixel.
module bnn_channels #(
    parameter int BITS  = 8,  // of a word
    parameter int WORDS = 2,  // of a pixel that come in
    parameter int FIRST = 0,  // of those that leave
    parameter int TAKEN = 1,  // that leave
    localparam int TDATA = (BITS + 7) / 8 * 8
) (
    input  logic             ap_clk,
    input  logic             ap_rst_n,

    input  logic [TDATA-1:0] s_axis_tdata,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,

    output logic [TDATA-1:0] m_axis_tdata,
    output logic             m_axis_tvalid,
    input  logic             m_axis_tready
);

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (BITS < 1 || FIRST < 0 || TAKEN < 1 || FIRST + TAKEN > WORDS || WORDS < 2) begin : g_check_1
    $error("bnn_channels: needs BITS >= 1, WORDS >= 2 and words FIRST to FIRST + TAKEN - 1 of them");
  end
`endif

  localparam int COUNT_BITS = $clog2(WORDS);
  logic [COUNT_BITS-1:0] count;  // words of the pixel that are through
  logic kept, step;
  // Both bounds are constants of 32 bits, since FIRST + TAKEN may be WORDS, beyond the counter.
  assign kept = (FIRST == 0 || 32'(count) >= FIRST)
             && (FIRST + TAKEN == WORDS || 32'(count) < FIRST + TAKEN);
  assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
  assign step = s_axis_tvalid && s_axis_tready;

  logic [BITS-1:0] word;
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      count <= '0;
      m_axis_tvalid <= 1'b0;
    end else begin
      if (s_axis_tready) m_axis_tvalid <= step && kept;
      if (step) count <= count == COUNT_BITS'(WORDS - 1) ? '0 : count + 1'b1;
    end
  end
  always_ff @(posedge ap_clk) if (step) word <= s_axis_tdata[BITS-1:0];
  assign m_axis_tdata = TDATA'(word);

  logic unused;
  assign unused = &{1'b0, s_axis_tdata};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(
      .BITS(TDATA)
  ) u_check (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .tdata(m_axis_tdata),
      .tvalid(m_axis_tvalid),
      .tready(m_axis_tready)
  );
`endif

endmodule : bnn_channels
