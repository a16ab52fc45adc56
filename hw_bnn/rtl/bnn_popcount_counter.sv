// bnn_popcount_counter: count of N = 1 .. 7 bits, the leaf of bnn_popcount_tree.
//
//   count = sum_i (bits[i] ^ INVERT[i]), in [0, N], $clog2(N+1) bits wide.
//
// Combinational. With HW_BNN_XC7 defined it is built of 6-input LUTs with two outputs and of the
// carry chain of Xilinx 7-series, UltraScale and later:
//
//   N = 2, 3   one LUT6_2: O6 = parity, O5 = majority
//   N = 4, 5   LUT6_2 for count[1:0] and a LUT5 for count[2]
//   N = 6, 7   two LUTs and two carry positions. Let u = bits[0] + .. + bits[4].
//              Position 0 propagates the parity p of bits[5:0], its carry data input is bits[5],
//              and bits[6] is the carry in. If p = 1 the carry is bits[6]; else it is bits[5]. What
//              remains of weight two is then (bits[5:0] - p) / 2 - (p ? 0 : bits[5]), a function of
//              u alone where combined with that carry: position 1 propagates u in {2, 3} and
//              generates u >= 4. 7 bits become 3 for two LUTs, where three LUT6 make 6 become 3.
//
// INVERT costs nothing: it is a permutation of the truth tables. The inputs 5 and 6 enter the carry
// chain as they are and cannot be inverted.
// Both forms are proved equal for all inputs (tests/synth).
module bnn_popcount_counter #(
    parameter int           N      = 7,
    parameter logic [N-1:0] INVERT = '0
) (
    input  logic [N-1:0]           bits,
    output logic [$clog2(N+1)-1:0] count
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N < 1 || N > 7) begin : g_check_1
    $error("bnn_popcount_counter: N = %0d is not in 1..7", N);
  end
  if (N > 5 && (INVERT >> 5) != '0) begin : g_check_2
    $error("bnn_popcount_counter: the inputs 5 and 6 cannot be inverted");
  end
`endif

`ifdef HW_BNN_XC7

  // The truth table whose inputs `mask` are inverted first.
  function automatic logic [63:0] inverting(input logic [63:0] of, input logic [5:0] mask);
    for (int i = 0; i < 64; i++) inverting[i] = of[i^int'(mask)];
  endfunction

  localparam logic [5:0] MASK = 6'(INVERT);  // of the first six inputs; the sixth bit is never set

  if (N == 1) begin : g_wire
    assign count = bits ^ INVERT;
  end else if (N <= 5) begin : g_lut
    if (N <= 3) begin : g_two_bits
      logic [2:0] padded;
      assign padded = 3'(bits);
      // O6 = parity of three, O5 = majority of three.
      LUT6_2 #(.INIT(inverting(64'h9696_9696_E8E8_E8E8, MASK))) lut (
          .O6(count[0]), .O5(count[1]), .I0(padded[0]), .I1(padded[1]), .I2(padded[2]),
          .I3(1'b0), .I4(1'b0), .I5(1'b1));
    end else begin : g_three_bits
      logic [4:0] padded;
      assign padded = 5'(bits);
      // O6 = bit 0 of the sum of five, O5 = bit 1, the LUT5 = bit 2.
      LUT6_2 #(.INIT(inverting(64'h9669_6996_177E_7EE8, MASK))) low (
          .O6(count[0]), .O5(count[1]), .I0(padded[0]), .I1(padded[1]), .I2(padded[2]),
          .I3(padded[3]), .I4(padded[4]), .I5(1'b1));
      LUT5 #(.INIT(32'(inverting(64'hE880_8000, MASK)))) high (
          .O(count[2]), .I0(padded[0]), .I1(padded[1]), .I2(padded[2]), .I3(padded[3]),
          .I4(padded[4]));
    end
  end else begin : g_carry
    logic parity, two_or_three, four_or_more;
    logic [3:0] sum;
    logic [3:0] unused_carry;
    logic last;
    if (N == 7) begin : g_last
      assign last = bits[6];
    end else begin : g_no_last
      assign last = 1'b0;
    end
    LUT6 #(.INIT(inverting(64'h6996_9669_9669_6996, MASK))) lut_parity (
        .O(parity), .I0(bits[0]), .I1(bits[1]), .I2(bits[2]), .I3(bits[3]), .I4(bits[4]),
        .I5(bits[5]));
    // O6 = (u is 2 or 3), O5 = (u is 4 or 5)
    LUT6_2 #(.INIT(inverting(64'h177E_7EE8_E880_8000, MASK))) lut_half (
        .O6(two_or_three), .O5(four_or_more), .I0(bits[0]), .I1(bits[1]), .I2(bits[2]),
        .I3(bits[3]), .I4(bits[4]), .I5(1'b1));
    // Position 2 propagates nothing: it brings the carry out where a sum bit leaves the slice.
    CARRY4 carry (
        .CO(unused_carry), .O(sum), .CI(1'b0), .CYINIT(last),
        .DI({2'b00, four_or_more, bits[5]}), .S({2'b00, two_or_three, parity}));
    assign count = sum[2:0];
    logic unused;
    assign unused = &{1'b0, sum[3], unused_carry};
  end

`else

  always_comb begin
    count = '0;
    for (int i = 0; i < N; i++) count = count + $clog2(N + 1)'(bits[i] ^ INVERT[i]);
  end

`endif

endmodule : bnn_popcount_counter
