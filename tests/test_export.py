"""Export: the QONNX file's nodes and types, its equality with torch, and refusals."""

import os

import numpy as np
import onnx
import pytest
import torch

from hw_bnn.errors import BadInput, CheckFailed, Unsupported
from hw_bnn.export import compare, export, export_model, to_qonnx
from hw_bnn.nn import set_weight_mode, zoo
from hw_bnn.train import train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "digits"
    return train("digits_mlp", set=["epochs=3"], out=out, quiet=True, tensorboard=False)


def test_trained_network_exports_exactly(run, tmp_path):
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    from hw_bnn.data.sets import load_arrays

    path = export(run, tmp_path / "model.onnx")
    graph = ModelWrapper(str(path))
    kinds = [node.op_type for node in graph.graph.node]
    assert kinds.count("BipolarQuant") == 5 and kinds.count("Quant") == 1
    assert kinds.count("MatMul") == 3 and kinds.count("BatchNormalization") == 3
    assert graph.get_tensor_shape("global_in") == [1, 64]
    images, labels = load_arrays("digits", "test")
    from hw_bnn.train.trained import load_trained

    model = load_trained(run).model
    with torch.no_grad():
        expected = model(torch.from_numpy(images).float()).numpy()
    found = np.concatenate(
        [
            execute_onnx(graph, {"global_in": image[None].astype(np.float32)})["global_out"]
            for image in images[:40]
        ]
    )
    np.testing.assert_allclose(found, expected[:40], rtol=1e-4, atol=1e-4)
    assert (found.argmax(1) == expected[:40].argmax(1)).all()
    assert (expected.argmax(1) == labels).mean() > 0.6


def test_export_is_deterministic(run, tmp_path):
    first = export(run, tmp_path / "a.onnx").read_bytes()
    assert export(run / "selected.pt", tmp_path / "b.onnx").read_bytes() == first


@pytest.mark.parametrize(("name", "shape"), [("tfc_1w1a", (1, 28, 28)), ("cnv_1w1a", (3, 32, 32))])
def test_finns_networks_export(name, shape, tmp_path):
    model = zoo.randomise_norms(zoo.build(name), seed=1)
    path = export_model(model, tmp_path / "model.onnx", torch.rand(2, *shape))
    assert {node.op_type for node in onnx.load(path).graph.node} >= {"BipolarQuant", "MatMul"}


def test_a_wrong_file_is_noticed(run):
    from onnx import numpy_helper
    from qonnx.core.modelwrapper import ModelWrapper

    from hw_bnn.train.trained import load_trained

    model, inputs = load_trained(run).model, torch.randint(0, 32, (3, 64)).float()
    graph = ModelWrapper(to_qonnx(model, inputs[:1]))
    compare(graph, model, inputs)
    weight = next(t for t in graph.graph.initializer if sorted(t.dims) == [64, 256])
    array = numpy_helper.to_array(weight).copy()
    array[:8] *= -1
    weight.CopyFrom(numpy_helper.from_array(array, weight.name))
    with pytest.raises(CheckFailed, match="differ"):
        compare(graph, model, inputs)


def untrained(seed: int) -> tuple[torch.nn.Module, torch.Tensor]:
    """A Brevitas network as it is made, and inputs: an identity BatchNorm puts sums on 0."""
    from brevitas.nn import QuantIdentity, QuantLinear
    from brevitas.quant import SignedBinaryActPerTensorConst as Sign
    from brevitas.quant import SignedBinaryWeightPerTensorConst as Binary

    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for features, units in ((64, 32), (32, 24), (24, 10)):
        layers += [
            QuantIdentity(act_quant=Sign),
            QuantLinear(features, units, bias=False, weight_quant=Binary),
            torch.nn.BatchNorm1d(units),
        ]
    return torch.nn.Sequential(*layers).eval(), torch.randn(8, 64)


@pytest.mark.parametrize("seed", range(3))
def test_sums_on_a_threshold_are_told_and_no_difference(seed, tmp_path, capsys):
    from hw_bnn.golden import GoldenModel

    model, inputs = untrained(seed)
    path = export(model, tmp_path / "model.onnx", example_input=inputs)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and "sample inputs meet a threshold exactly" in told[0]
    golden = GoldenModel.from_onnx(path)
    x = golden.host_quantise(inputs.numpy())
    first = np.sign(inputs.numpy()).astype(int) @ np.sign(model[1].weight.detach().numpy()).T
    assert (first == 0).any()
    hidden = next(iter(golden.program.quantisers))  # 0 is +1
    assert np.array_equal(golden.trace(x)[hidden], np.where(first >= 0, 1, -1))


@pytest.mark.parametrize("change", ["layer 0", "layer 1", "layer 2", "norm 1", "norm 2"])
def test_a_wrong_file_is_noticed_before_and_behind_ties(change):
    """Most samples have a tie in the first layer of this network, others behind it."""
    from onnx import numpy_helper
    from qonnx.core.modelwrapper import ModelWrapper

    model, inputs = untrained(0)
    graph = ModelWrapper(to_qonnx(model, inputs[:1]))
    compare(graph, model, inputs)
    kind, layer = change.split()
    size = (64, 32, 24, 10)[int(layer) : int(layer) + 2]
    norms = [n for n in graph.graph.node if n.op_type == "BatchNormalization"]
    changed = next(
        t for t in graph.graph.initializer
        if (tuple(t.dims) in (size, size[::-1]) if kind == "layer"
            else t.name == norms[int(layer)].input[2])
    )  # fmt: skip
    array = numpy_helper.to_array(changed).copy()
    array.flat[:3] = -array.flat[:3] if kind == "layer" else array.flat[:3] + 1
    changed.CopyFrom(numpy_helper.from_array(array, changed.name))
    with pytest.raises(CheckFailed, match="differ"):
        compare(graph, model, inputs)


def test_a_brevitas_network_of_4_bits_exports(tmp_path):
    import brevitas.nn as qnn

    from hw_bnn.golden import GoldenModel

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        qnn.QuantIdentity(), qnn.QuantLinear(8, 6, bias=True, weight_bit_width=4),
        qnn.QuantReLU(), qnn.QuantLinear(6, 3, bias=False, weight_bit_width=4),
    )  # fmt: skip
    inputs = torch.randn(20, 8)
    model(inputs)
    golden = GoldenModel.from_onnx(export(model, tmp_path / "net.onnx", example_input=inputs))
    expected = model(inputs).detach().numpy()
    found = golden.real_outputs(golden.scores(golden.host_quantise(inputs.numpy())))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_float_networks_are_refused(tmp_path):
    with pytest.raises(Unsupported, match="no layer with quantised weights"):
        export_model(torch.nn.Linear(3, 2), tmp_path / "x.onnx", torch.rand(1, 3))
    model = zoo.build("mlp", in_features=8, classes=3, hidden=[4])
    set_weight_mode(model, "real", eval_real=True)
    with pytest.raises(Unsupported, match="linear1: the weights are real"):
        export_model(model, tmp_path / "x.onnx", torch.rand(1, 8))
    assert not list(tmp_path.iterdir())


def test_bad_paths(run, tmp_path):
    with pytest.raises(BadInput, match="no trained network"):
        export(tmp_path, tmp_path / "x.onnx")
    with pytest.raises(BadInput, match="does not exist"):
        export(run, tmp_path / "nowhere" / "x.onnx")
    (tmp_path / "broken.pt").write_bytes((run / "selected.pt").read_bytes()[:1000])
    with pytest.raises(BadInput, match="damaged or no checkpoint"):
        export(tmp_path / "broken.pt", tmp_path / "x.onnx")
    if os.geteuid():  # root writes everywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(BadInput, match="cannot be written"):
            export(run, tmp_path / "closed" / "x.onnx")
    assert not list(tmp_path.glob("*.onnx"))


class Sum(torch.nn.Module):
    """A sum of two quantised tensors; by one quantiser, or by one each."""

    def __init__(self, shared):
        super().__init__()
        from brevitas.nn import QuantIdentity, QuantLinear

        def quantiser(largest):
            return QuantIdentity(
                bit_width=4, scaling_impl_type="const", min_val=-largest, max_val=largest,
                return_quant_tensor=True,
            )  # fmt: skip

        self.first = QuantLinear(8, 8, bias=False, weight_bit_width=2)
        self.one = quantiser(4.0)
        self.other = self.one if shared else quantiser(6.0)
        self.last = QuantLinear(8, 4, bias=False, weight_bit_width=2)

    def forward(self, x):
        y = self.first(x)
        return self.last(self.one(y) + self.other(-y))


def test_what_brevitas_refuses_is_named_and_the_remedy_helps(tmp_path):
    x = torch.randn(8, 8)
    with pytest.raises(Unsupported, match=r"^Sum \(behind other\): tensors of different scales"):
        export(Sum(shared=False), tmp_path / "x.onnx", example_input=x)
    assert not list(tmp_path.iterdir())
    to_qonnx(Sum(shared=True), x[:1])
    with pytest.raises(Unsupported, match=r"^first: torch or Brevitas cannot run or export it \("):
        export(Sum(shared=True), tmp_path / "x.onnx", example_input=torch.randn(8, 7))


class Formed(torch.nn.Module):
    """A network of Brevitas' that gives what it computes in some form."""

    def __init__(self, form=lambda y: y, quantised=False):
        super().__init__()
        from brevitas.nn import QuantIdentity, QuantLinear
        from brevitas.quant import SignedBinaryWeightPerTensorConst as Sign

        self.sign = QuantIdentity(bit_width=4, return_quant_tensor=True)
        kept = {"bias": False, "weight_quant": Sign, "return_quant_tensor": quantised}
        self.last = QuantLinear(8, 4, **kept)
        self.form = form

    def forward(self, x):
        return self.form(self.last(self.sign(x)))


@pytest.mark.parametrize(
    "wrap",
    [torch.nn.DataParallel, torch.compile, lambda m: torch.compile(torch.nn.DataParallel(m))],
    ids=["DataParallel", "compile", "both"],
)
def test_a_wrapped_network_is_that_within(wrap, tmp_path):
    x = torch.randn(8, 8)
    module = Formed()
    plain = export(module, tmp_path / "plain.onnx", example_input=x).read_bytes()
    assert export(wrap(module), tmp_path / "x.onnx", example_input=x).read_bytes() == plain


def test_a_quantised_output_is_its_values(tmp_path):
    from hw_bnn.golden import GoldenModel

    torch.manual_seed(0)
    x, module = torch.randn(8, 8), Formed(quantised=True)
    golden = GoldenModel.from_onnx(export(module, tmp_path / "x.onnx", example_input=x))
    found = golden.real_outputs(golden.scores(golden.host_quantise(x.numpy())))
    assert found == pytest.approx(module(x).value.detach().numpy(), abs=1e-6)
    assert np.abs(found).max() > 0.1


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (lambda y: (y, y), r"Formed \(behind last\): it gives a tuple, not one tensor; wrap it"),
        (lambda y: {"y": y}, "it gives a dict, not one tensor"),
        (lambda y: y[:, 9], r"cannot run or export it \(index 9 is out of bounds"),
        (lambda y: y.argmax(1) + y.shape[0], "labels, and of equal scores .*return the scor"),
        (lambda y: torch.where(y + 0.01 >= 0, 1.0, -1.0), None),
    ],
)
def test_odd_outputs_are_refused_with_a_way_on(form, told, tmp_path):
    from hw_bnn.golden import GoldenModel

    path, x = tmp_path / "x.onnx", torch.randn(8, 8)
    with pytest.raises(Unsupported, match=told or "write the sign as torch.sign"):
        GoldenModel.from_onnx(export(Formed(form), path, example_input=x))
    assert path.exists() == (told is None)


class Ended(torch.nn.Module):
    """A network of 5 scores (batch, 5, 1, 1), or of another number, behind it a function."""

    def __init__(self, end, scores=5):
        super().__init__()
        from brevitas.nn import QuantConv2d, QuantIdentity, QuantReLU

        torch.manual_seed(0)
        sizes, self.end = dict(weight_bit_width=3, bias=False), end
        self.layers = torch.nn.Sequential(
            QuantIdentity(bit_width=8), QuantConv2d(3, 4, 2, **sizes), QuantReLU(bit_width=3),
            QuantConv2d(4, scores, 3, **sizes),
        )  # fmt: skip

    def forward(self, x):
        return self.end(self.layers(x))


@pytest.mark.parametrize("scores", [5, 1])
@pytest.mark.parametrize("samples", [1, 4])
def test_a_network_that_ends_in_squeeze_exports(samples, scores, tmp_path):
    """squeeze() takes the batch of a single sample too, which the file is executed on."""
    from hw_bnn.golden import GoldenModel

    model, x = Ended(torch.squeeze, scores).eval(), torch.randn(samples, 3, 4, 4)
    golden = GoldenModel.from_onnx(export(model, tmp_path / "net.onnx", example_input=x))
    found = golden.real_outputs(golden.scores(golden.host_quantise(x.numpy())))
    with torch.no_grad():
        expected = model(x).numpy().reshape(samples, scores)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 3])
def test_a_squeezed_file_that_is_wrong_is_noticed(samples):
    """In every score, of a single sample too."""
    from qonnx.core.modelwrapper import ModelWrapper

    model, x = Ended(torch.squeeze).eval(), torch.randn(samples, 3, 4, 4)
    proto = to_qonnx(model, x[:1])
    with torch.no_grad():
        model.layers[-1].weight[-1] *= -1
    with pytest.raises(CheckFailed, match="differ"):
        compare(ModelWrapper(proto), model, x)


def test_an_output_that_mixes_samples_is_told(tmp_path):
    with pytest.raises(CheckFailed, match="keep the batch apart"):
        export(
            Ended(lambda y: y.sum(0).flatten()).eval(),
            tmp_path / "net.onnx",
            example_input=torch.randn(4, 3, 4, 4),
        )


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_examples_that_are_no_numbers_are_refused(number, tmp_path):
    """Not told as a file that differs from torch."""
    x = torch.full((2, 3, 4, 4), number)
    with pytest.raises(BadInput, match="example_input= holds NaN or infinity"):
        export(Ended(torch.flatten).eval(), tmp_path / "net.onnx", example_input=x)
