// bnn_stream_fork: stream duplicator: every input word leaves at each of N outputs.
//
//   out i = in, for i < N; output i is bits i*TDATA +: TDATA of m_axis_tdata, bit i of the others
//
// Each output takes a word when it likes, at most one word before or after the others; the next
// word enters when all have taken the last. Branches that later join again need FIFOs for what
// one of them holds longer than the other.
//
// Latency: 1 cycle. Initiation interval: 1 word a cycle.
module bnn_stream_fork #(
    parameter int BITS = 8,  // of a word
    parameter int N    = 2,  // outputs
    localparam int TDATA = (BITS + 7) / 8 * 8
) (
    input  logic               ap_clk,
    input  logic               ap_rst_n,

    input  logic [TDATA-1:0]   s_axis_tdata,
    input  logic               s_axis_tvalid,
    output logic               s_axis_tready,

    output logic [N*TDATA-1:0] m_axis_tdata,
    output logic [N-1:0]       m_axis_tvalid,
    input  logic [N-1:0]       m_axis_tready
);

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (BITS < 1 || N < 1) begin : g_check_1
    $error("bnn_stream_fork: sizes must be at least 1");
  end
`endif

  // An output's valid says that the word held is still to be taken there.
  logic [BITS-1:0] word;
  assign s_axis_tready = (m_axis_tvalid & ~m_axis_tready) == '0;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) m_axis_tvalid <= '0;
    else if (s_axis_tready) m_axis_tvalid <= {N{s_axis_tvalid}};
    else m_axis_tvalid <= m_axis_tvalid & ~m_axis_tready;
  end
  always_ff @(posedge ap_clk) begin
    if (s_axis_tready) word <= s_axis_tdata[BITS-1:0];
  end

  if (TDATA > BITS) begin : g_fill
    logic unused;
    assign unused = &{1'b0, s_axis_tdata[TDATA-1:BITS]};
    assign m_axis_tdata = {N{{(TDATA - BITS) {1'b0}}, word}};
  end else begin : g_whole
    assign m_axis_tdata = {N{word}};
  end

`ifdef HW_BNN_CHECK
  for (genvar i = 0; i < N; i++) begin : g_check
    bnn_stream_checker #(
        .BITS(TDATA)
    ) u_check (
        .ap_clk(ap_clk),
        .ap_rst_n(ap_rst_n),
        .tdata(m_axis_tdata[i*TDATA+:TDATA]),
        .tvalid(m_axis_tvalid[i]),
        .tready(m_axis_tready[i])
    );
  end
`endif

endmodule : bnn_stream_fork
