// bnn_mvau_rom: a memory read from a file, one word a cycle.
//
//   q = memory[addr], one enabled cycle later; with DEPTH 1 the word itself, a constant, at once.
//
// The registered read lets synthesis take block RAM or LUTs: RAM_STYLE is "block", "distributed" or,
// for the tool to choose, "auto". A single word becomes constants that fold into the logic behind it
// (the hard-wired form of an unfolded layer). "ultra" is UltraRAM, which has no contents at the start:
// only a memory that can be written stands there, and what it holds has to be loaded.
// FILE: $readmemh text, one word a line. In simulation it is read at time zero, so that one build
// serves any contents.
module bnn_mvau_rom #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int MEMORY   = 0,   // number of this memory in its node
`endif
    parameter int BITS  = 8,
    parameter int DEPTH = 1,
    parameter     FILE  = "",
    /* verilator lint_off UNUSEDPARAM */  // an attribute, which only synthesis reads
    parameter     RAM_STYLE = "auto",
    /* verilator lint_on UNUSEDPARAM */
    localparam int ADDR_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
`endif
    input  logic                 ap_clk,
    input  logic                 en,
    input  logic [ADDR_BITS-1:0] addr,
    output logic [BITS-1:0]      q
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < 1) begin : g_check_1
    $error("bnn_mvau_rom: BITS = %0d must be at least 1", BITS);
  end
  if (DEPTH < 1) begin : g_check_2
    $error("bnn_mvau_rom: DEPTH = %0d must be at least 1", DEPTH);
  end
`endif

  (* ram_style = RAM_STYLE, rom_style = RAM_STYLE *) logic [BITS-1:0] memory[DEPTH];
`ifdef HW_BNN_CONFIG
  if (RAM_STYLE != "ultra") begin : g_filled
    initial $readmemh(FILE, memory);
  end
  localparam int CHUNKED = (BITS + 31) / 32 * 32;  // the word stands in the highest chunks
  always_ff @(posedge ap_clk)
    if (cfg[CFG_WORD+28] && cfg[CFG_WORD+24+:4] == 4'(MEMORY))
      memory[cfg[CFG_WORD+:ADDR_BITS]] <= cfg[CFG_WORD-CHUNKED+:BITS];
`else
  initial $readmemh(FILE, memory);
`endif

  if (DEPTH == 1) begin : g_constant
`ifdef __ICARUS__
    always_ff @(posedge ap_clk) q <= memory[0];  // $readmemh does not wake up an assign there
`else
    assign q = memory[0];
`endif
    logic unused;
    assign unused = &{1'b0, ap_clk, en, addr};
  end else begin : g_rom
    always_ff @(posedge ap_clk) if (en) q <= memory[addr];
  end

endmodule : bnn_mvau_rom
