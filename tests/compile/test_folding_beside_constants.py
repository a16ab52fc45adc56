"""A folding given beside constants: what it names is folded so, the search does the rest."""

import json

import onnx
import pytest

from hw_bnn.accelerator import Description
from hw_bnn.compile import compile_model
from hw_bnn.errors import BadInput
from tests.compile.compile_stages import check_rtl
from tests.compile.test_compile_hardwired import convolutions

pytest.importorskip("finn")


def units(folder) -> list[tuple[bool, int, int]]:
    """(hard-wired, PE, SIMD) of each matrix unit, in order."""
    nodes = Description.load(folder).nodes
    return [(n.op == "HardwiredMVAU_rtl", n.pe, n.simd) for n in nodes if n.op.endswith("MVAU_rtl")]


@pytest.mark.slow
def test_a_named_layer_is_folded_so_and_another_is_constants(tmp_path):
    """By a file, with FINN's name and the model's; exact in RTL with pauses."""
    model = convolutions()
    first, second = (n.name for n in model.graph.node if n.op_type == "Conv")
    file = tmp_path / "folding.json"
    file.write_text(json.dumps({"Defaults": {}, "MVAU_1": {"PE": 1, "SIMD": 6}}))
    folder = check_rtl(
        model, tmp_path, hardwired=first, folding=str(file), target_cycles=64, rate=16
    )
    assert units(folder)[:2] == [(True, 6, 27), (False, 1, 6)]
    assert Description.load(folder).bound_cycles == 4 * 5 * 4  # more than the target: it is fixed
    options = {"hardwired": "auto", "target_cycles": 100, "check": False, "fifo_sizing": "none"}
    compile_model(
        tmp_path / "network.onnx", tmp_path / "auto", folding={first: {"PE": 2}}, **options
    )
    assert units(tmp_path / "auto")[0][:2] == (False, 2)


def test_finns_folding_beside_constants(tmp_path):
    model = convolutions()
    onnx.save(model, tmp_path / "net.onnx")
    layer = next(n.name for n in model.graph.node if n.op_type == "Conv")
    options = {"folding": "finn", "target_cycles": 64, "check": False, "fifo_sizing": "none"}
    compile_model(tmp_path / "net.onnx", tmp_path / "plain", **options)
    compile_model(tmp_path / "net.onnx", tmp_path / "wired", hardwired=layer, **options)
    plain, wired = units(tmp_path / "plain"), units(tmp_path / "wired")
    assert [row[0] for row in wired] == [True, False, False]
    assert wired[1:] == plain[1:]


@pytest.mark.parametrize(
    ("hardwired", "folding", "match"),
    [
        (
            "all",
            {"MVAU_1": {"PE": 1}},
            "makes it constants, and the folding folds it; leave",
        ),
        ("Conv_0", {"MVAU_0": {"PE": 1}}, "makes it constants, and the folding folds it"),
        ("auto", {"XnorMVAU_rtl_0": {"PE": 1}}, "names no node 'XnorMVAU_rtl_0'"),
        ("auto", {"MVAU_1": {"PE": 3}}, "PE = 3 does not divide 5"),
    ],
)
def test_refused(tmp_path, hardwired, folding, match):
    model = convolutions()
    for number, node in enumerate(n for n in model.graph.node if n.op_type == "Conv"):
        node.name = f"Conv_{number}"
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(BadInput, match=match):
        compile_model(tmp_path / "net.onnx", tmp_path / "out", hardwired=hardwired, folding=folding)
    assert not (tmp_path / "out").exists()
