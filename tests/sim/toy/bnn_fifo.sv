// A FIFO with the simulation variables of the real one: capacity set at run time, largest fill read.
module bnn_fifo #(
  parameter int BITS = 8,
  parameter int DEPTH = 2
) (
  input  logic            ap_clk,
  input  logic            ap_rst_n,
  input  logic [BITS-1:0] s_axis_tdata,
  input  logic            s_axis_tvalid,
  output logic            s_axis_tready,
  output logic [BITS-1:0] m_axis_tdata,
  output logic            m_axis_tvalid,
  input  logic            m_axis_tready
);
  localparam int SPACE = 64;
  int unsigned sim_cap = DEPTH;
  int unsigned sim_max = 0;
  int unsigned fill;
  logic [BITS-1:0] memory [SPACE];
  logic [5:0] head, tail;
  assign s_axis_tready = fill < sim_cap;
  assign m_axis_tvalid = fill != 0;
  assign m_axis_tdata = memory[head];
  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      fill <= 0;
      head <= 0;
      tail <= 0;
    end else begin
      if (s_axis_tvalid && s_axis_tready) begin
        memory[tail] <= s_axis_tdata;
        tail <= tail + 1;
      end
      if (m_axis_tvalid && m_axis_tready) head <= head + 1;
      fill <= fill + 32'(s_axis_tvalid && s_axis_tready) - 32'(m_axis_tvalid && m_axis_tready);
      if (fill > sim_max) sim_max <= fill;
    end
  end
endmodule
