"""Run a pipelined core (ap_clk, ce, x, y) in Verilator: every vector in, every y out, in order."""

from pathlib import Path

import numpy as np

from tests.synth.verilated import run_bench

BENCH = """
module core_bench;
  localparam int IN = {inputs}, OUT = {outputs}, N = {vectors}, LATENCY = {latency};
  logic ap_clk = 0;
  logic ce = 1;
  logic [IN-1:0] vectors[N];
  logic [IN-1:0] x;
  logic [OUT-1:0] y;
  int file, seen, fed;
  {top} dut (.ap_clk(ap_clk), .ce(ce), .x(x), .y(y));
  initial begin
    $readmemh("x.hex", vectors);
    file = $fopen("y.hex", "w");
    seen = 0;
    fed = 0;
    while (seen < N) begin
      ce = {pauses} ? ($urandom_range(3) != 0) : 1'b1;
      x = vectors[fed < N ? fed : N - 1];
      #1 ap_clk = 1;
      #1 ap_clk = 0;
      if (ce) begin
        fed = fed + 1;
        if (fed >= LATENCY) begin
          $fdisplay(file, "%h", y);
          seen = seen + 1;
        end
      end
    end
    $fclose(file);
    $finish;
  end
endmodule
"""


def run_core(
    folder: Path, sources, top: str, x: np.ndarray, outputs: int, latency: int, pauses: bool = False
) -> list[int]:
    """y as integers, for x (N, bits) of 0 and 1."""
    folder.mkdir(parents=True, exist_ok=True)
    bench = folder / "core_bench.sv"
    bench.write_text(
        BENCH.format(
            inputs=x.shape[1],
            outputs=outputs,
            vectors=len(x),
            latency=latency,
            top=top,
            pauses=int(pauses),
        )
    )
    words = (f"{int(''.join(map(str, row[::-1])), 2):x}" for row in x)
    (folder / "x.hex").write_text("\n".join(words) + "\n")
    run_bench([bench, *sources], "core_bench", folder / "build", folder)
    return [int(line, 16) for line in (folder / "y.hex").read_text().split()]


def numbers(y: list[int], width: int, count: int, signed: bool) -> np.ndarray:
    """(N, count) integers out of packed outputs."""
    field = np.array(
        [[(word >> (width * i)) & ((1 << width) - 1) for i in range(count)] for word in y]
    )
    return np.where(signed & (field >= 1 << (width - 1)), field - (1 << width), field)
