"""Test benches of the RTL kernels: cocotb on Verilator, and on Icarus where it is installed."""
