// bnn_mvau_windows: the MMV windows of neighbouring output pixels, cut out of the one wide window that
// covers them: wires alone.
//
//   element (r, i) of window m = element (r, m*STEP + i) of the word,  r < ROWS, i < RUN
//
// A row of the kernel is RUN = K_W*CHANNELS elements, windows start STEP = STRIDE_W*CHANNELS elements
// apart, so the word's rows have RUN + (MMV-1)*STEP elements: bnn_parallel_window gives it with K_W and
// STRIDE_W of that size. Latency 0.
module bnn_mvau_windows #(
    parameter int MMV  = 1,
    parameter int ROWS = 1,
    parameter int RUN  = 8,
    parameter int STEP = 1,
    parameter int BITS = 1,  // of an element
    localparam int WIDE = RUN + (MMV - 1) * STEP
) (
    input  logic [ROWS*WIDE*BITS-1:0]    word,
    output logic [MMV*ROWS*RUN*BITS-1:0] windows
);

  if (MMV == 1) begin : g_one
    assign windows = word;
  end else begin : g_several
    for (genvar m = 0; m < MMV; m++) begin : g_window
      for (genvar r = 0; r < ROWS; r++) begin : g_row
        assign windows[(m*ROWS + r)*RUN*BITS +: RUN*BITS] = word[(r*WIDE + m*STEP)*BITS +: RUN*BITS];
      end
    end
  end

endmodule : bnn_mvau_windows
