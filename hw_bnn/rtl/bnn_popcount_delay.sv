// bnn_popcount_delay: STAGES registers in a row, none at all for STAGES = 0 (ap_clk and ce unused
// then).
// They move when ce is 1 and have no reset: they hold data only, and no X survives the first frame.
module bnn_popcount_delay #(
    parameter int BITS   = 8,
    parameter int STAGES = 1
) (
    input  logic            ap_clk,
    input  logic            ce,
    input  logic [BITS-1:0] d,
    output logic [BITS-1:0] q
);

  if (STAGES == 0) begin : g_wire
    logic unused;
    assign unused = &{1'b0, ap_clk, ce};
    assign q = d;
  end else begin : g_registers
    logic [STAGES*BITS-1:0] stages;  // the newest in the low bits
    always_ff @(posedge ap_clk) if (ce) stages <= (STAGES * BITS)'({stages, d});
    assign q = stages[STAGES*BITS-1-:BITS];
  end

endmodule : bnn_popcount_delay
