// A memory for block RAM: MODE 0 reads the old word, 1 the written one, 2 keeps its output at a write,
// 3 has an address of its own for writing, 4 is never written (a ROM), 5 is 3 with an enable for each
// byte of 9 bits.
module ram #(
  parameter integer BITS = 9,
  parameter integer ADDR = 11,
  parameter integer MODE = 0,
  parameter FILE = "ram.hex"
) (
  input  wire            clk,
  input  wire            en,
  input  wire            we,
  input  wire [1:0]      be,
  input  wire [ADDR-1:0] addr,
  input  wire [ADDR-1:0] waddr,
  input  wire [BITS-1:0] d,
  output reg  [BITS-1:0] q
);
  (* ram_style = "block", syn_ramstyle = "block_ram" *) reg [BITS-1:0] memory [0:(1 << ADDR)-1];
  initial $readmemh(FILE, memory);
  generate
    if (MODE == 0) always @(posedge clk) if (en) begin
      q <= memory[addr];
      if (we) memory[addr] <= d;
    end
    if (MODE == 1) always @(posedge clk) if (en) begin
      if (we) begin
        memory[addr] <= d;
        q <= d;
      end else q <= memory[addr];
    end
    if (MODE == 2) always @(posedge clk) if (en) begin
      if (we) memory[addr] <= d;
      else q <= memory[addr];
    end
    if (MODE == 3) begin
      always @(posedge clk) if (en) q <= memory[addr];
      always @(posedge clk) if (en && we) memory[waddr] <= d;
    end
    if (MODE == 5) begin
      always @(posedge clk) if (en) q <= memory[addr];
      always @(posedge clk) if (en && we) begin
        if (be[0]) memory[waddr][8:0] <= d[8:0];
        if (be[1]) memory[waddr][17:9] <= d[17:9];
      end
    end
    if (MODE == 4) always @(posedge clk) if (en) q <= memory[addr];
  endgenerate
endmodule
