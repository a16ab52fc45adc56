// bnn_read_dma: a run of beats from an AXI4 memory port to a stream, in order.
//
//   `beats` beats from byte address `place` * DATA_BITS/8 on, latched at `start`
//
// Bursts as in bnn_bursts. One is asked for only when the queue has room for all of it, so r_ready
// never waits for the consumer: a port shared with others is not blocked.
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
  if (FIFO_BEATS < 2 * BURST) begin : g_check_1
    $error("bnn_read_dma: FIFO_BEATS = %0d must hold two bursts of %0d", FIFO_BEATS, BURST);
  end
`endif

  localparam int LENGTH_BITS = $clog2(BURST) + 1;
  localparam int COUNT_BITS  = $clog2(FIFO_BEATS + 1);

  logic [COUNT_BITS-1:0]  room;     // places of the queue that no burst has claimed
  logic [COUNT_BITS-1:0]  awaited;  // beats asked for and not received
  logic [LENGTH_BITS-1:0] length;
  logic issue, none_left, receive, take;

  logic unused;  // awaited tells when a run is over
  assign unused = &{1'b0, none_left};

  bnn_bursts #(.DATA_BITS(DATA_BITS), .ADDR_BITS(ADDR_BITS), .BURST(BURST)) bursts (
      .ap_clk, .ap_rst_n, .start, .place, .beats,
      .may(!stop && room >= COUNT_BITS'(length)), .issue, .length, .none_left,
      .addr(ar_addr), .len(ar_len), .valid(ar_valid), .ready(ar_ready)
  );

  assign receive = r_valid && r_ready;
  assign take    = beat_valid && beat_ready;
  assign idle    = !ar_valid && awaited == '0;
  assign error   = receive && r_resp[1] ? (r_resp[0] ? 2'b10 : 2'b01) : 2'b00;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      room    <= COUNT_BITS'(FIFO_BEATS);
      awaited <= '0;
    end else begin
      room    <= room - (issue ? COUNT_BITS'(length) : '0) + COUNT_BITS'(take);
      awaited <= awaited + (issue ? COUNT_BITS'(length) : '0) - COUNT_BITS'(receive);
    end
  end

  bnn_fifo #(.BITS(DATA_BITS), .DEPTH(FIFO_BEATS)) queue (
      .ap_clk, .ap_rst_n,
      .s_axis_tdata(r_data), .s_axis_tvalid(r_valid), .s_axis_tready(r_ready),
      .m_axis_tdata(beat_data), .m_axis_tvalid(beat_valid), .m_axis_tready(beat_ready)
  );

endmodule : bnn_read_dma
