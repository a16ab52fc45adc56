"""`import hw_bnn as hb`: light, whatever was imported first, and as exact as the commands."""

import re
import subprocess
import sys

import numpy as np
import onnx
import pytest

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.errors import BadInput, Unsupported
from tests.networks.small_onnx import perceptron

HEAVY = ("numpy", "onnx", "pydantic", "rich", "torch", "typer", "yaml")


def python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )


def test_importing_it_imports_nothing_heavy():
    code = f"import sys, hw_bnn; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code).stdout == "[]\n"


def test_the_help_imports_nothing_but_typer_and_the_standard_library():
    """What keeps it below a third of a second."""
    code = """
import sys
before = {*sys.modules, *sys.stdlib_module_names}
from hw_bnn import cli
try:
    cli.run(["--help"])
except SystemExit:
    pass
found = {name.partition(".")[0] for name in set(sys.modules) - before}
print(" ".join(found - before - {"hw_bnn"}), file=sys.stderr)
"""
    assert set(python(code).stderr.split()) <= {"annotated_doc", "click", "shellingham", "typer"}


ORDERS = {
    "functions first": "",
    "modules first": "import hw_bnn.train, hw_bnn.compile.build, hw_bnn.verify, hw_bnn.synth.yosys,"
    " hw_bnn.report, hw_bnn.hls, hw_bnn.export, hw_bnn.demo, hw_bnn.doctor",
}


@pytest.mark.parametrize("first", ORDERS.values(), ids=ORDERS)
def test_functions_and_packages_of_one_name_are_both_there(first):
    code = f"""
{first}
import inspect, sys
import hw_bnn as hb
for name in set(hb.__all__) - {{"sweep"}}:  # not a module: it is imported at once, with torch
    assert callable(getattr(hb, name)), name
assert "target_cycles" in inspect.signature(hb.compile).parameters
assert hb.doctor()["python"]["found"]
import hw_bnn.train.run_folder, hw_bnn.compile.build
from hw_bnn.train import run_folder, train
from hw_bnn.compile import compile_model
assert hb.train.run_folder is run_folder and hb.compile.compile_model is compile_model
assert "torch" not in sys.modules and "finn" not in sys.modules
assert callable(hb.train) and callable(hb.compile) and set(hb.__all__) <= set(dir(hb))
try:
    hb.nothing
except AttributeError as error:
    assert "'hw_bnn' has no attribute 'nothing'" in str(error)
else:
    raise AssertionError
"""
    python(code)


def network(torch):
    """A Brevitas network that knows nothing of hw_bnn: 64 - 32 - 10."""
    from brevitas.nn import QuantIdentity, QuantLinear
    from brevitas.quant import SignedBinaryActPerTensorConst as Sign
    from brevitas.quant import SignedBinaryWeightPerTensorConst as Binary

    torch.manual_seed(3)
    norm = torch.nn.BatchNorm1d(32)
    norm.running_mean.uniform_(-0.5, 0.5)  # as after training: no sum lies on a threshold
    layers = [
        QuantIdentity(act_quant=Sign),
        QuantLinear(64, 32, bias=False, weight_quant=Binary),
        norm,
        QuantIdentity(act_quant=Sign),
        QuantLinear(32, 10, bias=False, weight_quant=Binary),
    ]
    return torch.nn.Sequential(*layers)


@pytest.mark.slow
def test_a_notebook_from_a_brevitas_module_to_predictions(tmp_path, monkeypatch, capsys):
    import torch

    from hw_bnn.data.sets import load_arrays

    monkeypatch.chdir(tmp_path)
    module, digits = network(torch), load_arrays("digits", "test")[0] / 8.0 - 1.0
    # a notebook's lines:
    path = hb.export(module, "net.onnx", example_input=digits[:8])
    accelerator = hb.compile(path, target_cycles=64)
    labels = accelerator.predict(digits)
    shown, page = repr(accelerator), accelerator._repr_html_()

    with torch.no_grad():
        outputs = module(torch.as_tensor(digits, dtype=torch.float32)).numpy()
    assert np.array_equal(labels, np.argmax(np.round(outputs, 4), axis=1))
    assert np.array_equal(labels, hb.GoldenModel.from_onnx(path).predict(digits))
    assert len(np.unique(labels)) > 2
    random = np.random.default_rng(0).choice([-1, 1], (100, 64))
    assert np.array_equal(accelerator.predict(random), accelerator.golden.predict(random))
    assert accelerator.verify(inputs=digits)["passed"]
    assert accelerator.estimate["lut"] > 0 and "XnorMVAU_rtl" in shown and "LUT" in shown
    assert page.count("<tr>") == len(shown.splitlines()) - 2  # but for title and total

    # and the command line, with the same options, gives the same
    capsys.readouterr()
    assert cli.run(["compile", "net.onnx", "--target-cycles", "64", "--out", "again"]) == 0
    np.save("digits.npy", digits)
    command = ["simulate", "again", "--inputs", "digits.npy", "--save", "out.npz"]
    assert cli.run(command) == 0
    with np.load("out.npz") as saved:
        assert np.array_equal(saved["labels"], labels)
        assert np.array_equal(saved["scores"], accelerator.simulate(digits).scores)
    again, mine = hb.Accelerator("again").description, accelerator.description
    assert again.model_copy(update={"name": mine.name}) == mine


@pytest.mark.slow
def test_a_model_in_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = perceptron()
    accelerator = hb.compile(model, check=False, fifo_sizing="none")
    assert accelerator.folder == tmp_path / "model_accelerator"
    x = np.random.default_rng(1).integers(0, 16, (20, 16))
    assert np.array_equal(accelerator.predict(x), hb.GoldenModel.from_onnx(model).predict(x))
    assert onnx.load(accelerator.folder / "model.onnx").graph == model.graph
    for other in ({"frames": 3}, {"dataset": "digits"}, {"inputs": x}):
        with pytest.raises(BadInput, match=f"x= and {next(iter(other))}= are both given"):
            accelerator.simulate(x, **other)
    with pytest.raises(BadInput, match="target_cycles= is for compiling"):
        accelerator.verify(target_cycles=3)
    with pytest.raises(BadInput, match="x is None"):
        accelerator.predict(None)


def test_what_cannot_be_used_is_refused(tmp_path):
    torch = pytest.importorskip("torch")
    module, out = network(torch), tmp_path / "net.onnx"
    for call, reason in [
        (lambda: hb.export(3, out), "run= is a int"),
        (lambda: hb.export(module, out), "without example_input="),
        (lambda: hb.export(module, out, example_input=np.zeros(64)), r"has the shape \(64,\)"),
        (lambda: hb.export(tmp_path, out, example_input=np.zeros((1, 64))), "is for a torch mod"),
        (lambda: hb.compile(module, tmp_path / "a"), "model= is a Sequential; .*export"),
        (lambda: hb.Accelerator(tmp_path), "is not an accelerator folder"),
    ]:
        with pytest.raises(BadInput, match=reason):
            call()
    with pytest.raises(Unsupported, match="no layer with quantised weights"):
        hb.export(torch.nn.Linear(2, 2), out, example_input=np.zeros((1, 2)))
    with pytest.raises(TypeError, match=re.escape("did you mean 'target_cycles'")):
        hb.compile("net.onnx", target_cycle=3)
    assert not out.exists()
