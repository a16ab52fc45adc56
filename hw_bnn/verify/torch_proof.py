"""Whether a torch module computes what its file says, where float32 parts the two.

A sum of +-1 products that is exactly 0 on a threshold of 0 is a little more or less in float32, so
that torch and an executed file choose different levels though neither is wrong. The golden model
tells such proven ties (golden/ties.py) from mistakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .stages.torch import run_traced

if TYPE_CHECKING:
    import torch

    from ..golden import GoldenModel


OUTPUT = ""
"""Key of the graph's output among executed tensors; no tensor has this name."""


def proven_ties(
    golden: GoldenModel,
    model: torch.nn.Module,
    real: np.ndarray,
    executed: dict[str, np.ndarray],
    tolerance: float,
) -> int | None:
    """How many frames torch or the executed file decided by a proven tie; None: one is wrong.

    What stands behind a tie follows from it and proves nothing; so torch is run again with the
    golden level in a tied tensor's place, until every quantiser, the last layer's scores and the
    outputs behind them are compared for every frame.

    Args:
        golden: of the file.
        model: the torch module, in eval mode.
        real: (N, *graph shape) float32 inputs.
        executed: tensor -> (N, ...) values of the file executed in float32: every quantiser's
            output, the last layer's and, by the key OUTPUT, the graph's.
        tolerance: the allowed error of an output, relative to its frame's largest or to 1.

    Raises:
        Unsupported: the module's activations are not those of the file. BadInput: the golden model
            does not take these inputs.
    """
    x = golden.host_quantise(real)
    expected = golden.real_outputs(golden.scores(x))
    allowed = tolerance * np.maximum(1.0, np.abs(expected).max(axis=1, keepdims=True))
    found = golden.explain_float_difference(x, executed)
    tied = {tie.frame for tie in found.ties}
    whole = [frame for frame in range(len(x)) if frame not in tied]
    outputs = executed[OUTPUT].reshape(len(x), -1)
    if found.mismatches or not _near(outputs[whole], expected[whole], allowed[whole]):
        return None
    trace = golden.trace(x)
    levels: dict[str, dict[int, np.ndarray]] = {}
    while True:
        values, outputs = run_traced(golden, model, real, levels)
        found = golden.explain_float_difference(x, values)
        if found.mismatches:
            return None
        if not found.ties:
            break
        for tie in found.ties:
            forced = levels.setdefault(tie.tensor, {})
            if tie.frame in forced:  # though it was given the golden level
                return None
            value = golden.program.tensors[tie.tensor]
            forced[tie.frame] = value.floats(trace[tie.tensor])[tie.frame]
            tied.add(tie.frame)
    return len(tied) if _near(outputs.reshape(len(x), -1), expected, allowed) else None


def _near(found: np.ndarray, expected: np.ndarray, allowed: np.ndarray) -> bool:
    return found.shape == expected.shape and bool((np.abs(found - expected) <= allowed).all())
