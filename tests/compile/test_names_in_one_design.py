"""Two compiled networks in one design: each has names of its own, the kernels are shared."""

import re
import shutil

import numpy as np
import onnx
import pytest

from hw_bnn.accelerator import Description
from hw_bnn.errors import BadInput
from hw_bnn.golden import GoldenModel
from hw_bnn.rtl import kernels, module_of
from hw_bnn.sim.packing import pack_input, unpack_output
from tests.networks.small_onnx import perceptron
from tests.synth.verilated import run_bench

NAMES = ("coarse", "fine")
FRAMES = 40
HALF = """
  logic [{in_high}:0] {name}_words [{count}];
  logic [{in_high}:0] {name}_in;
  logic [{out_high}:0] {name}_out;
  logic {name}_in_ready, {name}_out_valid, {name}_last;
  int {name}_at = 0;
  initial $readmemh("{name}_frames.hex", {name}_words);
  assign {name}_in = {name}_words[{name}_at];
  {name} {name}_dut (
      .ap_clk(clk), .ap_rst_n(rst_n), .s_axis_tdata({name}_in), .s_axis_tlast(1'b0),
      .s_axis_tvalid(rst_n && {name}_at < {count}), .s_axis_tready({name}_in_ready),
      .m_axis_tdata({name}_out), .m_axis_tvalid({name}_out_valid), .m_axis_tready(1'b1),
      .m_axis_tlast({name}_last));
  always @(posedge clk) begin
    if (rst_n && {name}_at < {count} && {name}_in_ready) {name}_at <= {name}_at + 1;
    if (rst_n && {name}_out_valid) $display("{name} %h %0d", {name}_out, {name}_last);
  end
"""
BENCH = """
module pair;
  logic clk = 0, rst_n = 0;
  always #1 clk = !clk;
{halves}
  initial begin
    repeat (20) @(posedge clk);
    rst_n <= 1;
    repeat ({cycles}) @(posedge clk);
    $finish;
  end
endmodule
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """{name: folder}: networks of the same kernels with other weights and shapes."""
    pytest.importorskip("finn")
    from hw_bnn.compile import compile_model

    place, made = tmp_path_factory.mktemp("pair"), {}
    for seed, (name, sizes) in enumerate(zip(NAMES, ((24, 24, 10), (18, 16, 16, 6)), strict=True)):
        onnx.save(perceptron(sizes, seed), place / "model.onnx")
        made[name] = compile_model(
            place / "model.onnx", place / name, name=name, target_cycles=60,
            check=False, fifo_sizing="none",
        )  # fmt: skip
    return made


def joined(folders, place):
    """The accelerators' files in one folder; what both have is the same. Returns the sources."""
    place.mkdir()
    sources = []
    for folder in folders.values():
        for path in (folder / "rtl").iterdir():
            there = place / path.name
            if there.exists() and path.name != "files.f":
                assert path.read_bytes() == there.read_bytes()
            shutil.copyfile(path, there)
        sources += Description.load(folder).sources
    return [place / name for name in dict.fromkeys(sources)]


def test_both_give_their_scores_at_once(pair, tmp_path):
    sources = joined(pair, tmp_path / "rtl")
    halves, wanted, described = [], {}, {}
    for name, folder in pair.items():
        accelerator = described[name] = Description.load(folder)
        golden = GoldenModel.from_onnx(folder / "model.onnx")
        x = np.random.default_rng(len(name)).integers(0, 16, (FRAMES, *accelerator.input.shape))
        wanted[name] = golden.scores(x).reshape(FRAMES, -1)
        assert len(np.unique(wanted[name], axis=0)) > 4
        words = pack_input(accelerator.input, x).reshape(-1, accelerator.input.tdata_bits // 8)
        (tmp_path / "rtl" / f"{name}_frames.hex").write_text(
            "".join(f"{word.tobytes()[::-1].hex()}\n" for word in words)
        )
        halves.append(HALF.format(
            name=name, count=len(words), in_high=accelerator.input.tdata_bits - 1,
            out_high=accelerator.output.tdata_bits - 1,
        ))  # fmt: skip
    bench = tmp_path / "rtl" / "pair.sv"
    cycles = 2 * FRAMES * max(a.bound_cycles for a in described.values()) + 1000
    bench.write_text(BENCH.format(halves="".join(halves), cycles=cycles))
    said = run_bench([*sources, bench], "pair", tmp_path / "build", tmp_path / "rtl")
    for name, accelerator in described.items():
        found = re.findall(rf"^{name} ([0-9a-f]+) ([01])$", said, re.M)
        output = accelerator.output
        assert [last for _, last in found] == ([*"0" * (output.words - 1), "1"] * FRAMES)
        words = np.array([list(bytes.fromhex(word)[::-1]) for word, _ in found], np.uint8)
        scores, _ = unpack_output(output, words.reshape(FRAMES, output.words, -1))
        assert np.array_equal(scores, wanted[name])


def test_every_name_is_the_accelerators_or_a_kernels(pair):
    shared = {module_of(kernel) for kernel in kernels()}
    for name, folder in pair.items():
        accelerator = Description.load(folder)
        assert accelerator.name == accelerator.top == name
        for path in (folder / "rtl").iterdir():
            own = path.stem == name or path.stem.startswith(f"{name}_")
            assert own or path.stem in shared or path.name == "files.f"
            if path.suffix in (".sv", ".v"):
                modules = re.findall(r"^module\s+(\w+)", path.read_text(), re.M)
                assert modules == [path.stem]


def test_hardwired_layers_carry_the_name(tmp_path):
    pytest.importorskip("finn")
    from hw_bnn.compile import compile_model

    onnx.save(perceptron((8, 6, 4)), tmp_path / "Wired net.onnx")
    folder = compile_model(
        tmp_path / "Wired net.onnx",
        tmp_path / "a",
        hardwired="all",
        check=False,
        fifo_sizing="none",
    )
    accelerator = Description.load(folder)
    assert (accelerator.name, accelerator.top) == ("Wired net", "wired_net")
    cores = [name for name in accelerator.sources if name.endswith("_core.sv")]
    assert cores and all(name.startswith("wired_net_") for name in cores)
    for name in cores:
        assert f"module {name.removesuffix('.sv')} (" in (folder / "rtl" / name).read_text()


@pytest.mark.parametrize(
    "name", ["", "Digits", "1b", "a b", "a__b", "a_", "module", "bnn_fifo", "x" * 65, "é"]
)
def test_a_name_that_no_module_can_have_is_refused(name, tmp_path):
    from hw_bnn.compile import compile_model

    onnx.save(perceptron(), tmp_path / "net.onnx")
    with pytest.raises(BadInput, match="cannot be the name of an accelerator's modules"):
        compile_model(tmp_path / "net.onnx", tmp_path / "a", name=name)
    assert not (tmp_path / "a").exists()
