"""Random networks as users bring them: more inputs, endings and names, and the compiler's options.

A spec of random_networks.py with further keys: `names`, `opset`, and `options` of compile_model.

    spec = user_spec(7)
    found = check_user(spec, folder)           # golden = executor = dataflow (= RTL); or Refused

>>> user_spec(7) == user_spec(7)
True
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx

from tests.compile.compile_stages import Differ
from tests.networks.name_habits import HABITS
from tests.networks.random_networks import BIPOLAR, _quantiser, build, random_spec


class Refused(Exception):
    """An error of hw_bnn with exit code 2, in its words."""


def user_spec(seed: int) -> dict:
    """What random_spec draws, with users' habits on top."""
    spec, rng = random_spec(seed), np.random.default_rng([seed, 2])
    spec["opset"] = int(rng.choice([11, 13, 13, 14, 17, 18, 21]))
    spec["names"] = [None, *HABITS][int(rng.integers(len(HABITS) + 1))]
    image = rng.random() < 0.25
    if image:  # image -> flatten -> dense
        shape = [int(rng.integers(1, 4)), int(rng.integers(2, 7)), int(rng.integers(2, 7))]
        spec["input"] = {**spec["input"], "shape": shape, "channels_last": False}
        spec["input"]["flatten"] = str(rng.choice(["before", "after"]))
        spec["blocks"] = [b for b in spec["blocks"] if b["kind"] == "dense"]
    spec["options"] = _options(spec, rng)
    spec["input"] = _input(spec["input"], spec["options"], rng)
    if spec["blocks"] and rng.random() < 0.2:
        at = int(rng.integers(1, len(spec["blocks"]) + 1))
        if all(b["kind"] != "average" for b in spec["blocks"][:at]):
            quantiser = _quantiser(rng) if rng.random() < 0.7 else None
            spec["blocks"].insert(at, {"kind": "twice", "quant": quantiser})
    if rng.random() < 0.25:
        spec["head"] = {
            **spec["head"], "softmax": False,
            "quant": {**BIPOLAR} if rng.random() < 0.6 else _quantiser(rng),
        }  # fmt: skip
    return spec


def _input(given: dict, options: dict, rng) -> dict:
    """The input as it is drawn, or with 1 to 8 bits, or without a quantiser (--input-type)."""
    way = rng.random()
    if given["channels_last"] and rng.random() < 0.4:
        given = {**given, "channels_last": "host"}
    if way < 0.35:
        return given
    bits, signed = int(rng.integers(1, 9)), int(rng.integers(2))
    if bits == 1:
        signed = 0
    drawn = {"bits": bits, "signed": signed, "scale": float(rng.choice([1.0, 0.5, 0.125, 1 / 128]))}
    if way < 0.8:
        return {**given, **drawn, "kind": "quant"}
    options["input_datatype"] = f"{'INT' if signed else 'UINT'}{bits}"
    if rng.random() < 0.5:
        return {**given, **drawn, "scale": 1.0, "kind": "raw", "channels_last": False}
    options["input_datatype"] = "UINT8"
    options["input_scale"] = str(rng.choice(["1/255", "1", "1/128"]))
    return {**given, **drawn, "kind": "quant", "scale": 0.125}


def _options(spec: dict, rng) -> dict:
    """None at all for every third network."""
    options: dict = {}
    if rng.random() < 0.35:
        return options
    dense = all(b["kind"] == "dense" for b in spec["blocks"])
    if dense and rng.random() < 0.15:
        options["hardwired"] = "all"
    elif rng.random() < 0.6:
        options["target_cycles"] = int(rng.choice([1, 8, 60, 300, 700, 1500, 10_000, 10**7]))
    if rng.random() < 0.6:
        options["output_mode"] = str(rng.choice(["scores", "label", "both"]))
    if rng.random() < 0.4:
        options["memory"] = str(rng.choice(["lut", "block"]))
    return options


def check_user(spec: dict, folder: Path, *, rtl: bool = False, frames: int = 6) -> None:
    """golden = the float64 executor = FINN's dataflow graph, and = RTL with pauses, in raw scores.

    Raises:
        Refused: the network or an option is refused. Differ: two stages are not equal.
    """
    from hw_bnn.errors import BadInput
    from hw_bnn.frames import random_frames
    from hw_bnn.golden import GoldenModel
    from tests.float_executor import NotExecutable, compare

    model, options = build(spec), spec["options"]
    given = {k: options[k] for k in ("input_datatype", "input_scale") if k in options}
    try:
        golden = GoldenModel.from_onnx(model, **given)
        x = random_frames(golden, frames, spec["seed"])
        with suppress(NotExecutable):  # onnx's evaluator: a pool whose window lies in the padding
            if wrong := compare(model, golden, x):
                raise Differ(f"golden and the float64 executor: {wrong}")
        out = _compile(model, folder, options)
    except BadInput as error:
        raise Refused(str(error)) from error
    scores = golden.scores(x)
    labels = None if spec["head"].get("quant") and golden.output_size < 2 else golden.labels(scores)
    _check_dataflow(out, x, scores, labels, options.get("output_mode", "both"))
    if rtl:
        _check_rtl(out, x, scores, labels, spec["seed"])


def _compile(model: onnx.ModelProto, folder: Path, options: dict) -> Path:
    from hw_bnn.compile import compile_model

    path = folder / "network.onnx"
    onnx.save(model, path)
    return compile_model(
        path, folder / "accelerator", fifo_sizing="none", check=False, force=True, **options
    )


def _check_dataflow(out: Path, x, scores, labels, mode: str) -> None:
    from hw_bnn.compile.dataflow import execute

    found = execute(out, x)
    if mode != "label" and not np.array_equal(found, scores):
        raise Differ(f"dataflow: {(found != scores).any(axis=1).sum()} of {len(x)} frames differ")


def _check_rtl(out: Path, x, scores, labels, seed: int) -> None:
    from hw_bnn.simulation import simulate

    result = simulate(out, x, stall=0.3, seed=seed)
    if result.scores is not None and not np.array_equal(result.scores, scores):
        frame, score = np.argwhere(result.scores != scores)[0]
        raise Differ(
            f"RTL differs in frame {frame}, score {score}: {result.scores[frame, score]} instead "
            f"of {scores[frame, score]}"
        )
    if result.labels is not None and not np.array_equal(result.labels, labels):
        raise Differ(f"RTL gives the labels {result.labels.tolist()} instead of {labels.tolist()}")
