"""Networks of one shape share a build whatever they are called; no other two do."""

import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from hw_bnn.accelerator import Description
from hw_bnn.errors import BadInput, CheckFailed
from hw_bnn.golden import GoldenModel
from hw_bnn.sim import cache, pack_input, stream_frames
from hw_bnn.sim.native import NativeModel
from hw_bnn.sim.neutral import Neutral
from hw_bnn.sim.rtl_design import rtl_design
from tests.networks.small_onnx import perceptron

SIZES = (24, 24, 10)
# A port, a part of a kernel's name and what all kernels begin with are among them.
NAMES = ("first", "first_of", "ap_clk", "fifo", "bnn")


def rolled(places: int) -> onnx.ModelProto:
    """The network with its last layer's outputs rolled: the same shape and ranges."""
    model = perceptron(SIZES)
    (last,) = (p for p in model.graph.initializer if p.name == f"w{len(SIZES) - 2}")
    weights = np.roll(numpy_helper.to_array(last), places, axis=1)
    last.CopyFrom(numpy_helper.from_array(weights, last.name))
    return model


def compiled(place, name, model, **options):
    pytest.importorskip("finn")
    from hw_bnn.compile import compile_model

    onnx.save(model, place / f"{name}.onnx")
    return compile_model(
        place / f"{name}.onnx", place / name, target_cycles=60, check=False, fifo_sizing="none",
        **options,
    )  # fmt: skip


def key(folder):
    return rtl_design(folder / "rtl", Description.load(folder)).key()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """{name: folder}: each with scores of its own."""
    place = tmp_path_factory.mktemp("shape")
    return {name: compiled(place, name, rolled(i)) for i, name in enumerate(NAMES)}


@pytest.mark.parametrize(
    ("engine", "kind", "names"), [("native", "verilated", NAMES), ("cocotb", "cocotb", NAMES[:3:2])]
)
def test_one_build_serves_all_names(folders, engine, kind, names, monkeypatch):
    used, seen = [], set()
    folder_of = cache._touch
    monkeypatch.setattr(cache, "_touch", lambda folder: used.append(folder) or folder_of(folder))
    for name in names:
        folder = folders[name]
        accelerator = Description.load(folder)
        assert accelerator.top == name
        x = np.random.default_rng(0).integers(0, 16, (12, *accelerator.input.shape))
        wanted = GoldenModel.from_onnx(folder / "model.onnx").scores(x).reshape(12, -1)
        assert np.array_equal(stream_frames(folder, x, engine=engine).scores, wanted)
        seen.add(wanted.tobytes())
    assert len(seen) == len(names)
    used = [folder for folder in used if folder.parent.name == kind]
    assert len(used) == len(names) and len(set(used)) == 1


def test_other_networks_never_share_a_build(folders, tmp_path):
    others = [
        compiled(tmp_path, "deeper", perceptron((24, 24, 24, 10))),
        compiled(tmp_path, "first", perceptron((24, 24, 9))),
        compiled(tmp_path, "wired", rolled(0), hardwired="all"),
        compiled(tmp_path, "wired_other", rolled(1), hardwired="all"),
    ]
    keys = [key(folder) for folder in others]
    assert len({key(folder) for folder in folders.values()}) == 1
    assert len({*keys, key(folders["first"])}) == 1 + len(others)


def test_what_goes_wrong_is_told_in_the_accelerators_own_names(folders, tmp_path):
    folder = compiled(tmp_path, "told", rolled(3))
    accelerator = Description.load(folder)
    lost = next(m.file for n in accelerator.nodes for m in n.memories)
    (folder / "rtl" / lost).unlink()
    with pytest.raises(BadInput, match=lost):
        NativeModel(folder / "rtl", accelerator)
    source = folder / "rtl" / "told.sv"
    source.write_text(source.read_text().replace("endmodule", "endmodul"))
    with pytest.raises(CheckFailed, match=r"Verilator rejects.*\btold.sv:"):
        NativeModel(folder / "rtl", accelerator)


def test_bytes_that_are_no_utf_8_stay_what_they_are(folders, tmp_path):
    folder = shutil.copytree(folders["first"], tmp_path / "first")
    own = folder / "rtl" / "first.sv"
    own.write_bytes(own.read_bytes() + b"\n// \xe9\n")
    found = []
    for each in (folders["first"], folder):
        accelerator = Description.load(each)
        x = np.random.default_rng(0).integers(0, 16, (4, *accelerator.input.shape))
        with NativeModel(each / "rtl", accelerator) as model:
            found.append(model.run(pack_input(accelerator.input, x)).words)
    assert np.array_equal(*found)


@pytest.mark.parametrize("name", ["bnn_accelerator.sv", "bnn_accelerator_weights.hex"])
def test_a_strangers_file_of_a_new_name_is_refused(folders, name):
    accelerator = Description.load(folders["first"])
    changed = accelerator.model_copy(update={"sources": [*accelerator.sources, name]})
    with pytest.raises(BadInput, match=f"{name} has a name that simulations use"):
        Neutral.of(changed)
