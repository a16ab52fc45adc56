// bnn_mvau_weighted: the sum of those of N integers that a mask selects, from their bit planes.
//
//   sum = sum_b s_b 2^b popcount(plane_b & mask)   modulo 2^SUM_BITS, PIPELINE enabled cycles later
//
// plane_b = bit b of each number; s_b = -1 for the highest bit of signed numbers, else 1.
module bnn_mvau_weighted #(
    parameter int N         = 8,
    parameter int IN_BITS   = 8,
    parameter bit IN_SIGNED = 1'b0,
    parameter int SUM_BITS  = 16,
    parameter int PIPELINE  = 1
) (
    input  logic                  ap_clk,
    input  logic                  en,
    input  logic [N*IN_BITS-1:0]  plane,
    input  logic [N-1:0]          mask,
    output logic [SUM_BITS-1:0]   sum
);

  localparam int COUNT_BITS  = $clog2(N + 1);
  localparam int COUNT_DELAY = PIPELINE > 0 ? PIPELINE - 1 : 0;  // the sum is registered last

  logic [IN_BITS-1:0][SUM_BITS-1:0] part;
  logic [SUM_BITS-1:0] total;

  for (genvar b = 0; b < IN_BITS; b++) begin : g_plane
    logic [COUNT_BITS-1:0] count;
    bnn_mvau_popcount #(.N(N), .PIPELINE(COUNT_DELAY)) u_count (
        .ap_clk, .en, .bits(plane[b*N+:N] & mask), .count
    );
    assign part[b] = SUM_BITS'(64'(count) << b);
  end

  always_comb begin
    total = '0;
    for (int b = 0; b < IN_BITS; b++) begin
      if (IN_SIGNED && b == IN_BITS - 1) total = total - part[b];
      else total = total + part[b];
    end
  end

  if (PIPELINE == 0) begin : g_direct
    assign sum = total;
  end else begin : g_register
    always_ff @(posedge ap_clk) if (en) sum <= total;
  end

endmodule : bnn_mvau_weighted
