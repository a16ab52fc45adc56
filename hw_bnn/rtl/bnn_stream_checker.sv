// bnn_stream_checker: the rules of an AXI4-Stream, checked in every cycle of a simulation.
//
//   - tvalid and tready are known (no X) after reset; tdata is known while tvalid is high;
//   - a word that is offered stays: after tvalid && !tready follows tvalid with the same tdata.
//
// Every kernel puts one on its output where HW_BNN_CHECK is defined. A breach is reported with
// $error and ends the simulation. Not for synthesis.
module bnn_stream_checker #(
    parameter int BITS = 8
) (
    input logic            ap_clk,
    input logic            ap_rst_n,
    input logic [BITS-1:0] tdata,
    input logic            tvalid,
    input logic            tready
);

  logic was_reset;  // in the cycle before
  logic waiting;    // a word was offered and not taken in the cycle before
  logic [BITS-1:0] offered;

  initial begin
    was_reset = 1'b1;
    waiting   = 1'b0;
  end

  always_ff @(posedge ap_clk) begin
    was_reset <= ap_rst_n !== 1'b1;
    waiting   <= ap_rst_n === 1'b1 && tvalid === 1'b1 && tready === 1'b0;
    offered   <= tdata;
    if (ap_rst_n === 1'b1 && !was_reset) begin
      if (tvalid !== 1'b0 && tvalid !== 1'b1) begin
        $error("%m: tvalid is unknown");
        $finish;
      end
      if (tready !== 1'b0 && tready !== 1'b1) begin
        $error("%m: tready is unknown");
        $finish;
      end
      if (tvalid === 1'b1 && ^tdata !== 1'b0 && ^tdata !== 1'b1) begin
        $error("%m: tdata is unknown while tvalid is high");
        $finish;
      end
      if (waiting && tvalid !== 1'b1) begin
        $error("%m: tvalid was taken back before tready");
        $finish;
      end
      if (waiting && tdata !== offered) begin
        $error("%m: tdata changed while it waited for tready");
        $finish;
      end
    end
  end

endmodule : bnn_stream_checker
