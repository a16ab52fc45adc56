// bnn_word_pack: words of a stream to beats of memory, laid out as bnn_word_unpack takes them.
//
// `words` words a run, latched at `start`; the last beat leaves when the last word is in. Bytes of a
// container beyond its word are zero, and so are those of the last beat beyond the last word (which
// bnn_write_dma does not write). Words beyond the run are not taken. One word a cycle, or one in
// STRIDE/BEAT_BYTES cycles where a word is wider than a beat.
module bnn_word_pack #(
    parameter int BEAT_BYTES = 8,
    parameter int WORD_BYTES = 1,
    parameter int STRIDE     = 1
) (
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,

    input  logic                    start,
    input  logic [31:0]             words,

    input  logic [8*WORD_BYTES-1:0] word_data,
    input  logic                    word_valid,
    output logic                    word_ready,

    output logic [8*BEAT_BYTES-1:0] beat_data,
    output logic                    beat_valid,
    input  logic                    beat_ready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (STRIDE < WORD_BYTES) begin : g_check_1
    $error("bnn_word_pack: a word of %0d bytes has no room in %0d", WORD_BYTES, STRIDE);
  end
  if (BEAT_BYTES % STRIDE != 0 && STRIDE % BEAT_BYTES != 0) begin : g_check_2
    $error("bnn_word_pack: STRIDE = %0d neither divides a beat of %0d bytes nor is a multiple of it",
           STRIDE, BEAT_BYTES);
  end
`endif

  logic [31:0] left;  // words still to be taken
  logic take;

  assign take = word_valid && word_ready;
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) left <= '0;
    else if (start) left <= words;
    else if (take) left <= left - 1'b1;
  end

  if (STRIDE <= BEAT_BYTES) begin : g_narrow
    localparam int LANES = BEAT_BYTES / STRIDE;
    logic [8*BEAT_BYTES-1:0] kept;
    logic full, complete;

    assign word_ready = left != '0 && (!full || beat_ready);
    assign beat_valid = full;
    assign beat_data  = kept;
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) full <= 1'b0;
      else if (take) full <= complete;
      else if (beat_ready) full <= 1'b0;
    end

    if (LANES == 1) begin : g_one
      assign complete = 1'b1;
      always_ff @(posedge ap_clk) if (take) kept <= (8 * BEAT_BYTES)'(word_data);
    end else begin : g_lanes
      logic [$clog2(LANES)-1:0] lane;
      assign complete = &lane || left == 32'd1;
      always_ff @(posedge ap_clk) begin
        if (!ap_rst_n) lane <= '0;
        else if (take) lane <= complete ? '0 : lane + 1'b1;
      end
      always_ff @(posedge ap_clk) begin
        if (take) begin
          if (lane == '0) kept <= (8 * BEAT_BYTES)'(word_data);
          else kept[lane*8*STRIDE+:8*WORD_BYTES] <= word_data;
        end
      end
    end

  end else begin : g_wide
    localparam int PIECES    = STRIDE / BEAT_BYTES;
    localparam int LEFT_BITS = $clog2(PIECES + 1);
    logic [8*STRIDE-1:0] kept;  // shifted out, the lowest beat first
    logic [LEFT_BITS-1:0] pieces;

    assign word_ready = left != '0 && (pieces == '0 || (pieces == LEFT_BITS'(1) && beat_ready));
    assign beat_valid = pieces != '0;
    assign beat_data  = kept[8*BEAT_BYTES-1:0];
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) pieces <= '0;
      else if (take) pieces <= LEFT_BITS'(PIECES);
      else if (beat_valid && beat_ready) pieces <= pieces - 1'b1;
    end
    always_ff @(posedge ap_clk) begin
      if (take) kept <= (8 * STRIDE)'(word_data);
      else if (beat_valid && beat_ready) kept <= kept >> 8 * BEAT_BYTES;
    end
  end

endmodule : bnn_word_pack
