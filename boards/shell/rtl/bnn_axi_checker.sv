// bnn_axi_checker: the rules of AXI4 on the shell's memory port, checked in every cycle of a simulation.
//
//   - what is offered stays: valid with the same payload until ready, on AR, AW and W;
//   - a burst is aligned to the bus, not longer than BURST beats, and within 4 KiB;
//   - w_last on the last beat of each burst, in the order of their addresses; data at the earliest with the
//     offer of their address, which need not be taken yet;
//   - strobes are contiguous from byte 0, and whole but for a last beat;
//   - the memory answers no burst before it took address and data, and ends its reads with r_last;
//   - read data are taken at once, as room was reserved for them;
//   - nothing is outstanding, and nothing is offered, while the shell says that it is idle.
//
// A breach is reported with $error and ends the simulation. Not for synthesis.
module bnn_axi_checker #(
    parameter int DATA_BITS = 64,
    parameter int ADDR_BITS = 32,
    parameter int BURST     = 16
) (
    input logic                   ap_clk,
    input logic                   ap_rst_n,
    input logic                   idle,
    input logic [ADDR_BITS-1:0]   aw_addr,
    input logic [7:0]             aw_len,
    input logic                   aw_valid,
    input logic                   aw_ready,
    input logic [DATA_BITS-1:0]   w_data,
    input logic [DATA_BITS/8-1:0] w_strb,
    input logic                   w_last,
    input logic                   w_valid,
    input logic                   w_ready,
    input logic                   b_valid,
    input logic                   b_ready,
    input logic [ADDR_BITS-1:0]   ar_addr,
    input logic [7:0]             ar_len,
    input logic                   ar_valid,
    input logic                   ar_ready,
    input logic                   r_last,
    input logic                   r_valid,
    input logic                   r_ready
);

  localparam int BYTES = DATA_BITS / 8;
  localparam int unsigned SLOTS = 64;  // bursts outstanding at most

  logic [7:0] reads[SLOTS], writes[SLOTS];  // their lengths
  int unsigned reads_in, reads_out, writes_in, writes_out, responses, read_beat, write_beat;
  logic [7:0] write_len;  // of the burst whose data come: its address was taken, or still waits
  logic ar_waits, aw_waits, w_waits;
  logic [ADDR_BITS+7:0] ar_was, aw_was;
  logic [DATA_BITS+BYTES:0] w_was;

  assign write_len = writes_in == writes_out ? aw_len : writes[writes_out%SLOTS];

  task automatic expect_that(input logic holds, input string sentence);
    if (!holds) begin
      $error("%m: %s", sentence);
      $finish;
    end
  endtask

  function automatic logic inside_4k(input logic [ADDR_BITS-1:0] address, input logic [7:0] len);
    inside_4k = 32'(address[11:0]) + (32'(len) + 1) * $unsigned(BYTES) <= 4096;
  endfunction

  always_ff @(posedge ap_clk) begin
    if (ap_rst_n !== 1'b1) begin
      {reads_in, reads_out, writes_in, writes_out, responses, read_beat, write_beat} <= '0;
      {ar_waits, aw_waits, w_waits} <= '0;
    end else begin
      ar_waits <= ar_valid && !ar_ready;
      aw_waits <= aw_valid && !aw_ready;
      w_waits  <= w_valid && !w_ready;
      ar_was   <= {ar_addr, ar_len};
      aw_was   <= {aw_addr, aw_len};
      w_was    <= {w_last, w_strb, w_data};
      expect_that(!ar_waits || (ar_valid && ar_was == {ar_addr, ar_len}), "AR was taken back or changed");
      expect_that(!aw_waits || (aw_valid && aw_was == {aw_addr, aw_len}), "AW was taken back or changed");
      expect_that(!w_waits || (w_valid && w_was == {w_last, w_strb, w_data}), "W was taken back or changed");
      if (idle) begin
        expect_that(!ar_valid && !aw_valid && !w_valid, "a burst is offered outside a run");
        expect_that(reads_in == reads_out && writes_in == responses, "idle with a burst outstanding");
      end
      if (ar_valid) begin
        expect_that(inside_4k(ar_addr, ar_len), "a read crosses 4 KiB");
        expect_that(32'(ar_len) < $unsigned(BURST), "a read burst is too long");
        expect_that(32'(ar_addr) % BYTES == 0, "a read is not aligned");
      end
      if (aw_valid) begin
        expect_that(inside_4k(aw_addr, aw_len), "a write crosses 4 KiB");
        expect_that(32'(aw_len) < $unsigned(BURST), "a write burst is too long");
        expect_that(32'(aw_addr) % BYTES == 0, "a write is not aligned");
      end
      if (w_valid) begin
        expect_that(writes_in + 32'(aw_valid) != writes_out, "data without the offer of their address");
        expect_that(w_last == (write_beat == 32'(write_len)), "w_last stands wrong");
        expect_that((w_strb & (w_strb + 1'b1)) == '0 && w_strb[0], "strobes have a gap");
        expect_that(w_last || w_strb == '1, "strobes are partial within a burst");
      end
      if (b_valid) expect_that(writes_in != responses && writes_out != responses, "a response to no write");
      if (r_valid) begin
        expect_that(r_ready, "read data wait: a burst was asked for without room for it");
        expect_that(reads_in != reads_out, "read data that were not asked for");
        expect_that(r_last == (read_beat == 32'(reads[reads_out%SLOTS])), "r_last stands wrong");
      end
      if (ar_valid && ar_ready) begin
        reads[reads_in%SLOTS] <= ar_len;
        reads_in <= reads_in + 1;
        expect_that(reads_in - reads_out < SLOTS, "too many reads outstanding");
      end
      if (aw_valid && aw_ready) begin
        writes[writes_in%SLOTS] <= aw_len;
        writes_in <= writes_in + 1;
        expect_that(writes_in - responses < SLOTS, "too many writes outstanding");
      end
      if (w_valid && w_ready) begin
        write_beat <= w_last ? 0 : write_beat + 1;
        if (w_last) writes_out <= writes_out + 1;
      end
      if (r_valid && r_ready) begin
        read_beat <= r_last ? 0 : read_beat + 1;
        if (r_last) reads_out <= reads_out + 1;
      end
      if (b_valid && b_ready) responses <= responses + 1;
    end
  end

endmodule : bnn_axi_checker
