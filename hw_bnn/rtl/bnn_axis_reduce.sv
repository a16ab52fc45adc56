// bnn_axis_reduce: sliding reduction along one axis of a stream: the half of a separable pooling
// window.
//
//   out[o][i] = reduce(in[o*STRIDE][i], ..., in[o*STRIDE + KERNEL - 1][i])
//   o < (LENGTH - KERNEL) / STRIDE + 1, i < INNER; reduce = sum, or unsigned maximum
//
// A line is LENGTH positions of INNER words each: along a row INNER is the words of a pixel, along
// a column those of a row. Every word is LANES elements, reduced lane by lane.
// The partial results of the windows that are open stand in a memory of INNER words, the youngest
// window lowest; at most OPEN = ceil((KERNEL-1) / STRIDE) are open between two positions, so
// the common KERNEL = STRIDE (and 3 by 2) needs one partial result and not KERNEL - 1 lines.
// A word opens a window (at multiples of STRIDE), goes into all open ones, and closes the oldest,
// which leaves: never more than one, so that the output never holds up the input.
//
// Latency: 2 cycles from the window's last word. Initiation interval: 1 word a cycle.
module bnn_axis_reduce #(
    parameter int LENGTH   = 4,
    parameter int INNER    = 2,
    parameter int KERNEL   = 2,
    parameter int STRIDE   = 2,
    parameter int LANES    = 2,
    parameter int IN_BITS  = 1,
    parameter int OUT_BITS = 1,  // of a sum: has to hold it; of a maximum: IN_BITS
    parameter bit SUM      = 0,  // 0: unsigned maximum
    parameter bit SIGNED   = 0   // of a sum's elements
) (
    input  logic                      ap_clk,
    input  logic                      ap_rst_n,

    input  logic                      in_valid,
    output logic                      in_ready,
    input  logic [LANES*IN_BITS-1:0]  in_data,

    output logic                      out_valid,
    input  logic                      out_ready,
    output logic [LANES*OUT_BITS-1:0] out_data
);

  localparam int WIDTH   = LANES * OUT_BITS;
  localparam int WINDOWS = (LENGTH - KERNEL) / STRIDE + 1;
  // Where a line has one window only, none opens before it has closed.
  localparam int STEP = WINDOWS == 1 && KERNEL > STRIDE ? KERNEL : STRIDE;
  localparam int OPEN = (KERNEL + STEP - 2) / STEP;

`ifndef __ICARUS__  // which has no elaboration tasks before version 12
  if (INNER < 1 || KERNEL < 1 || STRIDE < 1 || LANES < 1 || IN_BITS < 1) begin : g_check_1
    $error("bnn_axis_reduce: sizes must be at least 1");
  end
  if (KERNEL > LENGTH) begin : g_check_2
    $error("bnn_axis_reduce: KERNEL = %0d does not fit LENGTH = %0d", KERNEL, LENGTH);
  end
  if (SUM ? OUT_BITS < IN_BITS : OUT_BITS != IN_BITS) begin : g_check_3
    $error("bnn_axis_reduce: OUT_BITS = %0d does not suit IN_BITS = %0d", OUT_BITS, IN_BITS);
  end
`endif

  function automatic logic [WIDTH-1:0] extend(input logic [LANES*IN_BITS-1:0] word);
    for (int l = 0; l < LANES; l++) begin
      extend[l*OUT_BITS +: OUT_BITS] = {OUT_BITS{SIGNED && word[l*IN_BITS + IN_BITS - 1]}};
      extend[l*OUT_BITS +: IN_BITS] = word[l*IN_BITS +: IN_BITS];
    end
  endfunction

  function automatic logic [WIDTH-1:0] reduce(input logic [WIDTH-1:0] a,
                                              input logic [WIDTH-1:0] b);
    logic [OUT_BITS-1:0] x, y;
    for (int l = 0; l < LANES; l++) begin
      x = a[l*OUT_BITS +: OUT_BITS];
      y = b[l*OUT_BITS +: OUT_BITS];
      reduce[l*OUT_BITS +: OUT_BITS] = SUM ? x + y : x > y ? x : y;
    end
  endfunction

  if (KERNEL == 1 && STRIDE == 1) begin : g_wires
    logic unused;
    assign unused = &{1'b0, ap_clk, ap_rst_n};
    assign in_ready = out_ready;
    assign out_valid = in_valid;
    assign out_data = extend(in_data);
  end else begin : g_reduce
    localparam int ADDR_BITS = INNER > 1 ? $clog2(INNER) : 1;
    localparam int POS_BITS  = LENGTH > 1 ? $clog2(LENGTH) : 1;
    localparam int STEP_BITS = STEP > 1 ? $clog2(STEP) : 1;
    localparam int WAIT      = KERNEL > STEP ? KERNEL : STEP;
    localparam int WAIT_BITS = WAIT > 1 ? $clog2(WAIT) : 1;

    // Stage 1 takes a word and fetches the partial results; stage 2 reduces and stores them.
    logic take, go, valid;
    logic [ADDR_BITS-1:0] fetch_addr, addr;
    logic [WIDTH-1:0] value;
    logic opens, closes, last_inner, last_pos;
    logic [POS_BITS-1:0] pos;
    logic [STEP_BITS-1:0] to_open;  // positions until a window opens
    logic [WAIT_BITS-1:0] to_close;

    assign opens = to_open == 0;
    assign closes = to_close == 0;
    assign last_inner = addr == ADDR_BITS'(INNER - 1);
    assign last_pos = pos == POS_BITS'(LENGTH - 1);
    assign go = valid && (!closes || !out_valid || out_ready);
    assign in_ready = !valid || go;
    assign take = in_valid && in_ready;

    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) begin
        valid <= 1'b0;
        out_valid <= 1'b0;
        fetch_addr <= '0;
        pos <= '0;
        to_open <= '0;
        to_close <= WAIT_BITS'(KERNEL - 1);
      end else begin
        if (in_ready) valid <= in_valid;
        if (take) fetch_addr <= fetch_addr == ADDR_BITS'(INNER - 1) ? '0 : fetch_addr + 1'b1;
        if (go && closes) out_valid <= 1'b1;
        else if (out_ready) out_valid <= 1'b0;
        if (go && last_inner) begin
          pos <= last_pos ? '0 : pos + 1'b1;
          to_open <= last_pos ? '0 : opens ? STEP_BITS'(STEP - 1) : to_open - 1'b1;
          to_close <= last_pos ? WAIT_BITS'(KERNEL - 1)
                               : closes ? WAIT_BITS'(STEP - 1) : to_close - 1'b1;
        end
      end
    end
    always_ff @(posedge ap_clk) begin
      if (take) begin
        value <= extend(in_data);
        addr <= fetch_addr;
      end
    end

    if (OPEN == 0) begin : g_pick  // KERNEL = 1: nothing to reduce
      always_ff @(posedge ap_clk) if (go && closes) out_data <= value;
      logic unused;
      assign unused = opens;
    end else begin : g_window
      logic [OPEN*WIDTH-1:0] partial, reduced, updated;
      for (genvar w = 0; w < OPEN; w++) begin : g_open
        assign reduced[w*WIDTH +: WIDTH] = reduce(partial[w*WIDTH +: WIDTH], value);
      end
      if (OPEN == 1) begin : g_one
        assign updated = opens ? value : reduced;
      end else begin : g_more
        assign updated = opens ? {reduced[(OPEN-1)*WIDTH-1:0], value} : reduced;
      end
      always_ff @(posedge ap_clk) begin
        if (go && closes) out_data <= reduced[(OPEN-1)*WIDTH +: WIDTH];
      end

      if (INNER == 1) begin : g_register
        always_ff @(posedge ap_clk) if (go) partial <= updated;
      end else begin : g_memory
        // Address i is fetched INNER cycles after it was, and so after it has been stored.
        (* no_rw_check *) logic [OPEN*WIDTH-1:0] memory [0:INNER-1];
        always_ff @(posedge ap_clk) begin
          if (go) memory[addr] <= updated;
          if (take) partial <= memory[fetch_addr];
        end
      end
    end
  end

endmodule : bnn_axis_reduce
