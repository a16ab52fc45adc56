// bnn_bursts: the addresses of a run of beats on an AXI4 memory port, burst by burst.
//
//   `beats` beats from byte address `place` * DATA_BITS/8 on, latched at `start`
//
// Bursts are INCR, full width and end at multiples of BURST beats: none is longer than BURST, and none
// crosses 4 KiB, since BURST * DATA_BITS/8 divides 4096. The next one has `length` beats; it is offered
// (`issue`, for one cycle) when `may` allows it and the one before was taken. One burst a cycle.
module bnn_bursts #(
    parameter int DATA_BITS   = 64,
    parameter int ADDR_BITS   = 32,
    parameter int BURST       = 16,
    parameter int LOW_BITS    = $clog2(DATA_BITS / 8),  // of an address within a beat
    parameter int BEAT_BITS   = ADDR_BITS - LOW_BITS,   // of a beat's number in memory
    parameter int LENGTH_BITS = $clog2(BURST) + 1
) (
    input  logic                   ap_clk,
    input  logic                   ap_rst_n,

    input  logic                   start,
    input  logic [BEAT_BITS-1:0]   place,
    input  logic [BEAT_BITS:0]     beats,
    input  logic                   may,
    output logic                   issue,
    output logic [LENGTH_BITS-1:0] length,
    output logic                   none_left,

    output logic [ADDR_BITS-1:0]   addr,
    output logic [7:0]             len,
    output logic                   valid,
    input  logic                   ready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BURST < 2 || BURST > 256 || (BURST & (BURST - 1)) != 0) begin : g_check_1
    $error("bnn_bursts: BURST = %0d must be a power of two in 2..256", BURST);
  end
  if (BURST * DATA_BITS / 8 > 4096) begin : g_check_2
    $error("bnn_bursts: a burst of %0d beats of %0d bits is longer than 4 KiB", BURST, DATA_BITS);
  end
`endif

  logic [BEAT_BITS-1:0] next;  // first beat of the next burst
  logic [BEAT_BITS:0]   left;  // beats that no burst has been offered for

  // Up to the next multiple of BURST, or what is left.
  always_comb begin
    length = LENGTH_BITS'(BURST) - {1'b0, next[LENGTH_BITS-2:0]};
    if (left < (BEAT_BITS + 1)'(length)) length = left[LENGTH_BITS-1:0];
  end

  assign none_left = left == '0;
  assign issue     = may && (!valid || ready) && !none_left;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      valid <= 1'b0;
      left  <= '0;
    end else begin
      if (start) left <= beats;
      else if (issue) left <= left - (BEAT_BITS + 1)'(length);
      if (issue) valid <= 1'b1;
      else if (ready) valid <= 1'b0;
    end
  end

  always_ff @(posedge ap_clk) begin
    if (start) next <= place;
    else if (issue) next <= next + BEAT_BITS'(length);
    if (issue) begin
      addr <= {next, LOW_BITS'(0)};
      len  <= 8'(length - 1'b1);
    end
  end

endmodule : bnn_bursts
