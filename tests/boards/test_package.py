"""`package`: the README's frame through the wrapper, the Tcl under the stub, the FuseSoC core."""

import json
import re
import shutil
import subprocess
import sys

import onnx
import pytest

from hw_bnn.accelerator import Description
from hw_bnn.boards import vivado
from hw_bnn.boards.ip_files import verilog_instance, wrapper
from hw_bnn.boards.package import package
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.sim.verilator_env import verilator_environment
from tests.networks.small_onnx import perceptron
from tests.synth.verilated import run_bench

BENCH = """
module bench;
  logic ap_clk = 0, ap_rst_n = 0;
  logic [{in_high}:0] s_axis_tdata;
  logic [{out_high}:0] m_axis_tdata;
  logic s_axis_tvalid, s_axis_tready, s_axis_tlast, m_axis_tvalid, m_axis_tready, m_axis_tlast;
  logic [{in_high}:0] words [{count}] = '{{{words}}};
  int at = 0;
  always #1 ap_clk = !ap_clk;
  assign s_axis_tdata = words[at % {count}];
  assign s_axis_tvalid = ap_rst_n && at < 2 * {count};
  assign s_axis_tlast = 1'b0;
  assign m_axis_tready = 1'b1;
  always @(posedge ap_clk) begin
    if (s_axis_tvalid && s_axis_tready) at <= at + 1;
    if (ap_rst_n && m_axis_tvalid) $display("OUT %h %0d", m_axis_tdata, m_axis_tlast);
  end
  initial begin
    repeat (16) @(posedge ap_clk);
    ap_rst_n <= 1;
    repeat (3000) @(posedge ap_clk);
    $finish;
  end
  {instance}
endmodule
"""


@pytest.fixture(scope="module")
def accelerator(tmp_path_factory):
    pytest.importorskip("finn")
    from hw_bnn.compile import compile_model

    place = tmp_path_factory.mktemp("core")
    onnx.save(perceptron((10, 8, 5), seed=3), place / "Odd name (1).onnx")
    return compile_model(
        place / "Odd name (1).onnx",
        place / "acc",
        target_cycles=40,
        check=False,
        fifo_sizing="none",
    )


@pytest.fixture
def ip(accelerator, tmp_path):
    place = tmp_path / "ip"
    document = package(accelerator, place)
    assert document["module"] == "odd_name_1_ip" and document["folder"] == str(place)
    there = {str(p.relative_to(place)) for p in place.rglob("*") if p.is_file()}
    assert there - {".hw_bnn"} == set(document["files"])
    return place


def listed(text: str, start: str) -> list[str]:
    """The indented words behind a sentence of the README."""
    behind = text[text.index(start) + len(start) :].lstrip("\n")
    return re.match(r"(?:    [0-9a-f]+\n)+", behind)[0].split()


def test_the_frame_of_the_readme_is_what_the_wrapper_gives(ip, accelerator, tmp_path):
    """Two frames, through the template of an instance."""
    described = Description.load(accelerator)
    text = (ip / "README.md").read_text()
    given = listed(text, "the first word first:")
    wanted = listed(text, "as m_axis_tdata shows it:")
    document = json.loads((ip / "example.json").read_text())
    assert (given, wanted) == (document["s_axis_tdata"], document["m_axis_tdata"])
    assert len(set(given)) > 2  # no frame of one value
    assert len(given) == described.input.words and len(wanted) == described.output.words
    assert f"the scores {', '.join(map(str, document['scores']))}" in text
    bits = described.input.tdata_bits
    bench = tmp_path / "bench.sv"
    bench.write_text(BENCH.format(
        in_high=bits - 1, out_high=described.output.tdata_bits - 1, count=len(given),
        words=", ".join(f"{bits}'h{word}" for word in given),
        instance=(ip / "instance.v").read_text(),
    ))  # fmt: skip
    sources = [ip / "rtl" / name for name in (*described.sources, "odd_name_1_ip.v")]
    said = run_bench([*sources, bench], "bench", tmp_path / "build", ip / "rtl")
    last = ["0"] * (len(wanted) - 1) + ["1"]
    assert re.findall(r"^OUT (\w+) (\d)$", said, re.M) == 2 * list(zip(wanted, last, strict=True))


def test_the_wrapper_is_clean_plain_verilog(ip, accelerator):
    described = Description.load(accelerator)
    module = "odd_name_1_ip"
    files = [str(ip / "rtl" / name) for name in (*described.sources, f"{module}.v")]
    linted = subprocess.run(
        ["verilator", "--lint-only", "-Wall", "--quiet", "--top-module", module, *files],
        env=verilator_environment(), cwd=ip / "rtl", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert linted.stderr == ""
    text = wrapper(described)
    for bus in ("s_axis", "m_axis"):
        for signal in ("TDATA", "TVALID", "TREADY", "TLAST"):
            port = f"{bus}_{signal.lower()}"
            tag = f'"xilinx.com:interface:axis:1.0 {bus} {signal}" \\*\\)\n.* {port}\\b'
            assert re.search(tag, text), port
    assert "ASSOCIATED_BUSIF s_axis:m_axis, ASSOCIATED_RESET ap_rst_n" in text
    assert '"POLARITY ACTIVE_LOW" *)\n    input  wire         ap_rst_n' in text


def test_yosys_reads_the_wrapper_as_verilog(ip, tmp_path):
    pytest.importorskip("pyosys", reason="Yosys is missing: pip install 'hw-bnn[synth]'")
    from hw_bnn.synth.yosys import run_yosys

    out = tmp_path / "ports.json"
    run_yosys(
        [["read_verilog", str(ip / "rtl" / "odd_name_1_ip.v")], ["write_json", str(out)]],
        log=tmp_path / "log", timeout_s=60, subject="wrapper",
    )  # fmt: skip
    module = json.loads(out.read_text())["modules"]["odd_name_1_ip"]
    names = re.findall(r"^    \.(\w+)\(\1\)", (ip / "instance.v").read_text(), re.M)
    assert set(module["ports"]) == set(names) and len(names) == 10
    vhdl = (ip / "instance.vhd").read_text()
    for name, port in module["ports"].items():
        bits = len(port["bits"])
        kind = f"std_logic_vector({bits - 1} downto 0)" if bits > 1 else "std_logic"
        way = "in " if port["direction"] == "input" else "out"
        assert re.search(rf"^    {name} *: {way} {re.escape(kind)};?$", vhdl, re.M), name
        assert f"    {name} => {name}" in vhdl


@pytest.mark.skipif(
    shutil.which("tclsh") is None, reason="needs tclsh (Debian, Ubuntu: apt install tcl)"
)
class TestTcl:
    def run(self, ip):
        return vivado.check_scripts(ip, script="package_ip.tcl").splitlines()

    def test_the_script_runs_to_its_end(self, ip):
        told = self.run(ip)
        assert told[-1] == "done" and "ipx::save_core" in told
        assert not [line for line in told if line.startswith("register ")]
        assert "set_property name odd_name_1_ip core" in told
        memories = [line for line in told if "Memory Initialization" in line]
        assert len(memories) == len(list((ip / "rtl").glob("*.hex"))) > 0
        assert any("out_of_context" in line for line in told)

    @pytest.mark.parametrize(
        ("path", "old", "new", "reason"),
        [
            (
                "rtl/odd_name_1_ip.v",
                "1.0 m_axis T",
                "1.0 out T",
                "an interface is missing: .*m_axis",
            ),
            (
                "rtl/odd_name_1_ip.v",
                "module odd",
                "module even",
                "an interface is missing: .*s_axis",
            ),
            ("settings.tcl", "odd_name_1.sv", "other.sv", "no file .*other.sv"),
            ("package_ip.tcl", "ipx::current_core", "ipx::core", "invalid command"),
        ],
    )
    def test_mistakes_are_rejected(self, ip, path, old, new, reason):
        text = (ip / path).read_text()
        assert old in text
        (ip / path).write_text(text.replace(old, new))
        with pytest.raises(CheckFailed, match=reason):
            self.run(ip)


def test_fusesoc_takes_the_core(ip, accelerator, tmp_path):
    """FuseSoC itself sets the lint up: files in order, memories where they are read from."""
    pytest.importorskip("fusesoc", reason="FuseSoC is missing: pip install 'hw-bnn[test]'")
    command = [sys.executable, "-m", "fusesoc.main", "--config", str(tmp_path / "none.conf"),
               "--cores-root", str(ip), "run", "--target", "lint", "--setup", "--build-root",
               str(tmp_path / "build"), "hw_bnn:user:odd_name_1:1.0"]  # fmt: skip
    (tmp_path / "none.conf").write_text("")
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    work = next((tmp_path / "build").rglob("*.vc"))
    listed = [line for line in work.read_text().splitlines() if line.endswith((".v", ".sv"))]
    wanted = [*Description.load(accelerator).sources, "odd_name_1_ip.v"]
    assert [line.rpartition("/")[2] for line in listed] == wanted
    for memory in (ip / "rtl").glob("*.hex"):
        assert (work.parent / memory.name).read_bytes() == memory.read_bytes()


def test_the_same_accelerator_gives_the_same_bytes(accelerator, tmp_path):
    for name in ("a", "b"):
        package(accelerator, tmp_path / name)
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file():
            other = tmp_path / "b" / path.relative_to(tmp_path / "a")
            assert path.read_bytes() == other.read_bytes(), path


def test_what_is_there_stays_without_force(accelerator, ip, tmp_path):
    with pytest.raises(BadInput, match="exists|there"):
        package(accelerator, ip)
    package(accelerator, ip, force=True)
    with pytest.raises(BadInput, match="is or holds .*, which is read"):
        package(accelerator, accelerator, force=True)
    shutil.copytree(accelerator, tmp_path / "damaged")
    (tmp_path / "damaged" / "model.onnx").write_bytes(b"x")
    with pytest.raises(BadInput, match=r"model\.onnx"):
        package(tmp_path / "damaged", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_instance_is_of_the_wrapper(accelerator):
    assert (
        verilog_instance(Description.load(accelerator)).splitlines()[1].startswith("odd_name_1_ip ")
    )
