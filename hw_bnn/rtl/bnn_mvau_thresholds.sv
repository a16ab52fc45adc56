// bnn_mvau_thresholds: the threshold word that belongs to an output word.
//
//   q = memory[set * NF + nf],  set = SETS_FILE[vector] (0 where N_SETS = 1)
//
// A set is chosen by the vector's position in the frame: that is how sums over a window that
// reaches into zero padding get thresholds of their own. nf and vector are those of the current
// step; q follows 2 + DELAY enabled cycles later, in step with an accumulator DELAY stages deep.
// STAGE = 1 makes the last of them a register behind the memory, for block RAMs that answer late.
module bnn_mvau_thresholds #(
`ifdef HW_BNN_CONFIG
    parameter int CFG_WORD = 64,  // WORD_BITS of bnn_config_node
    parameter int MEMORY   = 1,   // number of this memory in its node
    parameter int CONTEXTS = 1,
`endif
    parameter int BITS      = 8,
    parameter int NF        = 1,
    parameter int N_SETS    = 1,
    parameter int N_VECTORS = 1,
    parameter int DELAY     = 0,
    parameter bit STAGE     = 1'b0,
    parameter     FILE      = "",
    parameter     SETS_FILE = "",
    parameter     RAM_STYLE = "auto",  // of mvau_rom
`ifdef HW_BNN_CONFIG
    localparam int CONTEXT_BITS = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1,
`endif
    localparam int NF_BITS     = NF > 1 ? $clog2(NF) : 1,
    localparam int VECTOR_BITS = N_VECTORS > 1 ? $clog2(N_VECTORS) : 1
) (
`ifdef HW_BNN_CONFIG
    input  logic [CFG_WORD+43:0] cfg,  // of bnn_config_node
    input  logic [CONTEXT_BITS-1:0] context_in,  // adds N_SETS * NF to the address for each
`endif
    input  logic                   ap_clk,
    input  logic                   en,
    input  logic [NF_BITS-1:0]     nf,
    input  logic [VECTOR_BITS-1:0] vector,
    output logic [BITS-1:0]        q
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (N_SETS < 1) begin : g_check_1
    $error("bnn_mvau_thresholds: N_SETS = %0d must be at least 1", N_SETS);
  end
  if (DELAY < 0) begin : g_check_2
    $error("bnn_mvau_thresholds: DELAY = %0d must not be negative", DELAY);
  end
  if (STAGE && DELAY < 1) begin : g_check_3
    $error("bnn_mvau_thresholds: STAGE is one of DELAY = %0d stages", DELAY);
  end
`endif

`ifdef HW_BNN_CONFIG
  localparam int DEPTH     = CONTEXTS * N_SETS * NF;
`else
  localparam int DEPTH     = N_SETS * NF;
`endif
  localparam int ADDR_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int SET_BITS  = N_SETS > 1 ? $clog2(N_SETS) : 1;

  localparam int BEFORE    = DELAY - 32'(STAGE);  // stages of the address

  logic [ADDR_BITS-1:0] addr;
  logic [BITS-1:0] word;

  if (DEPTH == 1) begin : g_one
    assign addr = '0;
    logic unused;
    assign unused = &{1'b0, nf, vector};
  end else begin : g_address
    logic [ADDR_BITS-1:0] next_addr, base;
`ifdef HW_BNN_CONFIG
    if (CONTEXTS > 1) begin : g_base
      bnn_context_base #(.CONTEXTS(CONTEXTS), .STRIDE(N_SETS * NF), .BITS(ADDR_BITS)) u_base (
          .context_now(context_in), .base
      );
    end else begin : g_no_base
      assign base = '0;
    end
`else
    assign base = '0;
`endif
    logic [ADDR_BITS-1:0] delayed[BEFORE+1];

    if (N_SETS == 1) begin : g_same
      assign next_addr = base + ADDR_BITS'(nf);
      logic unused;
      assign unused = &{1'b0, vector};
    end else begin : g_sets
      logic [SET_BITS-1:0] sets[N_VECTORS];
      initial $readmemh(SETS_FILE, sets);
      logic [SET_BITS-1:0] set;
      assign set = sets[vector];
      assign next_addr = base + ADDR_BITS'(32'(set) * NF + 32'(nf));
    end

    always_ff @(posedge ap_clk) begin
      if (en) begin
        delayed[0] <= next_addr;
        for (int i = 1; i <= BEFORE; i++) delayed[i] <= delayed[i-1];
      end
    end
    assign addr = delayed[BEFORE];
  end

`ifdef HW_BNN_CONFIG
  bnn_mvau_rom #(
      .CFG_WORD(CFG_WORD), .MEMORY(MEMORY),
      .BITS(BITS), .DEPTH(DEPTH), .FILE(FILE), .RAM_STYLE(RAM_STYLE)
  ) u_rom (
      .cfg, .ap_clk, .en, .addr, .q(word)
  );
`else
  bnn_mvau_rom #(.BITS(BITS), .DEPTH(DEPTH), .FILE(FILE), .RAM_STYLE(RAM_STYLE)) u_rom (
      .ap_clk, .en, .addr, .q(word)
  );
`endif

`ifdef HW_BNN_CONFIG
  logic unused_context;
  assign unused_context = &{1'b0, context_in};
`endif

  if (STAGE && DEPTH > 1) begin : g_stage
    always_ff @(posedge ap_clk) if (en) q <= word;
  end else begin : g_no_stage
    assign q = word;
  end

endmodule : bnn_mvau_thresholds
