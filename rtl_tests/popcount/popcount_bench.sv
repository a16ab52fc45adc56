// Compares the LUT form of the popcount kernels with $countones: corner patterns and random vectors of
// every density. One instance a size; ends with "PASSED <comparisons>" or with $error.
module popcount_case #(
    parameter int N       = 8,
    parameter int STAGES  = 0,
    parameter int VECTORS = 300
) (
    input  logic ap_clk,
    output int   compared
);
  localparam int W = $clog2(N + 1);
  // A value set at a falling edge is seen at the next one, with one register passed on the way.
  localparam int HELD = STAGES > 0 ? STAGES - 1 : 0;
  localparam int TW = $clog2(N + 2);

  logic [N-1:0] a, w, agree;
  logic [TW-1:0] threshold;
  logic [W-1:0] count_tree, count_xnor;
  logic y;
  int step = 0;
  int expected[STAGES+1];
  logic fires[STAGES+1];

  assign agree = ~(a ^ w);
  bnn_popcount #(.N(N)) dut_tree (.bits(agree), .count(count_tree));
  bnn_xnor_neuron #(.N(N), .STAGES(STAGES)) dut_neuron (
      .ap_clk(ap_clk), .ce(1'b1), .a(a), .w(w), .threshold(threshold), .y(y));

  assign count_xnor = dut_neuron.count;

  function automatic logic [N-1:0] vector(int kind);
    logic [N-1:0] v;
    for (int i = 0; i < N; i++) begin
      case (kind % 8)
        0: v[i] = 1'b0;
        1: v[i] = 1'b1;
        2: v[i] = i == (kind / 8) % N;
        3: v[i] = i != (kind / 8) % N;
        4: v[i] = $urandom_range(7) == 0;
        5: v[i] = $urandom_range(7) != 0;
        default: v[i] = $urandom_range(1) == 1;
      endcase
    end
    return v;
  endfunction

  always @(negedge ap_clk) begin
    if (step > STAGES && step < VECTORS) begin
      if (int'(count_tree) != $countones(agree))
        $error("popcount N=%0d: %0d, not %0d", N, count_tree, $countones(agree));
      if (int'(count_xnor) != expected[HELD])
        $error("xnor_popcount N=%0d STAGES=%0d: %0d, not %0d", N, STAGES, count_xnor, expected[HELD]);
      if (y != fires[HELD]) $error("xnor_neuron N=%0d STAGES=%0d: %0d", N, STAGES, y);
      compared <= compared + 3;
    end
    if (step < VECTORS) begin
      logic [N-1:0] next_a, next_w;
      int next_threshold;
      next_w = vector(7);
      next_a = vector(step) ^ ~next_w;
      next_threshold = $countones(~(next_a ^ next_w)) - 1 + $urandom_range(2);
      if (next_threshold < 0) next_threshold = 0;
      a <= next_a;
      w <= next_w;
      threshold <= TW'(next_threshold);
      for (int i = STAGES; i > 0; i--) begin
        expected[i] <= expected[i-1];
        fires[i] <= fires[i-1];
      end
      expected[0] <= $countones(~(next_a ^ next_w));
      fires[0] <= $countones(~(next_a ^ next_w)) >= next_threshold;
      step <= step + 1;
    end
  end
endmodule : popcount_case

module popcount_bench #(
    parameter int CASES = 13
);
  localparam int SIZES[13] = '{1, 2, 3, 4, 5, 7, 8, 9, 15, 31, 33, 65, 129};

  logic ap_clk = 0;
  int compared[CASES];
  int total;

  for (genvar i = 0; i < CASES; i++) begin : g_case
    popcount_case #(.N(SIZES[i]), .STAGES(i % 5)) bench (.ap_clk(ap_clk), .compared(compared[i]));
  end

  initial begin
    repeat (320) begin
      #1 ap_clk = 1;
      #1 ap_clk = 0;
    end
    total = 0;
    for (int i = 0; i < CASES; i++) total += compared[i];
    $display("PASSED %0d", total);
    $finish;
  end
endmodule : popcount_bench
