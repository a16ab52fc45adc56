// bnn_ulx3s_top: an accelerator on the ULX3S board (LFE5U-85F), fed over the USB serial port.
//
// Host to board: the bytes of each input word in order, lowest first; a frame is all its words.
// Board to host: the bytes of each output word, likewise. 8 data bits, no parity, one stop bit, at
// CLOCK_HZ / BIT_CYCLES baud. The host may send the next frame as it reads the last one's answer.
//
// LEDs: 0 clock locked, 1 receiving, 2 sending, 3 a byte was lost (until reset), 7:4 the low bits
// of the last output word's label field. Button FIRE1 resets.
module bnn_ulx3s_top #(
    parameter int IN_BYTES     = 1,    // of an input word (tdata)
    parameter int OUT_BYTES    = 1,    // of an output word
    parameter int LABEL_OFFSET = 0,    // of the label in the last output word; -1: there is none
    parameter int CLKFB_DIV    = 4,    // clock = 25 MHz * CLKFB_DIV
    parameter int CLKOP_DIV    = 6,    // 400 MHz <= clock * CLKOP_DIV <= 800 MHz
    parameter int BIT_CYCLES   = 100   // clock cycles a bit of the serial line
) (
    input  logic       clk_25mhz,
    input  logic       ftdi_txd,    // host to board
    output logic       ftdi_rxd,    // board to host
    input  logic       btn1,        // FIRE1
    output logic [7:0] led,
    output logic       wifi_gpio0   // high keeps the ESP32 from taking the board over
);

  logic clk, locked;

  (* FREQUENCY_PIN_CLKI = "25" *)
  (* ICP_CURRENT = "12" *) (* LPF_RESISTOR = "8" *) (* MFG_ENABLE_FILTEROPAMP = "1" *)
  (* MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
      .PLLRST_ENA("DISABLED"), .INTFB_WAKE("DISABLED"), .STDBY_ENABLE("DISABLED"),
      .DPHASE_SOURCE("DISABLED"), .OUTDIVIDER_MUXA("DIVA"), .OUTDIVIDER_MUXB("DIVB"),
      .OUTDIVIDER_MUXC("DIVC"), .OUTDIVIDER_MUXD("DIVD"), .CLKI_DIV(1), .CLKOP_ENABLE("ENABLED"),
      .CLKOP_DIV(CLKOP_DIV), .CLKOP_CPHASE(CLKOP_DIV / 2 - 1), .CLKOP_FPHASE(0),
      .FEEDBK_PATH("CLKOP"), .CLKFB_DIV(CLKFB_DIV)
  ) pll (
      .CLKI(clk_25mhz), .CLKFB(clk), .CLKOP(clk), .LOCK(locked),
      .RST(1'b0), .STDBY(1'b0), .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b1),
      .PHASESTEP(1'b1), .PHASELOADREG(1'b1), .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0)
  );

  bnn_serial_shell #(
      .IN_BYTES(IN_BYTES), .OUT_BYTES(OUT_BYTES), .LABEL_OFFSET(LABEL_OFFSET),
      .BIT_CYCLES(BIT_CYCLES)
  ) shell (
      .clk(clk), .ready(locked && !btn1), .rx(ftdi_txd), .tx(ftdi_rxd), .status(led)
  );

  assign wifi_gpio0 = 1'b1;

endmodule : bnn_ulx3s_top
