// Xilinx look-up tables in one expression each. Yosys' own models halve the table input by input, which
// costs Verilator and the C++ compiler twice the time for a network's thousands of them; both are proved
// equal (tests/sim/test_netlist.py).

module LUT1 (
    output wire O, input wire I0
);
  parameter [1:0] INIT = 0;
  assign O = INIT[I0];
endmodule

module LUT2 (
    output wire O, input wire I0, I1
);
  parameter [3:0] INIT = 0;
  assign O = INIT[{I1, I0}];
endmodule

module LUT3 (
    output wire O, input wire I0, I1, I2
);
  parameter [7:0] INIT = 0;
  assign O = INIT[{I2, I1, I0}];
endmodule

module LUT4 (
    output wire O, input wire I0, I1, I2, I3
);
  parameter [15:0] INIT = 0;
  assign O = INIT[{I3, I2, I1, I0}];
endmodule

module LUT5 (
    output wire O, input wire I0, I1, I2, I3, I4
);
  parameter [31:0] INIT = 0;
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule

module LUT6 (
    output wire O, input wire I0, I1, I2, I3, I4, I5
);
  parameter [63:0] INIT = 0;
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

module LUT6_2 (
    output wire O6, output wire O5, input wire I0, I1, I2, I3, I4, I5
);
  parameter [63:0] INIT = 0;
  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
endmodule
