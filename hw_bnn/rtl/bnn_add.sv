// bnn_add: integer addition of two streams: the join of a residual block.
//
//   out = A_SCALE * a + B_SCALE * b, element by element, two's complement
//
// a and b are unsigned, signed (x_SIGNED) or bipolar bits (x_BIPOLAR: 1 = +1, 0 = -1) on one shared
// scale up to the small integer factors. OUT_BITS has to hold every sum: with the elements' ranges
// [lo, hi] it covers lo_a*A_SCALE + lo_b*B_SCALE to hi_a*A_SCALE + hi_b*B_SCALE (ends swapped for a
// negative factor).
// A word of each is taken together, whichever comes first waits.
//
// Latency: 1 cycle. Initiation interval: 1 word a cycle.
module bnn_add #(
    parameter int PE        = 2,  // elements of a word
    parameter int A_BITS    = 8,
    parameter bit A_SIGNED  = 1,
    parameter bit A_BIPOLAR = 0,
    parameter int A_SCALE   = 1,
    parameter int B_BITS    = 8,
    parameter bit B_SIGNED  = 1,
    parameter bit B_BIPOLAR = 0,
    parameter int B_SCALE   = 1,
    parameter int OUT_BITS  = 9,
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

  // Ends of the ranges, as 64-bit numbers so that the checks themselves cannot overflow.
  localparam longint A_LO = A_BIPOLAR ? -1 : A_SIGNED ? -(64'sd1 <<< (A_BITS - 1)) : 0;
  localparam longint A_HI = A_BIPOLAR ? 1 : (64'sd1 <<< (A_SIGNED ? A_BITS - 1 : A_BITS)) - 1;
  localparam longint B_LO = B_BIPOLAR ? -1 : B_SIGNED ? -(64'sd1 <<< (B_BITS - 1)) : 0;
  localparam longint B_HI = B_BIPOLAR ? 1 : (64'sd1 <<< (B_SIGNED ? B_BITS - 1 : B_BITS)) - 1;
  localparam longint OUT_LO = (A_SCALE < 0 ? A_HI : A_LO) * A_SCALE
                            + (B_SCALE < 0 ? B_HI : B_LO) * B_SCALE;
  localparam longint OUT_HI = (A_SCALE < 0 ? A_LO : A_HI) * A_SCALE
                            + (B_SCALE < 0 ? B_LO : B_HI) * B_SCALE;
  localparam longint LIMIT = 64'sd1 <<< (OUT_BITS - 1);

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (PE < 1 || A_BITS < 1 || B_BITS < 1 || OUT_BITS < 1 || A_BITS > 30 || B_BITS > 30
      || OUT_BITS > 32) begin : g_check_1
    $error("bnn_add: needs PE >= 1, inputs of 1 to 30 bits and an output of 1 to 32");
  end
  if ((A_BIPOLAR && (A_BITS != 1 || A_SIGNED)) || (B_BIPOLAR && (B_BITS != 1 || B_SIGNED)))
  begin : g_check_2
    $error("bnn_add: bipolar elements have 1 bit, and no sign bit");
  end
  if (OUT_LO < -LIMIT || OUT_HI >= LIMIT) begin : g_check_3
    $error("bnn_add: OUT_BITS = %0d cannot hold sums from %0d to %0d", OUT_BITS, OUT_LO, OUT_HI);
  end
`endif

  logic out_free, step;
  assign out_free = !m_axis_tvalid || m_axis_tready;
  assign step = s_axis_a_tvalid && s_axis_b_tvalid && out_free;
  assign s_axis_a_tready = step;
  assign s_axis_b_tready = step;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) m_axis_tvalid <= 1'b0;
    else if (out_free) m_axis_tvalid <= step;
  end

  logic [PE*OUT_BITS-1:0] sum, word;
  for (genvar p = 0; p < PE; p++) begin : g_lane
    logic [A_BITS-1:0] a;
    logic [B_BITS-1:0] b;
    logic signed [OUT_BITS-1:0] a_value, b_value;
    assign a = s_axis_a_tdata[p*A_BITS +: A_BITS];
    assign b = s_axis_b_tdata[p*B_BITS +: B_BITS];
    if (A_BIPOLAR) begin : g_a_bipolar
      assign a_value = a[0] ? OUT_BITS'(A_SCALE) : OUT_BITS'(-A_SCALE);
    end else if (A_SIGNED) begin : g_a_signed
      assign a_value = OUT_BITS'(32'($signed(a)) * A_SCALE);
    end else begin : g_a_unsigned
      assign a_value = OUT_BITS'(32'(a) * A_SCALE);
    end
    if (B_BIPOLAR) begin : g_b_bipolar
      assign b_value = b[0] ? OUT_BITS'(B_SCALE) : OUT_BITS'(-B_SCALE);
    end else if (B_SIGNED) begin : g_b_signed
      assign b_value = OUT_BITS'(32'($signed(b)) * B_SCALE);
    end else begin : g_b_unsigned
      assign b_value = OUT_BITS'(32'(b) * B_SCALE);
    end
    assign sum[p*OUT_BITS +: OUT_BITS] = a_value + b_value;
  end

  always_ff @(posedge ap_clk) if (step) word <= sum;
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

endmodule : bnn_add
