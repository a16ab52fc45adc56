"""How fast the golden model is: frames a second of its packed form on two networks.

    python benchmarks/golden.py -o benchmarks/golden.json

- mlp: 64-64-64-64-10, bipolar throughout, batches of 1,000 frames; beside it a plain numpy loop
  written for this one network (one 64-bit word a frame, np.bitwise_count), which does the same from
  the same integer array to the same int64 scores. Both are checked to be equal and run turn by
  turn; medians. Goal: 0.8.
- cnv: FINN's CNV_1W1A at full size (8-bit 3x32x32 input, six convolutions, three dense layers), all
  processors. Goal: 700 images a second on 2 cores.

Random weights: they do not change the work.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from networks import binary_mlp
from onnx import TensorProto, helper

from hw_bnn.golden import GoldenModel

WIDTHS = [64, 64, 64, 64, 10]
GENERAL = "qonnx.custom_op.general"


def plain_loop(golden: GoldenModel) -> Callable[[np.ndarray], np.ndarray]:
    """What one would write by hand for this network: each frame is one word."""
    layers = []
    thresholds = list(golden.thresholds().values())
    for i, op in enumerate(o for o in golden.program.ops if type(o).__name__ == "Linear"):
        words = np.packbits(np.ascontiguousarray(op.weights > 0), axis=1, bitorder="little").view(
            np.uint64
        )[:, 0]
        limit = falls = None
        if i < len(thresholds):
            falls = thresholds[i].direction < 0
            limit = (64 - (thresholds[i].values[:, 0] + falls)) // 2  # dot = 64 - 2*d
        layers.append((words, limit, falls))

    def run(x: np.ndarray) -> np.ndarray:
        frames = np.packbits(x > 0, axis=1, bitorder="little").view(np.uint64)[:, 0]
        for words, limit, falls in layers[:-1]:
            different = np.bitwise_count(frames[:, None] ^ words)
            frames = np.packbits((different <= limit) ^ falls, axis=1, bitorder="little").view(
                np.uint64
            )[:, 0]
        different = np.bitwise_count(frames[:, None] ^ layers[-1][0])
        return 64 - 2 * different.astype(np.int64)

    return run


def cnv(path: Path, seed: int = 0) -> Path:
    """CNV_1W1A's shapes: convolutions 3-64-64-P-128-128-P-256-256 (3x3), dense 256-512-512-10."""
    rng = np.random.default_rng(seed)
    nodes, values = [], []
    at = "x"

    def constant(array: np.ndarray) -> str:
        array, name = np.asarray(array, np.float32), f"p{len(values)}"
        values.append(helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.ravel()))
        return name

    def add(op_type: str, *inputs: str, **attributes) -> str:
        nodes.append(helper.make_node(op_type, list(inputs), [f"t{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    one = constant(1.0)

    def bipolar(source: str) -> str:
        return add("BipolarQuant", source, one, domain=GENERAL)

    def normalised(source: str, n: int, size: int) -> str:
        return bipolar(
            add(
                "BatchNormalization",
                source,
                constant(rng.normal(size=n)),
                constant(rng.normal(size=n)),
                constant(rng.normal(size=n) * size**0.5),
                constant(rng.uniform(0.5, 2, n) * size),
            )
        )

    at = add(
        "Quant",
        at,
        constant(1 / 128),
        constant(0.0),
        constant(8.0),
        signed=1,
        narrow=0,
        rounding_mode="ROUND",
        domain=GENERAL,
    )
    before = 3
    for i, channels in enumerate((64, 64, 128, 128, 256, 256)):
        weights = bipolar(constant(rng.normal(size=(channels, before, 3, 3))))
        at = normalised(add("Conv", at, weights, kernel_shape=[3, 3]), channels, before * 9)
        if i in (1, 3):
            at = add("MaxPool", at, kernel_shape=[2, 2], strides=[2, 2])
        before = channels
    at = add("Flatten", at, axis=1)
    for outputs in (512, 512, 10):
        at = add("MatMul", at, bipolar(constant(rng.normal(size=(before, outputs)))))
        at = normalised(at, outputs, before) if outputs > 10 else at
        before = outputs
    graph = helper.make_graph(
        nodes,
        "cnv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info(at, TensorProto.FLOAT, [1, 10])],
        initializer=values,
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(GENERAL, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, producer_name="hw_bnn"), path)
    return path


def seconds(function: Callable, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def measure_mlp(folder: Path, repeats: int) -> dict:
    golden = GoldenModel.from_onnx(binary_mlp(folder / "mlp.onnx", WIDTHS))
    loop = plain_loop(golden)
    x = np.random.default_rng(1).integers(0, 2, (1000, 64)) * 2 - 1
    assert np.array_equal(loop(x), golden.scores(x)), "the two forms differ"
    assert np.array_equal(loop(x), golden.scores(x, packed=False)), "the two forms differ"
    pairs = [(seconds(golden.scores, x), seconds(loop, x)) for _ in range(repeats)]
    ours, plain = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "batch": 1000,
        "repeats": repeats,
        "frames_per_second": 1000 / ours,
        "plain_loop_frames_per_second": 1000 / plain,
        "times_plain_loop": plain / ours,
    }


def measure_cnv(folder: Path, images: int, repeats: int) -> dict:
    path = cnv(folder / "cnv.onnx")
    start = time.perf_counter()
    golden = GoldenModel.from_onnx(path)
    load = time.perf_counter() - start
    x = np.random.default_rng(1).integers(-128, 128, (images, 3, 32, 32)).astype(np.int8)
    assert np.array_equal(golden.scores(x[:4]), golden.scores(x[:4], packed=False)), (
        "the two forms differ"
    )
    times, processor = [], []
    for _ in range(repeats):
        busy = time.process_time()
        times.append(seconds(golden.scores, x))
        processor.append(time.process_time() - busy)
    return {
        "images": images,
        "repeats": repeats,
        "load_seconds": load,
        "images_per_second": images / statistics.median(times),
        "processor_ms_per_image": 1e3 * statistics.median(processor) / images,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, help="write the result here as JSON")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "mlp": measure_mlp(Path(folder), 40 * options.repeats),
            "cnv": measure_cnv(Path(folder), options.images, options.repeats),
            "date": datetime.date.today().isoformat(),
            "numpy": np.__version__,
            "python": platform.python_version(),
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "load_average": os.getloadavg()[0],
            "command": f"python benchmarks/golden.py --images {options.images} "
            f"--repeats {options.repeats}",
        }
    text = json.dumps(result, indent=1) + "\n"
    print(text, end="")
    if options.output:
        options.output.write_text(text)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
