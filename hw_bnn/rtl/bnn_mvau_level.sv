// bnn_mvau_level: a sum becomes an output element.
//
//   N_THRESHOLDS = 1, OUT_BITS = 1:  level = (sum >= T_0)
//   otherwise:                       level = OUT_BIAS + #{t : sum >= T_t}, two's complement
//
// sum and thresholds are two's complement if SUM_SIGNED, unsigned if not; thresholds ascend with t.
// Combinational.
//
// With HW_BNN_SIM defined more than 15 thresholds are counted by bisection, which is the same count
// at a tenth of a simulator's code and time.
module bnn_mvau_level #(
    parameter int SUM_BITS     = 8,
    parameter bit SUM_SIGNED   = 1'b0,
    parameter int TH_BITS      = 8,
    parameter int N_THRESHOLDS = 1,
    parameter int OUT_BITS     = 1,
    parameter int OUT_BIAS     = 0
) (
    input  logic [SUM_BITS-1:0]             sum,
    input  logic [N_THRESHOLDS*TH_BITS-1:0] thresholds,
    output logic [OUT_BITS-1:0]             level
);

  // The counts OUT_BIAS .. OUT_BIAS + N_THRESHOLDS must be numbers of OUT_BITS bits.
  localparam int LARGEST = OUT_BIAS + N_THRESHOLDS;
`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N_THRESHOLDS < 1) begin : g_check_1
    $error("bnn_mvau_level: N_THRESHOLDS = %0d must be at least 1", N_THRESHOLDS);
  end
  if (OUT_BITS < 1 || OUT_BITS > 31) begin : g_check_2
    $error("bnn_mvau_level: OUT_BITS = %0d is not in 1..31", OUT_BITS);
  end
  if (OUT_BITS == 1 && N_THRESHOLDS > 1) begin : g_check_3
    $error("bnn_mvau_level: %0d thresholds do not fit one output bit", N_THRESHOLDS);
  end
  if (OUT_BITS > 1 && OUT_BITS < 32 && OUT_BIAS < 0
      && (LARGEST >= 2 ** (OUT_BITS - 1) || OUT_BIAS < -(2 ** (OUT_BITS - 1)))) begin : g_check_4
    $error("bnn_mvau_level: levels %0d to %0d do not fit %0d signed bits", OUT_BIAS, LARGEST, OUT_BITS);
  end
  if (OUT_BITS > 1 && OUT_BITS < 32 && OUT_BIAS >= 0 && LARGEST >= 2 ** OUT_BITS) begin : g_check_5
    $error("bnn_mvau_level: levels %0d to %0d do not fit %0d bits", OUT_BIAS, LARGEST, OUT_BITS);
  end
`endif

  // One bit more than either side, so that a signed comparison serves unsigned numbers too.
  localparam int WIDE = (SUM_BITS > TH_BITS ? SUM_BITS : TH_BITS) + 1;

  logic signed [WIDE-1:0] wide_sum;

  assign wide_sum = {{(WIDE - SUM_BITS) {SUM_SIGNED && sum[SUM_BITS-1]}}, sum};

`ifdef HW_BNN_SIM
  localparam bit BISECT = N_THRESHOLDS > 15;
`else
  localparam bit BISECT = 0;
`endif

  if (BISECT) begin : g_bisect
    function automatic logic signed [WIDE-1:0] at(input int unsigned t);
      logic [TH_BITS-1:0] threshold;
      threshold = thresholds[t*TH_BITS+:TH_BITS];
      at = {{(WIDE - TH_BITS) {SUM_SIGNED && threshold[TH_BITS-1]}}, threshold};
    endfunction

    int unsigned count;
    always_comb begin
      count = 0;
      for (int step = $clog2(N_THRESHOLDS + 1) - 1; step >= 0; step--) begin
        if (count + (1 << step) <= N_THRESHOLDS && wide_sum >= at(count + (1 << step) - 1)) begin
          count += 1 << step;
        end
      end
    end
    assign level = OUT_BITS'(OUT_BIAS) + OUT_BITS'(count);
  end else begin : g_all
    logic [N_THRESHOLDS-1:0] reached;

    for (genvar t = 0; t < N_THRESHOLDS; t++) begin : g_compare
      logic [TH_BITS-1:0] threshold;
      logic signed [WIDE-1:0] wide_threshold;
      assign threshold = thresholds[t*TH_BITS+:TH_BITS];
      assign wide_threshold =
          {{(WIDE - TH_BITS) {SUM_SIGNED && threshold[TH_BITS-1]}}, threshold};
      assign reached[t] = wide_sum >= wide_threshold;
    end

    if (N_THRESHOLDS == 1 && OUT_BITS == 1) begin : g_bit
      assign level = reached;
    end else begin : g_count
      always_comb level = OUT_BITS'(OUT_BIAS) + OUT_BITS'($countones(reached));
    end
  end

endmodule : bnn_mvau_level
