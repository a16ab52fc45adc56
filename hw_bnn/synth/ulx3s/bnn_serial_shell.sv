// bnn_serial_shell: the accelerator between a serial receiver and a serial sender (see bnn_ulx3s_top).
//
// It holds no vendor primitive, so that it is simulated with the same host protocol.
module bnn_serial_shell #(
    parameter int IN_BYTES     = 1,
    parameter int OUT_BYTES    = 1,
    parameter int LABEL_OFFSET = 0,
    parameter int BIT_CYCLES   = 100
) (
    input  logic       clk,
    input  logic       ready,   // low: reset; may be asynchronous to clk
    input  logic       rx,
    output logic       tx,
    output logic [7:0] status
);

  // Reset leaves two cycles after `ready` is seen, in step with the clock.
  logic [3:0] settled = '0;
  logic rst_n;
  always_ff @(posedge clk) settled <= {settled[2:0], ready};
  assign rst_n = settled[3] && settled[2];

  logic byte_valid, byte_ready, sending, lost;
  logic [7:0] byte_in;
  logic [8*IN_BYTES-1:0] in_word;
  logic in_valid, in_ready;
  logic [8*OUT_BYTES-1:0] out_word;
  logic out_valid, out_ready, out_last;

  bnn_serial_receiver #(.BIT_CYCLES(BIT_CYCLES)) receiver (
      .clk(clk), .rst_n(rst_n), .rx(rx), .data(byte_in), .valid(byte_valid));

  // Bytes to words, lowest first. A byte that finds a full word waiting is lost, and lights a LED.
  // Bytes are many cycles apart, so none is missed in the cycle in which a word goes; the
  // accelerator's ready stays off the path to the word's clock enables.
  localparam int INDEX_BITS = (IN_BYTES > 1) ? $clog2(IN_BYTES) : 1;
  logic [INDEX_BITS-1:0] index;
  assign byte_ready = !in_valid;
  always_ff @(posedge clk) begin
    if (!rst_n) begin
      index <= '0;
      in_valid <= 1'b0;
      lost <= 1'b0;
    end else begin
      if (in_valid && in_ready) in_valid <= 1'b0;
      if (byte_valid && !byte_ready) lost <= 1'b1;
      if (byte_valid && byte_ready) begin
        in_word[8*index+:8] <= byte_in;
        if (index == INDEX_BITS'(IN_BYTES - 1)) begin
          index <= '0;
          in_valid <= 1'b1;
        end else begin
          index <= index + 1'b1;
        end
      end
    end
  end

  `HW_BNN_CORE accelerator (
      .ap_clk(clk), .ap_rst_n(rst_n),
      .s_axis_tdata(in_word), .s_axis_tvalid(in_valid), .s_axis_tready(in_ready),
      .s_axis_tlast(1'b0),
      .m_axis_tdata(out_word), .m_axis_tvalid(out_valid), .m_axis_tready(out_ready),
      .m_axis_tlast(out_last)
  );

  bnn_serial_sender #(.BYTES(OUT_BYTES), .BIT_CYCLES(BIT_CYCLES)) sender (
      .clk(clk), .rst_n(rst_n), .word(out_word), .valid(out_valid), .ready(out_ready), .tx(tx),
      .busy(sending));

  logic [3:0] label;
  if (LABEL_OFFSET >= 0) begin : g_label
    logic [8*OUT_BYTES+3:0] padded;
    assign padded = {4'b0, out_word};
    always_ff @(posedge clk) begin
      if (!rst_n) label <= '0;
      else if (out_valid && out_ready && out_last) label <= padded[LABEL_OFFSET+:4];
    end
  end else begin : g_no_label
    assign label = '0;
  end

  assign status = {label, lost, sending, !rx, rst_n};

endmodule : bnn_serial_shell
