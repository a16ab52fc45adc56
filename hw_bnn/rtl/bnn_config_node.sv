// bnn_config_node: a node's place in the chain that carries new contents of memories.
//
// The chain's word, one register a node, without a handshake; bnn_config_gate sends it:
//
//   31:0 data | 32 data are contents | 33 a packet ends | 34 a context's load begins, 7:0 which
//
// Behind the begin of a load a node takes the contents that come until its memories are full, in
// the order of their numbers, each from its first row to its last; what comes then goes on to the
// next node. A memory word is CHUNKS words of the chain, its low bits first. So a load goes to each
// place once, in one order, and needs no addresses. With CONTEXTS a memory has ROWS words for each,
// one context's behind another's.
//
// cfg, for the memories: bit WORD_BITS+28 writes a word to memory [WORD_BITS+24+:4] at row
// [WORD_BITS+:24]. The word's chunks are the highest ones of the low WORD_BITS bits (all, of the
// widest memory's). Bits [WORD_BITS+29+:15] are `passes` (bnn_context_queue). Latency: 1 cycle through
// the chain, 2 from there to a memory.
module bnn_config_node #(
    parameter int WORD_BITS = 32,  // of the widest memory word, in whole chunks of 32
    parameter logic [8*24-1:0] ROWS   = '0,  // words of memory k at bit 24k; 0: there is none
    parameter logic [8*16-1:0] CHUNKS = '0,  // chunks a word at bit 16k
    parameter int CONTEXTS  = 1
) (
    input  logic                  ap_clk,
    input  logic                  ap_rst_n,
    input  logic [34:0]           cfg_in,
    output logic [34:0]           cfg_out,
    input  logic [14:0]           passes,
    output logic [WORD_BITS+43:0] cfg
);

  localparam int CHUNK_BITS = WORD_BITS > 32 ? $clog2(WORD_BITS / 32) : 1;
  localparam int ROW_BITS   = most_row_bits();
  localparam int CONTEXT_BITS = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1;
  localparam logic [3:0] FIRST = next_memory(4'd0);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (WORD_BITS < 32 || WORD_BITS % 32 != 0) begin : g_check_1
    $error("bnn_config_node: WORD_BITS = %0d is not a multiple of 32", WORD_BITS);
  end
`endif

  function automatic int most_row_bits();
    most_row_bits = 1;
    for (int k = 0; k < 8; k++)
      if ($clog2($unsigned(CONTEXTS) * 32'(ROWS[24*k+:24])) > most_row_bits)
        most_row_bits = $clog2($unsigned(CONTEXTS) * 32'(ROWS[24*k+:24]));
  endfunction

  // The first memory from this number on, 8 for none.
  function automatic logic [3:0] next_memory(input logic [3:0] from);
    next_memory = 4'd8;
    for (int unsigned k = 8; k > 0; k--)
      if (k - 1 >= 32'(from) && ROWS[24*(k-1)+:24] != '0) next_memory = 4'(k - 1);
  endfunction

  // A context's first row of a memory: a table.
  function automatic logic [ROW_BITS-1:0] first_row(
      input logic [3:0] of_memory, input logic [CONTEXT_BITS-1:0] of_context
  );
    first_row = '0;
    for (int unsigned k = 0; k < 8; k++)
      for (int unsigned c = 0; c < $unsigned(CONTEXTS); c++)
        if (of_memory == 4'(k) && of_context == CONTEXT_BITS'(c))
          first_row = first_row | ROW_BITS'(c * 32'(ROWS[24*k+:24]));
  endfunction

  logic take, ends_word, ends_memory;
  logic write = 1'b0;  // nothing is written between the start and the first reset
  logic [3:0] memory, after, memory_out;  // 8: all are full
  logic [ROW_BITS-1:0] row, row_out, last_row;
  logic [CONTEXT_BITS-1:0] context_in, coming;
  logic [CHUNK_BITS-1:0] chunk, last_chunk;
  logic [WORD_BITS-1:0] word;

  always_comb begin
    last_row   = '0;
    last_chunk = '0;
    after      = 4'd8;
    for (int unsigned k = 0; k < 8; k++)
      if (ROWS[24*k+:24] != '0 && memory == 4'(k)) begin
        last_row   = first_row(4'(k), context_in) + ROW_BITS'(ROWS[24*k+:24] - 24'd1);
        last_chunk = CHUNK_BITS'(CHUNKS[16*k+:16] - 16'd1);
        after      = next_memory(4'(k + 1));
      end
  end

  assign coming      = CONTEXTS > 1 ? cfg_in[CONTEXT_BITS-1:0] : '0;
  assign take        = cfg_in[32] && memory != 4'd8;
  assign ends_word   = chunk == last_chunk;
  assign ends_memory = ends_word && row == last_row;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      cfg_out <= '0;
      write   <= 1'b0;
    end else begin
      cfg_out <= {cfg_in[34:33], cfg_in[32] && !take, cfg_in[31:0]};
      write   <= take && ends_word;
    end
  end

  always_ff @(posedge ap_clk) begin
    if (cfg_in[34]) begin
      chunk      <= '0;
      row        <= first_row(FIRST, coming);
      memory     <= FIRST;
      context_in <= coming;
    end else if (take) begin
      chunk <= ends_word ? '0 : chunk + 1'b1;
      if (ends_word) row <= ends_memory ? first_row(after, context_in) : row + 1'b1;
      if (ends_memory) memory <= after;
    end
    memory_out <= memory;
    row_out    <= row;
    if (cfg_in[32]) word <= WORD_BITS'({cfg_in[31:0], word} >> 32);
  end

  assign cfg = {passes, write, memory_out, 24'(row_out), word};

endmodule : bnn_config_node
