// Behavioural models of the block RAM cells that Yosys maps to; its own library declares them
// empty. Only what its mapping uses is modelled; anything else ends the elaboration.

module DP16KD (
        input  wire DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11,
        DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
        input  wire ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11,
        ADA12, ADA13,
        input  wire CEA, OCEA, CLKA, WEA, RSTA, CSA0, CSA1, CSA2,
        output wire DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11,
        DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
        input  wire DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11,
        DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
        input  wire ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11,
        ADB12, ADB13,
        input  wire CEB, OCEB, CLKB, WEB, RSTB, CSB0, CSB1, CSB2,
        output wire DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11,
        DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
  parameter [319:0] INITVAL_00 = 320'h0;
  parameter [319:0] INITVAL_01 = 320'h0;
  parameter [319:0] INITVAL_02 = 320'h0;
  parameter [319:0] INITVAL_03 = 320'h0;
  parameter [319:0] INITVAL_04 = 320'h0;
  parameter [319:0] INITVAL_05 = 320'h0;
  parameter [319:0] INITVAL_06 = 320'h0;
  parameter [319:0] INITVAL_07 = 320'h0;
  parameter [319:0] INITVAL_08 = 320'h0;
  parameter [319:0] INITVAL_09 = 320'h0;
  parameter [319:0] INITVAL_0A = 320'h0;
  parameter [319:0] INITVAL_0B = 320'h0;
  parameter [319:0] INITVAL_0C = 320'h0;
  parameter [319:0] INITVAL_0D = 320'h0;
  parameter [319:0] INITVAL_0E = 320'h0;
  parameter [319:0] INITVAL_0F = 320'h0;
  parameter [319:0] INITVAL_10 = 320'h0;
  parameter [319:0] INITVAL_11 = 320'h0;
  parameter [319:0] INITVAL_12 = 320'h0;
  parameter [319:0] INITVAL_13 = 320'h0;
  parameter [319:0] INITVAL_14 = 320'h0;
  parameter [319:0] INITVAL_15 = 320'h0;
  parameter [319:0] INITVAL_16 = 320'h0;
  parameter [319:0] INITVAL_17 = 320'h0;
  parameter [319:0] INITVAL_18 = 320'h0;
  parameter [319:0] INITVAL_19 = 320'h0;
  parameter [319:0] INITVAL_1A = 320'h0;
  parameter [319:0] INITVAL_1B = 320'h0;
  parameter [319:0] INITVAL_1C = 320'h0;
  parameter [319:0] INITVAL_1D = 320'h0;
  parameter [319:0] INITVAL_1E = 320'h0;
  parameter [319:0] INITVAL_1F = 320'h0;
  parameter [319:0] INITVAL_20 = 320'h0;
  parameter [319:0] INITVAL_21 = 320'h0;
  parameter [319:0] INITVAL_22 = 320'h0;
  parameter [319:0] INITVAL_23 = 320'h0;
  parameter [319:0] INITVAL_24 = 320'h0;
  parameter [319:0] INITVAL_25 = 320'h0;
  parameter [319:0] INITVAL_26 = 320'h0;
  parameter [319:0] INITVAL_27 = 320'h0;
  parameter [319:0] INITVAL_28 = 320'h0;
  parameter [319:0] INITVAL_29 = 320'h0;
  parameter [319:0] INITVAL_2A = 320'h0;
  parameter [319:0] INITVAL_2B = 320'h0;
  parameter [319:0] INITVAL_2C = 320'h0;
  parameter [319:0] INITVAL_2D = 320'h0;
  parameter [319:0] INITVAL_2E = 320'h0;
  parameter [319:0] INITVAL_2F = 320'h0;
  parameter [319:0] INITVAL_30 = 320'h0;
  parameter [319:0] INITVAL_31 = 320'h0;
  parameter [319:0] INITVAL_32 = 320'h0;
  parameter [319:0] INITVAL_33 = 320'h0;
  parameter [319:0] INITVAL_34 = 320'h0;
  parameter [319:0] INITVAL_35 = 320'h0;
  parameter [319:0] INITVAL_36 = 320'h0;
  parameter [319:0] INITVAL_37 = 320'h0;
  parameter [319:0] INITVAL_38 = 320'h0;
  parameter [319:0] INITVAL_39 = 320'h0;
  parameter [319:0] INITVAL_3A = 320'h0;
  parameter [319:0] INITVAL_3B = 320'h0;
  parameter [319:0] INITVAL_3C = 320'h0;
  parameter [319:0] INITVAL_3D = 320'h0;
  parameter [319:0] INITVAL_3E = 320'h0;
  parameter [319:0] INITVAL_3F = 320'h0;
  parameter integer DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC", ASYNC_RESET_RELEASE =
        "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", CLKAMUX = "CLKA", CLKBMUX = "CLKB";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", GSR = "AUTO";
  if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || RESETMODE != "SYNC" || CLKAMUX != "CLKA"
      || CLKBMUX != "CLKB" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000") begin : g_check
    $error("DP16KD: only NOREG, synchronous reset and plain clocks and selects are modelled");
  end

  // Words of 20 bits, of which 18 are used: two bytes of 9.
  function automatic [16383:0] data_of(input [20479:0] raw);
    integer i;
    for (i = 0; i < 1024; i = i + 1) data_of[16*i +: 16] = {raw[20*i + 9 +: 8], raw[20*i +: 8]};
  endfunction
  function automatic [2047:0] parity_of(input [20479:0] raw);
    integer i;
    for (i = 0; i < 1024; i = i + 1) parity_of[2*i +: 2] = {raw[20*i + 17], raw[20*i + 8]};
  endfunction
  localparam [20479:0] RAW = {
      INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39,
      INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32,
      INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B,
      INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
      INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D,
      INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
      INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F,
      INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
      INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01,
      INITVAL_00
  };
  localparam WIDE_WRITE = DATA_WIDTH_A == 36, WIDE_READ = DATA_WIDTH_B == 36;

  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7,
        DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7,
        DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
        ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
        ADB1, ADB0};
  wire [63:0] a_out, b_out;
  wire [7:0] a_parity, b_parity;
  // Writes of 18 and 36 bits take their byte enables from the low address bits.
  wire [7:0] a_we = {8{WEA}} & (DATA_WIDTH_A == 36 ? 8'(ada[3:0]) : DATA_WIDTH_A == 18 ?
        8'(ada[1:0]) : 8'h1);
  wire [7:0] b_we = {8{WEB}} & (DATA_WIDTH_B == 36 ? 8'h0 : DATA_WIDTH_B == 18 ? 8'(adb[1:0]) :
        8'h1);
  localparam A_MODE = WRITEMODE_A == "WRITETHROUGH" ? "WRITE_FIRST"
                    : WRITEMODE_A == "READBEFOREWRITE" ? "READ_FIRST" : "NO_CHANGE";
  localparam B_MODE = WRITEMODE_B == "WRITETHROUGH" ? "WRITE_FIRST"
                    : WRITEMODE_B == "READBEFOREWRITE" ? "READ_FIRST" : "NO_CHANGE";
  bnn_block_ram #(
      .BYTES(2048), .ADDR_BITS(14), .INIT(data_of(RAW)), .INITP(parity_of(RAW)),
      .A_READ(WIDE_WRITE ? 0 : DATA_WIDTH_A), .A_WRITE(DATA_WIDTH_A), .A_MODE(A_MODE),
      .B_READ(DATA_WIDTH_B), .B_WRITE(WIDE_READ || WIDE_WRITE ? 0 : DATA_WIDTH_B), .B_MODE(B_MODE)
  ) core (
      .a_clk(CLKA), .a_en(CEA), .a_we(a_we), .a_rst(RSTA), .a_rst_gated(1'b0), .a_addr(ada),
      .a_in(WIDE_WRITE ? 64'({dib[16:9], dib[7:0], dia[16:9], dia[7:0]}) : 64'({dia[16:9],
            dia[7:0]})),
      .a_in_parity(WIDE_WRITE ? 8'({dib[17], dib[8], dia[17], dia[8]}) : 8'({dia[17], dia[8]})),
      .a_out(a_out), .a_out_parity(a_parity),
      .b_clk(CLKB), .b_en(CEB), .b_we(b_we), .b_rst(RSTB), .b_rst_gated(1'b0), .b_addr(adb),
      .b_in(64'({dib[16:9], dib[7:0]})), .b_in_parity(8'({dib[17], dib[8]})),
      .b_out(b_out), .b_out_parity(b_parity)
  );
  // A word of 36 bits leaves on both sides, its low half on A.
  wire [17:0] b_low = {b_parity[1], b_out[15:8], b_parity[0], b_out[7:0]};
  wire [17:0] b_high = {b_parity[3], b_out[31:24], b_parity[2], b_out[23:16]};
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
        DOA4, DOA3, DOA2, DOA1, DOA0}
      = WIDE_READ ? b_low : {a_parity[1], a_out[15:8], a_parity[0], a_out[7:0]};
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
        DOB4, DOB3, DOB2, DOB1, DOB0}
      = WIDE_READ ? b_high : b_low;
  wire unused = &{1'b0, OCEA, OCEB, CSA0, CSA1, CSA2, CSB0, CSB1, CSB2, a_out, b_out, a_parity,
        b_parity};
endmodule
