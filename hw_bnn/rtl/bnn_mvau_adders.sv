// bnn_mvau_adders: the sum of N two's complement numbers by a balanced tree.
//
//   sum = sum_i values[i]      modulo 2^SUM_BITS, PIPELINE enabled cycles later
//
// One register stage stands at the end, the others spread evenly over the levels.
module bnn_mvau_adders #(
    parameter int N        = 8,
    parameter int BITS     = 8,
    parameter int SUM_BITS = 16,
    parameter int PIPELINE = 1
) (
    input  logic                 ap_clk,
    input  logic                 en,
    input  logic [N*BITS-1:0]    values,
    output logic [SUM_BITS-1:0]  sum
);

  localparam int LEVELS = N > 1 ? $clog2(N) : 0;
  localparam int WIDTH  = 1 << LEVELS;

  // Level l has WIDTH >> l numbers; the first are the values, those beyond N are 0.
  for (genvar l = 0; l <= LEVELS; l++) begin : g_level
    localparam int COUNT = WIDTH >> l;
    // Registers behind this level: the share of PIPELINE that is due by here and was not before.
    localparam int STAGES = l == 0
        ? (LEVELS == 0 ? PIPELINE : 0)
        : PIPELINE * l / LEVELS - PIPELINE * (l - 1) / LEVELS;

    logic [COUNT-1:0][SUM_BITS-1:0] next, q;

    for (genvar i = 0; i < COUNT; i++) begin : g_sum
      if (l > 0) begin : g_add
        assign next[i] = g_level[l-1].q[2*i] + g_level[l-1].q[2*i+1];
      end else if (i < N) begin : g_value
        assign next[i] = SUM_BITS'($signed(values[i*BITS+:BITS]));
      end else begin : g_none
        assign next[i] = '0;
      end
    end

    if (STAGES == 0) begin : g_direct
      assign q = next;
    end else begin : g_register
      logic [COUNT-1:0][SUM_BITS-1:0] stage[STAGES];
      always_ff @(posedge ap_clk) begin
        if (en) begin
          stage[0] <= next;
          for (int s = 1; s < STAGES; s++) stage[s] <= stage[s-1];
        end
      end
      assign q = stage[STAGES-1];
    end
  end

  assign sum = g_level[LEVELS].q[0];

  if (PIPELINE == 0) begin : g_no_clock
    logic unused;
    assign unused = &{1'b0, ap_clk, en};
  end

endmodule : bnn_mvau_adders
