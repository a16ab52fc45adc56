"""A folder from elsewhere in the engines: nothing of it runs before it is whole and trusted."""

import shutil

import pytest

from hw_bnn.accelerator import trust
from hw_bnn.accelerator.folder import reseal
from hw_bnn.errors import BadInput
from hw_bnn.sim import capture
from hw_bnn.simulation import simulate
from tests.sim.toy_accelerator import random_inputs


@pytest.fixture
def strange(toy, tmp_path, monkeypatch):
    """The toy, compiled by somebody else, with a command in its RTL."""
    path = toy.folder / "rtl/toy_layer.v"
    command = f'initial $system("touch {tmp_path}/ran");\nendmodule'
    path.write_text(path.read_text().replace("endmodule", command, 1))
    reseal(toy.folder)
    monkeypatch.setattr(trust, "_accepted", set())
    monkeypatch.setenv("HW_BNN_STATE", str(tmp_path / "state of another"))
    return toy


def test_no_engine_runs_a_strangers_rtl_unasked(strange, tmp_path):
    x = random_inputs(40)
    for options in ({}, {"jobs": 2}, {"resume": True}, {"engine": "cocotb"}, {"engine": "netlist"}):
        with pytest.raises(BadInput, match="not written by you"):
            simulate(strange.folder, x, **options)
    with pytest.raises(BadInput, match="not written by you"):
        capture(strange.folder, x)
    assert not (tmp_path / "ran").exists() and not (strange.folder / "sim").exists()


def test_trusted_it_runs_in_this_process_and_in_its_workers(strange, tmp_path):
    """That the command runs shows what the question is about."""
    x = random_inputs(40)
    result = simulate(strange.folder, x, jobs=2, trust=True)
    assert (result.scores == strange.expected(x)[0]).all()
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("damage", [
    lambda p: p.write_text(p.read_text().replace("0", "1", 1)), lambda p: p.write_text(""),
    lambda p: p.write_text(p.read_text()[:-7]),
])  # fmt: skip
def test_a_damaged_memory_is_never_simulated(toy, damage):
    damage(toy.folder / "rtl/layer_0_weights.hex")
    for options in ({}, {"jobs": 2}, {"engine": "cocotb"}, {"trust": True}):
        with pytest.raises(BadInput, match=r"layer_0_weights\.hex is not the file that was"):
            simulate(toy.folder, random_inputs(4), **options)


def test_nothing_is_written_through_a_link(toy, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (toy.folder / "sim").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="sim is a link, and nothing is written through it"):
        simulate(toy.folder, random_inputs(4), resume=True)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("name", [
    "a b", "it's; $(touch x) `y`", 'quo"te', "nl\nline", "ünïcode", "-x", "back\\slash", "co,mma",
    "hash#", "*", "%d",
])  # fmt: skip
def test_a_folder_of_any_name_is_simulated(toy, tmp_path, name, monkeypatch):
    place = tmp_path / name
    shutil.move(toy.folder, place)
    x = random_inputs(40)
    assert (simulate(place, x).scores == toy.expected(x)[0]).all()
    monkeypatch.chdir(tmp_path)
    assert (simulate(name, x, jobs=2).scores == toy.expected(x)[0]).all()
