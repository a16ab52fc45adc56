"""The netlist engine: gates equal RTL in every frame and cycle; block RAM models on their own."""

import re
import shutil

import numpy as np
import pytest

from hw_bnn.accelerator import Input, Memory, Node, Output
from hw_bnn.accelerator.folder import reseal, seal
from hw_bnn.accelerator.netlists import reseal_netlist, write_netlist
from hw_bnn.errors import BadInput, CheckFailed, Unsupported
from hw_bnn.sim import NativeModel, pack_input
from hw_bnn.sim.lanes.model import LanesModel
from hw_bnn.sim.netlist import CELLS, cell_library, netlist_model, used_cells
from hw_bnn.simulation import simulate
from tests.sim.flipped_lut import flipped
from tests.sim.toy_accelerator import TOY, describe, make_toy, random_inputs

pytest.importorskip("pyosys", reason="needs Yosys: pip install 'hw-bnn[synth]'")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    from hw_bnn.synth.synthesis import synth

    toy = make_toy(tmp_path_factory.mktemp("netlist") / "toy")
    # FIFOs of two words: the toy's own can hold 64, of which gates would only be many
    fifo = toy.folder / "rtl/bnn_fifo.sv"
    fifo.write_text(fifo.read_text().replace("SPACE = 64", "SPACE = 4").replace("[5:0]", "[1:0]"))
    reseal(toy.folder)
    for family in ("xc7", "ecp5"):
        synth(toy.folder, family)
    return toy


@pytest.mark.parametrize("family", ["xc7", "ecp5"])
def test_gates_equal_rtl(toy, family):
    x = random_inputs(200)
    for stall in (0.0, 0.4):
        rtl = simulate(toy.folder, x, stall=stall)
        gates = simulate(
            toy.folder, x, engine="netlist", family=family, stall=stall, statistics=True
        )
        assert (gates.scores == rtl.scores).all() and (gates.labels == rtl.labels).all()
        assert gates.cycles == rtl.cycles and gates.latency_cycles == rtl.latency_cycles
        assert gates.streams["dots"].moved == 5 * len(x)  # inner streams are still there


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_lanes_equal_gates_word_by_word_and_cycle_by_cycle(toy, stall):
    """Each lane's frames are a run of their own; the last round has lanes without a frame."""
    words = pack_input(toy.accelerator.input, random_inputs(64 * 4 + 7))
    options = {"stall": stall, "seed": 3, "capture": ["dots"]}
    with LanesModel(toy.folder, toy.accelerator, lanes=64) as model:
        lanes = model.run(words, **options)
    assert lanes.words.shape[0] == len(lanes.frame_done) == len(words)
    with netlist_model(toy.folder, toy.accelerator, family="xc7") as model:
        for lane in (0, 6, 63):
            mine = np.ascontiguousarray(words[lane::64])
            if len(mine) < 5:  # the lane's last round is a frame of another: cycles are of five
                mine = np.concatenate([mine, mine[:1]])
            gates = model.run(mine, **options)
            own = slice(lane, None, 64)
            count = len(lanes.words[own])
            assert (lanes.words[own] == gates.words[:count]).all()
            assert (lanes.frame_done[own] == gates.frame_done[:count]).all()
            for one, other in zip(lanes.capture["dots"], gates.capture["dots"], strict=True):
                assert (one[own] == other[:count]).all()
            assert (lanes.first_in, lanes.cycles) == (gates.first_in, gates.cycles)


def test_lanes_are_an_engine(toy):
    x = random_inputs(100)
    lanes = simulate(toy.folder, x, engine="lanes")
    scores, labels = toy.expected(x)
    assert (lanes.scores == scores).all() and (lanes.labels == labels).all()
    assert lanes.cycles_per_frame is None and lanes.frames == 100  # a frame a lane
    for options in ({"statistics": True}, {"waves": "x.fst"}, {"jobs": 2}, {"family": "ecp5"}):
        with pytest.raises(BadInput):
            simulate(toy.folder, x, engine="lanes", **options)


def test_weights_are_in_the_gates(toy, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(toy.folder, folder)
    (folder / "rtl/layer_0_weights.hex").write_text("0\n0\n0\n")
    reseal(folder)
    reseal_netlist(folder, "xc7")
    x = random_inputs(50)
    gates = simulate(folder, x, engine="netlist", family="xc7")
    assert (gates.scores == toy.expected(x)[0]).all()


def test_one_flipped_bit_of_a_lut_is_caught(toy, tmp_path):
    folder = tmp_path / "mutant"
    shutil.copytree(toy.folder, folder)
    path = folder / "synth/xc7.v"
    # an input's XNOR with a weight
    path.write_text(flipped(path.read_text(), "toy_layer", "LUT2", "s_axis_tdata["))
    reseal_netlist(folder, "xc7")
    x = random_inputs(300)
    try:
        gates = simulate(folder, x, engine="lanes", family="xc7")
    except CheckFailed:
        return
    assert (gates.scores != toy.expected(x)[0]).any()


@pytest.mark.parametrize("change, error, says", [
    (lambda f: shutil.rmtree(f / "synth"), BadInput, "no netlist.*hw-bnn synth"),
    (lambda f: (f / "synth/xc7.v").write_text(
        (f / "synth/xc7.v").read_text().replace("  LUT2 #(", "  DSP48E9 #(", 1))
     and reseal_netlist(f, "xc7"),
     Unsupported, "cells without a model: DSP48E9"),
])  # fmt: skip
def test_what_cannot_be_simulated_is_refused(toy, tmp_path, change, error, says):
    folder = tmp_path / "copy"
    shutil.copytree(toy.folder, folder)
    (folder / "synth/ecp5.v").unlink()
    change(folder)
    with pytest.raises(error, match=says):
        simulate(folder, random_inputs(2), engine="netlist")


def test_the_library_lacks_the_models_that_are_replaced_alone():
    text = cell_library("xilinx")["cells_sim.v"]
    assert "module FDRE " in text and "module RAM64M " in text
    assert (
        "module RAMB18E1" not in text
        and "module LUT6(" not in text
        and "module LUT6_2(" not in text
    )


def test_luts_equal_the_library_for_every_table_and_input(tmp_path):
    """Proved with the table as an input of both models."""
    from hw_bnn.synth.yosys import run_yosys, share_folder

    own = (CELLS / "xilinx_lut.v").read_text()
    library = (share_folder() / "xilinx/cells_sim.v").read_text()
    names = re.findall(r"^module (\w+)", own, re.M)
    assert names == ["LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2"]
    commands = []
    for name in names:
        for kind, text in (("own", own), ("library", library)):
            model = re.search(rf"^module {name} ?\(.*?^endmodule", text, re.M | re.S)[0]
            bits = re.search(r"parameter (\[\d+:0\]) INIT = 0;", model)
            model = model.replace(bits[0], "").replace("(", f"(input wire {bits[1]} INIT,", 1)
            (tmp_path / f"{kind}_{name}.v").write_text(model.replace(name, f"{kind}_{name}", 1))
            commands.append(f"read_verilog {kind}_{name}.v")
        commands += ["proc", f"miter -equiv -flatten own_{name} library_{name} miter_{name}",
                     f"sat -verify -prove trigger 0 miter_{name}"]  # fmt: skip
    log = run_yosys(commands, log=tmp_path / "log", cwd=tmp_path)
    assert log.count("SAT proof finished - no model found: SUCCESS!") == len(names)


def test_used_cells_are_instances_of_what_is_not_defined():
    text = (
        "module a(x);\n  LUT2 #(\n    .INIT(4'h8)\n  ) _1_ (\n  );\n"
        "  b inner (\n  );\n  INV _2_ (\n"
    )
    assert used_cells(text + "endmodule\nmodule b(y);\nendmodule\n") == {"LUT2", "INV"}


# ------------------------------------------------------------------------------ block RAM models

MEMORIES = [  # bits, address bits, mode of ram.v
    (1, 14, 3), (2, 13, 3), (4, 12, 3), (9, 11, 3), (18, 10, 3), (36, 9, 3), (36, 10, 3),
    (9, 11, 0), (18, 10, 0), (9, 11, 1), (18, 10, 1), (9, 11, 2), (18, 11, 2),
    (8, 11, 4), (64, 9, 4), (18, 10, 5),
]  # fmt: skip


def memory_top(memories) -> tuple[str, int]:
    """A top whose output word is all memories' outputs, and its width in bits."""
    total = sum(bits for bits, _, _ in memories)
    padded = (total + 7) // 8 * 8
    lines = [
        "module toy (", "  input wire ap_clk, input wire ap_rst_n,",
        "  input wire [127:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready,",
        "  input wire s_axis_tlast,", f"  output wire [{padded - 1}:0] m_axis_tdata,",
        "  output wire m_axis_tvalid, input wire m_axis_tready, output wire m_axis_tlast", ");",
        "  reg valid; assign m_axis_tvalid = valid; assign m_axis_tlast = 1'b1;",
        "  wire en = !valid || m_axis_tready; assign s_axis_tready = en;",
        "  always @(posedge ap_clk)",
        "    if (!ap_rst_n) valid <= 0; else if (en) valid <= s_axis_tvalid;",
        "  wire go = en && s_axis_tvalid;",
        f"  wire [{total - 1}:0] q; assign m_axis_tdata = q;",
        "  wire [255:0] d = {s_axis_tdata, s_axis_tdata};",
    ]  # fmt: skip
    at = 0
    for i, (bits, addr, mode) in enumerate(memories):
        lines.append(
            f'  ram #(.BITS({bits}), .ADDR({addr}), .MODE({mode}), .FILE("ram_{i}.hex")) ram_{i} ('
            f".clk(ap_clk), .en(go), .we(s_axis_tdata[0]), .be(s_axis_tdata[127:126]),"
            f" .addr(s_axis_tdata[1 +: {addr}]),"
            f" .waddr(s_axis_tdata[20 +: {addr}]), .d(d[{40 + i} +: {bits}]),"
            f" .q(q[{at} +: {bits}]));"
        )
        at += bits
    return "\n".join([*lines, "endmodule", ""]), padded


def memory_folder(folder, memories):
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    text, out_bits = memory_top(memories)
    (rtl / "toy.v").write_text(text)
    shutil.copyfile(TOY.parent / "rams/ram.v", rtl / "ram.v")
    rng = np.random.default_rng(5)
    files = []
    for i, (bits, addr, _) in enumerate(memories):
        values = (int.from_bytes(rng.bytes(16), "little") % (1 << bits) for _ in range(1 << addr))
        files.append(Memory(parameter="FILE", file=f"ram_{i}.hex", words=1 << addr, bits=bits))
        (rtl / files[-1].file).write_text("".join(f"{v:x}\n" for v in values))
    accelerator = describe("rams").model_copy(update=dict(
        input=Input(datatype="UINT16", minimum=0, maximum=65535, shape=[8], stream_shape=[8],
                    tensor="x", elements=8, element_bits=16, words=1, word_bits=128,
                    tdata_bits=128),
        output=Output(mode="scores", tensor="y", datatype="INT8", minimum=-128, maximum=127,
                      scores=out_bits // 8, lanes=out_bits // 8, score_bits=8,
                      label_bits=1, label_offset=0, words=1, tdata_bits=out_bits),
        nodes=[Node(name="rams", op="Rams", kernel="ram", inputs=[], outputs=[], cycles=1,
                    memories=files)],
        streams=[], sources=["ram.v", "toy.v"], bound_cycles=1,
    ))  # fmt: skip
    return seal(folder, accelerator)


@pytest.mark.parametrize("family, cells", [("xc7", {"RAMB18E1", "RAMB36E1"}), ("ecp5", {"DP16KD"})])
def test_block_ram_models_equal_the_memories_they_replace(tmp_path, family, cells):
    """Every width and write mode that Yosys maps, on random reads and writes of few addresses.

    Where a read meets a write of the other port, what comes out is not defined: avoided.
    """
    from hw_bnn.synth.yosys import run_yosys, slang_command

    accelerator = memory_folder(tmp_path / "rams", MEMORIES)
    place, rtl = tmp_path / "rams/synth", tmp_path / "rams/rtl"
    place.mkdir()
    command = {"xc7": "synth_xilinx -family xc7 -noiopad", "ecp5": "synth_ecp5"}[family]
    run_yosys(
        [slang_command([rtl / name for name in accelerator.sources], accelerator.top),
         f"{command} -flatten -top {accelerator.top}".replace("synth_ecp5 -flatten", "synth_ecp5"),
         ["write_verilog", "-noattr", f"{tmp_path / family}.v"]],
        log=place / "log", cwd=rtl,
    )  # fmt: skip
    document = {"family": family, "part": "x", "total": {}, "layers": {}}
    write_netlist(tmp_path / "rams", family, [tmp_path / f"{family}.v"], document)
    assert cells <= used_cells((place / f"{family}.v").read_text())
    rng = np.random.default_rng(9)
    x = rng.integers(0, 65536, size=(6000, 8))
    x[:, 0] = (x[:, 0] & 0x801F) | rng.choice(
        [0, 0x7000, 0x0100], 6000
    )  # few addresses, often again
    words = pack_input(accelerator.input, x)
    read = words[:, 0, :4].copy().view("<u4")[:, 0] >> 1
    write = words[:, 0, :8].copy().view("<u8")[:, 0] >> 20
    meet = np.zeros(len(x), bool)
    for _, addr, mode in MEMORIES:
        if mode in (3, 5):
            mask = (1 << addr) - 1
            meet |= (read & mask) == (write & np.uint64(mask)).astype(np.uint32)
    words = np.ascontiguousarray(words[~meet])
    assert len(words) > 5000
    with NativeModel(tmp_path / "rams/rtl", accelerator) as model:
        rtl = model.run(words)
    with netlist_model(tmp_path / "rams", accelerator, family=family) as model:
        gates = model.run(words)
    differing = np.argwhere((rtl.words != gates.words).any(axis=(1)))
    assert not differing.size, differing[:5]
