// bnn_pool2d: sums or maxima over the K_H x K_W windows of a stream of pixels: core of bnn_max_pool
// and bnn_sum_pool.
//
//   out[oy][ox][c] = reduce over kh < K_H, kw < K_W of in[oy*STRIDE_H + kh][ox*STRIDE_W + kw][c]
//   OFM = floor((IFM + PADs - K) / STRIDE) + 1 per axis
//
// The window is separable: the border (of zeros, neutral for a sum and for an unsigned maximum) is
// added, rows are reduced to OFM_W pixels, columns to OFM_H. reduce = sum, or unsigned maximum.
//
// NHWC: a pixel is CF = CHANNELS/SIMD words, channel fastest. Initiation interval: 1 word a cycle;
// a frame takes (PAD_T + IFM_H + PAD_B) * (PAD_L + IFM_W + PAD_R) * CF cycles.
// Latency from a window's last word: 2 cycles for each axis, 1 more with borders.
module bnn_pool2d #(
    parameter int IFM_H    = 4,
    parameter int IFM_W    = 4,
    parameter int CHANNELS = 4,
    parameter int SIMD     = 2,
    parameter int IN_BITS  = 1,
    parameter int OUT_BITS = 1,
    parameter bit SUM      = 0,
    parameter bit SIGNED   = 0,  // of a sum's elements
    parameter int K_H      = 2,
    parameter int K_W      = 2,
    parameter int STRIDE_H = 2,
    parameter int STRIDE_W = 2,
    parameter int PAD_T    = 0,
    parameter int PAD_B    = 0,
    parameter int PAD_L    = 0,
    parameter int PAD_R    = 0,
    localparam int IN_WIDTH  = SIMD * IN_BITS,
    localparam int OUT_WIDTH = SIMD * OUT_BITS
) (
    input  logic                 ap_clk,
    input  logic                 ap_rst_n,

    input  logic [IN_WIDTH-1:0]  in_data,
    input  logic                 in_valid,
    output logic                 in_ready,

    output logic [OUT_WIDTH-1:0] out_data,
    output logic                 out_valid,
    input  logic                 out_ready
);

  localparam int CF       = CHANNELS / SIMD;
  localparam int PADDED_H = PAD_T + IFM_H + PAD_B;
  localparam int PADDED_W = PAD_L + IFM_W + PAD_R;
  localparam int OFM_W    = (PADDED_W - K_W) / STRIDE_W + 1;
  // A sum of n elements needs at most ceil(log2(n)) bits more than one.
  localparam int ROW_GROWN = IN_BITS + $clog2(K_W);
  localparam int ROW_BITS  = !SUM ? IN_BITS : ROW_GROWN < OUT_BITS ? ROW_GROWN : OUT_BITS;

  logic [IN_WIDTH-1:0] padded;
  logic padded_valid, padded_ready;

  if (PAD_T + PAD_B + PAD_L + PAD_R == 0) begin : g_plain
    assign padded = in_data;
    assign padded_valid = in_valid;
    assign in_ready = padded_ready;
  end else begin : g_border
    localparam int TDATA = (IN_WIDTH + 7) / 8 * 8;
    logic [TDATA-1:0] unpadded_word, padded_word;
    assign unpadded_word = TDATA'(in_data);
    assign padded = padded_word[IN_WIDTH-1:0];
    if (TDATA > IN_WIDTH) begin : g_fill
      logic unused;
      assign unused = &{1'b0, padded_word[TDATA-1:IN_WIDTH]};
    end
    bnn_pad #(
        .IFM_H(IFM_H),
        .IFM_W(IFM_W),
        .CHANNELS(CHANNELS),
        .SIMD(SIMD),
        .BITS(IN_BITS),
        .PAD_T(PAD_T),
        .PAD_B(PAD_B),
        .PAD_L(PAD_L),
        .PAD_R(PAD_R),
        .VALUE(0)
    ) u_pad (
        .ap_clk(ap_clk),
        .ap_rst_n(ap_rst_n),
        .s_axis_tdata(unpadded_word),
        .s_axis_tvalid(in_valid),
        .s_axis_tready(in_ready),
        .m_axis_tdata(padded_word),
        .m_axis_tvalid(padded_valid),
        .m_axis_tready(padded_ready)
    );
  end

  logic [SIMD*ROW_BITS-1:0] row;
  logic row_valid, row_ready;

  bnn_axis_reduce #(
      .LENGTH(PADDED_W),
      .INNER(CF),
      .KERNEL(K_W),
      .STRIDE(STRIDE_W),
      .LANES(SIMD),
      .IN_BITS(IN_BITS),
      .OUT_BITS(ROW_BITS),
      .SUM(SUM),
      .SIGNED(SIGNED)
  ) u_row (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .in_valid(padded_valid),
      .in_ready(padded_ready),
      .in_data(padded),
      .out_valid(row_valid),
      .out_ready(row_ready),
      .out_data(row)
  );

  bnn_axis_reduce #(
      .LENGTH(PADDED_H),
      .INNER(OFM_W * CF),
      .KERNEL(K_H),
      .STRIDE(STRIDE_H),
      .LANES(SIMD),
      .IN_BITS(ROW_BITS),
      .OUT_BITS(OUT_BITS),
      .SUM(SUM),
      .SIGNED(SIGNED)
  ) u_column (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .in_valid(row_valid),
      .in_ready(row_ready),
      .in_data(row),
      .out_valid(out_valid),
      .out_ready(out_ready),
      .out_data(out_data)
  );

endmodule : bnn_pool2d
