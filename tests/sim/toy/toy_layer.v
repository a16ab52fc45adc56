// N signed dot products of K = 8*WORDS bipolar inputs, one input word and one score a cycle:
// max(WORDS, N) cycles a frame. Ready depends on the output's ready in the same cycle.
module toy_layer #(
  parameter integer WORDS = 3,
  parameter integer N = 5,
  parameter WEIGHTS_FILE = "weights.hex"
) (
  input  wire       ap_clk,
  input  wire       ap_rst_n,
  input  wire [7:0] s_axis_tdata,
  input  wire       s_axis_tvalid,
  output wire       s_axis_tready,
  output wire [7:0] m_axis_tdata,
  output wire       m_axis_tvalid,
  input  wire       m_axis_tready
);
  reg [8*N-1:0] weights [0:WORDS-1];
  initial $readmemh(WEIGHTS_FILE, weights);

  reg [7:0] word, left;
  reg [8*N-1:0] sums, results, next;
  wire last = word == WORDS - 1;
  wire [8*N-1:0] row = weights[word];
  integer n, b;
  always @* begin
    next = sums;
    for (n = 0; n < N; n = n + 1)
      for (b = 0; b < 8; b = b + 1)
        next[8*n +: 8] = next[8*n +: 8] + (s_axis_tdata[b] == row[8*n + b] ? 8'd1 : 8'hff);
  end

  assign s_axis_tready = !last || left == 0 || (left == 1 && m_axis_tready);
  assign m_axis_tvalid = left != 0;
  assign m_axis_tdata  = results[7:0];

  always @(posedge ap_clk) begin
    if (m_axis_tvalid && m_axis_tready) begin
      left    <= left - 8'd1;
      results <= results >> 8;
    end
    if (s_axis_tvalid && s_axis_tready) begin
      word <= last ? 8'd0 : word + 8'd1;
      sums <= last ? {8*N{1'b0}} : next;
      if (last) begin
        left    <= N;
        results <= next;
      end
    end
    if (!ap_rst_n) begin
      word <= 0;
      left <= 0;
      sums <= 0;
    end
  end
endmodule
