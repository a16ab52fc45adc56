// bnn_requantise_lane: an integer on one scale becomes one on another, clipped.
//
//   t = gain*x + offset,  r = t >>> SHIFT;  HALF_EVEN and the SHIFT bits below r all 0: r loses its
//   lowest bit;  y = min(max(r, LOW), HIGH)
//
// entry: {offset, gain} in two's complement, offset above; with PIECES = 2 {at, offset1, gain1,
// offset0, gain0}, of which 1 is taken where x >= at (two's complement, IN_BITS+1 bits), else 0.
// SUM_BITS hold every t that comes, with a bit above the SHIFT ones and their sign.
//
// Latency: 3 enabled cycles (choice, product, sum: registers that a DSP block has).
module bnn_requantise_lane #(
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
    localparam int PIECE_BITS = GAIN_BITS + OFFSET_BITS,
    localparam int ENTRY_BITS = PIECES == 1 ? PIECE_BITS : 2 * PIECE_BITS + IN_BITS + 1
) (
    input  logic                  ap_clk,
    input  logic                  en,
    input  logic [IN_BITS-1:0]    x,
    input  logic [ENTRY_BITS-1:0] entry,
    output logic [OUT_BITS-1:0]   y
);

  localparam int ROUND_BITS = SUM_BITS - SHIFT;
  localparam int WIDE       = (ROUND_BITS > OUT_BITS ? ROUND_BITS : OUT_BITS) + 1;

  // One bit more, so that unsigned elements are non-negative numbers.
  logic signed [IN_BITS:0] number, a;
  logic [PIECE_BITS-1:0] piece;
  assign number = {IN_SIGNED && x[IN_BITS-1], x};

  if (PIECES == 1) begin : g_one
    assign piece = entry;
  end else begin : g_two
    logic signed [IN_BITS:0] at;
    assign at    = entry[2*PIECE_BITS+:IN_BITS+1];
    assign piece = number >= at ? entry[PIECE_BITS+:PIECE_BITS] : entry[0+:PIECE_BITS];
  end

  logic signed [GAIN_BITS-1:0] gain;
  logic signed [OFFSET_BITS-1:0] early, offset;
  logic signed [SUM_BITS-1:0] product, total;
  always_ff @(posedge ap_clk) begin
    if (en) begin
      a             <= number;
      {early, gain} <= piece;
      product       <= SUM_BITS'(gain) * SUM_BITS'(a);
      offset        <= early;
      total         <= product + SUM_BITS'(offset);
    end
  end

  logic tie;
  if (HALF_EVEN && SHIFT > 0) begin : g_tie
    assign tie = total[SHIFT-1:0] == '0;
  end else begin : g_floor
    assign tie = 1'b0;
  end

  logic signed [ROUND_BITS-1:0] rounded;
  logic signed [WIDE-1:0] wide;
  assign rounded = {total[SUM_BITS-1:SHIFT+1], total[SHIFT] & ~tie};
  assign wide    = WIDE'(rounded);
  assign y = wide < WIDE'(LOW) ? OUT_BITS'(LOW) : wide > WIDE'(HIGH) ? OUT_BITS'(HIGH)
           : wide[OUT_BITS-1:0];

endmodule : bnn_requantise_lane
