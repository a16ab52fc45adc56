// Simulation models of the Xilinx primitives that the kernels use (UG953), for this bench.
module LUT5 #(parameter logic [31:0] INIT = 0) (
    output logic O, input logic I0, I1, I2, I3, I4
);
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule : LUT5

module LUT6 #(parameter logic [63:0] INIT = 0) (
    output logic O, input logic I0, I1, I2, I3, I4, I5
);
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule : LUT6

module LUT6_2 #(parameter logic [63:0] INIT = 0) (
    output logic O6, output logic O5, input logic I0, I1, I2, I3, I4, I5
);
  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
endmodule : LUT6_2

module CARRY4 (
    output logic [3:0] CO, output logic [3:0] O, input logic CI, CYINIT, input logic [3:0] DI, S
);
  logic [4:0] c;
  assign c[0] = CI | CYINIT;
  for (genvar i = 0; i < 4; i++) begin : g_bit
    assign c[i+1] = S[i] ? c[i] : DI[i];
  end
  assign O = S ^ c[3:0];
  assign CO = c[4:1];
endmodule : CARRY4
