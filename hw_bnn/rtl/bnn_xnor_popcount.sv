// bnn_xnor_popcount: count = number of positions where a and w agree (the popcount of a XNOR w).
//
//   count = sum_i (a[i] == w[i]), in [0, N], $clog2(N+1) bits wide.
//
// Latency STAGES (0: combinational, ap_clk and ce unused), initiation interval 1; registers move
// when ce is 1 and hold no reset: what is in flight is the caller's to mark.
//
// In simulation, and for any tool that knows no HW_BNN_XC7, it is $countones and STAGES registers.
// With HW_BNN_XC7
// the XNOR gates go into the first level of a LUT tree: bnn_popcount_xnor_chain of CHAIN LUTs (one
// LUT for two pairs), then bnn_popcount_tree for its N / (2 CHAIN) bits of weight 1 and its N / 2
// of weight 2. The registers then stand, in this order, after the first level, at the output, after
// the two trees (the longest paths of a tree of N = 64 .. 1024); more than three are added at the
// output.
module bnn_xnor_popcount #(
    parameter int N      = 64,
    parameter int STAGES = 0,
    parameter int CHAIN  = 3
) (
    input  logic                   ap_clk,
    input  logic                   ce,
    input  logic [N-1:0]           a,
    input  logic [N-1:0]           w,
    output logic [$clog2(N+1)-1:0] count
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N < 1) begin : g_check_1
    $error("bnn_xnor_popcount: N = %0d must be at least 1", N);
  end
  if (STAGES < 0) begin : g_check_2
    $error("bnn_xnor_popcount: STAGES = %0d must be at least 0", STAGES);
  end
  if (CHAIN < 1) begin : g_check_3
    $error("bnn_xnor_popcount: CHAIN = %0d must be at least 1", CHAIN);
  end
`endif

  localparam int W = $clog2(N + 1);

`ifdef HW_BNN_XC7

  localparam int AFTER_XNOR = (STAGES >= 1) ? 1 : 0;
  localparam int AFTER_TREES = (STAGES >= 3) ? 1 : 0;
  localparam int AT_OUTPUT = STAGES - AFTER_XNOR - AFTER_TREES;

  logic [W-1:0] total;

  if (N == 1) begin : g_single

    logic [0:0] equal;
    assign equal = ~(a ^ w);
    bnn_popcount_delay #(.BITS(1), .STAGES(AFTER_XNOR + AFTER_TREES)) wait_stages (
        .ap_clk(ap_clk), .ce(ce), .d(equal), .q(total));

  end else begin : g_tree

    // Q full chains, one of the rest; an odd pair is the running bit of the first chain.
    localparam int PAIRS = N / 2;
    localparam int Q = (PAIRS + CHAIN - 1) / CHAIN;
    localparam int W1 = $clog2(Q + 1);
    localparam int W2 = $clog2(PAIRS + 1);

    logic [Q-1:0] ones, ones_q;
    logic [PAIRS-1:0] carries, carries_q;
    logic [W1-1:0] count1, count1_q;
    logic [W2-1:0] count2, count2_q;
    logic odd;

    if (N % 2 == 1) begin : g_odd
      assign odd = a[N-1] == w[N-1];
    end else begin : g_even
      assign odd = 1'b0;
    end

    for (genvar q = 0; q < Q; q++) begin : g_chain
      localparam int L = (q < Q - 1) ? CHAIN : PAIRS - CHAIN * (Q - 1);
      bnn_popcount_xnor_chain #(.L(L)) chain (
          .a(a[2*CHAIN*q+:2*L]), .w(w[2*CHAIN*q+:2*L]), .one((q == 0) && odd),
          .ones(ones[q]), .carry(carries[CHAIN*q+:L]));
    end

    bnn_popcount_delay #(.BITS(Q + PAIRS), .STAGES(AFTER_XNOR)) wait_xnor (
        .ap_clk(ap_clk), .ce(ce), .d({ones, carries}), .q({ones_q, carries_q}));

    bnn_popcount_tree #(.N(Q)) tree1 (.bits(ones_q), .count(count1));
    bnn_popcount_tree #(.N(PAIRS)) tree2 (.bits(carries_q), .count(count2));

    bnn_popcount_delay #(.BITS(W1 + W2), .STAGES(AFTER_TREES)) wait_trees (
        .ap_clk(ap_clk), .ce(ce), .d({count1, count2}), .q({count1_q, count2_q}));

    if (N <= 3) begin : g_carry_save
      assign total = {count2_q, count1_q};
    end else begin : g_merge
      bnn_popcount_merge #(.WA(W1), .WB(W2), .WC(1), .WY(W)) merge (
          .a(count1_q), .b(count2_q), .c(1'b0), .ones(4'b0), .two(1'b0), .y(total));
    end

  end

  bnn_popcount_delay #(.BITS(W), .STAGES(AT_OUTPUT)) wait_output (
      .ap_clk(ap_clk), .ce(ce), .d(total), .q(count));

`else

  logic [W-1:0] total;

  always_comb total = W'($countones(~(a ^ w)));

  bnn_popcount_delay #(.BITS(W), .STAGES(STAGES)) wait_output (
      .ap_clk(ap_clk), .ce(ce), .d(total), .q(count));

`endif

endmodule : bnn_xnor_popcount
