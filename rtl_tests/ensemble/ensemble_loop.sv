// ensemble_loop: bnn_ensemble behind what announces its passes.
//
// s_axis: the words of results, above them a bit that tells whether the result is its frame's last.
module ensemble_loop #(
    parameter int N            = 10,
    parameter int PE           = 1,
    parameter int SCORE_BITS   = 8,
    parameter int SCORE_SIGNED = 1,
    parameter int LABEL_BITS   = 4,
    parameter int TIMES        = 2,
    localparam int IN_WIDTH    = PE * SCORE_BITS + LABEL_BITS,
    localparam int OUT_WIDTH   = SCORE_BITS + $clog2(TIMES) + $clog2(TIMES + 1)
) (
    input  logic                         ap_clk,
    input  logic                         ap_rst_n,
    input  logic [(IN_WIDTH+8)/8*8-1:0]  s_axis_tdata,
    input  logic                         s_axis_tvalid,
    output logic                         s_axis_tready,
    output logic [(OUT_WIDTH+7)/8*8-1:0] m_axis_tdata,
    output logic                         m_axis_tvalid,
    input  logic                         m_axis_tready
);

  localparam int WORDS = N / PE;
  localparam int COUNT = WORDS > 1 ? $clog2(WORDS) : 1;

  logic [14:0] passes;
  logic [4:0] place;
  logic [COUNT-1:0] word;
  logic [IN_WIDTH-1:0] early, late;
  logic valid_early, valid_late, ready, en, first, last, pass_out;

  assign en    = ready || !valid_late;
  assign first = word == '0;
  assign last  = word == COUNT'(WORDS - 1);
  assign s_axis_tready = en;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      {valid_early, valid_late, passes[14]} <= '0;
      place <= '0;
      word  <= '0;
    end else begin
      passes[14] <= en && s_axis_tvalid && first;
      if (en && s_axis_tvalid && first) place <= place + 1'b1;
      if (en) begin
        valid_early <= s_axis_tvalid;
        valid_late  <= valid_early;
        if (s_axis_tvalid) word <= last ? '0 : word + 1'b1;
      end
    end
  end
  always_ff @(posedge ap_clk) begin
    passes[13:0] <= {place, s_axis_tdata[IN_WIDTH], 8'd0};
    if (en) begin
      early <= s_axis_tdata[IN_WIDTH-1:0];
      late  <= early;
    end
  end

  bnn_ensemble #(
      .N(N), .PE(PE), .SCORE_BITS(SCORE_BITS), .SCORE_SIGNED(SCORE_SIGNED),
      .LABEL_BITS(LABEL_BITS), .TIMES(TIMES)
  ) u_ensemble (
      .ap_clk, .ap_rst_n, .passes, .pass_out,
      .s_axis_tdata(((IN_WIDTH + 7) / 8 * 8)'(late)), .s_axis_tvalid(valid_late),
      .s_axis_tready(ready), .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

endmodule : ensemble_loop
