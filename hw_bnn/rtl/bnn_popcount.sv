// bnn_popcount: count = number of ones in bits.
//
//   count = sum_i bits[i], in [0, N], so $clog2(N+1) bits wide.
//
// Combinational. In simulation, and by default, it is $countones; HW_BNN_XC7 selects the LUT and
// carry chain form (bnn_popcount_tree) for Xilinx 7-series, UltraScale and later, and HW_BNN_TREE
// the same tree in plain operators for any other target. All forms are proved equal (tests/synth).
// Where the bits are an XNOR, bnn_xnor_popcount is smaller: it takes the gates into its first
// level.
module bnn_popcount #(
    parameter int N = 64
) (
    input  logic [N-1:0]             bits,
    output logic [$clog2(N+1)-1:0]   count
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N < 1) begin : g_check_1
    $error("bnn_popcount: N = %0d must be at least 1", N);
  end
`endif

`ifdef HW_BNN_XC7
  bnn_popcount_tree #(.N(N)) tree (.bits(bits), .count(count));
`elsif HW_BNN_TREE
  bnn_popcount_tree #(.N(N)) tree (.bits(bits), .count(count));
`else
  localparam int COUNT_BITS = $clog2(N + 1);

  always_comb count = COUNT_BITS'($countones(bits));
`endif

endmodule : bnn_popcount
