// bnn_sum_pool: sums over windows: average pool, global average pool with K = IFM.
//
//   out[oy][ox][c] = floor(S / 2**SHIFT)
//   S = sum over kh < K_H, kw < K_W of in[oy*STRIDE_H + kh][ox*STRIDE_W + kw][c]
//   OFM = floor((IFM + PADs - K) / STRIDE) + 1 per axis
//
// The mean is S / (K_H*K_W): the division belongs to the scale that the integers carry, so nothing
// is rounded; SHIFT is for models that do truncate. The border counts as zeros. Elements are
// unsigned, signed (IN_SIGNED) or bipolar bits (IN_BIPOLAR: 1 = +1, 0 = -1); sums of signed and
// bipolar elements are two's complement.
// With n = K_H*K_W, S needs SUM_BITS = ceil(log2(n*(2**IN_BITS - 1) + 1)) bits of unsigned elements,
// IN_BITS + ceil(log2(n)) of signed, 1 + ceil(log2(n + 1)) of bipolar ones;
// OUT_BITS >= SUM_BITS - SHIFT.
//
// NHWC: a pixel is CF = CHANNELS/SIMD words, channel fastest. Initiation interval: 1 word a cycle;
// a frame takes (PAD_T + IFM_H + PAD_B) * (PAD_L + IFM_W + PAD_R) * CF cycles.
// Latency from a window's last word: 2 cycles for each axis, 1 more with borders.
module bnn_sum_pool #(
    parameter int IFM_H      = 4,
    parameter int IFM_W      = 4,
    parameter int CHANNELS   = 4,
    parameter int SIMD       = 2,
    parameter int IN_BITS    = 4,
    parameter bit IN_SIGNED  = 0,
    parameter bit IN_BIPOLAR = 0,
    parameter int OUT_BITS   = 8,
    parameter int SHIFT      = 0,
    parameter int K_H        = 2,
    parameter int K_W        = 2,
    parameter int STRIDE_H   = 2,
    parameter int STRIDE_W   = 2,
    parameter int PAD_T      = 0,
    parameter int PAD_B      = 0,
    parameter int PAD_L      = 0,
    parameter int PAD_R      = 0,
    localparam int IN_TDATA  = (SIMD * IN_BITS + 7) / 8 * 8,
    localparam int OUT_TDATA = (SIMD * OUT_BITS + 7) / 8 * 8
) (
    input  logic                 ap_clk,
    input  logic                 ap_rst_n,

    input  logic [IN_TDATA-1:0]  s_axis_tdata,
    input  logic                 s_axis_tvalid,
    output logic                 s_axis_tready,

    output logic [OUT_TDATA-1:0] m_axis_tdata,
    output logic                 m_axis_tvalid,
    input  logic                 m_axis_tready
);

  localparam bit SIGNED     = IN_SIGNED || IN_BIPOLAR;
  localparam int VALUE_BITS = IN_BIPOLAR ? 2 : IN_BITS;
  localparam int SUM_BITS   = IN_BIPOLAR ? 1 + $clog2(K_H * K_W + 1)
                            : IN_SIGNED ? IN_BITS + $clog2(K_H * K_W)
                                        : $clog2(K_H * K_W * (2 ** IN_BITS - 1) + 1);

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (CHANNELS < 1 || SIMD < 1 || CHANNELS % SIMD != 0) begin : g_check_1
    $error("bnn_sum_pool: SIMD = %0d must divide CHANNELS = %0d", SIMD, CHANNELS);
  end
  if (IN_BIPOLAR && (IN_BITS != 1 || IN_SIGNED)) begin : g_check_2
    $error("bnn_sum_pool: bipolar elements have 1 bit, and no sign bit");
  end
  if (IN_BITS > 16 || SUM_BITS > 32) begin : g_check_3
    $error("bnn_sum_pool: sums of %0d bits, more than 32", SUM_BITS);
  end
  if (SHIFT < 0 || SHIFT >= SUM_BITS || OUT_BITS < SUM_BITS - SHIFT) begin : g_check_4
    $error("bnn_sum_pool: OUT_BITS = %0d cannot hold sums of %0d bits shifted by %0d", OUT_BITS,
           SUM_BITS, SHIFT);
  end
`endif

  logic [SIMD*VALUE_BITS-1:0] values;
  logic [SIMD*SUM_BITS-1:0] sums;
  logic [SIMD*OUT_BITS-1:0] word;

  for (genvar s = 0; s < SIMD; s++) begin : g_lane
    if (IN_BIPOLAR) begin : g_bipolar
      assign values[2*s +: 2] = {!s_axis_tdata[s], 1'b1};
    end else begin : g_integer
      assign values[s*IN_BITS +: IN_BITS] = s_axis_tdata[s*IN_BITS +: IN_BITS];
    end
    if (SIGNED) begin : g_signed
      assign word[s*OUT_BITS +: OUT_BITS] =
          OUT_BITS'($signed(sums[s*SUM_BITS + SHIFT +: SUM_BITS - SHIFT]));
    end else begin : g_unsigned
      assign word[s*OUT_BITS +: OUT_BITS] =
          OUT_BITS'(sums[s*SUM_BITS + SHIFT +: SUM_BITS - SHIFT]);
    end
  end
  assign m_axis_tdata = OUT_TDATA'(word);

  logic unused;
  assign unused = &{1'b0, s_axis_tdata, sums};

  bnn_pool2d #(
      .IFM_H(IFM_H),
      .IFM_W(IFM_W),
      .CHANNELS(CHANNELS),
      .SIMD(SIMD),
      .IN_BITS(VALUE_BITS),
      .OUT_BITS(SUM_BITS),
      .SUM(1'b1),
      .SIGNED(SIGNED),
      .K_H(K_H),
      .K_W(K_W),
      .STRIDE_H(STRIDE_H),
      .STRIDE_W(STRIDE_W),
      .PAD_T(PAD_T),
      .PAD_B(PAD_B),
      .PAD_L(PAD_L),
      .PAD_R(PAD_R)
  ) u_pool (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .in_data(values),
      .in_valid(s_axis_tvalid),
      .in_ready(s_axis_tready),
      .out_data(sums),
      .out_valid(m_axis_tvalid),
      .out_ready(m_axis_tready)
  );

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

endmodule : bnn_sum_pool
