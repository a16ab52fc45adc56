// A hand-written accelerator for the tests of the simulation engines: s_axis -> fifo -> toy_layer
// (K = 8*WORDS inputs, N signed dot products) -> fifo -> toy_argmax -> m_axis.
module toy #(
  parameter integer WORDS = 3,
  parameter integer N = 5,
  parameter integer DEPTH = 2
) (
  input  wire        ap_clk,
  input  wire        ap_rst_n,
  input  wire [7:0]  s_axis_tdata,
  input  wire        s_axis_tvalid,
  output wire        s_axis_tready,
  input  wire        s_axis_tlast,
  output wire [15:0] m_axis_tdata,
  output wire        m_axis_tvalid,
  input  wire        m_axis_tready,
  output wire        m_axis_tlast
);
  wire [7:0] pixels_tdata, packed_tdata, dots_tdata, scores_tdata;
  wire pixels_tvalid, packed_tvalid, dots_tvalid, scores_tvalid;
  wire pixels_tready, packed_tready, dots_tready, scores_tready;
  wire [15:0] result_tdata;
  wire result_tvalid, result_tready;

  assign pixels_tdata  = s_axis_tdata;
  assign pixels_tvalid = s_axis_tvalid;
  assign s_axis_tready = pixels_tready;
  assign m_axis_tdata  = result_tdata;
  assign m_axis_tvalid = result_tvalid;
  assign result_tready = m_axis_tready;

  bnn_fifo #(.BITS(8), .DEPTH(DEPTH)) fifo_0 (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_tdata(pixels_tdata), .s_axis_tvalid(pixels_tvalid), .s_axis_tready(pixels_tready),
    .m_axis_tdata(packed_tdata), .m_axis_tvalid(packed_tvalid), .m_axis_tready(packed_tready));
  toy_layer #(.WORDS(WORDS), .N(N), .WEIGHTS_FILE("layer_0_weights.hex")) layer_0 (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_tdata(packed_tdata), .s_axis_tvalid(packed_tvalid), .s_axis_tready(packed_tready),
    .m_axis_tdata(dots_tdata), .m_axis_tvalid(dots_tvalid), .m_axis_tready(dots_tready));
  bnn_fifo #(.BITS(8), .DEPTH(DEPTH)) fifo_1 (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_tdata(dots_tdata), .s_axis_tvalid(dots_tvalid), .s_axis_tready(dots_tready),
    .m_axis_tdata(scores_tdata), .m_axis_tvalid(scores_tvalid), .m_axis_tready(scores_tready));
  toy_argmax #(.N(N)) argmax_0 (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_tdata(scores_tdata), .s_axis_tvalid(scores_tvalid), .s_axis_tready(scores_tready),
    .m_axis_tdata(result_tdata), .m_axis_tvalid(result_tvalid), .m_axis_tready(result_tready),
    .m_axis_tlast(m_axis_tlast));
endmodule
