"""Vivado's reports as numbers: its two table shapes, and what is none of its reports."""

import json

import pytest

from hw_bnn.boards import vivado
from hw_bnn.boards.vivado_reports import read_reports, slacks, used

SEVEN = """
1. Slice Logic
+----------------------------+------+-------+-----------+-------+
|          Site Type         | Used | Fixed | Available | Util% |
+----------------------------+------+-------+-----------+-------+
| Slice LUTs                 | 5272 |     0 |     53200 |  9.91 |
|   LUT as Logic             | 4944 |     0 |     53200 |  9.29 |
|     LUT as Shift Register  |  147 |     0 |           |       |
| Slice Registers            | 6120 |     0 |    106400 |  5.75 |
+----------------------------+------+-------+-----------+-------+
3. Memory
+-------------------+------+-------+-----------+-------+
|     Site Type     | Used | Fixed | Available | Util% |
+-------------------+------+-------+-----------+-------+
| Block RAM Tile    |  2.5 |     0 |       140 |  1.79 |
|   RAMB36/FIFO*    |    2 |     0 |       140 |  1.43 |
+-------------------+------+-------+-----------+-------+
| DSPs           |    0 |     0 |       220 |  0.00 |
"""
ULTRASCALE = """
|          Site Type         | Used | Fixed | Prohibited | Available | Util% |
+----------------------------+------+-------+------------+-----------+-------+
| CLB LUTs*                  | 5272 |     0 |          0 |    117120 |  4.50 |
| CLB Registers              | 6120 |     0 |          0 |    234240 |  2.61 |
| Block RAM Tile    |    4 |     0 |          0 |       144 |  2.78 |
| URAM              |    1 |     0 |          0 |        64 |  1.56 |
| DSPs           |    3 |     0 |          0 |      1248 | <0.01 |
| CLB LUTs                   |    9 |     0 |          0 |         9 | 99.00 |
"""
TIMING = """
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      WPWS(ns)
    -------      -------  ---------------------  -------------------      -------      --------
     -0.112       -3.250                     40                15241        0.021         {}

Clock              WNS(ns)      TNS(ns)
-----              -------      -------
clk_fpga_0           9.999        0.000
"""


def test_both_shapes_of_the_table():
    assert used(SEVEN) == {
        "lut": {"used": 5272, "available": 53200},
        "ff": {"used": 6120, "available": 106400},
        "bram": {"used": 2.5, "available": 140},
        "dsp": {"used": 0, "available": 220},
    }
    found = used(ULTRASCALE)
    assert found["lut"] == {"used": 5272, "available": 117120}  # the first row of its name
    assert found["uram"] == {"used": 1, "available": 64}
    assert found["dsp"] == {"used": 3, "available": 1248}


def test_slacks():
    assert slacks(TIMING.format("3.750")) == {"setup": -0.112, "hold": 0.021, "pulse_width": 3.75}
    assert slacks(TIMING.format("NA")) == {"setup": -0.112, "hold": 0.021}
    assert slacks(TIMING.format("3.750").partition("Clock ")[2]) == {}  # no clock's own row


@pytest.mark.parametrize(
    "text", ["", "|||", "| Site Type |\n| URAM |", TIMING.format(""), "\0" * 99]
)
def test_what_is_no_report_gives_no_number(text):
    assert used(text) == {} and slacks(text) == {}


def test_they_go_into_the_overlay_s_document(folder, tmp_path, monkeypatch):
    def made(place, accelerator, timeout_s):
        (place / "overlay.bit").write_bytes(b"bits")
        (place / "overlay.hwh").write_bytes(b"xml")
        (place / "utilization.rpt").write_text(ULTRASCALE)
        (place / "timing.rpt").write_bytes(b"\xff" + TIMING.format("1.0").encode())

    monkeypatch.setattr(vivado, "_run_vivado", made)
    told = vivado.overlay(folder, "kv260")
    place = folder / "board" / "kv260"
    kept = json.loads((place / "overlay.json").read_text())
    assert kept["used"]["lut"]["used"] == told["used"]["lut"]["used"] == 5272
    assert kept["slack_ns"]["setup"] == told["slack_ns"]["setup"] == -0.112
    assert read_reports(tmp_path) == {"used": {}, "slack_ns": {}}
