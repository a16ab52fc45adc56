// Techmap for Xilinx: a read-only memory becomes LUTs, one for each two bits (up to 32 words), one for
// each bit (64), two and a MUXF7 (128), four and two levels of multiplexers (256). With HW_BNN_DEEP
// defined up to 4,096 words do, by that for each 256 words and a multiplexer in LUTs; without it they
// are left to block RAM.
//
// A wide memory is halved until it has 64 bits: the time that Yosys takes for a bit grows with the memory.
//
// Left to the generic mapping, random contents cost several times that: the mapper does not find the
// single LUT in the logic that a table of 64 words becomes. Up to 4 words are left to it, since it
// shares the few functions there are. The LUT's outputs are registered where the read is.
`ifdef HW_BNN_DEEP
`define HW_BNN_ROM_WORDS 4096
`else
`define HW_BNN_ROM_WORDS 256
`endif
(* techmap_celltype = "$mem_v2" *)
module _hw_bnn_rom (
    RD_CLK, RD_EN, RD_ARST, RD_SRST, RD_ADDR, RD_DATA, WR_CLK, WR_EN, WR_ADDR, WR_DATA
);
  parameter MEMID = "";
  parameter SIZE = 4;
  parameter OFFSET = 0;
  parameter ABITS = 2;
  parameter WIDTH = 8;
  parameter signed INIT = 1'bx;
  parameter RD_PORTS = 1;
  parameter RD_CLK_ENABLE = 1'b1;
  parameter RD_CLK_POLARITY = 1'b1;
  parameter RD_TRANSPARENCY_MASK = 0;
  parameter RD_COLLISION_X_MASK = 0;
  parameter RD_WIDE_CONTINUATION = 0;
  parameter RD_CE_OVER_SRST = 0;
  parameter RD_ARST_VALUE = 0;
  parameter RD_SRST_VALUE = 0;
  parameter RD_INIT_VALUE = 0;
  parameter WR_PORTS = 0;
  parameter WR_CLK_ENABLE = 0;
  parameter WR_CLK_POLARITY = 0;
  parameter WR_PRIORITY_MASK = 0;
  parameter WR_WIDE_CONTINUATION = 0;

  input [RD_PORTS-1:0] RD_CLK, RD_EN, RD_ARST, RD_SRST;
  input [RD_PORTS*ABITS-1:0] RD_ADDR;
  output [RD_PORTS*WIDTH-1:0] RD_DATA;
  input [WR_PORTS-1:0] WR_CLK;
  input [WR_PORTS*WIDTH-1:0] WR_EN, WR_DATA;
  input [WR_PORTS*ABITS-1:0] WR_ADDR;

  parameter _TECHMAP_CONSTMSK_RD_ARST_ = 0;
  parameter _TECHMAP_CONSTVAL_RD_ARST_ = 0;
  parameter _TECHMAP_CONSTMSK_RD_SRST_ = 0;
  parameter _TECHMAP_CONSTVAL_RD_SRST_ = 0;

  localparam PLAIN = _TECHMAP_CONSTMSK_RD_ARST_ && !_TECHMAP_CONSTVAL_RD_ARST_
                     && _TECHMAP_CONSTMSK_RD_SRST_ && !_TECHMAP_CONSTVAL_RD_SRST_;

  localparam OTHER = WR_PORTS != 0 || RD_PORTS != 1 || OFFSET != 0 || SIZE <= 4
                || SIZE > `HW_BNN_ROM_WORDS || !PLAIN
                || (RD_CLK_ENABLE && !RD_CLK_POLARITY);
  wire _TECHMAP_FAIL_ = OTHER;

  // The contents of one bit in words from .. from + 255; beyond SIZE they do not matter.
  function [255:0] column;
    input integer bit_index;
    input integer from;
    integer i;
    begin
      column = 0;
      for (i = 0; i < 256 && from + i < SIZE; i = i + 1)
        column[i] = INIT[(from+i)*WIDTH+bit_index] === 1'b1;
    end
  endfunction

  localparam LOW = WIDTH / 4 * 2;  // even: two bits share a LUT
  localparam HIGH = WIDTH - LOW;

  function [SIZE*LOW-1:0] low_half;
    input integer words;
    integer i;
    for (i = 0; i < words; i = i + 1) low_half[i*LOW+:LOW] = INIT[i*WIDTH+:LOW];
  endfunction

  function [SIZE*HIGH-1:0] high_half;
    input integer words;
    integer i;
    for (i = 0; i < words; i = i + 1) high_half[i*HIGH+:HIGH] = INIT[i*WIDTH+LOW+:HIGH];
  endfunction

  localparam BANKS = (SIZE + 255) / 256;

  wire [WIDTH-1:0] data;
  wire [11:0] address = RD_ADDR;

  genvar b, k, m;
  generate
    if (OTHER) begin : g_not_ours
      assign data = 0;
    end else if (WIDTH > 64) begin : g_wide
      \$mem_v2 #(
          .MEMID({MEMID, "_low"}), .SIZE(SIZE), .OFFSET(0), .ABITS(ABITS), .WIDTH(LOW),
          .INIT(low_half(SIZE)), .RD_PORTS(1), .RD_CLK_ENABLE(1'b0), .RD_CLK_POLARITY(1'b1),
          .RD_TRANSPARENCY_MASK(1'b0), .RD_COLLISION_X_MASK(1'b0), .RD_WIDE_CONTINUATION(1'b0),
          .RD_CE_OVER_SRST(1'b0), .RD_ARST_VALUE({LOW{1'bx}}), .RD_SRST_VALUE({LOW{1'bx}}),
          .RD_INIT_VALUE({LOW{1'bx}}), .WR_PORTS(0), .WR_CLK_ENABLE(1'b0),
          .WR_CLK_POLARITY(1'b0), .WR_PRIORITY_MASK(1'b0), .WR_WIDE_CONTINUATION(1'b0)
      ) low (
          .RD_CLK(1'bx), .RD_EN(1'b1), .RD_ARST(1'b0), .RD_SRST(1'b0), .RD_ADDR(RD_ADDR),
          .RD_DATA(data[LOW-1:0]), .WR_CLK(), .WR_EN(), .WR_ADDR(), .WR_DATA());
      \$mem_v2 #(
          .MEMID({MEMID, "_high"}), .SIZE(SIZE), .OFFSET(0), .ABITS(ABITS), .WIDTH(HIGH),
          .INIT(high_half(SIZE)), .RD_PORTS(1), .RD_CLK_ENABLE(1'b0), .RD_CLK_POLARITY(1'b1),
          .RD_TRANSPARENCY_MASK(1'b0), .RD_COLLISION_X_MASK(1'b0), .RD_WIDE_CONTINUATION(1'b0),
          .RD_CE_OVER_SRST(1'b0), .RD_ARST_VALUE({HIGH{1'bx}}), .RD_SRST_VALUE({HIGH{1'bx}}),
          .RD_INIT_VALUE({HIGH{1'bx}}), .WR_PORTS(0), .WR_CLK_ENABLE(1'b0),
          .WR_CLK_POLARITY(1'b0), .WR_PRIORITY_MASK(1'b0), .WR_WIDE_CONTINUATION(1'b0)
      ) high (
          .RD_CLK(1'bx), .RD_EN(1'b1), .RD_ARST(1'b0), .RD_SRST(1'b0), .RD_ADDR(RD_ADDR),
          .RD_DATA(data[WIDTH-1:LOW]), .WR_CLK(), .WR_EN(), .WR_ADDR(), .WR_DATA());
    end else if (SIZE <= 32) begin : g_pairs
      for (b = 0; b < WIDTH; b = b + 2) begin : g_pair
        localparam [255:0] LOW = column(b, 0);
        localparam [255:0] HIGH = column(b + 1 < WIDTH ? b + 1 : b, 0);
        if (b + 1 < WIDTH) begin : g_two
          LUT6_2 #(.INIT({HIGH[31:0], LOW[31:0]})) lut (
              .O6(data[b+1]), .O5(data[b]), .I0(address[0]), .I1(address[1]), .I2(address[2]),
              .I3(address[3]), .I4(address[4]), .I5(1'b1));
        end else begin : g_one
          LUT5 #(.INIT(LOW[31:0])) lut (
              .O(data[b]), .I0(address[0]), .I1(address[1]), .I2(address[2]), .I3(address[3]),
              .I4(address[4]));
        end
      end
    end else begin : g_bits
      for (b = 0; b < WIDTH; b = b + 1) begin : g_bit
        wire [BANKS-1:0] bank;
        for (m = 0; m < BANKS; m = m + 1) begin : g_bank
          localparam [255:0] TABLE = column(b, 256 * m);
          localparam WORDS = SIZE - 256 * m;
          wire [3:0] part;
          for (k = 0; k < 4; k = k + 1) begin : g_part
            if (64 * k < WORDS) begin : g_lut
              LUT6 #(.INIT(TABLE[64*k+:64])) lut (
                  .O(part[k]), .I0(address[0]), .I1(address[1]), .I2(address[2]), .I3(address[3]),
                  .I4(address[4]), .I5(address[5]));
            end else begin : g_none
              assign part[k] = 1'b0;
            end
          end
          if (WORDS <= 64) begin : g_whole
            assign bank[m] = part[0];
          end else begin : g_multiplexed
            wire low, high;
            MUXF7 mux_low (.O(low), .I0(part[0]), .I1(part[1]), .S(address[6]));
            if (WORDS <= 128) begin : g_half
              assign bank[m] = low;
            end else begin : g_all
              MUXF7 mux_high (.O(high), .I0(part[2]), .I1(part[3]), .S(address[6]));
              MUXF8 mux (.O(bank[m]), .I0(low), .I1(high), .S(address[7]));
            end
          end
        end
        if (BANKS == 1) begin : g_one_bank
          assign data[b] = bank[0];
        end else begin : g_banks
          wire [15:0] banks = bank;
          assign data[b] = banks[address[11:8]];
        end
      end
    end

    if (RD_CLK_ENABLE) begin : g_registered
      reg [WIDTH-1:0] q;
      always @(posedge RD_CLK[0]) if (RD_EN[0]) q <= data;
      assign RD_DATA = q;
    end else begin : g_direct
      assign RD_DATA = data;
    end
  endgenerate
endmodule
