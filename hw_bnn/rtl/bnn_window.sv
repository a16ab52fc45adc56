// bnn_window: sliding window (im2col) generator: cuts the K_H x K_W windows of a convolution or
// pool out of a stream of pixels (NHWC: row by row, a pixel is CHANNELS/SIMD words, channel
// fastest).
//
//   OFM = floor((IFM - DILATION*(K-1) - 1) / STRIDE) + 1 per axis; IFM counts any padding, which
//   `pad` has added before. For each output position, K_H*K_W*CF words, CF = CHANNELS/SIMD:
//   DEPTHWISE=0: for kh, for kw, for cf  -> input (kh*K_W+kw)*CHANNELS + c of a dense MVAU
//   DEPTHWISE=1: for cf, for kh, for kw  -> all of a channel's window together (pools, depthwise)
//
// A ring of DEPTH words holds the part of the image that is still needed. It is freed window by
// window, so rows (and the next frame) load while windows leave. Three registers run it, with
// `written` the index of the next word to come and `base` that of the current window's first word:
//   room  = base + DEPTH - written - 1       a word may enter while room  >= 0
//   ahead = written - index to be read - 1   a word may leave while ahead >= 0
// DEPTH=0 takes about SPAN + JUMP: the words from a window's first to its last, and the longest
// move of the window (to the next row or frame), which then loads during the windows before it.
// The least that works is SPAN; it stalls at rows and frames.
//
// Latency: 2 cycles from a word's entry to its exit. Initiation interval: 1 word a cycle; with
// DEPTH=0 a frame takes max(IFM_H*IFM_W*CF, OFM_H*OFM_W*K_H*K_W*CF) cycles in steady state (a few
// more only where both are equal and the stride is not the kernel).
module bnn_window #(
    parameter int IFM_H      = 8,
    parameter int IFM_W      = 8,
    parameter int CHANNELS   = 4,
    parameter int SIMD       = 2,
    parameter int BITS       = 1,  // of one element
    parameter int K_H        = 3,
    parameter int K_W        = 3,
    parameter int STRIDE_H   = 1,
    parameter int STRIDE_W   = 1,
    parameter int DILATION_H = 1,
    parameter int DILATION_W = 1,
    parameter bit DEPTHWISE  = 0,
    parameter int DEPTH      = 0,  // words of the ring; 0 = enough for the full rate
    /* verilator lint_off UNUSEDPARAM */  // an attribute, which only synthesis reads
    parameter     RAM_STYLE  = "auto",
    /* verilator lint_on UNUSEDPARAM */
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

  function automatic int max2(input int a, input int b);
    max2 = a > b ? a : b;
  endfunction

  localparam int WIDTH = SIMD * BITS;
  localparam int CF = CHANNELS / SIMD;
  localparam int SPAN_H = (K_H - 1) * DILATION_H + 1;
  localparam int SPAN_W = (K_W - 1) * DILATION_W + 1;
  localparam int OFM_H = (IFM_H - SPAN_H) / STRIDE_H + 1;
  localparam int OFM_W = (IFM_W - SPAN_W) / STRIDE_W + 1;
  localparam int FRAME = IFM_H * IFM_W * CF;

  // The loop nest, innermost first: level i has N words and moves the read position by S.
  localparam int N0 = DEPTHWISE ? K_W : CF;
  localparam int N1 = DEPTHWISE ? K_H : K_W;
  localparam int N2 = DEPTHWISE ? CF : K_H;
  localparam int N3 = OFM_W;
  localparam int N4 = OFM_H;
  localparam int S0 = DEPTHWISE ? DILATION_W * CF : 1;
  localparam int S1 = (DEPTHWISE ? DILATION_H * IFM_W : DILATION_W) * CF;
  localparam int S2 = DEPTHWISE ? 1 : DILATION_H * IFM_W * CF;
  localparam int S3 = STRIDE_W * CF;
  localparam int S4 = STRIDE_H * IFM_W * CF;
  // A step of level i undoes what the levels below it have moved: BACKi.
  localparam int BACK1 = (N0 - 1) * S0;
  localparam int BACK2 = BACK1 + (N1 - 1) * S1;
  localparam int BACK3 = BACK2 + (N2 - 1) * S2;
  localparam int BACK4 = BACK3 + (N3 - 1) * S3;
  localparam int BACK5 = BACK4 + (N4 - 1) * S4;

  // Moves of the window itself: along the row, to the next row, to the next frame.
  localparam int JUMP3 = S3;
  localparam int JUMP4 = S4 - (N3 - 1) * S3;
  localparam int JUMP5 = FRAME - (N3 - 1) * S3 - (N4 - 1) * S4;
  localparam int JUMP = max2(JUMP5, max2(N3 > 1 ? JUMP3 : 0, N4 > 1 ? JUMP4 : 0));
  localparam int SPAN = ((SPAN_H - 1) * IFM_W + SPAN_W) * CF;
  // While a window's first words are read, its last one may still be on its way: LEAD cycles, which
  // count where reading takes longer than writing.
  localparam int LEAD = (DEPTHWISE ? 1 : CF) * (K_H * K_W - 1);
  localparam int ENOUGH = OFM_H * OFM_W * K_H * K_W * CF <= FRAME
                        ? SPAN + JUMP : SPAN + 1 + max2(JUMP - LEAD, 0);
  localparam int WORDS = DEPTH == 0 ? ENOUGH : DEPTH;

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (IFM_H < 1 || IFM_W < 1 || CHANNELS < 1 || SIMD < 1 || BITS < 1 || K_H < 1 || K_W < 1
      || STRIDE_H < 1 || STRIDE_W < 1 || DILATION_H < 1 || DILATION_W < 1) begin : g_check_1
    $error("bnn_window: sizes, strides and dilations must be at least 1");
  end
  if (CHANNELS % SIMD != 0) begin : g_check_2
    $error("bnn_window: SIMD = %0d must divide CHANNELS = %0d", SIMD, CHANNELS);
  end
  if (SPAN_H > IFM_H || SPAN_W > IFM_W) begin : g_check_3
    $error("bnn_window: %0d x %0d pixels do not fit into %0d x %0d", SPAN_H, SPAN_W, IFM_H, IFM_W);
  end
  if (WORDS < SPAN) begin : g_check_4
    $error("bnn_window: DEPTH = %0d must be 0 or at least %0d", DEPTH, SPAN);
  end
`endif

  function automatic int modulo(input int move);
    modulo = (move % WORDS + WORDS) % WORDS;
  endfunction

  // ahead lies in [-SPAN - JUMP, WORDS), room in [-1, WORDS + JUMP).
  localparam int ADDR_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int ROOM_BITS = $clog2(WORDS + JUMP + 1) + 1;
  localparam int AHEAD_BITS = $clog2(max2(WORDS, SPAN + JUMP) + 1) + 1;

  // ---- order of reading: position and moves, computed one word ahead to keep the paths short ----
  logic [4:0] last, carry;
  logic read, primed;
  logic step_on;  // take the next word's step into the step registers
  assign step_on = read || !primed;
  for (genvar i = 0; i < 5; i++) begin : g_level
    localparam int N = i == 0 ? N0 : i == 1 ? N1 : i == 2 ? N2 : i == 3 ? N3 : N4;
    localparam int NB = N > 1 ? $clog2(N) : 1;
    logic [NB-1:0] count;
    assign last[i] = count == NB'(N - 1);
    if (i == 0) begin : g_first
      assign carry[i] = 1'b1;
    end else begin : g_rest
      assign carry[i] = &last[i-1:0];
    end
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) count <= '0;
      else if (step_on && carry[i]) count <= last[i] ? '0 : count + 1'b1;
    end
  end

  // Moves of the read position, by the level that steps; of its address, modulo WORDS; and of base.
  // They are kept as the adders below want them: minus the step, the address's with and without a
  // turn of the ring, base's less one.
  localparam int MOVE0 = S0;
  localparam int MOVE1 = S1 - BACK1;
  localparam int MOVE2 = S2 - BACK2;
  localparam int MOVE3 = S3 - BACK3;
  localparam int MOVE4 = S4 - BACK4;
  localparam int MOVE5 = FRAME - BACK5;
  logic [AHEAD_BITS-1:0] minus_step;
  logic [ADDR_BITS:0] addr_step, addr_turn;
  logic [ROOM_BITS-1:0] jump_less;
  always_ff @(posedge ap_clk) begin
    if (step_on) begin
      minus_step <= AHEAD_BITS'(!last[0] ? -MOVE0 : !last[1] ? -MOVE1 : !last[2] ? -MOVE2
                                : !last[3] ? -MOVE3 : !last[4] ? -MOVE4 : -MOVE5);
      addr_step <= (ADDR_BITS + 1)'(
          !last[0] ? modulo(MOVE0) : !last[1] ? modulo(MOVE1) : !last[2] ? modulo(MOVE2)
          : !last[3] ? modulo(MOVE3) : !last[4] ? modulo(MOVE4) : modulo(MOVE5));
      addr_turn <= (ADDR_BITS + 1)'(
          !last[0] ? modulo(MOVE0) - WORDS : !last[1] ? modulo(MOVE1) - WORDS
          : !last[2] ? modulo(MOVE2) - WORDS : !last[3] ? modulo(MOVE3) - WORDS
          : !last[4] ? modulo(MOVE4) - WORDS : modulo(MOVE5) - WORDS);
      jump_less <= ROOM_BITS'(!(&last[2:0]) ? -1 : !last[3] ? JUMP3 - 1
                              : !last[4] ? JUMP4 - 1 : JUMP5 - 1);
    end
  end

  // ---- ring ----
  logic [ROOM_BITS-1:0] room;
  logic [AHEAD_BITS-1:0] ahead;
  logic [ADDR_BITS-1:0] write_addr, read_addr;
  logic write, out_free;
  assign s_axis_tready = primed && !room[ROOM_BITS-1];
  assign write = s_axis_tvalid && s_axis_tready;
  assign out_free = !m_axis_tvalid || m_axis_tready;
  assign read = primed && !ahead[AHEAD_BITS-1] && out_free;

  // room + jump - write and ahead - step + write, each in one adder: its carry in is the last bit.
  logic [ROOM_BITS-1:0] next_room;
  logic [AHEAD_BITS-1:0] next_ahead;
  logic [ADDR_BITS:0] addr_sum, addr_wrapped;
  assign next_room =
      ROOM_BITS'(({room, 1'b1} + {jump_less | {ROOM_BITS{!read}}, !write}) >> 1);
  assign next_ahead =
      AHEAD_BITS'(({ahead, 1'b1} + {minus_step & {AHEAD_BITS{read}}, write}) >> 1);
  assign addr_sum = {1'b0, read_addr} + addr_step;
  assign addr_wrapped = {1'b0, read_addr} + addr_turn;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      primed <= 1'b0;
      room <= ROOM_BITS'(WORDS - 1);
      ahead <= '1;  // -1
      write_addr <= '0;
      read_addr <= '0;
      m_axis_tvalid <= 1'b0;
    end else begin
      primed <= 1'b1;
      room <= next_room;
      ahead <= next_ahead;
      if (write) write_addr <= write_addr == ADDR_BITS'(WORDS - 1) ? '0 : write_addr + 1'b1;
      if (read) read_addr <= ADDR_BITS'(addr_wrapped[ADDR_BITS] ? addr_sum : addr_wrapped);
      if (out_free) m_axis_tvalid <= read;
    end
  end

  // A word is read only after, and overwritten only after it was last read: no collision counts.
  (* ram_style = RAM_STYLE, no_rw_check *) logic [WIDTH-1:0] ring [0:WORDS-1];
  logic [WIDTH-1:0] word;
  always_ff @(posedge ap_clk) begin
    if (write) ring[write_addr] <= s_axis_tdata[WIDTH-1:0];
    if (read) word <= ring[read_addr];
  end
  if (TDATA > WIDTH) begin : g_pad_bits
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

endmodule : bnn_window
