// bnn_read_dma: a run of beats from an AXI4 memory port to a stream, in order.
//
//   `beats` beats from byte address `place` * DATA_BITS/8 on, latched at `start`
//
// Bursts are INCR, full width and end at multiples of BURST beats: none is longer than BURST, and none
// crosses 4 KiB, since BURST * DATA_BITS/8 divides 4096. A burst is asked for only when the queue has
// room for all of it, so r_ready never waits for the consumer: a port shared with others is not blocked.
// FIFO_BEATS beats are on their way or queued at most; at a latency of L cycles the port is saturated
// where FIFO_BEATS >= L + BURST + a few.
//
// `stop` ends it early: no new burst, those under way are received. `idle`: nothing is under way.
// error = {DECERR, SLVERR}, for one cycle with each beat that carries one.
module bnn_read_dma #(
    parameter int DATA_BITS  = 64,
    parameter int ADDR_BITS  = 32,
    parameter int BURST      = 16,
    parameter int FIFO_BEATS = 256,
    parameter int LOW_BITS   = $clog2(DATA_BITS / 8),  // of an address within a beat
    parameter int BEAT_BITS  = ADDR_BITS - LOW_BITS    // of a beat's number in memory
) (
    input  logic                 ap_clk,
    input  logic                 ap_rst_n,

    input  logic                 start,
    input  logic [BEAT_BITS-1:0] place,
    input  logic [BEAT_BITS:0]   beats,
    input  logic                 stop,
    output logic                 idle,
    output logic [1:0]           error,

    output logic [ADDR_BITS-1:0] ar_addr,
    output logic [7:0]           ar_len,
    output logic                 ar_valid,
    input  logic                 ar_ready,
    input  logic [DATA_BITS-1:0] r_data,
    input  logic [1:0]           r_resp,
    input  logic                 r_valid,
    output logic                 r_ready,

    output logic [DATA_BITS-1:0] beat_data,
    output logic                 beat_valid,
    input  logic                 beat_ready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BURST < 2 || BURST > 256 || (BURST & (BURST - 1)) != 0) begin : g_check_1
    $error("bnn_read_dma: BURST = %0d must be a power of two in 2..256", BURST);
  end
  if (BURST * DATA_BITS / 8 > 4096) begin : g_check_2
    $error("bnn_read_dma: a burst of %0d beats of %0d bits is longer than 4 KiB", BURST, DATA_BITS);
  end
  if (FIFO_BEATS < 2 * BURST) begin : g_check_3
    $error("bnn_read_dma: FIFO_BEATS = %0d must hold two bursts of %0d", FIFO_BEATS, BURST);
  end
`endif

  localparam int PLACE_BITS = $clog2(BURST);
  localparam int COUNT_BITS = $clog2(FIFO_BEATS + 1);

  logic [BEAT_BITS-1:0]  next;    // first beat of the next burst
  logic [BEAT_BITS:0]    left;    // beats that no burst has asked for
  logic [COUNT_BITS-1:0] room;    // places of the queue that no burst has claimed
  logic [COUNT_BITS-1:0] awaited; // beats asked for and not received
  logic [PLACE_BITS:0]   length;
  logic issue, receive, take;

  // Up to the next multiple of BURST, or what is left.
  always_comb begin
    length = (PLACE_BITS + 1)'(BURST) - {1'b0, next[PLACE_BITS-1:0]};
    if (left < (BEAT_BITS + 1)'(length)) length = left[PLACE_BITS:0];
  end

  assign issue   = !stop && (!ar_valid || ar_ready) && left != '0 && room >= COUNT_BITS'(length);
  assign receive = r_valid && r_ready;
  assign take    = beat_valid && beat_ready;
  assign idle    = !ar_valid && awaited == '0;
  assign error   = receive && r_resp[1] ? (r_resp[0] ? 2'b10 : 2'b01) : 2'b00;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      ar_valid <= 1'b0;
      left     <= '0;
      room     <= COUNT_BITS'(FIFO_BEATS);
      awaited  <= '0;
    end else begin
      if (start) left <= beats;
      else if (issue) left <= left - (BEAT_BITS + 1)'(length);
      if (issue) ar_valid <= 1'b1;
      else if (ar_ready) ar_valid <= 1'b0;
      room    <= room - (issue ? COUNT_BITS'(length) : '0) + COUNT_BITS'(take);
      awaited <= awaited + (issue ? COUNT_BITS'(length) : '0) - COUNT_BITS'(receive);
    end
  end

  always_ff @(posedge ap_clk) begin
    if (start) next <= place;
    else if (issue) next <= next + BEAT_BITS'(length);
    if (issue) begin
      ar_addr <= {next, LOW_BITS'(0)};
      ar_len  <= 8'(length - 1'b1);
    end
  end

  bnn_fifo #(.BITS(DATA_BITS), .DEPTH(FIFO_BEATS)) queue (
      .ap_clk, .ap_rst_n,
      .s_axis_tdata(r_data), .s_axis_tvalid(r_valid), .s_axis_tready(r_ready),
      .m_axis_tdata(beat_data), .m_axis_tvalid(beat_valid), .m_axis_tready(beat_ready)
  );

endmodule : bnn_read_dma
