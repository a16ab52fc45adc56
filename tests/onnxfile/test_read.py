"""Reading model files that are cut, stray or hostile."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hw_bnn.errors import BadInput, Unsupported
from hw_bnn.onnxfile import check_model, load_onnx


def small_model(opset: int = 13) -> onnx.ModelProto:
    weights = numpy_helper.from_array(np.arange(16, dtype=np.float32).reshape(4, 4), "w")
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="first"),
            helper.make_node("Relu", ["h"], ["y"], name="second"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(small_model(), path)
    return path


@pytest.fixture
def external(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(small_model(), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def relocate(path, **entries):
    """Rewrite the external data entries of a file's only tensor."""
    model = onnx.load(path, load_external_data=False)
    (tensor,) = model.graph.initializer
    kept = {item.key: item.value for item in tensor.external_data} | entries
    del tensor.external_data[:]
    for key, value in kept.items():
        tensor.external_data.add(key=key, value=str(value))
    path.write_bytes(model.SerializeToString())


def test_a_whole_file_is_read(file):
    assert load_onnx(file).graph.node[0].op_type == "MatMul"


def test_every_truncation_is_refused(file):
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(BadInput):
            load_onnx(file)


@pytest.mark.parametrize(
    "content", [b"not a model", b"\x89PNG\r\n\x1a\n" + bytes(100), bytes(1000)]
)
def test_other_files_are_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(BadInput, match="ONNX"):
        load_onnx(file)


@pytest.mark.parametrize(
    "text", ["first", "second", "MatMul", "h", "w", "y", "g", "alpha_attribute", "a_producer"]
)
def test_text_that_is_no_utf8_is_refused(file, text):
    """Names of nodes, tensors, operators, attributes and the graph, wherever they stand."""
    model = small_model()
    model.producer_name = "a_producer"
    model.graph.node[1].attribute.add(name="alpha_attribute", f=1.0, type=1)
    data, plain = model.SerializeToString(), text.encode()
    tagged = bytes([len(plain)]) + plain
    assert tagged in data
    file.write_bytes(data.replace(tagged, bytes([len(plain)]) + b"\xf2" + plain[1:]))
    with pytest.raises(BadInput, match=r"is no text \(UTF-8\)"):
        load_onnx(file)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        load_onnx(tmp_path / "none.onnx")
    with pytest.raises(BadInput, match="is a folder"):
        load_onnx(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(file):
    file.chmod(0)
    with pytest.raises(BadInput, match="permission"):
        load_onnx(file)


def test_external_data_beside_the_model_is_read(external):
    (tensor,) = load_onnx(external).graph.initializer
    assert tensor.data_location == TensorProto.DEFAULT
    assert numpy_helper.to_array(tensor)[3, 3] == 15


@pytest.mark.parametrize(
    "location",
    [
        "../w.bin",
        "/etc/passwd",
        "sub/../../w.bin",
        "C:\\w.bin",
        "..\\w.bin",
        "\\\\host\\w.bin",
        "w.bin\0x",
    ],
)
def test_external_data_elsewhere_is_refused(external, location):
    outside = external.parent.parent / "w.bin"
    outside.write_bytes(bytes(64))
    relocate(external, location=location)
    with pytest.raises(BadInput, match="leaves the model's folder"):
        load_onnx(external)


def test_external_data_behind_a_symbolic_link_is_refused(external, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.bin"
    secret.write_bytes(bytes(64))
    (external.parent / "link.bin").symlink_to(secret)
    relocate(external, location="link.bin")
    with pytest.raises(BadInput, match="symbolic link"):
        load_onnx(external)
    (external.parent / "folder").symlink_to(secret.parent)
    relocate(external, location="folder/secret.bin")
    with pytest.raises(BadInput, match="symbolic link"):
        load_onnx(external)


def test_a_link_inside_the_folder_is_followed(external):
    (external.parent / "link.bin").symlink_to(external.parent / "w.bin")
    relocate(external, location="link.bin")
    assert load_onnx(external).graph.initializer[0].raw_data[:4] == bytes(4)


def test_external_data_that_does_not_fit(external):
    relocate(external, length=60)
    with pytest.raises(BadInput, match="its shape needs 64"):
        load_onnx(external)
    relocate(external, length=64, offset=8)
    with pytest.raises(BadInput, match="ends before the tensor"):
        load_onnx(external)
    relocate(external, offset="many")
    with pytest.raises(BadInput, match="no number"):
        load_onnx(external)
    relocate(external, offset=0, location="none.bin")
    with pytest.raises(BadInput, match="missing"):
        load_onnx(external)
    relocate(external, location="")
    with pytest.raises(BadInput, match="names no file"):
        load_onnx(external)


def test_external_data_on_a_pipe_does_not_hang(external):
    os.mkfifo(external.parent / "pipe")
    relocate(external, location="pipe")
    with pytest.raises(BadInput, match="no ordinary file"):
        load_onnx(external)


def test_a_tensor_shorter_than_its_shape():
    model = small_model()
    model.graph.initializer[0].raw_data = bytes(12)
    with pytest.raises(BadInput, match="tensor w: it has 12 bytes"):
        check_model(model)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.float_data.extend([1.0, 2.0])
    with pytest.raises(BadInput, match="does not fill its shape"):
        check_model(model)
    tensor.dims[0] = -4
    with pytest.raises(BadInput, match="it has the shape"):
        check_model(model)


def test_nodes_out_of_order():
    model = small_model()
    first, second = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([second, first])
    with pytest.raises(BadInput, match="second: its input 'h' is made by no node before it"):
        check_model(model)


def test_a_tensor_written_twice_and_an_output_of_no_node():
    model = small_model()
    model.graph.node[1].output[0] = "h"
    with pytest.raises(BadInput, match="second: its output 'h' exists already"):
        check_model(model)
    model = small_model()
    model.graph.output[0].name = "z"
    with pytest.raises(BadInput, match="graph output 'z'"):
        check_model(model)


def test_operator_sets():
    with pytest.raises(Unsupported, match="version 8 "):
        check_model(small_model(8))
    with pytest.raises(Unsupported, match="version 99 "):
        check_model(small_model(99))
    model = small_model()
    del model.opset_import[:]
    with pytest.raises(BadInput, match="names 0 versions"):
        check_model(model)


def test_control_flow_and_functions_are_refused():
    model = small_model()
    branch = helper.make_graph(
        [helper.make_node("Relu", ["h"], ["b"])],
        "b",
        [],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, [1, 4])],
    )
    model.graph.node.append(
        helper.make_node("If", ["x"], ["z"], name="fork", then_branch=branch, else_branch=branch)
    )
    with pytest.raises(Unsupported, match="fork: If contains graphs"):
        check_model(model)
    model = small_model()
    model.functions.add(name="f")
    with pytest.raises(Unsupported, match="local functions"):
        check_model(model)


@pytest.mark.parametrize("what", ["node", "tensor", "input"])
def test_names_have_a_bound(file, what):
    """accelerator.json tells names, and bounds them."""
    model = load_onnx(file)
    node, long = model.graph.node[-1], "L" * 4097
    if what == "node":
        node.name = long
    elif what == "tensor":
        model.graph.output[0].name = node.output[0] = long
    else:
        model.graph.input[0].name = long
    with pytest.raises(BadInput, match="LLL.* has 4,097 characters, 4,096 are supported; rename"):
        check_model(model)
