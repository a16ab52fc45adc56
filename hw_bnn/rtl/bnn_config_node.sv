// bnn_config_node: a node's place in the chain that carries new contents of memories.
//
// The chain's word, one register a node, without a handshake; bnn_config_gate sends it:
//
//   63:0 data | 65:64 kind: 0 none, 1 header, 2 trial, 3 write | 66 last of the packet | 67 taken
//
// A header (laid out there) with this NODE chooses one of its memories and a row; bit 66 tells that
// writes follow it, not a trial. The data are memory words one after another, each CHUNKS chunks of
// 64 bits, its low bits first. A trial that has room in that memory, and whose last chunk ends a
// word, leaves with `taken` set, if it goes on where the last one written ended: at the next row of
// the same memory, or in a memory with a higher number. So nothing is written twice between two
// headers of node 0, which come in front of a load.
//
// cfg, for the memories: bit WORD_BITS+28 writes its low WORD_BITS bits to memory [WORD_BITS+24+:4]
// at row [WORD_BITS+:24]. Latency: 1 cycle through the chain, 2 from there to a memory.
module bnn_config_node #(
    parameter int NODE      = 1,
    parameter int WORD_BITS = 64,  // of the widest memory word
    parameter logic [8*24-1:0] ROWS   = '0,  // words of memory k at bit 24k; 0: there is none
    parameter logic [8*16-1:0] CHUNKS = '0   // chunks a word at bit 16k
) (
    input  logic                  ap_clk,
    input  logic                  ap_rst_n,
    input  logic [67:0]           cfg_in,
    output logic [67:0]           cfg_out,
    output logic [WORD_BITS+28:0] cfg
);

  localparam logic [1:0] HEAD = 2'd1, TRIAL = 2'd2, WRITE = 2'd3;
  localparam int WIDEST     = (WORD_BITS + 63) / 64;
  localparam int CHUNK_BITS = WIDEST > 1 ? $clog2(WIDEST) : 1;
  localparam int ROW_BITS   = most_row_bits();

  function automatic int most_row_bits();
    most_row_bits = 1;
    for (int k = 0; k < 8; k++)
      if ($clog2(32'(ROWS[24*k+:24]) + 1) > most_row_bits)
        most_row_bits = $clog2(32'(ROWS[24*k+:24]) + 1);
  endfunction

  logic selected, fits, ends_word, here, follows;
  logic write = 1'b0;  // nothing is written between the start and the first reset
  logic [2:0] memory, memory_out;
  logic [ROW_BITS-1:0] row, row_out, rows;
  logic [CHUNK_BITS-1:0] chunk, last_chunk;
  logic [WORD_BITS-1:0] word;

  always_comb begin
    rows       = '0;
    last_chunk = '0;
    for (int unsigned k = 0; k < 8; k++)
      if (memory == 3'(k) && ROWS[24*k+:24] != '0) begin
        rows       = ROW_BITS'(ROWS[24*k+:24]);
        last_chunk = CHUNK_BITS'(CHUNKS[16*k+:16] - 16'd1);
      end
  end

  assign ends_word = chunk == last_chunk;
  assign fits      = selected && row < rows && (ends_word || !cfg_in[66]);

  // A trial moves row and memory, too; the header in front of the writes sets them back.
  assign here    = cfg_in[55:44] == 12'($unsigned(NODE));
  assign follows = cfg_in[66] || (cfg_in[42:40] == memory ? cfg_in[39:16] == 24'(row)
                                                           : cfg_in[42:40] > memory);

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      cfg_out  <= '0;
      selected <= 1'b0;
      write    <= 1'b0;
    end else begin
      cfg_out <= {cfg_in[67] || (cfg_in[65:64] == TRIAL && fits), cfg_in[66:0]};
      if (cfg_in[65:64] == HEAD)
        selected <= here && !cfg_in[43] && follows;
      write <= cfg_in[65:64] == WRITE && fits && ends_word;
    end
  end

  always_ff @(posedge ap_clk) begin
    if (cfg_in[65:64] == HEAD) begin
      chunk <= '0;
      if ((here && follows) || cfg_in[55:44] == '0) begin
        memory <= cfg_in[42:40];
        row    <= cfg_in[16+:ROW_BITS];
      end
    end else if (cfg_in[65] && selected) begin
      chunk <= ends_word ? '0 : chunk + 1'b1;
      if (ends_word) row <= row + 1'b1;
    end
    memory_out <= memory;
    row_out    <= row;
    for (int b = 0; b < WORD_BITS; b++)
      if (selected && cfg_in[65:64] == WRITE && chunk == CHUNK_BITS'(b / 64))
        word[b] <= cfg_in[b%64];
  end

  assign cfg = {write, 1'b0, memory_out, 24'(row_out), word};

endmodule : bnn_config_node
