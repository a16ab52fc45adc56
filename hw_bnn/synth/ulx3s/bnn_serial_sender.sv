// bnn_serial_sender: takes a word of BYTES bytes and sends them, lowest first, 8N1, BIT_CYCLES cycles a
// bit.
module bnn_serial_sender #(
    parameter int BYTES      = 1,
    parameter int BIT_CYCLES = 100
) (
    input  logic               clk,
    input  logic               rst_n,
    input  logic [8*BYTES-1:0] word,
    input  logic               valid,
    output logic               ready,
    output logic               tx,
    output logic               busy
);

  // A byte is start (0), eight data bits and stop (1): ten bits in a shift register of BYTES * 10.
  localparam int BITS = 10 * BYTES;
  localparam int COUNT_BITS = $clog2(BITS + 1);
  localparam int TIMER_BITS = $clog2(BIT_CYCLES);

  logic [BITS-1:0] line, framed;
  logic [COUNT_BITS-1:0] left;
  logic [TIMER_BITS-1:0] timer;

  for (genvar i = 0; i < BYTES; i++) begin : g_byte
    assign framed[10*i+:10] = {1'b1, word[8*i+:8], 1'b0};
  end

  assign busy = left != '0;
  assign ready = !busy;
  assign tx = !busy || line[0];

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      left <= '0;
      timer <= '0;
    end else if (!busy) begin
      if (valid) begin
        line <= framed;
        left <= COUNT_BITS'(BITS);
        timer <= TIMER_BITS'(BIT_CYCLES - 1);
      end
    end else if (timer != '0) begin
      timer <= timer - 1'b1;
    end else begin
      timer <= TIMER_BITS'(BIT_CYCLES - 1);
      line <= {1'b1, line[BITS-1:1]};
      left <= left - 1'b1;
    end
  end

endmodule : bnn_serial_sender
