"""Whatever goes wrong in a rule is an error of the node; both sides know the same operators."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

import hw_bnn
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.lowering import RULES as COMPILER
from hw_bnn.errors import BadInput, CheckFailed, Unsupported
from hw_bnn.golden import GoldenModel
from hw_bnn.golden.importer import RULES as GOLDEN
from hw_bnn.onnxfile import Node, Registry, walk
from hw_bnn.onnxfile.support import ALL, CONSTANT_ONLY, REFUSED
from tests.networks.small_onnx import perceptron

PACKAGE = Path(hw_bnn.__file__).parent
NODE = Node(helper.make_node("Relu", ["x"], ["y"], name="third"))


class Follow:
    """A walk that knows no constants."""

    def constants(self, node):
        return None

    def apply(self, rule, node):
        rule()


def attempt(function):
    registry = Registry()
    registry.rule("Relu")(function)
    walk([NODE], registry, Follow())


FAULTS = {
    "key": lambda: {}["w"],
    "index": lambda: [][3],
    "type": lambda: len(None),
    "value": lambda: np.zeros(3).reshape(2, 2),
    "axis": lambda: np.zeros(3).sum(axis=4),
    "overflow": lambda: float(10**400),
    "attribute": lambda: (1).shape,
    "unpacking": lambda: (lambda a, b: None)(*[1]),
    "memory": lambda: np.zeros(2**60),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_python_errors_name_the_node_and_keep_their_cause(kind):
    with pytest.raises(BadInput, match="^third: it cannot be computed") as caught:
        attempt(FAULTS[kind])
    assert caught.value.remedy
    assert type(caught.value.__cause__) not in (BadInput, type(None))


def test_division_by_zero():
    with pytest.raises(BadInput, match="third: it divides by an exact zero"):
        attempt(lambda: 1 // 0)


@pytest.mark.parametrize("kind", [BadInput, Unsupported, CheckFailed])
def test_errors_without_a_node_get_it_and_keep_their_kind(kind):
    def fail():
        raise kind("no", remedy="do")

    with pytest.raises(kind, match="^third: no; do$") as caught:
        attempt(fail)
    assert type(caught.value) is kind


def test_errors_with_a_node_and_other_exceptions_pass():
    def fail():
        raise Unsupported("no", node="second")

    with pytest.raises(Unsupported, match="^second: no"):
        attempt(fail)

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(stop)


def test_operators_of_other_domains_are_not_taken_for_the_standard_ones():
    node = Node(helper.make_node("Conv", ["x"], ["y"], domain="qonnx.custom_op.channels_last"))
    with pytest.raises(Unsupported, match="Conv of qonnx.custom_op.channels_last is not supported"):
        GOLDEN.find(node)


def imports(folder: str) -> set[str]:
    """Modules of hw_bnn that the files of a folder import, also inside functions."""
    found = set()
    for path in (PACKAGE / folder).rglob("*.py"):
        here = ("hw_bnn", *path.relative_to(PACKAGE).parts[:-1])
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                base = here[: len(here) - node.level + 1] if node.level else ()
                module = ".".join((*base, *([node.module] if node.module else [])))
                found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    return {name for name in found if name.startswith("hw_bnn")}


def test_semantics_stand_twice_and_independently():
    """The golden model is a check of the compiler only as long as neither leans on the other."""

    def of(name, folder):
        return name == f"hw_bnn.{folder}" or name.startswith(f"hw_bnn.{folder}.")

    golden = imports("golden")
    shared = ("hw_bnn.arrays", "hw_bnn.errors", "hw_bnn.onnxfile")  # how things are read
    outside = {n for n in golden if not of(n, "golden") and n != "hw_bnn"}
    assert all(n.startswith(shared) for n in outside), outside
    rules = {n for n in imports("compile") if of(n, "golden")}
    assert rules <= {"hw_bnn.golden", "hw_bnn.golden.GoldenModel"}, "the checker's, and no more"
    assert not {n for n in imports("onnxfile") if of(n, "golden") or of(n, "compile")}


def test_both_sides_know_the_operators_of_the_one_list():
    known = {*ALL, *CONSTANT_ONLY}
    assert set(COMPILER.rules) == known
    assert set(GOLDEN.rules) - known <= set(REFUSED), "what there is no hardware for"
    assert known <= set(GOLDEN.rules)


@pytest.mark.parametrize("op_type", ["Sin", "Sqrt", "Einsum"])
def test_an_operator_of_neither_side_is_refused_in_the_same_words(op_type):
    model = perceptron()
    last = model.graph.node[-1]
    model.graph.node.append(helper.make_node(op_type, [last.output[0]], ["end"], name="odd"))
    model.graph.output[0].name = "end"
    words = []
    for read in (GoldenModel.from_onnx, import_model):
        with pytest.raises(Unsupported, match=f"^odd: the operator {op_type} is not sup") as caught:
            read(model)
        words.append(str(caught.value))
    assert words[0] == words[1] and all(name in words[0] for name in ALL)


@pytest.mark.parametrize(("op_type", "says"), [
    ("Gather", "Gather of activations is not"), ("Slice", "Slice of the graph input or of a const"),
    ("Split", "Split of the graph input or of a const"), ("Concat", "it joins an activation with"),
])  # fmt: skip
def test_cuts_and_joins_of_unquantised_values_are_refused_in_the_same_words(op_type, says):
    model = perceptron()
    last = model.graph.node[-1]
    model.graph.node.append(helper.make_node(op_type, ["x", last.output[0]], ["end"], name="odd"))
    model.graph.output[0].name = "end"
    words = []
    for read in (GoldenModel.from_onnx, import_model):
        with pytest.raises(Unsupported, match=f"^odd: {says}") as caught:
            read(model)
        words.append(str(caught.value))
    assert words[0] == words[1]


@pytest.mark.parametrize("op_type", ["BatchNormalization", "Dropout"])
def test_training_mode_is_refused_by_both(op_type):
    model = perceptron()
    at = next(i for i, n in enumerate(model.graph.node) if n.op_type == "BatchNormalization")
    norm = model.graph.node[at]
    if op_type == "Dropout":
        model.graph.initializer.append(numpy_helper.from_array(np.array(True), "on"))
        drop = helper.make_node("Dropout", [norm.output[0], "", "on"], ["kept"], "drop")
        model.graph.node.insert(at + 1, drop)
        model.graph.node[at + 2].input[0] = "kept"
    else:
        norm.attribute.append(helper.make_attribute("training_mode", 1))
    for read in (GoldenModel.from_onnx, import_model):
        with pytest.raises(Unsupported, match="it is in training mode"):
            read(model)
