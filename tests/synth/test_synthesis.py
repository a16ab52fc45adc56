"""synth and bitstream on a small accelerator: counts, hierarchy, errors, and the gate."""

import json

import pytest

from hw_bnn.accelerator import Description
from hw_bnn.accelerator.folder import reseal
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.synth import bitstream, ecp5_bitstream, place_route, synth
from hw_bnn.synth.depth import logic_depth
from hw_bnn.synth.ecp5_bitstream import pll_dividers
from hw_bnn.synth.place_route import critical_path
from hw_bnn.synth.resources import count_resources


def test_layers_add_up_to_the_total(accelerator):
    document = synth(accelerator, family="xc7")
    assert document == json.loads((accelerator / "synth" / "xc7.json").read_text())
    layers, total = document["layers"], document["total"]
    assert set(layers) == {"layer0_fifo", "layer1_mvau"}
    for kind in ("lut", "ff", "carry"):
        assert 0 <= total[kind] - sum(layer[kind] for layer in layers.values()) <= 2
    assert layers["layer1_mvau"]["lut"] > 8 * 8
    assert document["depth"]["lut_levels"] >= 4
    netlist = (accelerator / "synth" / "xc7.v").read_text()
    assert "module tiny" in netlist and "LUT6_2" in netlist


def test_a_bitstream_for_the_ulx3s(accelerator):
    result = bitstream(accelerator, board="ulx3s", freq_mhz=100)
    place = accelerator / "board" / "ulx3s"
    assert result["fmax_mhz"] >= 100
    assert (place / "ulx3s.bit").stat().st_size == result["bytes"] > 50_000
    assert set(result["critical_path"]["nodes"]) <= {"layer0_fifo", "layer1_mvau"}
    # A clock that no ECP5 reaches: no file, the Fmax told.
    with pytest.raises(CheckFailed, match=r"reaches [\d.]+ MHz, 400 MHz were asked"):
        bitstream(accelerator, board="ulx3s", freq_mhz=400)
    assert not (place / "ulx3s.bit").exists()


def test_a_missed_clock_of_another_part_says_so(accelerator, monkeypatch):
    def run_tool(_name, _arguments, *, log, timeout_s, cwd=None):
        log.write_text("ERROR: Max frequency for clock 'clk': 81.50 MHz (FAIL at 100.00 MHz)\n")
        return 1

    monkeypatch.setattr(place_route, "run_tool", run_tool)
    mine = Description.load(accelerator)
    for part, remedy in (
        ("LFE5U-85F-6BG381C", "fold with a smaller SIMD"),
        ("xc7z020clg400-1", "xc7z020.*ulx3s"),
    ):
        with pytest.raises(
            CheckFailed, match=rf"reaches 81.5 MHz, 100 MHz were asked for.*{remedy}"
        ):
            place_route.place_and_route(
                accelerator / "x.json",
                mine.model_copy(update={"part": part}),
                place=accelerator,
                freq_mhz=100,
            )


def test_a_dry_run_writes_sources_only(accelerator):
    result = bitstream(accelerator, dry_run=True)
    place = accelerator / "board" / "ulx3s"
    assert result["file"] is None and result["baud"] == 1_000_000
    assert {"bnn_ulx3s_top.sv", "bnn_serial_shell.sv", "w.hex"} <= {
        p.name for p in (place / "rtl").iterdir()
    }
    assert (place / "ulx3s.lpf").is_file() and not (place / "ulx3s.bit").exists()
    for name in ("host.py", "words.py"):  # what the other end of the serial line runs
        assert (place / name).is_file()


def test_errors_carry_the_tools_words_and_the_log(accelerator):
    path = accelerator / "rtl" / "layer0_fifo.v"
    path.write_text(path.read_text().replace("bnn_fifo #(", "no_such_kernel #("))
    reseal(accelerator)
    with pytest.raises(
        CheckFailed, match=r"tiny: .*unknown module 'no_such_kernel' \(log: .*xc7\.log\)"
    ):
        synth(accelerator)
    path.unlink()
    with pytest.raises(BadInput, match="layer0_fifo.v is missing"):
        synth(accelerator)


@pytest.mark.parametrize(("tool", "said", "message"), [
    ("nextpnr_ecp5",
     "Info: packing\nERROR: Unable to place cell 'x', no Bels remaining of type 'DP16KD'\n",
     r"tiny: nextpnr failed: ERROR: Unable to place cell 'x', no Bels remaining .* "
     r"\(log: .*nextpnr\.log\)"),
    ("nextpnr_ecp5", "killed\n", r"tiny: nextpnr failed: exit code 1 \(log: .*nextpnr\.log\)"),
    ("ecppack", "ERROR: no such tile\n",
     r"tiny: ecppack failed: ERROR: no such tile \(log: .*ecppack\.log\)"),
])  # fmt: skip
def test_a_failing_tool_gives_no_bitstream(accelerator, monkeypatch, tool, said, message):
    def run_tool(name, arguments, *, log, timeout_s, cwd=None):
        log.write_text(
            said
            if name == tool
            else "Info: Max frequency for clock 'clk': 99.0 MHz (PASS at 50 MHz)\n"
        )
        return int(name == tool)

    monkeypatch.setattr(place_route, "run_tool", run_tool)
    monkeypatch.setattr(ecp5_bitstream, "run_tool", run_tool)
    monkeypatch.setattr(ecp5_bitstream, "synthesise", lambda *_args, **_kwargs: {"total": {}})
    with pytest.raises(CheckFailed, match=message):
        bitstream(accelerator)
    assert not list((accelerator / "board" / "ulx3s").glob("*.bit"))


def test_time_outs(accelerator):
    with pytest.raises(CheckFailed, match="did not finish in 0.2 s"):
        synth(accelerator, timeout_s=0.2)


def test_bad_use(accelerator, tmp_path):
    with pytest.raises(BadInput, match="no family 'xc9'; use one of xc7, xcup, ecp5"):
        synth(accelerator, family="xc9")
    with pytest.raises(BadInput, match="no open place and route for xc7"):
        synth(accelerator, pnr=True)
    with pytest.raises(BadInput, match="is not an accelerator folder"):
        synth(tmp_path)
    with pytest.raises(BadInput, match="no bitstream for 'pynq-z1'"):
        bitstream(accelerator, board="pynq-z1")
    with pytest.raises(BadInput, match="cannot be 60 MHz; take a multiple of 25 MHz, 50 MHz"):
        bitstream(accelerator, freq_mhz=60)


def test_pll_runs_in_its_range():
    for feedback in range(1, 17):
        multiplier, divider = pll_dividers(25 * feedback)
        assert multiplier == feedback and 400 <= 25 * multiplier * divider <= 800


def test_counting_cells():
    cells = {
        "LUT6": 3,
        "LUT6_2": 2,
        "RAM32M": 1,
        "SRL16E": 2,
        "FDRE": 5,
        "CARRY4": 1,
        "RAMB18E1": 3,
        "URAM288": 2,
        "IBUF": 9,
        "NONSENSE": 1,
    }
    assert count_resources(cells) == {
        "lut": 11,
        "lutram": 6,
        "ff": 5,
        "carry": 1,
        "bram": 1.5,
        "uram": 2,
        "mux": 0,
        "dsp": 0,
        "unknown": 1,
    }


def test_depth_is_the_longest_chain():
    def lut(inputs, output):
        return {
            "type": "LUT2",
            "port_directions": {"I0": "input", "I1": "input", "O": "output"},
            "connections": {"I0": [inputs[0]], "I1": [inputs[1]], "O": [output]},
        }

    cells = {"a": lut((2, 3), 4), "b": lut((4, 2), 5), "c": lut((5, 4), 6), "d": lut((2, 3), 7)}
    found = logic_depth({"cells": cells}, "xc7")
    assert found.levels == 3 and found.path == ["a", "b", "c"]


def test_critical_path_is_told_in_layers(accelerator):
    hop = {"type": "logic", "delay": 2.0}
    report = {
        "critical_paths": [
            {
                "from": "posedge clk",
                "to": "posedge clk",
                "path": [
                    {**hop, "to": {"cell": "shell.accelerator.layer0_fifo.kernel.head"}},
                    {**hop, "to": {"cell": "shell.accelerator.layer1_mvau.kernel.acc"}},
                ],
            },
            {
                "from": "<async>",
                "to": "posedge clk",
                "path": [{**hop, "delay": 90, "to": {"cell": "x"}}],
            },
        ]
    }
    found = critical_path(report, Description.load(accelerator), "shell.accelerator.")
    assert found["nodes"] == ["layer0_fifo", "layer1_mvau"] and found["delay_ns"] == 4.0
