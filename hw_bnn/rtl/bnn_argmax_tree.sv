// bnn_argmax_tree: the largest of N signed numbers and its place, the lowest place among equals.
//
//   index = min {i : x[i] = max_j x[j]},  value = x[index]
//
// Latency: DEPTH >= $clog2(N) enabled cycles, one comparison each. Initiation interval 1.
module bnn_argmax_tree #(
    parameter int N     = 2,
    parameter int BITS  = 8,
    parameter int DEPTH = 1,
    localparam int INDEX_BITS = DEPTH > 0 ? DEPTH : 1
) (
    input  logic                  ap_clk,
    input  logic                  en,
    input  logic [N*BITS-1:0]     x,
    output logic [BITS-1:0]       value,
    output logic [INDEX_BITS-1:0] index
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N < 1 || N > 2 ** DEPTH) begin : g_check_1
    $error("bnn_argmax_tree: N = %0d is not in 1..2^%0d", N, DEPTH);
  end
`endif

  if (DEPTH == 0) begin : g_leaf
    assign value = x;
    assign index = '0;
    logic unused;
    assign unused = &{1'b0, ap_clk, en};
  end else begin : g_node
    localparam int HALF       = 2 ** (DEPTH - 1);
    localparam int LOW_COUNT  = N < HALF ? N : HALF;
    localparam int LOW_BITS   = DEPTH > 1 ? DEPTH - 1 : 1;

    logic [BITS-1:0] low_value;
    logic [LOW_BITS-1:0] low_index;
    bnn_argmax_tree #(.N(LOW_COUNT), .BITS(BITS), .DEPTH(DEPTH - 1)) u_low (
        .ap_clk, .en, .x(x[LOW_COUNT*BITS-1:0]), .value(low_value), .index(low_index)
    );

    if (N <= HALF) begin : g_low_only
      always_ff @(posedge ap_clk) begin
        if (en) begin
          value <= low_value;
          index <= INDEX_BITS'(low_index);
        end
      end
    end else begin : g_both
      logic [BITS-1:0] high_value;
      logic [LOW_BITS-1:0] high_index;
      bnn_argmax_tree #(.N(N - HALF), .BITS(BITS), .DEPTH(DEPTH - 1)) u_high (
          .ap_clk, .en, .x(x[N*BITS-1:HALF*BITS]), .value(high_value), .index(high_index)
      );
      always_ff @(posedge ap_clk) begin
        if (en) begin
          if ($signed(high_value) > $signed(low_value)) begin
            value <= high_value;
            index <= INDEX_BITS'(HALF) + INDEX_BITS'(high_index);
          end else begin
            value <= low_value;
            index <= INDEX_BITS'(low_index);
          end
        end
      end
    end
  end

endmodule : bnn_argmax_tree
