// bnn_shell_control: a run from its start to its end, and what is told of it.
//
//   IDLE -> PREPARE (RESET_CYCLES: the engine, which is the core, the DMAs and what is between, is in reset,
//   and the run's parameters are checked) -> LAUNCH -> RUN -> IDLE; RUN -> DRAIN -> IDLE by an abort
//
// The engine is out of reset from LAUNCH to the run's end alone, so that every run starts from the same
// state whatever came before. A core that takes words of its config port between runs (AWAKE = 1) is out
// of reset but for RESET_CYCLES behind each run; not behind one that ends well while words are on their way
// (config_busy), which would be lost: an abort breaks a load off.
//
// A run ends when the core took all input words and all output words are in memory. An abort ends it when
// nothing is outstanding on the memory port; while memory does not answer, that is never, since AXI4 knows
// no way to withdraw a burst.
module bnn_shell_control
  import bnn_shell_regs::*;
#(
    parameter int DATA_BITS    = 64,
    parameter int ADDR_BITS    = 32,
    parameter int IN_STRIDE    = 1,
    parameter int OUT_STRIDE   = 1,
    parameter int RESET_CYCLES = 16,
    parameter bit AWAKE        = 1'b0,
    parameter int BEAT_BYTES   = DATA_BITS / 8,
    parameter int BEAT_BITS    = ADDR_BITS - $clog2(DATA_BITS / 8)
) (
    input  logic                   ap_clk,
    input  logic                   ap_rst_n,

    input  logic                   start,
    input  logic                   abort,
    input  logic [63:0]            source,
    input  logic [31:0]            source_words,
    input  logic [63:0]            target,
    input  logic [31:0]            target_words,
    output logic                   idle,
    output logic                   aborting,
    output logic                   ended,
    output logic [STATUS_BITS-1:0] status,
    output logic [63:0]            cycles,
    output logic [31:0]            words_in,
    output logic [31:0]            words_out,

    output logic                   engine_rst_n,
    output logic                   core_rst_n,
    input  logic                   config_busy,
    output logic                   launch,       // for one cycle: the parameters below hold
    output logic                   stop,
    output logic [31:0]            in_words,
    output logic [31:0]            out_words,
    output logic [BEAT_BITS-1:0]   in_place,
    output logic [BEAT_BITS-1:0]   out_place,
    output logic [BEAT_BITS:0]     in_beats,
    output logic [BEAT_BITS:0]     out_beats,
    output logic [BEAT_BYTES-1:0]  last_strobe,
    input  logic                   word_in,      // the core takes a word
    input  logic                   word_out,     // the core gives a word
    input  logic                   read_idle,
    input  logic [1:0]             read_error,
    input  logic                   write_done,
    input  logic                   write_idle,
    input  logic [1:0]             write_error
);

  localparam int LOW_BITS = $clog2(BEAT_BYTES);
  localparam int WIDE     = 64;  // of byte counts: 32-bit words of up to 2^24 bytes do not overflow

  typedef enum logic [2:0] {IDLE, PREPARE, LAUNCH, RUN, DRAIN} state_t;
  state_t state;
  logic [$clog2(RESET_CYCLES+1)-1:0] waited;
  logic [63:0] from, to;
  logic [WIDE-1:0] in_bytes, out_bytes, in_end, out_end;
  logic bad_address, bad_words, all_in;
  logic give_up;  // an abort was asked for since the start

  assign idle     = state == IDLE;
  assign aborting = give_up || state == DRAIN;
  assign launch   = state == LAUNCH;
  assign stop     = state == DRAIN;

  // In PREPARE, a register stage each: the sums are there long before it ends.
  function automatic logic out_of_space(input logic [63:0] first, input logic [WIDE-1:0] last);
    // `last` is the byte after the buffer, so that 2^ADDR_BITS is still inside.
    out_of_space = first[LOW_BITS-1:0] != '0 || (first >> ADDR_BITS) != '0
                   || last > (WIDE'(1) << ADDR_BITS);
  endfunction

  always_ff @(posedge ap_clk) begin
    in_bytes    <= WIDE'(in_words) * IN_STRIDE;
    out_bytes   <= WIDE'(out_words) * OUT_STRIDE;
    in_end      <= from + in_bytes;
    out_end     <= to + out_bytes;
    bad_address <= out_of_space(from, in_end) || out_of_space(to, out_end);
    bad_words   <= in_words == '0 || out_words == '0;
    in_place    <= from[ADDR_BITS-1:LOW_BITS];
    out_place   <= to[ADDR_BITS-1:LOW_BITS];
    in_beats    <= (BEAT_BITS + 1)'((in_bytes + WIDE'(BEAT_BYTES - 1)) >> LOW_BITS);
    out_beats   <= (BEAT_BITS + 1)'((out_bytes + WIDE'(BEAT_BYTES - 1)) >> LOW_BITS);
    for (int i = 0; i < BEAT_BYTES; i++)
      last_strobe[i] <= out_bytes[LOW_BITS-1:0] == '0 || i < int'(out_bytes[LOW_BITS-1:0]);
  end

  always_ff @(posedge ap_clk) begin
    if (idle && start) begin
      from      <= source;
      to        <= target;
      in_words  <= source_words;
      out_words <= target_words;
    end
  end

  always_comb begin
    ended = 1'b0;
    case (state)
      PREPARE: ended = waited == '0 && (bad_address || bad_words);
      RUN:     ended = !give_up && all_in && write_done && read_idle;
      DRAIN:   ended = read_idle && write_idle;
      default: ;
    endcase
  end

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      state        <= IDLE;
      engine_rst_n <= 1'b0;
      waited       <= '0;
      give_up      <= 1'b0;
    end else begin
      give_up      <= (give_up || abort) && !idle && !ended;
      engine_rst_n <= (state == PREPARE && waited == '0 && !ended) || state == LAUNCH
                      || ((state == RUN || state == DRAIN) && !ended);
      waited       <= state == PREPARE ? waited - 1'b1 : ($bits(waited))'(RESET_CYCLES);
      case (state)
        IDLE:    if (start) state <= PREPARE;
        PREPARE: if (waited == '0) state <= ended ? IDLE : LAUNCH;
        LAUNCH:  state <= RUN;
        RUN:     if (give_up) state <= DRAIN; else if (ended) state <= IDLE;
        DRAIN:   if (ended) state <= IDLE;
        default: state <= IDLE;
      endcase
    end
  end

  if (AWAKE) begin : g_awake
    logic [$clog2(RESET_CYCLES+1)-1:0] left;
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n || (ended && (give_up || state == DRAIN || !config_busy)))
        left <= ($bits(left))'(RESET_CYCLES);
      else if (left != '0) left <= left - 1'b1;
      core_rst_n <= ap_rst_n && left == '0;
    end
  end else begin : g_with_engine
    assign core_rst_n = engine_rst_n;
    logic unused;
    assign unused = &{1'b0, config_busy};
  end

  logic [STATUS_BITS-1:0] events;
  always_comb begin
    events                      = '0;
    events[STATUS_READ_SLVERR]  = read_error[0];
    events[STATUS_READ_DECERR]  = read_error[1];
    events[STATUS_WRITE_SLVERR] = write_error[0];
    events[STATUS_WRITE_DECERR] = write_error[1];
    events[STATUS_BAD_ADDRESS]  = state == PREPARE && waited == '0 && bad_address;
    events[STATUS_BAD_WORDS]    = state == PREPARE && waited == '0 && bad_words;
    events[STATUS_ABORTED]      = state == RUN && give_up;
  end

  // `status` counts what happens in this very cycle, in which the run may end.
  logic [STATUS_BITS-1:0] kept;
  assign status = kept | events;
  assign all_in = words_in == in_words;
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n || (idle && start)) begin
      kept      <= '0;
      cycles    <= '0;
      words_in  <= '0;
      words_out <= '0;
    end else if (!idle) begin
      kept      <= status;
      cycles    <= cycles + 1'b1;
      words_in  <= words_in + 32'(word_in);
      words_out <= words_out + 32'(word_out);
    end
  end

endmodule : bnn_shell_control
