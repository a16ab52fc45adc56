// bnn_serial_receiver: 8N1, BIT_CYCLES clock cycles a bit; `valid` for one cycle with each byte.
//
// A bit is read in its middle. A start bit that is not low in its middle is noise and dropped; so
// is a byte whose stop bit is low.
module bnn_serial_receiver #(
    parameter int BIT_CYCLES = 100
) (
    input  logic       clk,
    input  logic       rst_n,
    input  logic       rx,
    output logic [7:0] data,
    output logic       valid
);

  localparam int TIMER_BITS = $clog2(BIT_CYCLES);

  logic [2:0] line = '1;  // two for metastability, one to read
  logic busy;
  logic [TIMER_BITS-1:0] timer;
  logic [3:0] bits;  // 0: start, 1..8: data, 9: stop

  always_ff @(posedge clk) begin
    line <= {line[1:0], rx};
    valid <= 1'b0;
    if (!rst_n) begin
      busy <= 1'b0;
      timer <= '0;
      bits <= '0;
    end else if (!busy) begin
      if (!line[2]) begin
        busy <= 1'b1;
        timer <= TIMER_BITS'(BIT_CYCLES / 2 - 1);
        bits <= '0;
      end
    end else if (timer != '0) begin
      timer <= timer - 1'b1;
    end else begin
      timer <= TIMER_BITS'(BIT_CYCLES - 1);
      bits <= bits + 1'b1;
      if (bits == 4'd0) begin
        if (line[2]) busy <= 1'b0;
      end else if (bits == 4'd9) begin
        busy <= 1'b0;
        valid <= line[2];
      end else begin
        data <= {line[2], data[7:1]};
      end
    end
  end

endmodule : bnn_serial_receiver
