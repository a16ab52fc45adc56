"""A tiny hand-written accelerator, as a whole folder, for the tests of the engines."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hw_bnn.accelerator import Description, Input, Memory, Node, Output, Stream
from hw_bnn.accelerator.folder import seal

TOY = Path(__file__).parent / "toy"
WORDS, N = 3, 5  # of the toy's parameters: 24 bipolar inputs, 5 scores


@dataclass
class Toy:
    folder: Path
    accelerator: Description
    weights: np.ndarray  # (N, 24) of -1, 1

    def expected(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores = x.astype(np.int64) @ self.weights.T
        return scores, scores.argmax(axis=1)


def write_weights(path: Path, weights: np.ndarray) -> None:
    """One line per input word: bit 8*n+b = weight of output n, input 8*word+b."""
    lines = []
    for word in range(WORDS):
        value = 0
        for n in range(N):
            for b in range(8):
                value |= int(weights[n, 8 * word + b] > 0) << (8 * n + b)
        lines.append(f"{value:0{2 * N}x}")
    path.write_text("\n".join(lines) + "\n")


def describe(name: str = "toy") -> Description:
    def stream(name, producer, consumer, words, bits):
        return Stream(
            name=name, producer=producer, consumer=consumer, words=words, word_bits=bits,
            tdata_bits=(bits + 7) // 8 * 8,
        )  # fmt: skip

    def node(name, op, kernel, ins, outs, cycles, **more):
        return Node(
            name=name, op=op, kernel=kernel, inputs=[ins], outputs=[outs], cycles=cycles, **more
        )

    return Description(
        name=name, top="toy", board=None, part="xc7z020clg400-1", clk_period_ns=10.0,
        input=Input(
            datatype="BIPOLAR", minimum=-1, maximum=1, shape=[8 * WORDS], stream_shape=[8 * WORDS],
            tensor="x", elements=8 * WORDS, element_bits=1, words=WORDS, word_bits=8, tdata_bits=8,
        ),
        output=Output(
            mode="both", tensor="y", datatype="INT8", minimum=-128, maximum=127, scores=N, lanes=1,
            score_bits=8, label_bits=3, label_offset=8, words=N, tdata_bits=16,
        ),
        nodes=[
            node("fifo_0", "StreamingFIFO_rtl", "fifo", "pixels", "packed", WORDS, depth=2),
            node("layer_0", "XnorMVAU_rtl", "toy_layer", "packed", "dots", N, layer="MatMul_0",
                 memories=[Memory(parameter="WEIGHTS_FILE", file="layer_0_weights.hex", words=WORDS,
                                  bits=8 * N)]),
            node("fifo_1", "StreamingFIFO_rtl", "fifo", "dots", "scores", N, depth=2),
            node("argmax_0", "AffineArgMax_rtl", "toy_argmax", "scores", "result", N),
        ],
        streams=[
            stream("pixels", "s_axis", "fifo_0", WORDS, 8),
            stream("packed", "fifo_0", "layer_0", WORDS, 8),
            stream("dots", "layer_0", "fifo_1", N, 8),
            stream("scores", "fifo_1", "argmax_0", N, 8),
            stream("result", "argmax_0", "m_axis", N, 11),
        ],
        bound_cycles=N,
        sources=["bnn_fifo.sv", "toy_layer.v", "toy_argmax.v", "toy.v"],
        hashes={}, versions={}, options={},
    )  # fmt: skip


def make_toy(folder: Path, seed: int = 0) -> Toy:
    """Write a whole accelerator folder with random weights."""
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    for source in TOY.iterdir():
        shutil.copyfile(source, rtl / source.name)
    weights = np.random.default_rng(seed).choice([-1, 1], size=(N, 8 * WORDS))
    write_weights(rtl / "layer_0_weights.hex", weights)
    return Toy(folder, seal(folder, describe()), weights)


def random_inputs(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), size=(count, 8 * WORDS))
