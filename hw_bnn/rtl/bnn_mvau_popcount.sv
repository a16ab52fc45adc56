// bnn_mvau_popcount: popcount with register stages inside.
//
//   count = number of ones in bits, PIPELINE enabled cycles later (0 = combinational)
//
// Each stage beyond the first cuts bits into up to 6 pieces, counts them (this module again, with
// one stage less) and registers the sum of the pieces' counts.
module bnn_mvau_popcount #(
    parameter int N        = 64,
    parameter int PIPELINE = 1,
    localparam int COUNT_BITS = $clog2(N + 1)
) (
    input  logic                  ap_clk,
    input  logic                  en,
    input  logic [N-1:0]          bits,
    output logic [COUNT_BITS-1:0] count
);

  localparam int PIECES = 6;
  localparam int PIECE  = (N + PIECES - 1) / PIECES;
  localparam int USED   = (N + PIECE - 1) / PIECE;

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N < 1) begin : g_check_1
    $error("bnn_mvau_popcount: N = %0d must be at least 1", N);
  end
  if (PIPELINE < 0) begin : g_check_2
    $error("bnn_mvau_popcount: PIPELINE = %0d must not be negative", PIPELINE);
  end
`endif

  logic [COUNT_BITS-1:0] sum;

  if (PIPELINE < 2) begin : g_whole
    bnn_popcount #(.N(N)) u_popcount (.bits, .count(sum));
  end else begin : g_pieces
    logic [USED-1:0][COUNT_BITS-1:0] part;
    for (genvar i = 0; i < USED; i++) begin : g_piece
      localparam int SIZE = i < USED - 1 ? PIECE : N - (USED - 1) * PIECE;
      logic [$clog2(SIZE+1)-1:0] piece_count;
      bnn_mvau_popcount #(.N(SIZE), .PIPELINE(PIPELINE - 1)) u_piece (
          .ap_clk, .en, .bits(bits[i*PIECE+:SIZE]), .count(piece_count)
      );
      assign part[i] = COUNT_BITS'(piece_count);
    end
    always_comb begin
      sum = '0;
      for (int i = 0; i < USED; i++) sum = sum + part[i];
    end
  end

  if (PIPELINE == 0) begin : g_direct
    assign count = sum;
    logic unused;
    assign unused = &{1'b0, ap_clk, en};
  end else begin : g_register
    always_ff @(posedge ap_clk) if (en) count <= sum;
  end

endmodule : bnn_mvau_popcount
