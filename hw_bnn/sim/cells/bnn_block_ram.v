// bnn_block_ram: the memory inside a block RAM cell: two ports of any width on one array of 9-bit
// bytes.
//
// A port of width 1, 2 or 4 addresses bits of the bytes' low 8; of 9, 18, 36 or 72 whole bytes,
// with one write enable a byte. Addresses count bits of 8-bit bytes. A port's output after an edge
// with its enable: the reset value (reset over all), the old word (READ_FIRST, or no write), the
// new word (WRITE_FIRST), or what it was (NO_CHANGE and a write). Between ports a read sees the old
// word. WIDTH 0: the port does not read, or does not write.
module bnn_block_ram #(
    parameter integer BYTES = 2048,
    parameter integer ADDR_BITS = 14,
    parameter [8*BYTES-1:0] INIT = 0,
    parameter [BYTES-1:0] INITP = 0,
    parameter integer A_READ = 0, A_WRITE = 0, B_READ = 0, B_WRITE = 0,
    parameter A_MODE = "WRITE_FIRST", B_MODE = "WRITE_FIRST",
    parameter [71:0] A_START = 0, A_RESET = 0, B_START = 0, B_RESET = 0
) (
    input  wire                 a_clk, a_en, a_rst, a_rst_gated, b_clk, b_en, b_rst, b_rst_gated,
    input  wire [7:0]           a_we, b_we,
    input  wire [ADDR_BITS-1:0] a_addr, b_addr,
    input  wire [63:0]          a_in, b_in,
    input  wire [7:0]           a_in_parity, b_in_parity,
    output reg  [63:0]          a_out, b_out,
    output reg  [7:0]           a_out_parity, b_out_parity
);
  reg [8:0] memory [0:BYTES-1];
  integer i;
  initial begin
    for (i = 0; i < BYTES; i = i + 1) memory[i] = {INITP[i], INIT[8*i +: 8]};
    {a_out_parity, a_out} = A_START;
    {b_out_parity, b_out} = B_START;
  end

  // Bytes of a word of this width, and its first byte.
  function automatic integer bytes_of(input integer width);
    bytes_of = width < 9 ? 1 : width / 9;
  endfunction
  function automatic integer first_of(input [ADDR_BITS-1:0] addr, input integer width);
    first_of = 32'(addr >> 3) & ~(bytes_of(width) - 1);
  endfunction
  // The lowest bit within a byte that a narrow word has.
  function automatic [2:0] bit_of(input [ADDR_BITS-1:0] addr, input integer width);
    bit_of = width < 9 ? addr[2:0] & ~3'(width - 1) : 3'd0;
  endfunction

  // Port a.
  wire a_writes = A_WRITE != 0 && a_en && |a_we;
  always @(posedge a_clk) begin : port_a
    integer k;
    reg [8:0] old, now;
    if (a_en) begin
      for (k = 0; k < bytes_of(A_WRITE); k = k + 1)
        if (A_WRITE != 0 && a_we[A_WRITE < 9 ? 0 : k]) begin
          if (A_WRITE < 9) begin
            now = memory[first_of(a_addr, A_WRITE)];
            for (i = 0; i < A_WRITE; i = i + 1) now[32'(bit_of(a_addr, A_WRITE)) + i] = a_in[i];
          end else now = {a_in_parity[k], a_in[8*k +: 8]};
          memory[first_of(a_addr, A_WRITE) + k] <= now;
        end
      if (A_READ != 0 && !(a_writes && A_MODE == "NO_CHANGE")) begin
        a_out <= 0;
        a_out_parity <= 0;
        for (k = 0; k < bytes_of(A_READ); k = k + 1) begin
          old = memory[first_of(a_addr, A_READ) + k];
          if (A_MODE == "WRITE_FIRST" && A_WRITE == A_READ && A_WRITE != 0
              && a_we[A_READ < 9 ? 0 : k]) begin
            if (A_READ < 9)
              for (i = 0; i < A_WRITE; i = i + 1) old[32'(bit_of(a_addr, A_READ)) + i] = a_in[i];
            else old = {a_in_parity[k], a_in[8*k +: 8]};
          end
          if (A_READ < 9) a_out <= 64'(old[7:0] >> bit_of(a_addr, A_READ)) & ((64'd1 << A_READ) -
                1);
          else begin
            a_out[8*k +: 8] <= old[7:0];
            a_out_parity[k] <= old[8];
          end
        end
      end
    end
    if (a_rst && (a_en || !a_rst_gated)) {a_out_parity, a_out} <= A_RESET;
  end
  if (A_MODE == "WRITE_FIRST" && A_READ != A_WRITE && A_READ != 0 && A_WRITE != 0)
  begin : g_check_a
    $error("bnn_block_ram: a port that reads and writes in different widths is not modelled");
  end

  // Port b.
  wire b_writes = B_WRITE != 0 && b_en && |b_we;
  always @(posedge b_clk) begin : port_b
    integer k;
    reg [8:0] old, now;
    if (b_en) begin
      for (k = 0; k < bytes_of(B_WRITE); k = k + 1)
        if (B_WRITE != 0 && b_we[B_WRITE < 9 ? 0 : k]) begin
          if (B_WRITE < 9) begin
            now = memory[first_of(b_addr, B_WRITE)];
            for (i = 0; i < B_WRITE; i = i + 1) now[32'(bit_of(b_addr, B_WRITE)) + i] = b_in[i];
          end else now = {b_in_parity[k], b_in[8*k +: 8]};
          memory[first_of(b_addr, B_WRITE) + k] <= now;
        end
      if (B_READ != 0 && !(b_writes && B_MODE == "NO_CHANGE")) begin
        b_out <= 0;
        b_out_parity <= 0;
        for (k = 0; k < bytes_of(B_READ); k = k + 1) begin
          old = memory[first_of(b_addr, B_READ) + k];
          if (B_MODE == "WRITE_FIRST" && B_WRITE == B_READ && B_WRITE != 0
              && b_we[B_READ < 9 ? 0 : k]) begin
            if (B_READ < 9)
              for (i = 0; i < B_WRITE; i = i + 1) old[32'(bit_of(b_addr, B_READ)) + i] = b_in[i];
            else old = {b_in_parity[k], b_in[8*k +: 8]};
          end
          if (B_READ < 9) b_out <= 64'(old[7:0] >> bit_of(b_addr, B_READ)) & ((64'd1 << B_READ) -
                1);
          else begin
            b_out[8*k +: 8] <= old[7:0];
            b_out_parity[k] <= old[8];
          end
        end
      end
    end
    if (b_rst && (b_en || !b_rst_gated)) {b_out_parity, b_out} <= B_RESET;
  end
  if (B_MODE == "WRITE_FIRST" && B_READ != B_WRITE && B_READ != 0 && B_WRITE != 0)
  begin : g_check_b
    $error("bnn_block_ram: a port that reads and writes in different widths is not modelled");
  end

endmodule
