"""The proof of a generated netlist holds for what is right and refuses each thing that is wrong."""

import re

import numpy as np
import pytest

from hw_bnn.errors import CheckFailed
from hw_bnn.hardwired import Layer, Network, generate, prove_layer

FORMS = {
    "bits": (1, False, False),
    "numbers": (3, False, False),
    "signed numbers": (3, True, False),
    "scores of bits": (1, False, True),
    "scores of signed numbers": (4, True, True),
}


def network(form: str, inputs: int = 40, outputs: int = 12) -> Network:
    bits, signed, scores = FORMS[form]
    rng = np.random.default_rng(3)
    weights = np.where(rng.random((outputs, inputs)) < 0.5, 1, -1)
    limits = rng.integers(-7, 8, outputs)
    layer = Layer(weights, None, limits, bits == 1) if scores else Layer(weights, limits)
    return Network([layer], bits, signed)


def proved(net: Network, change=lambda text: text) -> None:
    design = generate(net, "core", 3.0, registered=False)
    prove_layer(change(design.netlist), net, design.latency, net.score_bits(), "core")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("inputs", [1, 2, 13, 40])
def test_every_form_is_proved(form, inputs):
    proved(network(form, inputs))


def test_constant_neurons_are_proved():
    layer = Layer(np.ones((2, 8), int), np.array([0, 9]))
    proved(Network([layer]))
    with pytest.raises(CheckFailed, match="neuron 0: .*it is the constant 0"):
        proved(Network([layer]), lambda text: text.replace("1'b1", "1'b0"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("neuron", [0, 7, 11])
@pytest.mark.parametrize("what", ["weight", "limit"])
def test_another_layer_is_refused(form, neuron, what):
    net = network(form)
    (layer,) = net.layers
    weights, limits = layer.weights.copy(), (layer.thresholds, layer.offsets)
    limits = [None if v is None else v.copy() for v in limits]
    if what == "weight":
        weights[neuron, 5] *= -1
    else:
        for values in filter(lambda v: v is not None, limits):
            values[neuron] += 1
    other = Network([Layer(weights, *limits, layer.shift)], net.input_bits, net.input_signed)
    design = generate(net, "core", 3.0, net.score_bits(), registered=False)
    with pytest.raises(CheckFailed, match=f"neuron {neuron}: .*are others"):
        prove_layer(design.netlist, other, design.latency, net.score_bits(), "core")


def inverted(mask: str):
    """One bit of a mask flipped, where there is one."""
    pattern = re.compile(rf"\.{mask}\((\d+)'h(\w+)\)")

    def change(text: str) -> str:
        found = pattern.search(text)
        new = f".{mask}({found[1]}'h{int(found[2], 16) ^ 1:x})"
        return text[: found.start()] + new + text[found.end() :]

    return change


def swapped(first: str, text: str) -> str:
    """The first two nets of a concatenation that begins with `first`, in the other order."""
    return re.sub(re.escape(first) + r"([^,}]+), ([^,}]+)", rf"{first}\2, \1", text, count=1)


@pytest.mark.parametrize(
    "change",
    [
        inverted("INVERT"),
        inverted("OFFSET"),
        inverted("TWOS"),
        lambda text: swapped("assign y = {", text),
        lambda text: text.replace("count(n", "count(n1", 1),
        lambda text: re.sub(r"<= (n\d+|x)\[1\];", r"<= \1[0];", text, count=1),
        lambda text: re.sub(r"(\.bits\(\{)[^,]+_q,", r"\1x[0],", text, count=1),
        lambda text: text + "  assign n1 = n2 & n3;\n",
    ],
    ids=["inverter", "offset", "weight", "outputs", "net", "bit", "register", "logic"],
)
def test_a_changed_netlist_is_refused(change):
    net = network("signed numbers", 40, 24)
    text = generate(net, "core", 3.0, registered=False).netlist
    assert change(text) != text
    with pytest.raises(CheckFailed, match="is not its layer"):
        proved(net, change)


def test_a_wrong_latency_is_refused():
    net = network("bits")
    design = generate(net, "core", 3.0, registered=False)
    with pytest.raises(CheckFailed, match="another latency"):
        prove_layer(design.netlist, net, design.latency + 1, 1, "core")
