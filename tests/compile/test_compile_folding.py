"""Folding: divisors, targets, files, names."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hw_bnn.errors import BadInput
from tests.compile.compile_stages import PART
from tests.networks.qonnx_networks import Builder

pytest.importorskip("finn")

from hw_bnn.compile.dataflow import build_dataflow
from hw_bnn.compile.folding import choices, read_folding
from hw_bnn.compile.frontend import import_model
from hw_bnn.compile.ops.folds import divisors


@pytest.fixture(scope="module")
def network():
    net = Builder((24,), 3, 1)
    net.bipolar()
    net.linear(24, 20)
    net.batch_norm(20)
    net.bipolar()
    net.linear(20, 6)
    return net.model()


def build(network, target=None, folding=None):
    return build_dataflow(
        network,
        import_model(network),
        part=PART,
        target=target,
        folding=folding,
        mode="scores",
        check=False,
        log=None,
    )


def layers(graph):
    return [op for op in graph.ops() if op.onnx_node.op_type.endswith("MVAU_rtl")]


@pytest.mark.parametrize("n", [1, 2, 12, 97, 784, 1024])
def test_divisors(n):
    assert divisors(n) == [d for d in range(1, n + 1) if n % d == 0]


@pytest.mark.parametrize("target", [480, 100, 24, 7, 1])
def test_every_node_meets_the_target(network, target):
    graph = build(network, target)
    assert max(op.get_exp_cycles() for op in layers(graph)) <= target
    for op in layers(graph):
        assert op.get_nodeattr("MH") % op.get_nodeattr("PE") == 0
        assert op.get_nodeattr("MW") % op.get_nodeattr("SIMD") == 0


def test_a_looser_target_is_not_dearer(network):
    lanes = [
        sum(op.get_nodeattr("PE") * op.get_nodeattr("SIMD") for op in layers(build(network, t)))
        for t in (1, 8, 60, 480)
    ]
    assert lanes == sorted(lanes, reverse=True)
    assert lanes[0] == 24 * 20 + 20 * 6
    assert lanes[-1] <= 3  # two inputs of a 1-bit unit cost no more than one


def test_a_target_below_the_possible_is_refused_with_the_nearest():
    net = Builder((2, 5, 5), 0, 1)
    net.bipolar()
    net.conv(2, 4, 3)
    net.bipolar()
    net.add("Flatten", axis=1)
    net.linear(36, 3)
    with pytest.raises(
        BadInput,
        match=r"3 cycles a frame is not possible, fully unfolded it takes (\d+); use "
        r"target_cycles=\1 or more",
    ) as error:
        build(net.model(), 3)
    assert error.value.node


def test_choices_are_all_pairs_of_divisors(network):
    op = layers(build(network, 480))[0]
    found = {(c["PE"], c["SIMD"]) for c in choices(op)}
    assert found == {(p, s) for p in divisors(20) for s in divisors(24)}


@pytest.mark.parametrize("name", ["MVAU_0", "MVAU_hls_0", "Gemm_6", "XnorMVAU_rtl_0"])
def test_a_folding_names_nodes_in_several_ways(network, name):
    first = layers(build(network, folding={name: {"PE": 5, "SIMD": 12}}))[0]
    assert (first.get_nodeattr("PE"), first.get_nodeattr("SIMD")) == (5, 12)


@pytest.mark.parametrize(
    ("folding", "sentence"),
    [
        (
            {"XnorMVAU_rtl_9": {"PE": 1}},
            r"names no node 'XnorMVAU_rtl_9'; did you mean 'XnorMVAU_rtl_\d'",
        ),
        ({"Convolution": {"PE": 1}}, "names no node 'Convolution'; nodes are "),
        (
            {"XnorMVAU_rtl_0": {"PE": 3}},
            "XnorMVAU_rtl_0: PE = 3 does not divide 20; use one of 1, 2, 4, 5, 10, 20",
        ),
        (
            {"XnorMVAU_rtl_1": {"SIMD": 7}},
            "XnorMVAU_rtl_1: SIMD = 7 does not divide 20; use one of ",
        ),
    ],
)
def test_a_folding_that_does_not_fit_is_refused(network, folding, sentence):
    with pytest.raises(BadInput, match=sentence):
        build(network, folding=folding)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is damaged"),
        ("[1, 2]", "is no folding file; write"),
        ('{"a": 3}', "is no folding file; write"),
        ('{"a": {"PE": 0}}', "a: PE is 0 in .*; use a positive whole number"),
        ('{"a": {"SIMD": "4"}}', "a: SIMD is '4'"),
        ('{"a": {"PE": true}}', "a: PE is True"),
        ('{"a": {"PE": 2.5}}', "a: PE is 2.5"),
    ],
)
def test_a_damaged_folding_file_is_refused(tmp_path, text, sentence):
    path = tmp_path / "folding.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=sentence):
        read_folding(path)


def test_a_folding_file_of_finn_is_read(tmp_path):
    path = tmp_path / "folding.json"
    path.write_text(
        json.dumps({"Defaults": {}, "MVAU_0": {"PE": 4, "SIMD": 8, "ram_style": "auto"}})
    )
    assert read_folding(path) == {"MVAU_0": {"PE": 4, "SIMD": 8}}


def test_folding_changes_no_score(network):
    from tests.compile.compile_stages import dataflow_scores

    x = np.random.default_rng(0).choice([-1, 1], (5, 24))
    expected = dataflow_scores(network, x)
    for target in (300, 9, 1):
        assert np.array_equal(dataflow_scores(network, x, target=target), expected)


def test_without_a_target_the_nearest_possible_rate_is_taken():
    """A map of 1,200 pixels passes one pixel a cycle: 1,024 is impossible, nobody asked for it."""
    net = Builder((1, 30, 40), 0, 1)
    net.bipolar()
    net.conv(1, 2, 3)
    net.bipolar()
    net.add("GlobalAveragePool")
    net.add("Flatten", axis=1)
    net.linear(2, 3)
    model = net.model()
    graph = build(model, None, None)
    bound = max(op.get_exp_cycles() for op in graph.ops())
    assert bound > 1024 and graph.why["target_cycles"] is None
    with pytest.raises(BadInput, match=f"use target_cycles={graph.why['bound_cycles']} or more"):
        build(model, 1024)
