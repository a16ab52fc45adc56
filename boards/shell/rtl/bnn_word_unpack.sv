// bnn_word_unpack: beats of memory to words of a stream.
//
//   A word of WORD_BYTES bytes stands at the low end of a container of STRIDE bytes: the power of two at or
//   above WORD_BYTES while that fits in a beat, else the multiple of the beat at or above it. Word i of a
//   run stands at byte i * STRIDE.
//
// `words` words a run, latched at `start`; what follows them in the last beat is dropped. One word a
// cycle, or one in STRIDE/BEAT_BYTES cycles where a word is wider than a beat.
module bnn_word_unpack #(
    parameter int BEAT_BYTES = 8,
    parameter int WORD_BYTES = 1,
    parameter int STRIDE     = 1
) (
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,

    input  logic                    start,
    input  logic [31:0]             words,

    input  logic [8*BEAT_BYTES-1:0] beat_data,
    input  logic                    beat_valid,
    output logic                    beat_ready,

    output logic [8*WORD_BYTES-1:0] word_data,
    output logic                    word_valid,
    input  logic                    word_ready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (STRIDE < WORD_BYTES) begin : g_check_1
    $error("bnn_word_unpack: a word of %0d bytes has no room in %0d", WORD_BYTES, STRIDE);
  end
  if (BEAT_BYTES % STRIDE != 0 && STRIDE % BEAT_BYTES != 0) begin : g_check_2
    $error("bnn_word_unpack: STRIDE = %0d neither divides a beat of %0d bytes nor is a multiple of it",
           STRIDE, BEAT_BYTES);
  end
`endif

  logic [31:0] left;  // words that have not left
  logic give;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) left <= '0;
    else if (start) left <= words;
    else if (give) left <= left - 1'b1;
  end

  logic unused;
  assign unused = &{1'b0, beat_data};

  if (STRIDE <= BEAT_BYTES) begin : g_narrow
    localparam int LANES = BEAT_BYTES / STRIDE;
    logic [8*WORD_BYTES-1:0] word;
    logic ready, last;

    if (LANES == 1) begin : g_one
      assign word = beat_data[8*WORD_BYTES-1:0];
      assign last = 1'b1;
    end else begin : g_lanes
      logic [$clog2(LANES)-1:0] lane;
      assign word = beat_data[lane*8*STRIDE+:8*WORD_BYTES];
      assign last = &lane || left == 32'd1;
      always_ff @(posedge ap_clk) begin
        if (!ap_rst_n || start) lane <= '0;
        else if (give) lane <= last ? '0 : lane + 1'b1;
      end
    end

    assign give       = beat_valid && left != '0 && ready;
    assign beat_ready = ready && left != '0 && last;
    bnn_skid #(.BITS(8 * WORD_BYTES)) cut (
        .ap_clk, .ap_rst_n,
        .in_valid(beat_valid && left != '0), .in_ready(ready), .in_data(word),
        .out_valid(word_valid), .out_ready(word_ready), .out_data(word_data)
    );

  end else begin : g_wide
    localparam int PIECES = STRIDE / BEAT_BYTES;
    logic [8*STRIDE-1:0] kept;  // filled from above, so that the first beat ends lowest
    logic [$clog2(PIECES)-1:0] piece;
    logic full, push;

    assign beat_ready = left != '0 && (!full || word_ready);
    assign push       = beat_valid && beat_ready;
    assign give       = push && piece == ($clog2(PIECES))'(PIECES - 1);
    assign word_valid = full;
    assign word_data  = kept[8*WORD_BYTES-1:0];

    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) begin
        full  <= 1'b0;
        piece <= '0;
      end else begin
        if (push) piece <= give ? '0 : piece + 1'b1;
        if (push) full <= give;
        else if (word_ready) full <= 1'b0;
      end
    end
    always_ff @(posedge ap_clk) if (push) kept <= {beat_data, kept[8*STRIDE-1:8*BEAT_BYTES]};
    if (STRIDE > WORD_BYTES) begin : g_padding
      logic unused_kept;
      assign unused_kept = &{1'b0, kept[8*STRIDE-1:8*WORD_BYTES]};
    end
  end

endmodule : bnn_word_unpack
