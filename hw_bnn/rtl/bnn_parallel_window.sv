// bnn_parallel_window: the K_H x K_W windows of a convolution, whole pixels of them a cycle, cut out
// of a stream of pixels (NHWC: row by row, a word is a pixel of CHANNELS elements).
//
//   OFM = floor((IFM - DILATION*(K-1) - 1) / STRIDE) + 1 per axis; IFM counts any padding, which
//   `pad` has added before. A window is CHUNKS = K_H*K_W*CHANNELS/SIMD words, in the order of
//   bnn_window (for kh, for kw, for c), so SIMD = K_H*K_W*CHANNELS gives a whole window a word.
//
// Line buffers hold, by column, the pixels of the rows above the one that enters; with the new pixel
// they make a column of the window, which shifts into the window's registers. Those are the output:
// a pixel enters only where no window stands in them, or its last word leaves.
//
// Latency: 1 cycle from a window's last pixel. Initiation interval: a pixel or a word a cycle; a
// frame takes IFM_H*IFM_W + OFM_H*OFM_W*(CHUNKS - 1) cycles. A reader that takes longer than one
// cycle for a word waits for a frame's first rows, (DILATION_H*(K_H-1))*IFM_W cycles, each frame.
module bnn_parallel_window #(
    parameter int IFM_H      = 8,
    parameter int IFM_W      = 8,
    parameter int CHANNELS   = 4,
    parameter int SIMD       = 36,  // elements of an output word: whole pixels
    parameter int BITS       = 1,   // of one element
    parameter int K_H        = 3,
    parameter int K_W        = 3,
    parameter int STRIDE_H   = 1,
    parameter int STRIDE_W   = 1,
    parameter int DILATION_H = 1,
    parameter int DILATION_W = 1,
    /* verilator lint_off UNUSEDPARAM */  // an attribute, which only synthesis reads
    parameter     RAM_STYLE  = "auto",
    /* verilator lint_on UNUSEDPARAM */
    localparam int TDATA     = (CHANNELS * BITS + 7) / 8 * 8,
    localparam int OUT_TDATA = (SIMD * BITS + 7) / 8 * 8
) (
    input  logic                 ap_clk,
    input  logic                 ap_rst_n,

    input  logic [TDATA-1:0]     s_axis_tdata,
    input  logic                 s_axis_tvalid,
    output logic                 s_axis_tready,

    output logic [OUT_TDATA-1:0] m_axis_tdata,
    output logic                 m_axis_tvalid,
    input  logic                 m_axis_tready
);

  function automatic int max2(input int a, input int b);
    max2 = a > b ? a : b;
  endfunction

  localparam int PIXEL = CHANNELS * BITS;
  localparam int WIDTH = SIMD * BITS;
  localparam int SPAN_H = (K_H - 1) * DILATION_H + 1;
  localparam int SPAN_W = (K_W - 1) * DILATION_W + 1;
  localparam int LINES = SPAN_H - 1;
  localparam int CHUNKS = K_H * K_W * CHANNELS / SIMD;

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (IFM_H < 1 || IFM_W < 1 || CHANNELS < 1 || SIMD < 1 || BITS < 1 || K_H < 1 || K_W < 1
      || STRIDE_H < 1 || STRIDE_W < 1 || DILATION_H < 1 || DILATION_W < 1) begin : g_check_1
    $error("bnn_parallel_window: sizes, strides and dilations must be at least 1");
  end
  if (SIMD % CHANNELS != 0 || K_H * K_W * CHANNELS % SIMD != 0) begin : g_check_2
    $error("bnn_parallel_window: SIMD = %0d must be whole pixels of %0d and divide a window of %0d",
           SIMD, CHANNELS, K_H * K_W * CHANNELS);
  end
  if (SPAN_H > IFM_H || SPAN_W > IFM_W) begin : g_check_3
    $error("bnn_parallel_window: %0d x %0d pixels do not fit into %0d x %0d", SPAN_H, SPAN_W,
           IFM_H, IFM_W);
  end
`endif

  // ---- where the entering pixel stands ----
  localparam int X_BITS = IFM_W > 1 ? $clog2(IFM_W) : 1;
  localparam int Y_BITS = IFM_H > 1 ? $clog2(IFM_H) : 1;
  localparam int SKIP_X = max2(SPAN_W, STRIDE_W) > 1 ? $clog2(max2(SPAN_W, STRIDE_W)) : 1;
  localparam int SKIP_Y = max2(SPAN_H, STRIDE_H) > 1 ? $clog2(max2(SPAN_H, STRIDE_H)) : 1;
  logic [X_BITS-1:0] x, next_x;
  logic [Y_BITS-1:0] y;
  logic [SKIP_X-1:0] skip_x;  // pixels of the row, and rows, before the next that ends a window
  logic [SKIP_Y-1:0] skip_y;
  logic last_x, last_y, take, complete;
  assign last_x = x == X_BITS'(IFM_W - 1);
  assign last_y = y == Y_BITS'(IFM_H - 1);
  assign next_x = last_x ? '0 : x + 1'b1;
  assign complete = skip_x == '0 && skip_y == '0;
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      x <= '0;
      y <= '0;
      skip_x <= SKIP_X'(SPAN_W - 1);
      skip_y <= SKIP_Y'(SPAN_H - 1);
    end else if (take) begin
      x <= next_x;
      skip_x <= last_x ? SKIP_X'(SPAN_W - 1) : skip_x == '0 ? SKIP_X'(STRIDE_W - 1) : skip_x - 1'b1;
      if (last_x) begin
        y <= last_y ? '0 : y + 1'b1;
        skip_y <= last_y ? SKIP_Y'(SPAN_H - 1) : skip_y == '0 ? SKIP_Y'(STRIDE_H - 1)
                                                              : skip_y - 1'b1;
      end
    end
  end

  // ---- line buffers: the pixels above, the row before in the lowest bits, read one column ahead
  logic [SPAN_H*PIXEL-1:0] column;
  assign column[PIXEL-1:0] = s_axis_tdata[PIXEL-1:0];
  if (LINES > 0) begin : g_lines
    logic [LINES*PIXEL-1:0] above;
    assign column[SPAN_H*PIXEL-1:PIXEL] = above;
    if (IFM_W > 1) begin : g_memory
      // A column is written a row before it is read again: no collision counts.
      (* ram_style = RAM_STYLE, no_rw_check *) logic [LINES*PIXEL-1:0] lines [0:IFM_W-1];
      always_ff @(posedge ap_clk) begin
        if (take) begin
          lines[x] <= column[LINES*PIXEL-1:0];
          above <= lines[next_x];
        end
      end
    end else begin : g_register
      always_ff @(posedge ap_clk) if (take) above <= column[LINES*PIXEL-1:0];
    end
  end

  // ---- the window: row kh's newest pixel comes from (K_H-1-kh)*DILATION_H rows above ----
  logic [K_H*K_W*PIXEL-1:0] window;
  for (genvar kh = 0; kh < K_H; kh++) begin : g_row
    logic [SPAN_W*PIXEL-1:0] row;  // the newest pixel in the highest bits
    logic [PIXEL-1:0] newest;
    assign newest = column[(K_H - 1 - kh) * DILATION_H * PIXEL +: PIXEL];
    if (SPAN_W > 1) begin : g_shift
      always_ff @(posedge ap_clk) if (take) row <= {newest, row[SPAN_W*PIXEL-1:PIXEL]};
    end else begin : g_one
      always_ff @(posedge ap_clk) if (take) row <= newest;
    end
    for (genvar kw = 0; kw < K_W; kw++) begin : g_pixel
      assign window[(kh*K_W + kw)*PIXEL +: PIXEL] = row[kw*DILATION_W*PIXEL +: PIXEL];
    end
  end

  // ---- words of the window ----
  logic [WIDTH-1:0] word;
  logic last_word;
  assign s_axis_tready = !m_axis_tvalid || (m_axis_tready && last_word);
  assign take = s_axis_tvalid && s_axis_tready;
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) m_axis_tvalid <= 1'b0;
    else if (s_axis_tready) m_axis_tvalid <= take && complete;
  end
  if (CHUNKS > 1) begin : g_chunks
    localparam int CHUNK_BITS = $clog2(CHUNKS);
    logic [CHUNK_BITS-1:0] chunk;
    assign last_word = chunk == CHUNK_BITS'(CHUNKS - 1);
    assign word = window[int'(chunk)*WIDTH +: WIDTH];
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) chunk <= '0;
      else if (m_axis_tvalid && m_axis_tready) chunk <= last_word ? '0 : chunk + 1'b1;
    end
  end else begin : g_whole_window
    assign last_word = 1'b1;
    assign word = window;
  end

  if (TDATA > PIXEL) begin : g_unused_bits
    logic unused;
    assign unused = &{1'b0, s_axis_tdata[TDATA-1:PIXEL]};
  end
  if (OUT_TDATA > WIDTH) begin : g_pad_bits
    assign m_axis_tdata = {{(OUT_TDATA - WIDTH) {1'b0}}, word};
  end else begin : g_whole
    assign m_axis_tdata = word;
  end

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(
      .BITS(OUT_TDATA)
  ) u_check (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .tdata(m_axis_tdata),
      .tvalid(m_axis_tvalid),
      .tready(m_axis_tready)
  );
`endif

endmodule : bnn_parallel_window
