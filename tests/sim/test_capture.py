"""Streams are kept whole: words that no window needs move when the frame is out already."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

pytest.importorskip("finn")

from hw_bnn.accelerator import Description
from hw_bnn.compile import compile_model
from hw_bnn.errors import CheckFailed
from hw_bnn.sim import NativeModel, capture, pack_input
from hw_bnn.synth import synth
from tests.networks.support_case import net


@pytest.fixture(scope="module")
def bordered(tmp_path_factory):
    """A convolution of stride 4, whose windows leave out the last three rows and columns."""
    made = net((2, 8, 8))
    made.bipolar()
    made.conv(2, 2, 3, 4, (1, 1, 1, 1))
    made.bipolar()
    made.add("Flatten", axis=1)
    made.linear(8, 2)
    folder = tmp_path_factory.mktemp("capture")
    onnx.save(made.model(), folder / "network.onnx")
    return compile_model(
        folder / "network.onnx", folder / "accelerator", check=False, output_mode="scores",
        target_cycles=100,
    )  # fmt: skip


def frames(n: int) -> np.ndarray:
    return np.random.default_rng(4).choice([-1, 1], (n, 2, 8, 8))


@pytest.mark.slow
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_words_behind_the_last_window_are_kept(bordered, stall):
    accelerator, x = Description.load(bordered), frames(5)
    seen = capture(bordered, x, stall=stall)
    (pad,) = (n for n in accelerator.nodes if n.kernel == "pad")
    words, cycles = seen[pad.outputs[0]]
    assert words.shape[:2] == (5, 100)  # 10 x 10 pixels
    assert np.all(np.diff(cycles.reshape(-1).astype(np.int64)) > 0)
    scores, moved = seen[accelerator.streams[-1].name]
    assert moved.max() < cycles.max()  # the case that it is about
    alone = [capture(bordered, x[i : i + 1])[accelerator.streams[-1].name][0][0] for i in range(5)]
    assert np.array_equal(scores, alone)


@pytest.mark.slow
def test_gates_keep_the_same_words(bordered):
    pytest.importorskip("pyosys", reason="needs Yosys: pip install 'hw-bnn[synth]'")
    synth(bordered)
    x = frames(70)
    gates, rtl = capture(bordered, x, engine="lanes"), capture(bordered, x)
    (pad,) = (n for n in Description.load(bordered).nodes if n.kernel == "pad")
    assert gates.keys() == rtl.keys() and pad.outputs[0] in gates
    for name, (words, _) in rtl.items():
        assert np.array_equal(gates[name][0], words)


@pytest.mark.slow
def test_a_stream_that_never_ends_is_named(bordered):
    """A run that waits for words in vain says which stream's, once the hang limit is over."""
    accelerator = Description.load(bordered)
    (pad,) = (n for n in accelerator.nodes if n.kernel == "pad")
    with NativeModel(bordered / "rtl", accelerator) as model:
        for stream in accelerator.streams:
            if stream.name == pad.outputs[0]:
                object.__setattr__(stream, "words", stream.words + 1)
        with pytest.raises(CheckFailed, match=f"{pad.outputs[0]} carried 500 words .* 505"):
            model.run(pack_input(accelerator.input, frames(5)), capture=[pad.outputs[0]])
