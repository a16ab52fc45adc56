// bnn_popcount_xnor_chain: compares 2 L pairs of bits and counts the equal ones in carry-save form.
//
//   sum_i (a[i] == w[i]) + one = ones + 2 (carry[0] + .. + carry[L-1])
//
// One LUT6_2 takes two pairs and the running bit (five inputs): O6 = parity of the two XNORs and
// the running bit, O5 = their majority. So a LUT absorbs two XNOR gates and removes one bit; L of
// them in a row turn 2 L + 1 bits into L + 1. Combinational, L LUTs deep. Both forms are proved
// equal (tests/synth).
module bnn_popcount_xnor_chain #(
    parameter int L = 2
) (
    input  logic [2*L-1:0] a,
    input  logic [2*L-1:0] w,
    input  logic           one,
    output logic           ones,
    output logic [L-1:0]   carry
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (L < 1) begin : g_check_1
    $error("bnn_popcount_xnor_chain: L = %0d must be at least 1", L);
  end
`endif

  logic [L:0] running;

  assign running[0] = one;
  assign ones = running[L];

  for (genvar i = 0; i < L; i++) begin : g_adder
`ifdef HW_BNN_XC7
    LUT6_2 #(.INIT(64'h9669_6996_F99F_9009)) lut (
        .O6(running[i+1]), .O5(carry[i]), .I0(a[2*i]), .I1(w[2*i]), .I2(a[2*i+1]),
        .I3(w[2*i+1]), .I4(running[i]), .I5(1'b1));
`else
    logic x, y;
    assign x = a[2*i] == w[2*i];
    assign y = a[2*i+1] == w[2*i+1];
    assign running[i+1] = x ^ y ^ running[i];
    assign carry[i] = (x & y) | (running[i] & (x | y));
`endif
  end

endmodule : bnn_popcount_xnor_chain
