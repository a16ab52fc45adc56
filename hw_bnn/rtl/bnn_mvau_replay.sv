// bnn_mvau_replay: the input side of a folded matrix-vector unit.
//
// A vector arrives as SF words and is used NF times, in the order
//
//   for nf in 0..NF-1:  for sf in 0..SF-1:  one step (nf, sf)
//
// The first pass (nf = 0) takes its words from the stream and keeps them; the later ones replay
// them. A step is made in each cycle with en = 1, except that the first pass waits for the stream;
// the next vector's first pass follows at once: exactly NF*SF cycles a vector, SF words taken.
// The step's indices (nf, addr = nf*SF + sf, vector = its number in the frame) are there in the
// cycle of the step, its data x_data one enabled cycle later, in step with memories read at addr;
// what an accumulator DELAY stages behind x_data has to know (acc_*) comes 1 + DELAY cycles later.
// REPLAY = 0: each step takes a word of its own, NF*SF words a vector, and none is kept.
// With CONTEXTS addr is NF*SF higher for each context before the pass's (bnn_context_queue).
module bnn_mvau_replay #(
`ifdef HW_BNN_CONFIG
    parameter int CONTEXTS  = 1,
`endif
    parameter int BITS      = 8,
    parameter int SF        = 1,
    parameter int NF        = 1,
    parameter int N_VECTORS = 1,
    parameter int DELAY     = 0,
    parameter bit REPLAY    = 1'b1,
`ifdef HW_BNN_CONFIG
    localparam int DEPTH        = CONTEXTS * NF * SF,
    localparam int CONTEXT_BITS = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1,
`else
    localparam int DEPTH       = NF * SF,
`endif
    localparam int ADDR_BITS   = DEPTH > 1 ? $clog2(DEPTH) : 1,
    localparam int NF_BITS     = NF > 1 ? $clog2(NF) : 1,
    localparam int VECTOR_BITS = N_VECTORS > 1 ? $clog2(N_VECTORS) : 1
) (
    input  logic                   ap_clk,
    input  logic                   ap_rst_n,
    input  logic                   en,

    input  logic                   s_valid,
    output logic                   s_ready,
    input  logic [BITS-1:0]        s_data,

    output logic [ADDR_BITS-1:0]   addr,
    output logic [NF_BITS-1:0]     nf,
    output logic [VECTOR_BITS-1:0] vector,
`ifdef HW_BNN_CONFIG
    input  logic [14:0]            passes,  // of bnn_frame_repeat
    output logic [CONTEXT_BITS-1:0] context_out,  // of the step
`endif

    output logic [BITS-1:0]        x_data,
    output logic                   acc_valid,
    output logic                   acc_first,  // sf = 0
    output logic                   acc_last    // sf = SF-1
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (BITS < 1) begin : g_check_1
    $error("bnn_mvau_replay: BITS = %0d must be at least 1", BITS);
  end
  if (SF < 1 || NF < 1) begin : g_check_2
    $error("bnn_mvau_replay: SF = %0d and NF = %0d must be at least 1", SF, NF);
  end
  if (N_VECTORS < 1) begin : g_check_3
    $error("bnn_mvau_replay: N_VECTORS = %0d must be at least 1", N_VECTORS);
  end
`endif

  localparam int SF_BITS = SF > 1 ? $clog2(SF) : 1;

  logic [SF_BITS-1:0] sf;
  logic [DELAY:0] valid, first, last;  // bit i: the step made 1 + i enabled cycles ago
  logic first_pass, step, last_sf, last_nf, last_step;

  assign s_ready = en && first_pass;
  assign step    = en && (!first_pass || s_valid);
  assign last_sf = SF == 1 || sf == SF_BITS'(SF - 1);
  assign last_nf = NF == 1 || nf == NF_BITS'(NF - 1);

  assign last_step = last_sf && last_nf;

  localparam int PLACE_BITS = NF * SF > 1 ? $clog2(NF * SF) : 1;
  logic [PLACE_BITS-1:0] place;  // nf*SF + sf
`ifdef HW_BNN_CONFIG
  if (CONTEXTS > 1) begin : g_contexts
    logic last_vector, last_pass;
    assign last_vector = N_VECTORS == 1 || vector == VECTOR_BITS'(N_VECTORS - 1);
    bnn_context_queue #(.BITS(CONTEXT_BITS)) u_queue (
        .ap_clk, .ap_rst_n, .passes, .ends(step && last_step && last_vector),
        .context_now(context_out), .last(last_pass)
    );
    logic [ADDR_BITS-1:0] base;
    bnn_context_base #(.CONTEXTS(CONTEXTS), .STRIDE(NF * SF), .BITS(ADDR_BITS)) u_base (
        .context_now(context_out), .base
    );
    assign addr = base + ADDR_BITS'(place);
    logic unused;
    assign unused = &{1'b0, last_pass};
  end else begin : g_one_context
    assign context_out = '0;
    assign addr        = place;
    logic unused;
    assign unused = &{1'b0, passes};
  end
`else
  assign addr = place;
`endif

  // nf = 0, in a register of its own: s_ready goes on into the streams before this unit.
  if (NF == 1 || !REPLAY) begin : g_one_pass
    assign first_pass = 1'b1;
  end else begin : g_passes
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) first_pass <= 1'b1;
      else if (step && last_sf) first_pass <= last_nf;
    end
  end

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      place  <= '0;
      sf     <= '0;
      nf     <= '0;
      vector <= '0;
      valid  <= '0;
    end else if (en) begin
      if (step) begin
        sf <= last_sf ? '0 : sf + 1'b1;
        if (last_sf) begin
          nf <= last_nf ? '0 : nf + 1'b1;
          if (N_VECTORS > 1 && last_nf)
            vector <= vector == VECTOR_BITS'(N_VECTORS - 1) ? '0 : vector + 1'b1;
        end
        place <= last_step ? '0 : place + 1'b1;
      end
      valid <= (DELAY + 1)'({valid, step});
    end
  end

  always_ff @(posedge ap_clk) begin
    if (en) begin
      first <= (DELAY + 1)'({first, sf == '0});
      last  <= (DELAY + 1)'({last, last_sf});
    end
  end

  assign acc_valid = valid[DELAY];
  assign acc_first = SF == 1 || first[DELAY];
  assign acc_last  = SF == 1 || last[DELAY];

  if (NF == 1 || !REPLAY) begin : g_pass
    always_ff @(posedge ap_clk) if (en) x_data <= s_data;
  end else if (SF == 1) begin : g_hold
    always_ff @(posedge ap_clk) if (s_ready) x_data <= s_data;
  end else begin : g_replay
    logic [BITS-1:0] memory[SF];
    logic [BITS-1:0] fresh, kept;
    logic from_stream;
    always_ff @(posedge ap_clk) begin
      if (s_ready) memory[sf] <= s_data;
      if (en) begin
        kept        <= memory[sf];
        fresh       <= s_data;
        from_stream <= first_pass;
      end
    end
    assign x_data = from_stream ? fresh : kept;
  end

endmodule : bnn_mvau_replay
