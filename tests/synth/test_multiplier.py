"""ECP5 multipliers in a netlist: our model of the cell gives the products that were asked for."""

import numpy as np

from hw_bnn.sim.netlist import CELLS, cell_library
from hw_bnn.synth.synthesis import synthesise
from tests.synth.verilated import run_bench

PRODUCTS = """
module products (
    input logic [22:0] a, input logic [10:0] b, output logic [33:0] mixed, signed_only);
  wire signed [22:0] sa = a;
  wire signed [10:0] sb = b;
  assign signed_only = sa * sb;
  assign mixed = 34'(a) * 34'(b);
endmodule
"""
BENCH = """
module product_bench;
  logic [22:0] a;
  logic [10:0] b;
  logic [33:0] mixed, signed_only;
  logic [33:0] vectors[{count}];
  products dut (.a(a), .b(b), .mixed(mixed), .signed_only(signed_only));
  initial begin
    $readmemh("x.hex", vectors);
    for (int i = 0; i < {count}; i++) begin
      {{a, b}} = vectors[i];
      #1 $display("%h %h", mixed, signed_only);
    end
    $finish;
  end
endmodule
"""


def test_products_of_the_netlist(tmp_path):
    source, bench = tmp_path / "products.sv", tmp_path / "bench.sv"
    source.write_text(PRODUCTS)
    result = synthesise([source], "products", "ecp5", place=tmp_path)
    assert result["total"]["dsp"] >= 2
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2**23, 200), rng.integers(0, 2**11, 200)
    a[:3], b[:3] = (2**22, 2**23 - 1, 2**22), (2**10, 2**11 - 1, 1)
    words = [f"{int(x) << 11 | int(y):x}" for x, y in zip(a, b, strict=True)]
    (tmp_path / "x.hex").write_text("\n".join(words) + "\n")
    bench.write_text(BENCH.format(count=len(a)))
    for name, text in cell_library("ecp5").items():
        (tmp_path / name).write_text(text)
    sources = [f"-I{tmp_path}", tmp_path / "cells_sim.v", CELLS / "ecp5_multiplier.v"]
    said = run_bench(
        [*sources, tmp_path / "ecp5.v", bench], "product_bench", tmp_path / "build", tmp_path
    )
    found = np.array([[int(v, 16) for v in line.split()] for line in said.splitlines()[:200]])
    sa, sb = a - (a >> 22 << 23), b - (b >> 10 << 11)
    np.testing.assert_array_equal(found[:, 0], a * b)
    np.testing.assert_array_equal(found[:, 1], sa * sb % 2**34)
