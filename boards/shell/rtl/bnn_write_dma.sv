// bnn_write_dma: a stream of beats to a run of an AXI4 memory port, in order.
//
//   `beats` beats from byte address `place` * DATA_BITS/8 on, latched at `start`; the last of them
//   writes only the bytes of `last_strobe`
//
// Bursts as in bnn_bursts. One is announced only when the queue holds all of it: a burst once begun ends
// whatever the producer does. Its data are offered with its address, not after it was taken, since memory
// may take an address only when it sees data. `done` comes after the last write response, when all bytes
// are in memory. At most PENDING bursts await a response.
//
// `stop` ends it early: no new burst, those announced are completed. `idle`: nothing is under way.
// error = {DECERR, SLVERR}, for one cycle with each response that carries one.
module bnn_write_dma #(
    parameter int DATA_BITS  = 64,
    parameter int ADDR_BITS  = 32,
    parameter int BURST      = 16,
    parameter int FIFO_BEATS = 256,
    parameter int PENDING    = 16,
    parameter int LOW_BITS   = $clog2(DATA_BITS / 8),  // of an address within a beat
    parameter int BEAT_BITS  = ADDR_BITS - LOW_BITS    // of a beat's number in memory
) (
    input  logic                   ap_clk,
    input  logic                   ap_rst_n,

    input  logic                   start,
    input  logic [BEAT_BITS-1:0]   place,
    input  logic [BEAT_BITS:0]     beats,
    input  logic [DATA_BITS/8-1:0] last_strobe,
    input  logic                   stop,
    output logic                   done,
    output logic                   idle,
    output logic [1:0]             error,

    input  logic [DATA_BITS-1:0]   beat_data,
    input  logic                   beat_valid,
    output logic                   beat_ready,

    output logic [ADDR_BITS-1:0]   aw_addr,
    output logic [7:0]             aw_len,
    output logic                   aw_valid,
    input  logic                   aw_ready,
    output logic [DATA_BITS-1:0]   w_data,
    output logic [DATA_BITS/8-1:0] w_strb,
    output logic                   w_last,
    output logic                   w_valid,
    input  logic                   w_ready,
    input  logic [1:0]             b_resp,
    input  logic                   b_valid,
    output logic                   b_ready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (FIFO_BEATS < 2 * BURST) begin : g_check_1
    $error("bnn_write_dma: FIFO_BEATS = %0d must hold two bursts of %0d", FIFO_BEATS, BURST);
  end
`endif

  localparam int PLACE_BITS   = $clog2(BURST);
  localparam int COUNT_BITS   = $clog2(FIFO_BEATS + 1);
  localparam int PENDING_BITS = $clog2(PENDING + 1);

  logic [BEAT_BITS:0]      unsent;     // beats that have not left
  logic [PLACE_BITS-1:0]   sent_place; // of the next beat to leave, in its burst
  logic [COUNT_BITS-1:0]   held;       // beats in the queue that no burst has announced
  logic [COUNT_BITS-1:0]   due;        // beats that a burst has announced, still to be sent
  logic [PENDING_BITS-1:0] pending;    // bursts announced whose response is still to come
  logic [PLACE_BITS:0]     length;
  logic issue, none_left, put, send, respond, fifo_valid, last;

  bnn_bursts #(.DATA_BITS(DATA_BITS), .ADDR_BITS(ADDR_BITS), .BURST(BURST)) bursts (
      .ap_clk, .ap_rst_n, .start, .place, .beats,
      .may(!stop && held >= COUNT_BITS'(length) && pending != PENDING_BITS'(PENDING)),
      .issue, .length, .none_left, .addr(aw_addr), .len(aw_len), .valid(aw_valid), .ready(aw_ready)
  );

  assign put     = beat_valid && beat_ready;
  assign send    = w_valid && w_ready;
  assign respond = b_valid && b_ready;
  assign last    = unsent == (BEAT_BITS + 1)'(1);

  assign w_valid = fifo_valid && due != '0;
  assign w_last  = last || sent_place == '1;
  assign w_strb  = last ? last_strobe : '1;
  assign b_ready = 1'b1;
  assign idle    = !aw_valid && due == '0 && pending == '0;
  assign done    = none_left && idle;
  assign error   = respond && b_resp[1] ? (b_resp[0] ? 2'b10 : 2'b01) : 2'b00;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      held    <= '0;
      due     <= '0;
      pending <= '0;
    end else begin
      held    <= held + COUNT_BITS'(put) - (issue ? COUNT_BITS'(length) : '0);
      due     <= due + (issue ? COUNT_BITS'(length) : '0) - COUNT_BITS'(send);
      pending <= pending + PENDING_BITS'(issue) - PENDING_BITS'(respond);
    end
  end

  always_ff @(posedge ap_clk) begin
    if (start) begin
      unsent     <= beats;
      sent_place <= place[PLACE_BITS-1:0];
    end else if (send) begin
      unsent     <= unsent - 1'b1;
      sent_place <= sent_place + 1'b1;
    end
  end

  bnn_fifo #(.BITS(DATA_BITS), .DEPTH(FIFO_BEATS)) queue (
      .ap_clk, .ap_rst_n,
      .s_axis_tdata(beat_data), .s_axis_tvalid(beat_valid), .s_axis_tready(beat_ready),
      .m_axis_tdata(w_data), .m_axis_tvalid(fifo_valid), .m_axis_tready(w_ready && due != '0)
  );

endmodule : bnn_write_dma
