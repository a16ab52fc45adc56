// bnn_ensemble: what a frame's results say together: for each class sums and votes.
//
//   out[c] = {votes[c], sum[c]}   sum[c] = sum_k score_k[c],  votes[c] = #{k : label_k = c}
//
// k counts the frame's passes (bnn_context_queue), TIMES or one.
// A result is NF = N/PE words of PE scores, c = nf*PE + pe, and above the last word's scores the
// label, as bnn_affine_argmax gives them (MODE 2). A frame out is N words, one a class: the sum in
// SUM_BITS = SCORE_BITS + $clog2(TIMES) bits (two's complement where SCORE_SIGNED), the votes in
// VOTE_BITS = $clog2(TIMES+1) bits above it.
//
// Latency, from a frame's last word in to its first out: 1 cycle. Initiation interval: 1 cycle a
// word, the frame's passes * NF in and then N out. After a reset N cycles pass before the first word is taken.
module bnn_ensemble #(
    parameter int N            = 10,
    parameter int PE           = 1,
    parameter int SCORE_BITS   = 8,
    parameter int SCORE_SIGNED = 1,
    parameter int LABEL_BITS   = 4,
    parameter int TIMES        = 2,
    localparam int SUM_BITS    = SCORE_BITS + $clog2(TIMES),
    localparam int VOTE_BITS   = $clog2(TIMES + 1),
    localparam int IN_WIDTH    = PE * SCORE_BITS + LABEL_BITS,
    localparam int OUT_WIDTH   = SUM_BITS + VOTE_BITS
) (
    input  logic                         ap_clk,
    input  logic                         ap_rst_n,
    input  logic [14:0]                  passes,  // of bnn_frame_repeat
    output logic                         pass_out,

    input  logic [(IN_WIDTH+7)/8*8-1:0]  s_axis_tdata,
    input  logic                         s_axis_tvalid,
    output logic                         s_axis_tready,

    output logic [(OUT_WIDTH+7)/8*8-1:0] m_axis_tdata,
    output logic                         m_axis_tvalid,
    input  logic                         m_axis_tready
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (PE < 1 || N % PE != 0) begin : g_check_1
    $error("bnn_ensemble: PE = %0d does not divide N = %0d", PE, N);
  end
  if (TIMES < 2) begin : g_check_2
    $error("bnn_ensemble: TIMES = %0d must be at least 2", TIMES);
  end
  if (2 ** LABEL_BITS < N) begin : g_check_3
    $error("bnn_ensemble: %0d label bits do not hold %0d labels", LABEL_BITS, N);
  end
`endif

  localparam int NF         = N / PE;
  localparam int ROW_BITS   = NF > 1 ? $clog2(NF) : 1;
  localparam int LANE_BITS  = PE > 1 ? $clog2(PE) : 1;
  localparam int CONTEXT_BITS = $clog2(TIMES);
  localparam int CLASS_BITS = N > 1 ? $clog2(N) : 1;

  typedef enum logic [1:0] {
    CLEAR, GATHER, GIVE
  } state_t;

  state_t state;
  logic [PE*SUM_BITS-1:0] sums[NF];
  logic [VOTE_BITS-1:0] votes[N];
  logic [PE*SUM_BITS-1:0] present, added;
  logic [VOTE_BITS-1:0] counted;
  logic [ROW_BITS-1:0] row;
  logic [LANE_BITS-1:0] lane;
  logic [CONTEXT_BITS-1:0] context_now;
  logic first_pass;
  logic [CLASS_BITS-1:0] class_out, place;  // place: of the votes that are read and written
  logic [OUT_WIDTH-1:0] y, out;
  logic take, giving, give, out_ready, last_row, last_lane, last_pass, last_class, votes_in;

  assign s_axis_tready = state == GATHER;
  assign take          = s_axis_tvalid && s_axis_tready;
  assign giving        = state == GIVE;
  assign give          = giving && out_ready;
  assign last_row      = NF == 1 || row == ROW_BITS'(NF - 1);
  assign last_lane     = PE == 1 || lane == LANE_BITS'(PE - 1);
  assign last_class    = N == 1 || class_out == CLASS_BITS'(N - 1);

  assign present = sums[row];
  for (genvar pe = 0; pe < PE; pe++) begin : g_lane
    logic [SCORE_BITS-1:0] score;
    logic [SUM_BITS-1:0] wide, held;
    assign score  = s_axis_tdata[pe*SCORE_BITS+:SCORE_BITS];
    assign wide   = {{(SUM_BITS - SCORE_BITS) {SCORE_SIGNED != 0 && score[SCORE_BITS-1]}}, score};
    assign held   = first_pass ? '0 : present[pe*SUM_BITS+:SUM_BITS];
    assign added[pe*SUM_BITS+:SUM_BITS] = held + wide;
  end
  always_ff @(posedge ap_clk) if (take) sums[row] <= added;

  assign votes_in = take && last_row;
  assign pass_out = votes_in;
  bnn_context_queue #(.BITS(CONTEXT_BITS)) u_queue (
      .ap_clk, .ap_rst_n, .passes, .ends(votes_in), .context_now, .last(last_pass)
  );
  assign place    = state == GATHER ? s_axis_tdata[PE*SCORE_BITS+:CLASS_BITS] : class_out;
  assign counted  = votes[place];
  always_ff @(posedge ap_clk)
    if (votes_in || give || state == CLEAR) votes[place] <= state == GATHER ? counted + 1'b1 : '0;

  assign y = {counted, present[lane*SUM_BITS+:SUM_BITS]};

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      state      <= CLEAR;
      row        <= '0;
      lane       <= '0;
      first_pass <= 1'b1;
      class_out  <= '0;
    end else begin
      if (take) begin
        row <= last_row ? '0 : row + 1'b1;
        if (last_row) begin
          first_pass <= last_pass;
          if (last_pass) state <= GIVE;
        end
      end
      if (give) begin
        lane <= last_lane ? '0 : lane + 1'b1;
        if (last_lane) row <= last_row ? '0 : row + 1'b1;
      end
      if (give || state == CLEAR) begin
        class_out <= last_class ? '0 : class_out + 1'b1;
        if (last_class) state <= GATHER;
      end
    end
  end

  bnn_skid #(.BITS(OUT_WIDTH)) u_out (
      .ap_clk, .ap_rst_n,
      .in_valid(giving), .in_ready(out_ready), .in_data(y),
      .out_valid(m_axis_tvalid), .out_ready(m_axis_tready), .out_data(out)
  );
  assign m_axis_tdata = ($bits(m_axis_tdata))'(out);

  logic unused;
  assign unused = &{1'b0, s_axis_tdata, context_now};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(OUT_WIDTH)) u_check (
      .ap_clk, .ap_rst_n, .tdata(out), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule : bnn_ensemble
