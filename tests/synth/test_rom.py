"""Read-only memories as LUTs: right at every address, and as small as they should be."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from hw_bnn.rtl import rtl_sources
from hw_bnn.synth.synthesis import synthesise
from hw_bnn.synth.yosys import share_folder

BENCH = """
module bench;
  reg clk = 0, en = 1;
  reg [{a}:0] addr;
  wire [{w}:0] q;
  integer i;
  bnn_mvau_rom dut (.ap_clk(clk), .en(en), .addr(addr), .q(q));
  initial begin
    #200;
    for (i = 0; i < {depth}; i = i + 1) begin
      addr = i; en = 1; #10 clk = 1; #10 clk = 0;
      addr = ~addr; en = 0; #10 clk = 1; #10 clk = 0;
      $display("Q %h", q);
    end
    $finish;
  end
endmodule
"""


@pytest.mark.skipif(
    not shutil.which("iverilog"), reason="needs Icarus (Debian: apt install iverilog)"
)
@pytest.mark.parametrize(
    "depth, width, luts, style",
    [
        (9, 7, 4, "auto"), (32, 10, 5, "auto"), (50, 6, 6, "auto"), (100, 5, 10, "auto"),
        (256, 3, 12, "auto"), (600, 3, 33, "distributed"), (12, 150, 75, "distributed"),
    ],
)  # fmt: skip
def test_every_word_of_the_netlist(tmp_path, depth, width, luts, style):
    rng = np.random.default_rng(depth)
    values = [int.from_bytes(rng.bytes(20), "little") % (1 << width) for _ in range(depth)]
    (tmp_path / "rom.hex").write_text("".join(f"{v:x}\n" for v in values))
    result = synthesise(
        rtl_sources("mvau_rom"),
        "bnn_mvau_rom",
        "xc7",
        place=tmp_path,
        cwd=tmp_path,
        parameters={"BITS": width, "DEPTH": depth, "FILE": '"rom.hex"', "RAM_STYLE": f'"{style}"'},
    )
    assert result["total"]["lut"] == luts and result["total"]["ff"] == width
    (tmp_path / "bench.v").write_text(
        BENCH.format(a=int(depth - 1).bit_length() - 1, w=width - 1, depth=depth)
    )
    subprocess.run(
        [
            "iverilog",
            "-g2012",
            "-o",
            "bench.vvp",
            "bench.v",
            "xc7.v",
            str(share_folder() / "xilinx" / "cells_sim.v"),
        ],
        cwd=tmp_path,
        check=True,
    )
    run = subprocess.run(
        ["vvp", "bench.vvp"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    seen = [int(word, 16) for word in re.findall(r"^Q (\w+)$", run.stdout, re.M)]
    assert seen == values


@pytest.mark.parametrize("style, blocks", [("block", 0.5), ("distributed", 0), ("auto", 0)])
def test_a_memory_stands_where_it_is_told(tmp_path, style, blocks):
    (tmp_path / "rom.hex").write_text("".join(f"{37 * i % 256:x}\n" for i in range(40)))
    parameters = {"BITS": 8, "DEPTH": 40, "FILE": '"rom.hex"', "RAM_STYLE": f'"{style}"'}
    total = synthesise(rtl_sources("mvau_rom"), "bnn_mvau_rom", "xc7", place=tmp_path, cwd=tmp_path,
                       parameters=parameters)["total"]  # fmt: skip
    assert total["bram"] == blocks and (total["lut"] == 0) == (blocks > 0)
