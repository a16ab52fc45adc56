"""FINN's networks: at the rate that SetFolding reaches, the search takes no more LUTs, by estimate."""

import os

import pytest
from compile_stages import PART

pytest.importorskip("finn")

from hw_bnn.compile.dataflow import build_dataflow
from hw_bnn.compile.frontend import import_model
from hw_bnn.modelfile import load_onnx

full = pytest.mark.full


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Name -> FINN's network with random BatchNorm statistics, as QONNX."""
    os.environ["BREVITAS_JIT"] = "0"
    import torch

    from hw_bnn.export import export_model
    from hw_bnn.nn import zoo

    place = tmp_path_factory.mktemp("networks")

    def export(name):
        torch.manual_seed(1)
        model = zoo.randomise_norms(zoo.build(name), seed=1).eval()
        shape = (4, 3, 32, 32) if name.startswith("cnv") else (4, 1, 28, 28)
        return load_onnx(export_model(model, place / f"{name}.onnx", torch.rand(*shape)))

    return export


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tfc_1w1a", *(pytest.param(n, marks=full) for n in (
    "sfc_1w1a", "lfc_1w1a", "cnv_1w1a"))])
@pytest.mark.parametrize("memory", ["lut", pytest.param("auto", marks=full)])
def test_never_worse_than_setfolding(network, name, memory):
    proto = network(name)

    def build(target, folding):
        return build_dataflow(proto, import_model(proto), part=PART, target=target, folding=folding,
                              mode="both", check=False, log=None, memory=memory).why

    finn = build(1024, "finn")
    ours = build(finn["bound_cycles"], None)
    assert ours["bound_cycles"] <= finn["bound_cycles"]
    assert ours["total"]["lut"] <= finn["total"]["lut"]
