// bnn_max_pool: max-pool and min-pool of integers, per channel; for single bits that is OR and AND.
//
//   out[oy][ox][c] = max or min of in[oy*STRIDE_H + kh][ox*STRIDE_W + kw][c], kh < K_H, kw < K_W
//   OFM = floor((IFM + PADs - K) / STRIDE) + 1 per axis; padding never wins, as in ONNX MaxPool
//
// sign(BN(max(a))) = max(sign(BN(a))) where BatchNorm's gamma is not negative, and the min where
// it is: so a pool between convolution and BatchNorm becomes this kernel after the thresholds.
// MIN_FILE: $readmemh text, CHANNELS/SIMD lines of SIMD bits: bit s of line f is 1 where channel
// f*SIMD + s takes the minimum; "" = maximum everywhere.
// Elements are mapped to unsigned keys, whose maximum is wanted and whose 0 is neutral (the
// border): key = in, its sign bit inverted if SIGNED, all bits inverted for a minimum. The window
// is reduced along the row, then along the column: one word a cycle for any kernel and stride.
//
// NHWC: a pixel is CF = CHANNELS/SIMD words, channel fastest. Initiation interval: 1 word a cycle;
// a frame takes (PAD_T + IFM_H + PAD_B) * (PAD_L + IFM_W + PAD_R) * CF cycles.
// Latency from a window's last word: 2 cycles for each axis, 1 more with borders.
module bnn_max_pool #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int CONTEXTS = 1,   // weight sets; each pass has one (bnn_context_queue)
`endif
    parameter int IFM_H    = 4,
    parameter int IFM_W    = 4,
    parameter int CHANNELS = 4,
    parameter int SIMD     = 2,
    parameter int BITS     = 1,  // of one element, in and out
    parameter bit SIGNED   = 0,
    parameter int K_H      = 2,
    parameter int K_W      = 2,
    parameter int STRIDE_H = 2,
    parameter int STRIDE_W = 2,
    parameter int PAD_T    = 0,
    parameter int PAD_B    = 0,
    parameter int PAD_L    = 0,
    parameter int PAD_R    = 0,
    parameter     MIN_FILE = "",
    localparam int TDATA = (SIMD * BITS + 7) / 8 * 8
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
`endif
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

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (CHANNELS < 1 || SIMD < 1 || CHANNELS % SIMD != 0) begin : g_check_1
    $error("bnn_max_pool: SIMD = %0d must divide CHANNELS = %0d", SIMD, CHANNELS);
  end
  if (PAD_T >= K_H || PAD_B >= K_H || PAD_L >= K_W || PAD_R >= K_W) begin : g_check_2
    $error("bnn_max_pool: a border as wide as the kernel would give windows without a pixel");
  end
`endif

  logic [WIDTH-1:0] in_flip, out_flip;  // what makes a key of an element, and an element of a key
  logic [WIDTH-1:0] pooled;

  if (MIN_FILE == "") begin : g_max
    assign in_flip = {SIMD{BITS'(SIGNED) << (BITS - 1)}};
    assign out_flip = in_flip;
  end else begin : g_min
`ifdef HW_BNN_CONFIG
    localparam int DEPTH = CONTEXTS * CF;
`else
    localparam int DEPTH = CF;
`endif
    localparam int CF_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    logic [SIMD-1:0] minimum [0:DEPTH-1];
    initial $readmemh(MIN_FILE, minimum);
`ifdef HW_BNN_CONFIG
    always_ff @(posedge ap_clk)
      if (cfg[CFG_WORD+28] && cfg[CFG_WORD+24+:4] == 4'd4)
        minimum[cfg[CFG_WORD+:CF_BITS]] <= cfg[SIMD-1:0];
`endif
    localparam int WORD_BITS = CF > 1 ? $clog2(CF) : 1;
    logic [WORD_BITS-1:0] in_cf, out_cf;
    logic [CF_BITS-1:0] in_addr, out_addr;
    logic in_taken, out_taken, in_end, out_end;  // end: of a pixel
    assign in_taken  = s_axis_tvalid && s_axis_tready;
    assign out_taken = m_axis_tvalid && m_axis_tready;
    assign in_end    = CF == 1 || in_cf == WORD_BITS'(CF - 1);
    assign out_end   = CF == 1 || out_cf == WORD_BITS'(CF - 1);
`ifdef HW_BNN_CONFIG
    if (CONTEXTS > 1) begin : g_contexts
      localparam int OFM_H = (IFM_H + PAD_T + PAD_B - K_H) / STRIDE_H + 1;
      localparam int OFM_W = (IFM_W + PAD_L + PAD_R - K_W) / STRIDE_W + 1;
      localparam int BITS_P = IFM_H * IFM_W + OFM_H * OFM_W > 1
                              ? $clog2(IFM_H * IFM_W + OFM_H * OFM_W) : 1;
      localparam int CONTEXT_BITS = $clog2(CONTEXTS);
      logic [BITS_P-1:0] in_pixel, out_pixel;
      logic [CONTEXT_BITS-1:0] in_context, out_context;
      logic in_whole, out_whole, in_last, out_last;
      assign in_whole  = in_pixel == BITS_P'(IFM_H * IFM_W - 1);
      assign out_whole = out_pixel == BITS_P'(OFM_H * OFM_W - 1);
      bnn_context_queue #(.BITS(CONTEXT_BITS)) u_in (
          .ap_clk, .ap_rst_n, .passes(cfg[CFG_WORD+29+:15]), .ends(in_taken && in_end && in_whole),
          .context_now(in_context), .last(in_last)
      );
      bnn_context_queue #(.BITS(CONTEXT_BITS)) u_out (
          .ap_clk, .ap_rst_n, .passes(cfg[CFG_WORD+29+:15]), .ends(out_taken && out_end && out_whole),
          .context_now(out_context), .last(out_last)
      );
      logic [CF_BITS-1:0] in_base, out_base;
      bnn_context_base #(.CONTEXTS(CONTEXTS), .STRIDE(CF), .BITS(CF_BITS)) u_in_base (
          .context_now(in_context), .base(in_base)
      );
      bnn_context_base #(.CONTEXTS(CONTEXTS), .STRIDE(CF), .BITS(CF_BITS)) u_out_base (
          .context_now(out_context), .base(out_base)
      );
      assign in_addr  = in_base + CF_BITS'(in_cf);
      assign out_addr = out_base + CF_BITS'(out_cf);
      always_ff @(posedge ap_clk) begin
        if (!ap_rst_n) begin
          in_pixel  <= '0;
          out_pixel <= '0;
        end else begin
          if (in_taken && in_end) in_pixel <= in_whole ? '0 : in_pixel + 1'b1;
          if (out_taken && out_end) out_pixel <= out_whole ? '0 : out_pixel + 1'b1;
        end
      end
      logic unused;
      assign unused = &{1'b0, in_last, out_last};
    end else begin : g_one_context
      assign {in_addr, out_addr} = {in_cf, out_cf};
    end
`else
    assign {in_addr, out_addr} = {in_cf, out_cf};
`endif
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) begin
        in_cf <= '0;
        out_cf <= '0;
      end else begin
        if (in_taken) in_cf <= in_end ? '0 : in_cf + 1'b1;
        if (out_taken) out_cf <= out_end ? '0 : out_cf + 1'b1;
      end
    end
    for (genvar s = 0; s < SIMD; s++) begin : g_lane
      assign in_flip[s*BITS +: BITS] =
          {BITS{minimum[in_addr][s]}} ^ (BITS'(SIGNED) << (BITS - 1));
      assign out_flip[s*BITS +: BITS] =
          {BITS{minimum[out_addr][s]}} ^ (BITS'(SIGNED) << (BITS - 1));
    end
  end

  if (TDATA > WIDTH) begin : g_fill
    logic unused;
    assign unused = &{1'b0, s_axis_tdata[TDATA-1:WIDTH]};
    assign m_axis_tdata = {{(TDATA - WIDTH) {1'b0}}, pooled ^ out_flip};
  end else begin : g_whole
    assign m_axis_tdata = pooled ^ out_flip;
  end

  bnn_pool2d #(
      .IFM_H(IFM_H),
      .IFM_W(IFM_W),
      .CHANNELS(CHANNELS),
      .SIMD(SIMD),
      .IN_BITS(BITS),
      .OUT_BITS(BITS),
      .SUM(1'b0),
      .SIGNED(1'b0),
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
      .in_data(s_axis_tdata[WIDTH-1:0] ^ in_flip),
      .in_valid(s_axis_tvalid),
      .in_ready(s_axis_tready),
      .out_data(pooled),
      .out_valid(m_axis_tvalid),
      .out_ready(m_axis_tready)
  );

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

endmodule : bnn_max_pool
