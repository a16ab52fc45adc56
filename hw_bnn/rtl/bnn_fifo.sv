// bnn_fifo: a queue of DEPTH words.
//
// Latency 1, initiation interval 1. It holds DEPTH words, the one on offer included; tready depends
// on registers alone, but for DEPTH = 1, where a full queue takes a word as it gives one.
//
// With HW_BNN_SIM defined the capacity is a run-time value, so that one build serves any depths:
//   sim_cap  capacity in words (initially DEPTH, at most SIM_DEPTH); change it in reset only
//   sim_max  the largest number of words held so far
// Cycle by cycle it behaves as a fifo with DEPTH = sim_cap.
module bnn_fifo #(
    parameter int BITS      = 8,
    parameter int DEPTH     = 2,
    parameter int SIM_DEPTH = 4 * DEPTH > 8192 ? 4 * DEPTH : 8192
) (
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,

    input  logic [(BITS+7)/8*8-1:0] s_axis_tdata,
    input  logic                    s_axis_tvalid,
    output logic                    s_axis_tready,

    output logic [(BITS+7)/8*8-1:0] m_axis_tdata,
    output logic                    m_axis_tvalid,
    input  logic                    m_axis_tready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < 1) begin : g_check_1
    $error("bnn_fifo: BITS = %0d must be at least 1", BITS);
  end
  if (DEPTH < 1) begin : g_check_2
    $error("bnn_fifo: DEPTH = %0d must be at least 1", DEPTH);
  end
  if (SIM_DEPTH < DEPTH) begin : g_check_3
    $error("bnn_fifo: SIM_DEPTH = %0d is below DEPTH = %0d", SIM_DEPTH, DEPTH);
  end
`endif

  logic [BITS-1:0] head;
  assign m_axis_tdata = ($bits(m_axis_tdata))'(head);

  logic push, pop, unused;
  assign push = s_axis_tvalid && s_axis_tready;
  assign pop  = m_axis_tvalid && m_axis_tready;
  assign unused = &{1'b0, s_axis_tdata, push, pop};

`ifdef HW_BNN_SIM
  int unsigned sim_cap /*verilator public_flat_rw*/;
  int unsigned sim_max /*verilator public_flat_rw*/;
  int unsigned count, first, free;  // words held, the first one's place, the next free place
  // Nothing combinational may hang on sim_cap: a simulator would evaluate it twice a cycle, since
  // the variable can be written from outside.
  logic room, single;  // count < sim_cap; sim_cap = 1
  logic [BITS-1:0] memory[SIM_DEPTH];

  initial begin
    sim_cap = DEPTH;
    sim_max = 0;
  end

  assign head          = memory[first];
  assign m_axis_tvalid = count != 0;
  assign s_axis_tready = room || (single && m_axis_tready);

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      count  <= 0;
      first  <= 0;
      free   <= 0;
      room   <= 1'b1;
      single <= sim_cap == 1;
      if (sim_cap < 1 || sim_cap > SIM_DEPTH) begin
        $error("%m: sim_cap = %0d is not in 1..SIM_DEPTH = %0d", sim_cap, SIM_DEPTH);
        $finish;
      end
    end else begin
      if (push) begin
        memory[free] <= s_axis_tdata[BITS-1:0];
        free <= free + 1 == sim_cap ? 0 : free + 1;
        if (!pop) begin
          count <= count + 1;
          room  <= count + 1 < sim_cap;
          if (count >= sim_max) sim_max <= count + 1;
        end
      end else if (pop) begin
        count <= count - 1;
        room  <= 1'b1;
      end
      if (pop) first <= first + 1 == sim_cap ? 0 : first + 1;
    end
  end
`else
  if (DEPTH == 1) begin : g_one
    assign s_axis_tready = !m_axis_tvalid || m_axis_tready;
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) m_axis_tvalid <= 1'b0;
      else if (s_axis_tready) m_axis_tvalid <= s_axis_tvalid;
    end
    always_ff @(posedge ap_clk) if (s_axis_tready) head <= s_axis_tdata[BITS-1:0];

  end else if (DEPTH == 2) begin : g_two
    bnn_skid #(.BITS(BITS)) u_skid (
        .ap_clk, .ap_rst_n,
        .in_valid(s_axis_tvalid), .in_ready(s_axis_tready), .in_data(s_axis_tdata[BITS-1:0]),
        .out_valid(m_axis_tvalid), .out_ready(m_axis_tready), .out_data(head)
    );

  end else begin : g_memory
    localparam int SHALLOW    = 64;  // up to here LUT memory, read without a clock; then block
    localparam int PLACE_BITS = $clog2(DEPTH);
    localparam int COUNT_BITS = $clog2(DEPTH + 1);

    logic [BITS-1:0] memory[DEPTH];
    logic [COUNT_BITS-1:0] count;
    logic [PLACE_BITS-1:0] first, free, next_first;
    logic bypass;  // the word that comes is the one to be offered next

    function automatic logic [PLACE_BITS-1:0] after(input logic [PLACE_BITS-1:0] place);
      after = place == PLACE_BITS'(DEPTH - 1) ? '0 : place + 1'b1;
    endfunction

    assign next_first = pop ? after(first) : first;
    assign bypass     = push && free == next_first;

    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) begin
        count         <= '0;
        first         <= '0;
        free          <= '0;
        m_axis_tvalid <= 1'b0;
        s_axis_tready <= 1'b1;
      end else begin
        first <= next_first;
        if (push) free <= after(free);
        if (push && !pop) begin
          count         <= count + 1'b1;
          m_axis_tvalid <= 1'b1;
          s_axis_tready <= count != COUNT_BITS'(DEPTH - 1);
        end else if (pop && !push) begin
          count         <= count - 1'b1;
          m_axis_tvalid <= count != COUNT_BITS'(1);
          s_axis_tready <= 1'b1;
        end
      end
    end

    always_ff @(posedge ap_clk) if (push) memory[free] <= s_axis_tdata[BITS-1:0];

    if (DEPTH <= SHALLOW) begin : g_lut
      always_ff @(posedge ap_clk) head <= bypass ? s_axis_tdata[BITS-1:0] : memory[next_first];
    end else begin : g_block
      logic [BITS-1:0] stored, fresh;
      logic is_fresh;
      always_ff @(posedge ap_clk) begin
        stored   <= memory[next_first];
        fresh    <= s_axis_tdata[BITS-1:0];
        is_fresh <= bypass;
      end
      assign head = is_fresh ? fresh : stored;
    end
  end
`endif

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(BITS)) u_check (
      .ap_clk, .ap_rst_n, .tdata(head), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_fifo
