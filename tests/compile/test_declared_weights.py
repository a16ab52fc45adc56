"""Types of weights that may be loaded: what the file declares, not the first network's values."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("finn")

from hw_bnn.compile import loadable
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.loadable import Loadable
from hw_bnn.errors import BadInput, Unsupported
from tests.networks.small_onnx import QONNX


def of_bits(weights, *, bits=2, quant=True, annotation=None, **attributes):
    """x (UINT4) - MatMul by `weights`, (4, 3) of them, behind a Quant or as they are."""
    inputs = ["w", "one", "zero", "bits"]
    at = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
    nodes = [helper.make_node("Quant", ["x", "one", "zero", "four"], ["q"], "in", domain=QONNX,
                              signed=0, narrow=0, rounding_mode="ROUND")]  # fmt: skip
    if quant:
        nodes.append(helper.make_node("Quant", inputs, ["v"], "weights", domain=QONNX, **at))
    nodes.append(helper.make_node("MatMul", ["q", "v" if quant else "w"], ["y"], "layer"))
    values = {"w": weights, "one": 1.0, "zero": 0.0, "bits": bits, "four": 4.0}
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in values.items()],
    )  # fmt: skip
    if annotation is not None:
        found = graph.quantization_annotation.add(tensor_name="w")
        found.quant_parameter_tensor_names.add(key="finn_datatype", value=annotation)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 8
    return model


@pytest.mark.parametrize(
    ("least", "greatest", "declared", "how"),
    [
        (-2, 1, "INT3", {"bits": 2}),
        (-1, 1, "INT2", {"bits": 2, "narrow": 1}),
        (-1, 1, "BIPOLAR", {"bits": 1}),
        (0, 3, "INT3", {"bits": 2, "signed": 0}),
        (-8, 7, "INT5", {"bits": 4}),
        (-128, 127, "INT9", {"bits": 8}),
        (-128, 127, "INT9", {"bits": 12}),  # the layer's limit
        (-8, 7, "INT5", {"quant": False, "annotation": "INT4"}),
        (-1, 1, "INT2", {"quant": False, "annotation": "TERNARY"}),
        (-1, 1, "BIPOLAR", {"quant": False, "annotation": "BIPOLAR"}),
        (-1, 1, "BIPOLAR", {"quant": False}),  # the file says no more than the values
        (-3, 2, "INT3", {"quant": False, "annotation": "BIPOLAR"}),  # it does not hold them
    ],
)  # fmt: skip
def test_a_layers_type_is_what_the_file_declares(least, greatest, declared, how):
    """Not that of the first network's values: +-1 here where they are allowed."""
    ones = np.where(np.random.default_rng(0).integers(2, size=(4, 3)), 1, -1)
    ends = np.resize([least, greatest], (4, 3))
    unlike = how.get("annotation") == "BIPOLAR" and greatest > 1
    first = ends if unlike or not how.get("signed", 1) else ones
    fits = Loadable()
    made = [import_model(of_bits(w, **how), loadable=fits).graph.ops for w in (first, ends)]
    assert loadable.declared(made[0]) == [declared]
    types = Loadable(types=(declared,))
    import_model(of_bits(ends, **how), loadable=types)  # fits
    if declared != "BIPOLAR":
        most = 1 << int(declared[3:]) - 1
        with pytest.raises((BadInput, Unsupported), match="its weights"):
            import_model(of_bits(ends * 0 + most, quant=False), loadable=types)
