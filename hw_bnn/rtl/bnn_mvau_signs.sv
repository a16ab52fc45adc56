// bnn_mvau_signs: the dot product of N inputs with N weights of +-1 (w: 1 = +1, 0 = -1).
//
//   sum = sum_i x[i] * (2*w[i] - 1)      modulo 2^SUM_BITS, PIPELINE enabled cycles later
//
// x[i] is, by IN_BITS, IN_SIGNED and IN_BIPOLAR: a bit that means -1 and +1, an unsigned number, or
// two's complement.
//
//   -1 and +1: 2*popcount(x ~^ w) - N
//   otherwise: sum_i (x[i] ^ ~w[i]) + popcount(~w)     since -x = ~x + 1; bnn_mvau_adders
//
// For few inputs: a tree of adders takes fewer LUTs then than the bit planes of bnn_mvau_weighted.
module bnn_mvau_signs #(
    parameter int N          = 8,
    parameter int IN_BITS    = 8,
    parameter bit IN_SIGNED  = 1'b0,
    parameter bit IN_BIPOLAR = 1'b0,
    parameter int SUM_BITS   = 16,
    parameter int PIPELINE   = 1
) (
    input  logic                  ap_clk,
    input  logic                  en,
    input  logic [N*IN_BITS-1:0]  x,
    input  logic [N-1:0]          w,
    output logic [SUM_BITS-1:0]   sum
);

  localparam int COUNT_BITS = $clog2(N + 1);
  logic [COUNT_BITS-1:0] count;

  if (IN_BIPOLAR) begin : g_bipolar
    bnn_mvau_popcount #(.N(N), .PIPELINE(PIPELINE)) u_agree (
        .ap_clk, .en, .bits(x ~^ w), .count
    );
    assign sum = SUM_BITS'({count, 1'b0}) - SUM_BITS'(N);
  end else begin : g_integer
    localparam int BITS = IN_BITS + (IN_SIGNED ? 0 : 1);  // with a sign
    logic [N*BITS-1:0] values;
    for (genvar i = 0; i < N; i++) begin : g_lane
      assign values[i*BITS+:BITS] = BITS'(x[i*IN_BITS+:IN_BITS]) ^ {BITS{!w[i]}};
    end

    logic [SUM_BITS-1:0] total;
    bnn_mvau_adders #(.N(N), .BITS(BITS), .SUM_BITS(SUM_BITS), .PIPELINE(PIPELINE)) u_adders (
        .ap_clk, .en, .values, .sum(total)
    );
    bnn_mvau_popcount #(.N(N), .PIPELINE(PIPELINE)) u_minus (
        .ap_clk, .en, .bits(~w), .count
    );
    assign sum = total + SUM_BITS'(count);
  end

endmodule : bnn_mvau_signs
