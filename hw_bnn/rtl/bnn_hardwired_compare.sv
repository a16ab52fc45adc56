// bnn_hardwired_compare: does a sum of bits of several weights, and a constant, reach 4^POSITIONS?
//
//   y = (one + sum_p 4^p (OFFSET_p + sum_j weight_pj x[5 p + j]) >= 4^POSITIONS)
//   x = bits ^ INVERT;  weight_pj = TWOS[5 p + j] ? 2 : 1;  OFFSET_p = OFFSET[2 p +: 2]
//
// A LUT position of the carry chain takes up to five bits of two columns: with s its own sum, it
// propagates where s = 3 and generates where s >= 4, so that its carry out is (s + carry in >= 4).
// The
// caller sees to it that s + 1 <= 7, that is, that no position carries two. With OFFSET the two's
// complement of a threshold, y is the threshold's comparison and costs half a LUT a bit of the sum.
//
// Combinational. Both forms are proved equal (tests/synth).
module bnn_hardwired_compare #(
    parameter int                     POSITIONS = 4,
    parameter logic [5*POSITIONS-1:0] TWOS      = '0,
    parameter logic [2*POSITIONS-1:0] OFFSET    = '0,
    parameter logic [5*POSITIONS-1:0] INVERT    = '0
) (
    input  logic [5*POSITIONS-1:0] bits,
    input  logic                   one,
    output logic                   y
);

`ifdef HW_BNN_XC7

  localparam int SLICES = POSITIONS / 4 + 1;

  // O6 (high half): s = 3; O5 (low half): s >= 4
  function automatic logic [63:0] table_of(input logic [4:0] twos, input logic [4:0] invert,
                                           input logic [1:0] offset);
    for (int i = 0; i < 32; i++) begin
      int s;
      s = int'(offset);
      for (int j = 0; j < 5; j++) if ((((i >> j) & 1) != 0) != invert[j]) s = s + (twos[j] ? 2 : 1);
      table_of[32+i] = s == 3;
      table_of[i] = s >= 4;
    end
  endfunction

  logic [4*SLICES-1:0] propagate, generated, sum, carry;

  for (genvar p = 0; p < 4 * SLICES; p++) begin : g_position
    if (p < POSITIONS) begin : g_lut
      LUT6_2 #(.INIT(table_of(TWOS[5*p+:5], INVERT[5*p+:5], OFFSET[2*p+:2]))) lut (
          .O6(propagate[p]), .O5(generated[p]), .I0(bits[5*p]), .I1(bits[5*p+1]),
          .I2(bits[5*p+2]), .I3(bits[5*p+3]), .I4(bits[5*p+4]), .I5(1'b1));
    end else begin : g_none
      assign propagate[p] = 1'b0;
      assign generated[p] = 1'b0;
    end
  end

  for (genvar s = 0; s < SLICES; s++) begin : g_slice
    if (s == 0) begin : g_first
      CARRY4 chain (
          .CO(carry[3:0]), .O(sum[3:0]), .CI(1'b0), .CYINIT(one), .DI(generated[3:0]),
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

  logic [POSITIONS:0] carry;

  assign carry[0] = one;
  for (genvar p = 0; p < POSITIONS; p++) begin : g_position
    logic [3:0] s;
    always_comb begin
      s = 4'(OFFSET[2*p+:2]) + 4'(carry[p]);
      for (int j = 0; j < 5; j++) begin
        if (TWOS[5*p+j]) s = s + {2'b00, bits[5*p+j] ^ INVERT[5*p+j], 1'b0};
        else s = s + {3'b000, bits[5*p+j] ^ INVERT[5*p+j]};
      end
    end
    assign carry[p+1] = s >= 4'd4;
  end
  assign y = carry[POSITIONS];

`endif

endmodule : bnn_hardwired_compare
