// bnn_popcount_at_least: y = (count >= threshold), both unsigned.
//
// Two bits of each operand a LUT position of the carry chain: a position propagates where they are
// equal and generates where count's are larger; the carry in is 1. Half a LUT a bit. Combinational.
// Both forms are proved equal (tests/synth).
module bnn_popcount_at_least #(
    parameter int W = 8
) (
    input  logic [W-1:0] count,
    input  logic [W-1:0] threshold,
    output logic         y
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (W < 1) begin : g_check_1
    $error("bnn_popcount_at_least: W = %0d must be at least 1", W);
  end
`endif

`ifdef HW_BNN_XC7

  localparam int POSITIONS = (W + 1) / 2;
  localparam int SLICES = POSITIONS / 4 + 1;

  logic [2*POSITIONS-1:0] x, t;
  logic [4*SLICES-1:0] propagate, generated, sum, carry;

  assign x = (2 * POSITIONS)'(count);
  assign t = (2 * POSITIONS)'(threshold);

  for (genvar i = 0; i < 4 * SLICES; i++) begin : g_position
    if (i < POSITIONS) begin : g_lut
      // O6 = (x == t), O5 = (x > t) for two-bit x = {I1, I0}, t = {I3, I2}
      LUT6_2 #(.INIT(64'h8421_8421_08CE_08CE)) lut (
          .O6(propagate[i]), .O5(generated[i]), .I0(x[2*i]), .I1(x[2*i+1]), .I2(t[2*i]),
          .I3(t[2*i+1]), .I4(1'b0), .I5(1'b1));
    end else begin : g_none
      assign propagate[i] = 1'b0;
      assign generated[i] = 1'b0;
    end
  end

  for (genvar s = 0; s < SLICES; s++) begin : g_slice
    if (s == 0) begin : g_first
      CARRY4 chain (
          .CO(carry[3:0]), .O(sum[3:0]), .CI(1'b0), .CYINIT(1'b1), .DI(generated[3:0]),
          .S(propagate[3:0]));
    end else begin : g_next
      CARRY4 chain (
          .CO(carry[4*s+:4]), .O(sum[4*s+:4]), .CI(carry[4*s-1]), .CYINIT(1'b0),
          .DI(generated[4*s+:4]), .S(propagate[4*s+:4]));
    end
  end

  // The position above the last one propagates nothing: its sum is the carry.
  assign y = sum[POSITIONS];

  logic unused;
  assign unused = &{1'b0, sum, carry};

`else

  assign y = count >= threshold;

`endif

endmodule : bnn_popcount_at_least
