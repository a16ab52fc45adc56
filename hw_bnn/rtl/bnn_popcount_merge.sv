// bnn_popcount_merge: the sum of three partial counts and five single bits.
//
//   y = a + 2 b + 4 c + ones[0] + ones[1] + ones[2] + ones[3] + 2 two   (mod 2^WY)
//
// The user sees to it that the sum is less than 2^WY. Combinational.
//
// With HW_BNN_XC7 defined it is a ternary carry-save adder on the carry chain, one LUT6_2 a
// position:
// of the three bits x, y, z of a position, O5 = majority(x, y, z) goes to the next position as m,
// and the position propagates x ^ y ^ z ^ m with carry data m:
//
//   x + y + z + m + carry = sum + 2 carry' + 2 majority(x, y, z)
//
// since x + y + z = (x ^ y ^ z) + 2 majority, and a full adder adds the parity, m and the carry.
// Position 0 has room for four single bits (two beside a, one as m, one as carry in), position 1
// for one.
// Both forms are proved equal (tests/synth).
module bnn_popcount_merge #(
    parameter int WA = 3,
    parameter int WB = 3,
    parameter int WC = 3,
    parameter int WY = 6
) (
    input  logic [WA-1:0] a,
    input  logic [WB-1:0] b,
    input  logic [WC-1:0] c,
    input  logic [3:0]    ones,
    input  logic          two,
    output logic [WY-1:0] y
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (WY < 2) begin : g_check_1
    $error("bnn_popcount_merge: WY = %0d must be at least 2", WY);
  end
  if (WA > WY || WB + 1 > WY || WC + 2 > WY) begin : g_check_2
    $error("bnn_popcount_merge: operands of %0d, %0d, %0d bits exceed %0d", WA, WB, WC, WY);
  end
`endif

`ifdef HW_BNN_XC7

  localparam int SLICES = (WY + 3) / 4;

  logic [WY-1:0] row0, row1, row2;
  logic [WY:0]   majority;
  logic [4*SLICES-1:0] propagate, data, sum, carry;

  assign row0 = WY'(a);
  assign row1 = WY'({b, ones[0]});
  assign row2 = WY'({c, two, ones[1]});
  assign majority[0] = ones[2];

  for (genvar i = 0; i < 4 * SLICES; i++) begin : g_position
    if (i < WY) begin : g_lut
      // O6 = parity of (x, y, z, m), O5 = majority of (x, y, z)
      LUT6_2 #(.INIT(64'h6996_6996_E8E8_E8E8)) lut (
          .O6(propagate[i]), .O5(majority[i+1]), .I0(row0[i]), .I1(row1[i]), .I2(row2[i]),
          .I3(majority[i]), .I4(1'b0), .I5(1'b1));
      assign data[i] = majority[i];
    end else begin : g_none
      assign propagate[i] = 1'b0;
      assign data[i] = 1'b0;
    end
  end

  for (genvar s = 0; s < SLICES; s++) begin : g_slice
    if (s == 0) begin : g_first
      CARRY4 chain (
          .CO(carry[3:0]), .O(sum[3:0]), .CI(1'b0), .CYINIT(ones[3]), .DI(data[3:0]),
          .S(propagate[3:0]));
    end else begin : g_next
      CARRY4 chain (
          .CO(carry[4*s+:4]), .O(sum[4*s+:4]), .CI(carry[4*s-1]), .CYINIT(1'b0),
          .DI(data[4*s+:4]), .S(propagate[4*s+:4]));
    end
  end

  assign y = sum[WY-1:0];

  logic unused;
  assign unused = &{1'b0, majority[WY], sum, carry};

`else

  assign y = WY'(a) + (WY'(b) << 1) + (WY'(c) << 2) + WY'(ones[0]) + WY'(ones[1])
           + WY'(ones[2]) + WY'(ones[3]) + (WY'(two) << 1);

`endif

endmodule : bnn_popcount_merge
