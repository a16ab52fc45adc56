// bnn_pad: border padding: surrounds every frame of a stream of pixels with a constant element.
//
//   out[y][x][c] = in[y - PAD_T][x - PAD_L][c] inside the frame, VALUE outside
//
// Frames of IFM_H x IFM_W pixels become (PAD_T + IFM_H + PAD_B) x (PAD_L + IFM_W + PAD_R); NHWC:
// row by row, a pixel is CHANNELS/SIMD words, channel fastest. VALUE is the element's bits: for
// 1-bit streams 0 = -1 and 1 = +1; negative numbers are two's complement.
// A frame's first word waits for its first pixel, so that nothing leaves after the last frame.
//
// Latency: 1 cycle. Initiation interval: 1 word a cycle, a frame takes as many cycles as it has
// words with its border.
module bnn_pad #(
    parameter int IFM_H    = 4,
    parameter int IFM_W    = 4,
    parameter int CHANNELS = 4,
    parameter int SIMD     = 2,
    parameter int BITS     = 1,  // of one element
    parameter int PAD_T    = 1,
    parameter int PAD_B    = 1,
    parameter int PAD_L    = 1,
    parameter int PAD_R    = 1,
    parameter int VALUE    = 0,
    localparam int TDATA = (SIMD * BITS + 7) / 8 * 8
) (
    input  logic             ap_clk,
    input  logic             ap_rst_n,

    input  logic [TDATA-1:0] s_axis_tdata,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,

    output logic [TDATA-1:0] m_axis_tdata,
    output logic             m_axis_tvalid,
    input  logic             m_axis_tready
);

  localparam int WIDTH = SIMD * BITS;
  localparam int CF    = CHANNELS / SIMD;
  localparam int OFM_H = PAD_T + IFM_H + PAD_B;
  localparam int OFM_W = PAD_L + IFM_W + PAD_R;

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (IFM_H < 1 || IFM_W < 1 || CHANNELS < 1 || SIMD < 1 || BITS < 1) begin : g_check_1
    $error("bnn_pad: sizes must be at least 1");
  end
  if (PAD_T < 0 || PAD_B < 0 || PAD_L < 0 || PAD_R < 0) begin : g_check_2
    $error("bnn_pad: a border cannot be negative");
  end
  if (CHANNELS % SIMD != 0) begin : g_check_3
    $error("bnn_pad: SIMD = %0d must divide CHANNELS = %0d", SIMD, CHANNELS);
  end
  if (BITS < 32 && (VALUE >= 2 ** BITS || VALUE < -(2 ** (BITS - 1)))) begin : g_check_4
    $error("bnn_pad: VALUE = %0d does not fit into %0d bits", VALUE, BITS);
  end
`endif

  localparam int CF_BITS = CF > 1 ? $clog2(CF) : 1;
  localparam int X_BITS  = OFM_W > 1 ? $clog2(OFM_W) : 1;
  localparam int Y_BITS  = OFM_H > 1 ? $clog2(OFM_H) : 1;

  logic [CF_BITS-1:0] cf;
  logic [X_BITS-1:0] x;
  logic [Y_BITS-1:0] y;
  logic first;  // word of a frame
  logic last_cf, last_x, last_y, inside_x, inside_y, in_image;
  assign last_cf = cf == CF_BITS'(CF - 1);
  assign last_x = x == X_BITS'(OFM_W - 1);
  assign last_y = y == Y_BITS'(OFM_H - 1);
  assign in_image = inside_x && inside_y;

  logic out_free, step;
  assign out_free = !m_axis_tvalid || m_axis_tready;
  assign s_axis_tready = in_image && out_free;
  assign step = out_free && (s_axis_tvalid || !(in_image || first));

  // inside_x tells of x: it rises where x becomes PAD_L and falls where it becomes PAD_L + IFM_W.
  localparam int ENTER_X = PAD_L == 0 ? OFM_W - 1 : PAD_L - 1;
  localparam int ENTER_Y = PAD_T == 0 ? OFM_H - 1 : PAD_T - 1;
  localparam int LEAVE_X = PAD_L + IFM_W - 1;
  localparam int LEAVE_Y = PAD_T + IFM_H - 1;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      cf <= '0;
      x <= '0;
      y <= '0;
      first <= 1'b1;
      inside_x <= PAD_L == 0;
      inside_y <= PAD_T == 0;
      m_axis_tvalid <= 1'b0;
    end else begin
      if (out_free) m_axis_tvalid <= step;
      if (step) begin
        first <= last_cf && last_x && last_y;
        cf <= last_cf ? '0 : cf + 1'b1;
        if (last_cf) begin
          x <= last_x ? '0 : x + 1'b1;
          if (x == X_BITS'(ENTER_X)) inside_x <= 1'b1;
          else if (x == X_BITS'(LEAVE_X)) inside_x <= 1'b0;
        end
        if (last_cf && last_x) begin
          y <= last_y ? '0 : y + 1'b1;
          if (y == Y_BITS'(ENTER_Y)) inside_y <= 1'b1;
          else if (y == Y_BITS'(LEAVE_Y)) inside_y <= 1'b0;
        end
      end
    end
  end

  logic [WIDTH-1:0] word;
  always_ff @(posedge ap_clk) begin
    if (step) word <= in_image ? s_axis_tdata[WIDTH-1:0] : {SIMD{BITS'(VALUE)}};
  end
  if (TDATA > WIDTH) begin : g_fill
    logic unused;
    assign unused = &{1'b0, s_axis_tdata[TDATA-1:WIDTH]};
    assign m_axis_tdata = {{(TDATA - WIDTH) {1'b0}}, word};
  end else begin : g_whole
    assign m_axis_tdata = word;
  end

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(
      .BITS(TDATA)
  ) u_check (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .tdata(m_axis_tdata),
      .tvalid(m_axis_tvalid),
      .tready(m_axis_tready)
  );
`endif

endmodule : bnn_pad
