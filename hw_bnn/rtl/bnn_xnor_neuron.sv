// bnn_xnor_neuron: one binary neuron, all N inputs at once: y = (popcount(a XNOR w) >= threshold).
//
// Latency STAGES, initiation interval 1; weights and threshold are inputs and travel with a. The
// threshold is in the popcount domain, [0, N + 1] (0: always 1, N + 1: never), $clog2(N+2) bits
// wide.
// STAGES are divided as in bnn_xnor_popcount.
module bnn_xnor_neuron #(
    parameter int N      = 64,
    parameter int STAGES = 0,
    parameter int CHAIN  = 3
) (
    input  logic                   ap_clk,
    input  logic                   ce,
    input  logic [N-1:0]           a,
    input  logic [N-1:0]           w,
    input  logic [$clog2(N+2)-1:0] threshold,
    output logic                   y
);

  localparam int W = $clog2(N + 2);

  logic [$clog2(N+1)-1:0] count;
  logic [W-1:0] threshold_q;

  bnn_xnor_popcount #(.N(N), .STAGES(STAGES), .CHAIN(CHAIN)) popcount (
      .ap_clk(ap_clk), .ce(ce), .a(a), .w(w), .count(count));
  bnn_popcount_delay #(.BITS(W), .STAGES(STAGES)) wait_threshold (
      .ap_clk(ap_clk), .ce(ce), .d(threshold), .q(threshold_q));
  bnn_popcount_at_least #(.W(W)) compare (.count(W'(count)), .threshold(threshold_q), .y(y));

endmodule : bnn_xnor_neuron
