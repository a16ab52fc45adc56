// bnn_concat: two streams of pixels side by side: the channels of a, then those of b.
//
//   out[pixel][c]              = a[pixel][c]   for c < A_WORDS*PE
//   out[pixel][A_WORDS*PE + c] = b[pixel][c]   for c < B_WORDS*PE
//
// a and b are unsigned, signed (x_SIGNED) or bipolar bits (x_BIPOLAR: 1 = +1, 0 = -1); the output
// is two's complement of OUT_BITS where one of them is signed or bipolar, else unsigned. Bits that
// stay bits (OUT_BITS = 1) are unsigned here, whatever they mean.
//
// Latency: 1 cycle. Initiation interval: 1 word a cycle, A_WORDS + B_WORDS a pixel.
module bnn_concat #(
    parameter int PE        = 2,  // elements of a word
    parameter int A_WORDS   = 1,  // of a pixel
    parameter int A_BITS    = 8,
    parameter bit A_SIGNED  = 1,
    parameter bit A_BIPOLAR = 0,
    parameter int B_WORDS   = 1,
    parameter int B_BITS    = 8,
    parameter bit B_SIGNED  = 1,
    parameter bit B_BIPOLAR = 0,
    parameter int OUT_BITS  = 8,
    localparam int A_TDATA   = (PE * A_BITS + 7) / 8 * 8,
    localparam int B_TDATA   = (PE * B_BITS + 7) / 8 * 8,
    localparam int OUT_TDATA = (PE * OUT_BITS + 7) / 8 * 8
) (
    input  logic                 ap_clk,
    input  logic                 ap_rst_n,

    input  logic [A_TDATA-1:0]   s_axis_a_tdata,
    input  logic                 s_axis_a_tvalid,
    output logic                 s_axis_a_tready,

    input  logic [B_TDATA-1:0]   s_axis_b_tdata,
    input  logic                 s_axis_b_tvalid,
    output logic                 s_axis_b_tready,

    output logic [OUT_TDATA-1:0] m_axis_tdata,
    output logic                 m_axis_tvalid,
    input  logic                 m_axis_tready
);

  localparam bit OUT_SIGNED = A_SIGNED || A_BIPOLAR || B_SIGNED || B_BIPOLAR;
  // Bits that each side takes in the output's form.
  localparam int A_NEEDS = A_BIPOLAR ? 2 : A_BITS + int'(OUT_SIGNED && !A_SIGNED);
  localparam int B_NEEDS = B_BIPOLAR ? 2 : B_BITS + int'(OUT_SIGNED && !B_SIGNED);
  localparam int WORDS = A_WORDS + B_WORDS;
  localparam int COUNT_BITS = $clog2(WORDS);

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (PE < 1 || A_WORDS < 1 || B_WORDS < 1 || A_BITS < 1 || B_BITS < 1) begin : g_check_1
    $error("bnn_concat: sizes must be at least 1");
  end
  if ((A_BIPOLAR && (A_BITS != 1 || A_SIGNED)) || (B_BIPOLAR && (B_BITS != 1 || B_SIGNED)))
  begin : g_check_2
    $error("bnn_concat: bipolar elements have 1 bit, and no sign bit");
  end
  if (A_NEEDS > OUT_BITS || B_NEEDS > OUT_BITS) begin : g_check_3
    $error("bnn_concat: OUT_BITS = %0d cannot hold elements of %0d and %0d bits", OUT_BITS,
           A_NEEDS, B_NEEDS);
  end
`endif

  logic [COUNT_BITS-1:0] count;  // words of the pixel that are through
  logic out_free, from_a, step;
  assign out_free = !m_axis_tvalid || m_axis_tready;
  assign from_a = count < COUNT_BITS'(A_WORDS);
  assign step = out_free && (from_a ? s_axis_a_tvalid : s_axis_b_tvalid);
  assign s_axis_a_tready = out_free && from_a;
  assign s_axis_b_tready = out_free && !from_a;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      count <= '0;
      m_axis_tvalid <= 1'b0;
    end else begin
      if (out_free) m_axis_tvalid <= step;
      if (step) count <= count == COUNT_BITS'(WORDS - 1) ? '0 : count + 1'b1;
    end
  end

  logic [PE*OUT_BITS-1:0] joined, word;
  for (genvar p = 0; p < PE; p++) begin : g_lane
    logic [A_BITS-1:0] a;
    logic [B_BITS-1:0] b;
    logic [OUT_BITS-1:0] a_value, b_value;
    assign a = s_axis_a_tdata[p*A_BITS +: A_BITS];
    assign b = s_axis_b_tdata[p*B_BITS +: B_BITS];
    if (A_BIPOLAR) begin : g_a_bipolar
      assign a_value = a[0] ? OUT_BITS'(1) : '1;
    end else if (A_SIGNED) begin : g_a_signed
      assign a_value = OUT_BITS'($signed(a));
    end else begin : g_a_unsigned
      assign a_value = OUT_BITS'(a);
    end
    if (B_BIPOLAR) begin : g_b_bipolar
      assign b_value = b[0] ? OUT_BITS'(1) : '1;
    end else if (B_SIGNED) begin : g_b_signed
      assign b_value = OUT_BITS'($signed(b));
    end else begin : g_b_unsigned
      assign b_value = OUT_BITS'(b);
    end
    assign joined[p*OUT_BITS +: OUT_BITS] = from_a ? a_value : b_value;
  end

  always_ff @(posedge ap_clk) if (step) word <= joined;
  assign m_axis_tdata = OUT_TDATA'(word);

  logic unused;
  assign unused = &{1'b0, s_axis_a_tdata, s_axis_b_tdata};

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

endmodule : bnn_concat
