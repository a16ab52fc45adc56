"""qonnx executes batches as it executes single frames."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hw_bnn.errors import BadInput
from hw_bnn.verify.stages.qonnx import QonnxExecution
from tests.networks.small_onnx import perceptron


@pytest.fixture
def saved(tmp_path):
    def save(model):
        onnx.save(model, tmp_path / "net.onnx")
        return tmp_path / "net.onnx"

    return save


def with_reshape(shape):
    """The perceptron behind a Reshape of its input; 1 in the first place fixes the batch."""
    model = perceptron()
    model.graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), "shape"))
    model.graph.node.insert(0, helper.make_node("Reshape", ["image", "shape"], ["x"], "flatten"))
    model.graph.input[0].name = "image"
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[1].dim_value = 4
    dims.add().dim_value = 4
    return model


def frames(count, *shape):
    return np.random.default_rng(1).integers(0, 16, (count, *shape)).astype(np.float32)


def test_batches_equal_single_frames(saved):
    stage = QonnxExecution(saved(perceptron()), ["o0"])
    x = frames(300, 16)
    found = stage.run(x)
    assert found["o0"].shape == (300, 8) and found["a1"].shape == (300, 4)
    assert set(np.unique(found["o0"])) == {-1, 1}
    assert stage.many(x)[0] == 256  # and 44 in the second part
    for i in (0, 255, 299):
        single = stage.run(x[i : i + 1])
        assert (single["o0"] == found["o0"][i]).all() and (single["a1"] == found["a1"][i]).all()


@pytest.mark.parametrize("shape", [[1, 16], [1, -1], [-1, 16]])
def test_a_reshape_in_front(saved, shape):
    x = frames(20, 4, 4)
    found = QonnxExecution(saved(with_reshape(shape)), ["o0"]).run(x)
    plain = QonnxExecution(saved(perceptron()), ["o0"]).run(x.reshape(20, 16))
    assert (found["o0"] == plain["o0"]).all() and (found["a1"] == plain["a1"]).all()


def test_a_batch_that_mixes_frames_falls_back_to_single_ones(saved):
    """A sum over the batch axis is right for one frame alone."""
    model = perceptron()
    out = model.graph.output[0]
    model.graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "axes"))
    model.graph.node.append(
        helper.make_node("ReduceSum", [out.name, "axes"], ["end"], "mix", keepdims=1)
    )
    out.name = "end"
    stage, x = QonnxExecution(saved(model), ["a1"]), frames(10, 16)
    found = stage.run(x)
    assert stage.many(x)[0] == 1
    assert (found["end"] == found["a1"]).all()


def test_an_unknown_tensor(saved):
    with pytest.raises(BadInput, match="no tensor nothing"):
        QonnxExecution(saved(perceptron()), ["nothing"])


@pytest.mark.parametrize("sizes", [(16, 8, 4), (16, 8, 1), (16, 1, 4)])
def test_a_squeeze_that_takes_the_batch_of_a_single_frame(saved, sizes):
    """torch's squeeze() of scores (1, 4) gives (4,), of (20, 4) what they were."""
    model, plain = perceptron(sizes), perceptron(sizes)
    out = model.graph.output[0]
    model.graph.node.append(helper.make_node("Squeeze", [out.name], ["end"], "squeeze"))
    out.name = "end"
    x = frames(20, 16)
    stage = QonnxExecution(saved(model), ["o0", "a1"])
    found, expected = stage.run(x), QonnxExecution(saved(plain), ["o0", "a1"]).run(x)
    assert found["end"].shape[0] == 20
    assert (found["end"].reshape(20, -1) == expected["a1"]).all()
    assert (found["o0"] == expected["o0"]).all() and (
        stage.run(x[:1])["end"] == found["end"][:1]
    ).all()
