// bnn_context_base: where a context's words begin in a memory that holds STRIDE of them for each.
//
//   base = context_now * STRIDE    for context_now < CONTEXTS
//
// A table: a multiplier would be a DSP block. Latency 0.
module bnn_context_base #(
    parameter int CONTEXTS = 2,
    parameter int STRIDE   = 1,
    parameter int BITS     = 1,
    localparam int CONTEXT_BITS = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1
) (
    input  logic [CONTEXT_BITS-1:0] context_now,
    output logic [BITS-1:0]         base
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < $clog2(CONTEXTS * STRIDE)) begin : g_check_1
    $error("bnn_context_base: %0d bits do not hold %0d words", BITS, CONTEXTS * STRIDE);
  end
`endif

  always_comb begin
    base = '0;
    for (int k = 0; k < CONTEXTS; k++)
      if (context_now == CONTEXT_BITS'(k)) base = base | BITS'(k * STRIDE);
  end

endmodule : bnn_context_base
