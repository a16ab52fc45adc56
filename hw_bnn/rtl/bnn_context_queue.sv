// bnn_context_queue: the context of the pass that a node works on.
//
// A pass is a frame's way through the accelerator with one context's weights. bnn_frame_repeat
// announces each on `passes` before its first word, to all nodes at once:
//
//   7:0 context | 8 the last pass of its frame | 13:9 place | 14 a pass begins
//
// A queue keeps what is announced until its node has ended the pass. Passes come in order to all
// nodes, and no more of them are inside than places (bnn_frame_repeat), so that a queue needs no
// handshake. Latency: a pass can be read 1 cycle after it is announced.
module bnn_context_queue #(
    parameter int BITS = 1  // of a context's number
) (
    input  logic            ap_clk,
    input  logic            ap_rst_n,
    input  logic [14:0]     passes,
    input  logic            ends,     // the node ends the pass
    output logic [BITS-1:0] context_now,
    output logic            last
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < 1 || BITS > 8) begin : g_check_1
    $error("bnn_context_queue: BITS = %0d is not in 1..8", BITS);
  end
`endif

  logic [BITS:0] announced[32];
  logic [4:0] place;

  always_ff @(posedge ap_clk) if (passes[14]) announced[passes[13:9]] <= {passes[8], passes[BITS-1:0]};
  assign {last, context_now} = announced[place];

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) place <= '0;
    else if (ends) place <= place + 1'b1;
  end

  logic unused;
  assign unused = &{1'b0, passes};

endmodule : bnn_context_queue
