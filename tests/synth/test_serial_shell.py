"""The ULX3S shell in simulation: bytes over the serial line in, the layer's answers out."""

import re

import numpy as np

from hw_bnn.rtl import rtl_sources
from hw_bnn.synth.ecp5_bitstream import BOARDS
from tests.synth.verilated import run_bench

FRAMES = 12
BENCH = """
module shell_bench;
  localparam int BIT = 16, FRAMES = {frames};
  logic clk = 0, ready = 0, rx = 1, tx;
  logic [7:0] status, got;
  logic [15:0] frames[FRAMES];
  int received = 0;
  bnn_serial_shell #(.IN_BYTES(2), .OUT_BYTES(1), .LABEL_OFFSET(0), .BIT_CYCLES(BIT)) dut (
      .clk(clk), .ready(ready), .rx(rx), .tx(tx), .status(status));
  always #1 clk = !clk;
  task automatic send(input logic [7:0] data);
    rx = 0;
    repeat (BIT) @(posedge clk);
    for (int i = 0; i < 8; i++) begin
      rx = data[i];
      repeat (BIT) @(posedge clk);
    end
    rx = 1;
    repeat (BIT) @(posedge clk);
  endtask
  initial begin
    $readmemh("frames.hex", frames);
    repeat (20) @(posedge clk);
    ready = 1;
    repeat (20) @(posedge clk);
    rx = 0;  // a glitch shorter than half a bit is no start
    repeat (BIT / 4) @(posedge clk);
    rx = 1;
    repeat (2 * BIT) @(posedge clk);
    for (int f = 0; f < FRAMES; f++) begin
      send(frames[f][7:0]);
      send(frames[f][15:8]);
    end
    repeat (40 * BIT) @(posedge clk);
    $display("STATUS %b", status);
    $finish;
  end
  initial begin
    forever begin
      @(negedge tx);
      repeat (BIT + BIT / 2) @(posedge clk);
      for (int i = 0; i < 8; i++) begin
        got[i] = tx;
        repeat (BIT) @(posedge clk);
      end
      $display("GOT %h", got);
    end
  end
endmodule
"""


def test_frames_over_the_serial_line(accelerator, tmp_path):
    rtl = accelerator / "rtl"
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 1 << 16, FRAMES)
    (rtl / "frames.hex").write_text("".join(f"{frame:04x}\n" for frame in frames))
    (rtl / "bench.sv").write_text("`define HW_BNN_CORE tiny\n" + BENCH.format(frames=FRAMES))
    shell = [BOARDS["ulx3s"] / f"bnn_serial_{part}.sv" for part in ("receiver", "sender", "shell")]
    wrappers = [rtl / name for name in ("layer0_fifo.v", "layer1_mvau.v", "tiny.sv")]
    sources = [rtl / "bench.sv", *shell, *rtl_sources("fifo", "xnor_mvau"), *wrappers]
    said = run_bench(sources, "shell_bench", tmp_path / "build", rtl, timeout_s=120)
    word = int((rtl / "w.hex").read_text(), 16)
    weights = np.array([[word >> (16 * pe + i) & 1 for i in range(16)] for pe in range(8)])
    x = frames[:, None] >> np.arange(16) & 1
    agree = (x[:, None, :] == weights[None]).sum(axis=2)
    wanted = ((agree >= 8) << np.arange(8)).sum(axis=1)
    got = [int(value, 16) for value in re.findall(r"GOT (\w+)", said)]
    assert got == wanted.tolist(), said
    label, lost = wanted[-1] & 15, 0
    assert f"STATUS {label:04b}{lost}001" in said
