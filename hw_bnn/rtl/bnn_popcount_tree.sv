// bnn_popcount_tree: count = number of ones in bits, as a tree of counters and ternary adders.
//
//   count = sum_i bits[i], in [0, N], $clog2(N+1) bits wide.
//
// N <= 7 is one bnn_popcount_counter. Larger: G = N / 7 counters turn 7 bits each into bits of weight
// 1, 2
// and 4. With R bits left over, G + R bits have weight 1, G weight 2 and G weight 4.
// bnn_popcount_merge has room for four single bits of weight 1 and one of weight 2, the others are
// counted by trees of their own: about N / 7 bits each. 7 bits to 3 cost two LUTs: the tree takes
// near N / 2 of them.
//
// Combinational; recursive. HW_BNN_XC7 selects the LUT form of its two building blocks.
module bnn_popcount_tree #(
    parameter int N = 64
) (
    input  logic [N-1:0]           bits,
    output logic [$clog2(N+1)-1:0] count
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N < 1) begin : g_check_1
    $error("bnn_popcount_tree: N = %0d must be at least 1", N);
  end
`endif

  localparam int W = $clog2(N + 1);

  if (N <= 7) begin : g_leaf

    bnn_popcount_counter #(.N(N)) counter (.bits(bits), .count(count));

  end else begin : g_node

    localparam int G = N / 7;
    localparam int R = N - 7 * G;
    localparam int N1 = G + R;
    localparam int SINGLE1 = (N1 - 1 < 4) ? N1 - 1 : 4;
    localparam int SINGLE2 = (G > 1) ? 1 : 0;
    localparam int NA = N1 - SINGLE1;
    localparam int NB = G - SINGLE2;
    localparam int WA = $clog2(NA + 1);
    localparam int WB = $clog2(NB + 1);
    localparam int WC = $clog2(G + 1);

    logic [N1-1:0] weight1;
    logic [G-1:0] weight2, weight4;
    logic [WA-1:0] count1;
    logic [WB-1:0] count2;
    logic [WC-1:0] count4;
    logic [3:0] ones;
    logic two;

    for (genvar g = 0; g < G; g++) begin : g_counter
      bnn_popcount_counter #(.N(7)) counter (
          .bits(bits[7*g+:7]), .count({weight4[g], weight2[g], weight1[R+g]}));
    end
    if (R > 0) begin : g_rest
      assign weight1[R-1:0] = bits[N-1-:R];
    end

    // The bits left over arrive first, so they go where the merge is slowest: into its first
    // position.
    assign ones = 4'(weight1[SINGLE1-1:0]);
    if (SINGLE2 == 1) begin : g_two
      assign two = weight2[G-1];
    end else begin : g_no_two
      assign two = 1'b0;
    end

    bnn_popcount_tree #(.N(NA)) tree1 (.bits(weight1[N1-1:SINGLE1]), .count(count1));
    bnn_popcount_tree #(.N(NB)) tree2 (.bits(weight2[NB-1:0]), .count(count2));
    bnn_popcount_tree #(.N(G)) tree4 (.bits(weight4), .count(count4));

    bnn_popcount_merge #(.WA(WA), .WB(WB), .WC(WC), .WY(W)) merge (
        .a(count1), .b(count2), .c(count4), .ones(ones), .two(two), .y(count));

  end

endmodule : bnn_popcount_tree
