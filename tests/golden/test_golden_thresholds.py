"""Two independent derivations of the integer thresholds: by bisection here,
in closed form in the compiler."""

from __future__ import annotations

from hw_bnn.compile.integer_graph import Threshold
from hw_bnn.compile.lowering import lower
from hw_bnn.errors import Unsupported
from hw_bnn.golden import GoldenModel, Thresholds
from tests.networks.qonnx_networks import random_network


def level(found: Thresholds, channel: int, a: int) -> int:
    """What the golden model gives for accumulator a."""
    values = found.values.reshape(-1, found.values.shape[-1])
    direction = found.direction.reshape(-1)
    row = channel if len(values) > 1 else 0
    reached = values[row] >= a if direction[row] < 0 else values[row] <= a
    return found.first + found.stride * int(reached.sum())


def compiled_level(op: Threshold, channel: int, a: int) -> int:
    """The same for the compiler's thresholds."""
    row = op.thresholds[channel if len(op.thresholds) > 1 else 0]
    signed = -a if op.negate[channel if len(op.negate) > 1 else 0] else a
    return op.bias + op.step * int((signed >= row).sum())


def test_compiler_and_golden_model_agree_on_every_threshold():
    compared = networks = 0
    for seed in range(500, 560):
        model = random_network(seed)
        try:
            graph, golden = lower(model), GoldenModel.from_onnx(model)
        except Unsupported:
            continue
        networks += 1
        for op in graph.ops:
            name = graph.tensors[op.output].origin
            if not isinstance(op, Threshold) or name not in golden.thresholds():
                continue
            found = golden.thresholds()[name]
            if found.channels not in (None, 0):
                continue
            limits = found.minimum.reshape(-1), found.maximum.reshape(-1)
            for channel in range(found.direction.shape[0]):
                low, high = (int(limit[channel if limit.size > 1 else 0]) for limit in limits)
                edges = found.values.reshape(-1, found.values.shape[-1])[
                    channel if found.direction.size > 1 else 0
                ]
                points = {p for t in edges.tolist() for p in (t - 1, t, t + 1)} | {low, high}
                for a in points:
                    if low <= a <= high:
                        assert level(found, channel, a) == compiled_level(op, channel, a), (
                            f"seed {seed}, {name}, channel {channel}, accumulator {a}"
                        )
                        compared += 1
    assert networks >= 20
    assert compared > 3_000
