// Passes N scores of 8 bits through and adds the index of the largest (the first of equals) to the
// frame's last word, at bit 8, together with tlast.
module toy_argmax #(
  parameter integer N = 5
) (
  input  wire        ap_clk,
  input  wire        ap_rst_n,
  input  wire [7:0]  s_axis_tdata,
  input  wire        s_axis_tvalid,
  output wire        s_axis_tready,
  output wire [15:0] m_axis_tdata,
  output wire        m_axis_tvalid,
  input  wire        m_axis_tready,
  output wire        m_axis_tlast
);
  reg [7:0] index, best_index;
  reg signed [7:0] best;
  wire better = index == 0 || $signed(s_axis_tdata) > best;
  assign m_axis_tlast  = index == N - 1;
  assign m_axis_tdata  = {m_axis_tlast ? (better ? index : best_index) : 8'd0, s_axis_tdata};
  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;
  always @(posedge ap_clk) begin
    if (m_axis_tvalid && m_axis_tready) begin
      index <= m_axis_tlast ? 8'd0 : index + 8'd1;
      if (better) begin
        best       <= s_axis_tdata;
        best_index <= index;
      end
    end
    if (!ap_rst_n) index <= 0;
  end
endmodule
