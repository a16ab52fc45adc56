"""FINN's networks: at the rate that SetFolding reaches, the search takes no more LUTs by estimate,
and what it finds is exact in RTL."""

import os

import pytest

from tests.compile.compile_stages import PART

pytest.importorskip("finn")

from hw_bnn.compile.dataflow import build_dataflow
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.hardwiring import Wiring
from hw_bnn.onnxfile import load_onnx
from hw_bnn.verify import failed, verify

full = pytest.mark.full


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Name -> FINN's network with random BatchNorm statistics, as a QONNX file."""
    os.environ["BREVITAS_JIT"] = "0"
    import torch

    from hw_bnn.export import export_model
    from hw_bnn.nn import zoo

    place = tmp_path_factory.mktemp("networks")

    def export(name):
        torch.manual_seed(1)
        model = zoo.randomise_norms(zoo.build(name), seed=1).eval()
        shape = (4, 3, 32, 32) if name.startswith("cnv") else (4, 1, 28, 28)
        return export_model(model, place / f"{name}.onnx", torch.rand(*shape))

    return export


def build(path, target, folding, memory="auto", hardwired=None):
    """The folding explained, of SetFolding ("finn") or of the search (None)."""
    proto = load_onnx(path)
    return build_dataflow(
        proto,
        import_model(proto),
        part=PART,
        target=target,
        folding=folding,
        mode="both",
        check=False,
        log=None,
        memory=memory,
        wiring=None if hardwired is None else Wiring(hardwired, PART, 10.0),
    ).why


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["tfc_1w1a", *(pytest.param(n, marks=full) for n in ("sfc_1w1a", "lfc_1w1a", "cnv_1w1a"))],
)
@pytest.mark.parametrize("memory", ["lut", pytest.param("auto", marks=full)])
@pytest.mark.parametrize("hardwired", [None, pytest.param("auto", marks=full)])
@pytest.mark.parametrize("target", [1024, pytest.param(64, marks=full)])
def test_never_worse_than_setfolding(network, name, memory, hardwired, target):
    """At 64 cycles, too, where layers of the smaller networks are cheaper as constants."""
    path = network(name)
    finn = build(path, target, "finn", memory)
    ours = build(path, finn["bound_cycles"], None, memory, hardwired)
    constants = [row["layer"] for row in ours["layers"] if row.get("hardwired")]
    print(name, [(w["bound_cycles"], w["total"]["lut"]) for w in (finn, ours)], constants)
    assert ours["bound_cycles"] <= finn["bound_cycles"]
    assert ours["total"]["lut"] <= finn["total"]["lut"]


@full
@pytest.mark.parametrize(
    ("name", "frames"),
    [("tfc_1w1a", 1000), ("sfc_1w1a", 1000), ("lfc_1w1a", 200), ("cnv_1w1a", 10)],
)
def test_what_the_search_finds_is_exact_in_rtl(network, name, frames):
    path = network(name)
    target = build(path, 1024, "finn")["bound_cycles"]
    summary = verify(path, frames=frames, slow_frames=min(frames, 20), target_cycles=target)
    assert failed(summary) is None
    assert summary["frames"]["rtl"] == frames and summary["bound_cycles"] <= target
