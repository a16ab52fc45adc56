// bnn_width_converter: cuts the bit string of each frame into words of another width.
//
//   a frame = FRAME_BITS bits, bit i in word i/IN_BITS at bit i%IN_BITS on the way in, in word
//   i/OUT_BITS at bit i%OUT_BITS on the way out; the rest of a last word is ignored on the way in
//   and zero on the way out
//
// Any ratio. Latency 1 cycle from the word that completes an output word (0 for equal widths).
// Throughput: max(IN_WORDS, OUT_WORDS) cycles a frame, without bubbles between frames. An output
// word that leaves makes room in the same cycle, so tready follows m_axis_tready.
module bnn_width_converter #(
    parameter int IN_BITS    = 8,
    parameter int OUT_BITS   = 8,
    parameter int FRAME_BITS = 8
) (
    input  logic                        ap_clk,
    input  logic                        ap_rst_n,

    input  logic [(IN_BITS+7)/8*8-1:0]  s_axis_tdata,
    input  logic                        s_axis_tvalid,
    output logic                        s_axis_tready,

    output logic [(OUT_BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                        m_axis_tvalid,
    input  logic                        m_axis_tready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (IN_BITS < 1) begin : g_check_1
    $error("bnn_width_converter: IN_BITS = %0d must be at least 1", IN_BITS);
  end
  if (OUT_BITS < 1) begin : g_check_2
    $error("bnn_width_converter: OUT_BITS = %0d must be at least 1", OUT_BITS);
  end
  if (FRAME_BITS < 1) begin : g_check_3
    $error("bnn_width_converter: FRAME_BITS = %0d must be at least 1", FRAME_BITS);
  end
`endif

  localparam int IN_WORDS  = (FRAME_BITS + IN_BITS - 1) / IN_BITS;
  localparam int OUT_WORDS = (FRAME_BITS + OUT_BITS - 1) / OUT_BITS;
  localparam int WORD_BITS = IN_WORDS > 1 ? $clog2(IN_WORDS) : 1;
  localparam int LAST_BITS = FRAME_BITS - (IN_WORDS - 1) * IN_BITS;  // useful ones of the last word

  function automatic int gcd(input int a, input int b);
    int x, y, rest;
    x = a;
    y = b;
    while (y != 0) begin
      rest = x % y;
      x = y;
      y = rest;
    end
    gcd = x;
  endfunction

  logic push, pop, last_in;
  logic [IN_BITS-1:0] data;
  logic [OUT_BITS-1:0] out;

  assign push = s_axis_tvalid && s_axis_tready;
  assign pop  = m_axis_tvalid && m_axis_tready;
  assign m_axis_tdata = ($bits(m_axis_tdata))'(out);

  if (IN_WORDS == 1) begin : g_one_word
    assign last_in = 1'b1;
  end else begin : g_count
    logic [WORD_BITS-1:0] word;
    assign last_in = word == WORD_BITS'(IN_WORDS - 1);
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) word <= '0;
      else if (push) word <= last_in ? '0 : word + 1'b1;
    end
  end

  if (LAST_BITS == IN_BITS) begin : g_whole
    assign data = s_axis_tdata[IN_BITS-1:0];
  end else begin : g_mask
    assign data = s_axis_tdata[IN_BITS-1:0] & (last_in ? IN_BITS'({LAST_BITS{1'b1}}) : '1);
  end

  if (IN_BITS == OUT_BITS) begin : g_equal
    assign out           = data;
    assign m_axis_tvalid = s_axis_tvalid;
    assign s_axis_tready = m_axis_tready;

  end else if (IN_BITS % OUT_BITS == 0) begin : g_down
    // One input word, shifted out piece by piece; the last of a frame may have fewer pieces.
    localparam int PIECES      = IN_BITS / OUT_BITS;
    localparam int LAST_PIECES = OUT_WORDS - (IN_WORDS - 1) * PIECES;
    localparam int LEFT_BITS   = $clog2(PIECES + 1);

    logic [IN_BITS-1:0] kept;
    logic [LEFT_BITS-1:0] left;

    assign out           = kept[OUT_BITS-1:0];
    assign m_axis_tvalid = left != '0;
    assign s_axis_tready = left == '0 || (left == LEFT_BITS'(1) && m_axis_tready);

    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) left <= '0;
      else if (push) left <= last_in ? LEFT_BITS'(LAST_PIECES) : LEFT_BITS'(PIECES);
      else if (pop) left <= left - 1'b1;
    end
    always_ff @(posedge ap_clk) begin
      if (push) kept <= data;
      else if (pop) kept <= kept >> OUT_BITS;
    end

  end else if (OUT_BITS % IN_BITS == 0) begin : g_up
    // One output word, filled piece by piece. Where all words of a frame are full the pieces are
    // shifted through it; where the last one is not, the first piece clears the others.
    localparam int PIECES     = OUT_BITS / IN_BITS;
    localparam int PLACE_BITS = $clog2(PIECES);

    logic [OUT_BITS-1:0] kept;
    logic [PLACE_BITS-1:0] place;
    logic full, complete;

    assign out           = kept;
    assign m_axis_tvalid = full;
    assign s_axis_tready = !full || m_axis_tready;
    assign complete      = last_in || place == PLACE_BITS'(PIECES - 1);

    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) begin
        full  <= 1'b0;
        place <= '0;
      end else begin
        if (push) begin
          full  <= complete;
          place <= complete ? '0 : place + 1'b1;
        end else if (pop) begin
          full <= 1'b0;
        end
      end
    end

    if (IN_WORDS % PIECES == 0) begin : g_full
      always_ff @(posedge ap_clk) if (push) kept <= {data, kept[OUT_BITS-1:IN_BITS]};
    end else begin : g_partial
      always_ff @(posedge ap_clk) begin
        if (push) begin
          if (place == '0) kept <= OUT_BITS'(data);
          else kept[place*IN_BITS+:IN_BITS] <= data;
        end
      end
    end

  end else begin : g_any
    // A bit queue, counted in units of UNIT bits. The last input word of a frame is taken as
    // LAST_UNITS units, zeros added or dropped, so that a frame is whole output words. Room for an
    // output word besides the largest input keeps the full rate: where no word can be taken, an
    // output word is left after this cycle's, and where none is on offer there is room.
    localparam int UNIT       = gcd(IN_BITS, OUT_BITS);
    localparam int IN_UNITS   = IN_BITS / UNIT;
    localparam int OUT_UNITS  = OUT_BITS / UNIT;
    localparam int LAST_UNITS = OUT_WORDS * OUT_UNITS - (IN_WORDS - 1) * IN_UNITS;
    localparam int MOST_UNITS = LAST_UNITS > IN_UNITS ? LAST_UNITS : IN_UNITS;
    localparam int CAPACITY   = OUT_UNITS + MOST_UNITS;
    localparam int FILL_BITS  = $clog2(CAPACITY + 1);

    logic [CAPACITY*UNIT-1:0] queue, after_pop, incoming;
    logic [FILL_BITS-1:0] fill, fill_after_pop;

    assign out            = queue[OUT_BITS-1:0];
    assign m_axis_tvalid  = fill >= FILL_BITS'(OUT_UNITS);
    assign fill_after_pop = pop ? fill - FILL_BITS'(OUT_UNITS) : fill;
    assign s_axis_tready  = fill_after_pop <= FILL_BITS'(CAPACITY - MOST_UNITS);
    assign after_pop      = pop ? queue >> OUT_BITS : queue;

    // data << fill_after_pop*UNIT, by constant shifts.
    always_comb begin
      incoming = (CAPACITY * UNIT)'(data);
      for (int i = 0; i < FILL_BITS; i++)
        if (fill_after_pop[i]) incoming = incoming << (UNIT * 2 ** i);
    end

    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) begin
        fill  <= '0;
        queue <= '0;
      end else begin
        if (push) begin
          fill  <= fill_after_pop + (last_in ? FILL_BITS'(LAST_UNITS) : FILL_BITS'(IN_UNITS));
          queue <= after_pop | incoming;
        end else begin
          fill  <= fill_after_pop;
          queue <= after_pop;
        end
      end
    end
  end

  logic unused;
  assign unused = &{1'b0, ap_clk, ap_rst_n, s_axis_tdata, push, pop, last_in};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(OUT_BITS)) u_check (
      .ap_clk, .ap_rst_n, .tdata(out), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_width_converter
