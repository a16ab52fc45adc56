"""Our sliding window generator beside FINN's: cycles a frame, and cells after synthesis.

    python benchmarks/window.py            writes results/window.json

For each shape both generators run in Verilator, source and sink never pausing, and Yosys maps both
to Xilinx 7-series cells. Both have to give the same words in the same order, or it ends with an
error. FINN's comes from the installed finn-plus package. Cycles are those from the end of one frame
to the end of the next, after the first two; bound = max(words in, words out).
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from hw_bnn.errors import CheckFailed
from hw_bnn.rtl import rtl_sources
from hw_bnn.sim.verilator_env import tool_versions, verilator_environment
from hw_bnn.synth.resources import count_resources
from hw_bnn.synth.yosys import run_yosys, slang_command


@dataclass(frozen=True)
class Shape:
    name: str
    ifm: int  # rows and columns, padded
    channels: int
    simd: int
    bits: int
    k: int
    stride: int
    depthwise: int = 0

    @property
    def ofm(self) -> int:
        return (self.ifm - self.k) // self.stride + 1

    @property
    def words(self) -> tuple[int, int]:
        fold = self.channels // self.simd
        return self.ifm**2 * fold, (self.ofm * self.k) ** 2 * fold

    @property
    def tdata_bits(self) -> int:
        return (self.simd * self.bits + 7) // 8 * 8


RESULTS = Path(__file__).resolve().parent / "results" / "window.json"
SHAPES = [
    Shape("CNV conv 1: 8-bit RGB", 32, 3, 3, 8, 3, 1),
    Shape("CNV conv 2", 30, 64, 32, 1, 3, 1),
    Shape("CNV pool 1", 28, 64, 64, 1, 2, 2, depthwise=1),
    Shape("CNV conv 6", 5, 256, 32, 1, 3, 1),
    Shape("3x3 stride 2, 8-bit", 33, 16, 4, 8, 3, 2),
]

METER = """\
module {name} (input logic clk, input logic reset_n, input int cycle, output logic done);
  logic [{bits}-1:0] in_data, out_data;
  logic in_ready, out_valid;
  int in_word = 0, out_word = 0, frame = 0;
  int unsigned checksum = 0;
  assign done = frame > 5;
  always_comb begin
    in_data = '0;
    for (int i = 0; i < {useful}; i++)
      in_data[i] = ^((in_word * 32'h9e3779b1 + i * 32'h85ebca6b) & 32'h5a5a5a5a);
  end
  always @(posedge clk) begin
    if (reset_n && in_ready) in_word <= in_word == {words_in} - 1 ? 0 : in_word + 1;
    if (reset_n && out_valid && !done) begin
      for (int i = 0; i < {bits}; i += 8) checksum = checksum * 31 + 32'(out_data[i +: 8]);
      out_word <= out_word == {words_out} - 1 ? 0 : out_word + 1;
      if (out_word == {words_out} - 1) begin
        $display("{name} %0d %0d", cycle, checksum);
        frame <= frame + 1;
        checksum = 0;
      end
    end
  end
  {instance}
endmodule
"""
TOP = """\
module rates;
  logic clk = 0, reset_n = 0;
  logic [{last}:0] done;
  int cycle = 0;
  always #5 clk = !clk;
  always @(posedge clk) begin
    cycle <= cycle + 1;
    reset_n <= cycle > 3;
    if (&done) $finish;
    if (cycle > {limit}) $fatal(1, "stuck");
  end
{meters}
endmodule
"""
OURS = """\
bnn_window #({parameters}) dut (
    .ap_clk(clk), .ap_rst_n(reset_n), .s_axis_tdata(in_data), .s_axis_tvalid(reset_n),
    .s_axis_tready(in_ready), .m_axis_tdata(out_data), .m_axis_tvalid(out_valid),
    .m_axis_tready(1'b1));"""
FINNS = """\
{module} dut (
    .ap_clk(clk), .ap_rst_n(reset_n), .in0_V_TDATA(in_data), .in0_V_TVALID(reset_n),
    .in0_V_TREADY(in_ready), .out0_V_TDATA(out_data), .out0_V_TVALID(out_valid),
    .out0_V_TREADY(1'b1));"""


def parameters(shape: Shape) -> dict[str, int]:
    return {
        "IFM_H": shape.ifm,
        "IFM_W": shape.ifm,
        "CHANNELS": shape.channels,
        "SIMD": shape.simd,
        "BITS": shape.bits,
        "K_H": shape.k,
        "K_W": shape.k,
        "STRIDE_H": shape.stride,
        "STRIDE_W": shape.stride,
        "DEPTHWISE": shape.depthwise,
    }


def finn_generator(shape: Shape, name: str, folder: Path) -> tuple[str, list[Path]]:
    """FINN's ConvolutionInputGenerator_rtl: module name and sources."""
    from hw_bnn.compile.headless import builder, finn_session

    with finn_session():
        builder()
        from onnx import helper
        from qonnx.custom_op.registry import getCustomOp

        datatype = "BINARY" if shape.bits == 1 else f"UINT{shape.bits}"
        node = helper.make_node(
            "ConvolutionInputGenerator_rtl", ["in"], ["out"], name=name,
            domain="finn.custom_op.fpgadataflow.rtl", backend="fpgadataflow",
            ConvKernelDim=[shape.k, shape.k], IFMChannels=shape.channels,
            IFMDim=[shape.ifm, shape.ifm], OFMDim=[shape.ofm, shape.ofm], SIMD=shape.simd,
            Stride=[shape.stride, shape.stride], Dilation=[1, 1], inputDataType=datatype,
            outputDataType=datatype, depthwise=shape.depthwise, ram_style="auto",
        )  # fmt: skip
        op = getCustomOp(node)
        op.set_nodeattr("code_gen_dir_ipgen", str(folder))
        op.generate_hdl(None, "xc7z020clg400-1", 10)
        files = [Path(f) for f in op.get_rtl_file_list(abspath=True)]
        return op.get_nodeattr("gen_top_module"), files


def simulate(instances: dict[str, tuple[Shape, str]], files: list[Path], folder: Path) -> dict:
    """Cycles a frame in steady state and the checksums of the frames' words, by meter's name."""
    meters, text = [], []
    for i, (name, (shape, instance)) in enumerate(instances.items()):
        words_in, words_out = shape.words
        text.append(
            METER.format(
                name=name,
                bits=shape.tdata_bits,
                useful=shape.simd * shape.bits,
                words_in=words_in,
                words_out=words_out,
                instance=instance,
            )
        )
        meters.append(f"  {name} i_{name} (clk, reset_n, cycle, done[{i}]);")
    limit = 20 * max(max(shape.words) for shape, _ in instances.values())
    text.append(TOP.format(last=len(meters) - 1, meters="\n".join(meters), limit=limit))
    top = folder / "rates.sv"
    top.write_text("".join(text))
    command = [
        "verilator",
        "--binary",
        "--timing",
        "-Wno-fatal",
        "-Wno-lint",
        "--quiet",
        "-CFLAGS",
        "-O1",
        "--top-module",
        "rates",
        "-Mdir",
        str(folder / "obj"),
        *map(str, files),
        str(top),
    ]
    for step in (command, [str(folder / "obj" / "Vrates")]):
        done = subprocess.run(
            step, env=verilator_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise CheckFailed(f"{step[0]} failed: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    found = {}
    for name in instances:
        lines = [line.split() for line in done.stdout.splitlines() if line.startswith(f"{name} ")]
        ends = [int(cycle) for _, cycle, _ in lines]
        steady = [b - a for a, b in zip(ends[1:], ends[2:], strict=False)]
        found[name] = {
            "first_frame_cycles": ends[0],
            "cycles_per_frame": max(steady),
            "checksums": [int(total) for *_, total in lines],
        }
    return found


def synthesise(top: str, files: list[Path], folder: Path, values: dict[str, int]) -> dict:
    read = slang_command(files, top, parameters=values).replace(
        "--keep-hierarchy", "--allow-use-before-declare"
    )
    statistics = folder / f"{top}_cells.json"
    run_yosys(
        [
            read,
            f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}",
            f"tee -q -o {statistics} stat -json",
        ],
        log=folder / f"{top}_yosys.log",
        subject=top,
    )
    modules = json.loads(statistics.read_text())["modules"]
    cells = modules.get(top, modules.get(f"\\{top}", {}))["num_cells_by_type"]
    return {k: v for k, v in count_resources(cells).items() if k in ("lut", "lutram", "ff", "bram")}


def compare(folder: Path) -> list[dict]:
    ours, finns, instances = rtl_sources("window"), {}, {}
    for i, shape in enumerate(SHAPES):
        values = ", ".join(f".{name}({value})" for name, value in parameters(shape).items())
        instances[f"ours{i}"] = shape, OURS.format(parameters=values)
        module, files = finn_generator(shape, f"finn_window_{i}", folder)
        instances[f"finns{i}"] = shape, FINNS.format(module=module)
        finns[i] = module, files
    files = list(dict.fromkeys([*ours, *(f for _, each in finns.values() for f in each)]))
    rates = simulate(instances, files, folder)
    rows = []
    for i, shape in enumerate(SHAPES):
        if rates[f"ours{i}"].pop("checksums") != rates[f"finns{i}"].pop("checksums"):
            raise CheckFailed("the two generators differ in their words", node=shape.name)
        module, files = finns[i]
        rows.append(
            asdict(shape)
            | {
                "bound_cycles": max(shape.words),
                "hw_bnn": rates[f"ours{i}"]
                | synthesise("bnn_window", ours, folder, parameters(shape)),
                "finn": rates[f"finns{i}"] | synthesise(module, files, folder, {}),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(Path(folder))
    for row in rows:
        cells = " ".join(f"{row[who]}" for who in ("hw_bnn", "finn"))
        print(f"{row['name']}: bound {row['bound_cycles']} {cells}")
    packages = ("finn-plus", "pyosys", "verilator")
    document = {
        "command": "python benchmarks/window.py",
        "date": datetime.date.today().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in packages}
        | {"c++": tool_versions()["c++"]},
        "shapes": rows,
    }
    draft = arguments.output.with_suffix(".tmp")
    draft.write_text(json.dumps(document, indent=2) + "\n")
    os.replace(draft, arguments.output)


if __name__ == "__main__":
    main()
