// config_loop: bnn_config_gate with one node, whose memory the frames behind a queue read.
//
// s_axis: frames of IN_WORDS addresses, above them the context that the frame names (8 bits), 0 for
// all: it reads the first. m_axis: each address, and above it a bit that tells whether the memory
// gave another word than for the frame's first address. All words of a context's load are equal, so
// that a frame which met two loads has the bit set. A word leaves each fourth cycle at most: many
// frames are inside when a load begins.
module config_loop #(
    parameter int IN_WORDS = 3,
    parameter int ROW_BITS = 3,
    parameter int LONGEST  = 4,
    parameter int CONTEXTS = 1,
    parameter     LOADED_FILE = ""
) (
    input  logic                         ap_clk,
    input  logic                         ap_rst_n,
    input  logic [31:0]                  s_axis_cfg_tdata,
    input  logic                         s_axis_cfg_tvalid,
    output logic                         s_axis_cfg_tready,
    input  logic [(ROW_BITS+15)/8*8-1:0] s_axis_tdata,
    input  logic                         s_axis_tvalid,
    output logic                         s_axis_tready,
    output logic [(ROW_BITS+8)/8*8-1:0]  m_axis_tdata,
    output logic                         m_axis_tvalid,
    input  logic                         m_axis_tready
);

  localparam int ROWS  = 2 ** ROW_BITS;
  localparam int COUNT = IN_WORDS > 1 ? $clog2(IN_WORDS) : 1;

  logic [34:0] out, back;
  logic [32+43:0] cfg;
  logic [31:0] status, loaded;
  logic [15:0] contents[CONTEXTS*ROWS];
  logic [15:0] found, first;
  logic [COUNT-1:0] word;
  logic [(ROW_BITS+15)/8*8-1:0] address;
  logic [7:0] name;
  logic valid, ready, queued, taken, last;
  logic [1:0] rest;

  bnn_config_gate #(
      .IN_WORDS(IN_WORDS), .LONGEST(LONGEST), .TOTAL(ROWS), .CONTEXTS(CONTEXTS),
      .LOADED_FILE(LOADED_FILE)
  ) gate (
      .which(8'd0), .loaded, .s_name(s_axis_tdata[ROW_BITS+:8]),
      .ap_clk, .ap_rst_n, .s_axis_cfg_tdata, .s_axis_cfg_tvalid, .s_axis_cfg_tready, .status,
      .cfg_out(out), .cfg_in(back), .s_valid(s_axis_tvalid), .s_ready(s_axis_tready),
      .m_valid(valid), .m_ready(ready), .frame_out(taken && last)
  );
  bnn_config_node #(.WORD_BITS(32), .ROWS(192'(ROWS)), .CHUNKS(128'd1), .CONTEXTS(CONTEXTS)) node (
      .passes(15'd0), .ap_clk, .ap_rst_n, .cfg_in(out), .cfg_out(back), .cfg
  );
  bnn_fifo #(.BITS(ROW_BITS + 8), .DEPTH(60)) queue (
      .ap_clk, .ap_rst_n, .s_axis_tdata, .s_axis_tvalid(valid), .s_axis_tready(ready),
      .m_axis_tdata(address), .m_axis_tvalid(queued), .m_axis_tready(taken)
  );

  initial for (int i = 0; i < CONTEXTS * ROWS; i++) contents[i] = '0;
  always_ff @(posedge ap_clk) if (cfg[60]) contents[cfg[32+:24]] <= cfg[15:0];

  assign name  = address[ROW_BITS+:8];
  assign found = contents[(name == '0 ? 0 : 32'(name) - 1) * ROWS + 32'(address[ROW_BITS-1:0])];
  assign m_axis_tvalid = queued && rest == '0;
  assign taken = m_axis_tvalid && m_axis_tready;
  assign last  = word == COUNT'(IN_WORDS - 1);
  assign m_axis_tdata = {word != '0 && found != first, address[ROW_BITS-1:0]};
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) rest <= '0;
    else if (taken) rest <= '1;
    else if (rest != '0) rest <= rest - 1'b1;
    if (!ap_rst_n) word <= '0;
    else if (taken) word <= last ? '0 : word + 1'b1;
    if (taken && word == '0) first <= found;
  end

endmodule : config_loop
