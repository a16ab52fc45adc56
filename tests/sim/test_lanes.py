"""The engine lanes: its logic, and every cell against Yosys' own models in Verilator."""

import random

import numpy as np
import pytest

from hw_bnn.errors import Unsupported
from hw_bnn.sim.lanes.logic import ONE, ZERO, Logic, steps
from hw_bnn.sim.lanes.model import LanesModel, module_program
from hw_bnn.sim.netlist import netlist_model
from hw_bnn.verify.stage import Ask, check_stages
from tests.sim.lane_cells import (
    add_block_rams,
    add_dsps,
    add_flops,
    add_logic,
    add_lut_rams,
    cells_folder,
)  # fmt: skip


def looked_up(table: int, bits: list[int]) -> int:
    return table >> sum(bit << k for k, bit in enumerate(bits)) & 1


def test_a_table_in_steps_of_three_inputs_is_the_table():
    rng = random.Random(3)
    tables = [(rng.getrandbits(1 << size), size) for size in range(1, 7) for _ in range(12)]
    parity = sum((x.bit_count() & 1) << x for x in range(64))
    for table, size in [*tables, (parity, 6), (0xCA, 3)]:
        plan = steps(table, size)
        assert all(len(inputs) <= 3 for _, inputs in plan)
        for x in range(1 << size):
            values = [x >> k & 1 for k in range(size)]
            for part, inputs in plan:
                values.append(looked_up(part, [values[i] for i in inputs]))
            assert values[-1] == table >> x & 1
    assert len(steps(parity, 6)) == 3


def test_logic_is_what_was_asked_for_whatever_is_folded_away():
    rng = random.Random(4)
    for _ in range(400):
        logic = Logic()
        pool = [ZERO, ONE, *(logic.source() for _ in range(4))]
        values = {ZERO: 0, ONE: 0xFFFF}  # of the 16 inputs
        values |= {s: sum((x >> k & 1) << x for x in range(16)) for k, s in enumerate(pool[2:])}
        for _ in range(12):
            inputs = tuple(rng.choice(pool) for _ in range(rng.randint(1, 4)))
            table = rng.getrandbits(1 << len(inputs))
            node = logic.lut(table, inputs)
            expected = sum(
                looked_up(table, [values[i] >> x & 1 for i in inputs]) << x for x in range(16)
            )
            assert values.setdefault(node, expected) == expected
            pool.append(node)


@pytest.mark.slow
def test_every_cell_is_what_yosys_library_says(tmp_path):
    pytest.importorskip("pyosys", reason="needs Yosys: pip install 'hw-bnn[synth]'")
    folder = tmp_path / "cells"
    accelerator = cells_folder(
        folder, 7, add_logic, add_flops, add_lut_rams, add_dsps, add_block_rams
    )
    lanes, rows = 64, 300
    words = np.random.default_rng(3).integers(0, 256, (lanes * rows, 1, 16), np.uint8)
    with LanesModel(folder, accelerator, lanes=lanes) as model:
        kinds = model.program.varying
        found = model.run(words).words
    assert kinds["flops"] > 100 and kinds["memory_bits"] > 1000
    for lane in (0, 5, 63):
        with netlist_model(folder, accelerator) as model:
            expected = model.run(np.ascontiguousarray(words[lane::lanes])).words
        # block RAMs show what their registers started with until they are first enabled
        assert (found[lane::lanes][20:] == expected[20:]).all(), lane


def module(cells: dict, **nets: list) -> dict:
    """A module of Yosys' JSON: nets 2 to 9 are the one-bit ports in the order below."""
    names = ("ap_clk", "ap_rst_n", "s_axis_tdata", "s_axis_tvalid", "s_axis_tlast",
             "m_axis_tready", "s_axis_tready", "m_axis_tvalid")  # fmt: skip
    ports = {name: {"bits": [2 + i]} for i, name in enumerate(names)}
    ports |= {"m_axis_tlast": {"bits": ["1"]}, "m_axis_tdata": {"bits": [10]}}
    made = {
        name: {"type": kind, "parameters": parameters, "connections": pins}
        for name, (kind, parameters, pins) in cells.items()
    }
    wires = {"ready": ("LUT1", {"INIT": "10"}, {"I0": [7], "O": [8]}),
             "valid": ("LUT1", {"INIT": "10"}, {"I0": [5], "O": [9]})}  # fmt: skip
    for name, (kind, parameters, pins) in wires.items():
        made.setdefault(name, {"type": kind, "parameters": parameters, "connections": pins})
    return {"ports": ports, "cells": made, "netnames": nets}


@pytest.mark.parametrize("cell, says", [
    (("LUT9", {}, {"O": [10]}), "no lanes of the cells LUT9"),
    (("RAM32X1S", {}, {"WCLK": [2], "A0": [4], "D": [4], "O": [10], "WE": ["1"]}),
     "address or enable of a memory depends on the data"),
    (("RAM32X1S", {}, {"WCLK": [2], "A0": [5], "D": [4], "O": [10], "WE": [4]}),
     "address or enable of a memory depends on the data"),
    (("FDRE", {}, {"C": [5], "CE": ["1"], "D": [4], "Q": [10], "R": ["0"]}),
     r"cell cell \(FDRE\): its clock is not"),
    (("FDCE", {}, {"C": [2], "CE": ["1"], "D": [4], "Q": [10], "CLR": [3]}), "CLR, which acts"),
    (("LUT1", {"INIT": "10"}, {"I0": [10], "O": [10]}), "in a loop of logic"),
    (("LUT1", {"INIT": "10"}, {"I0": [99], "O": [10]}), "no driver"),
    (("RAMB18E1", {"DOA_REG": "1"}, {"DOADO": [10]}), "an output register"),
    (("DSP48E1", {"USE_SIMD": "TWO24"}, {"P": [10]}), "USE_SIMD is TWO24"),
    (("DSP48E1", {f"{name}REG": "0" for name in ("A", "B", "C", "M", "P", "OPMODE", "ALUMODE")},
      {"P": [11], "PCOUT": [10], "OPMODE": ["1", "0", "1", *"0000"]}), "PCOUT is in use"),
])  # fmt: skip
def test_what_has_no_lanes_is_refused_by_name(cell, says):
    with pytest.raises(Unsupported, match=says) as refused:
        module_program(module({"cell": cell}))
    assert "netlist engine" in str(refused.value.remedy)


def test_a_handshake_that_depends_on_the_data_is_refused():
    data = ("LUT1", {"INIT": "10"}, {"I0": [4], "O": [10]})
    cells = {"data": data, "valid": ("LUT1", {"INIT": "10"}, {"I0": [4], "O": [9]})}
    with pytest.raises(Unsupported, match="m_axis_tvalid depends on the data"):
        module_program(module(cells))
    assert module_program(module({"data": data})).varying["tables"] == 0  # wires alone


def test_what_has_no_lanes_is_refused_by_its_options():
    with pytest.raises(Unsupported, match="no lanes of ecp5, only of xc7 and xcup"):
        check_stages(Ask(family="ecp5", also=("lanes",)), port=False)
    with pytest.raises(Unsupported, match="config port"):
        check_stages(Ask(also=("lanes",)), port=True)
    check_stages(Ask(also=("lanes",)), port=False)
