// bnn_skid: a stream register of two words that cuts both the forward and the backward path.
//
//   out = in, delayed by one cycle; in_ready depends on registers alone.
//
// Latency 1, initiation interval 1 under any stall pattern. The second word (spare) takes what
// arrives in the one cycle in which the producer cannot know yet that the consumer has stalled.
module bnn_skid #(
    parameter int BITS = 8
) (
    input  logic            ap_clk,
    input  logic            ap_rst_n,

    input  logic            in_valid,
    output logic            in_ready,
    input  logic [BITS-1:0] in_data,

    output logic            out_valid,
    input  logic            out_ready,
    output logic [BITS-1:0] out_data
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < 1) begin : g_check_1
    $error("bnn_skid: BITS = %0d must be at least 1", BITS);
  end
`endif

  logic [BITS-1:0] spare;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      out_valid <= 1'b0;
      in_ready  <= 1'b1;
    end else if (in_ready) begin
      if (out_ready || !out_valid) out_valid <= in_valid;
      else in_ready <= !in_valid;
    end else if (out_ready) begin
      in_ready <= 1'b1;
    end
  end

  always_ff @(posedge ap_clk) begin
    if (out_ready || !out_valid) out_data <= in_ready ? in_data : spare;
    if (in_ready) spare <= in_data;
  end

endmodule : bnn_skid
