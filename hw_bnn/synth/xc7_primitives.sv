// Port lists of the Xilinx primitives that the kernels instantiate under HW_BNN_XC7, for read_slang
// (UG953 for 7-series, UG974 for UltraScale). Yosys has the cells themselves; Vivado needs none of
// this.
(* blackbox *)
module LUT5 #(parameter [31:0] INIT = 0) (
    output wire O, input wire I0, I1, I2, I3, I4
);
endmodule
(* blackbox *)
module LUT6 #(parameter [63:0] INIT = 0) (
    output wire O, input wire I0, I1, I2, I3, I4, I5
);
endmodule
(* blackbox *)
module LUT6_2 #(parameter [63:0] INIT = 0) (
    output wire O6, output wire O5, input wire I0, I1, I2, I3, I4, I5
);
endmodule
(* blackbox *)
module CARRY4 (
    output wire [3:0] CO, output wire [3:0] O, input wire CI, CYINIT, input wire [3:0] DI, S
);
endmodule
