"""Random networks from a seed, as plain data that can be shrunk and written to a file.

A *spec* is a dictionary of JSON values: the input, a list of blocks, the head and a folding
divisor. Its seed alone decides weights and BatchNorms, so that a spec is a network.

    spec = random_spec(7)          # the same for the same seed
    model = build(spec)            # onnx.ModelProto, in the habits of several exporters
    small = shrink(spec, fails)    # fails(spec) -> bool: the least spec found that still fails

>>> random_spec(7) == random_spec(7)
True
>>> last = build(random_spec(7)).graph.node[-1].op_type
>>> last in {"Gemm", "Add", "BatchNormalization", "Softmax", "Div"}
True
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import numpy as np
import onnx

from tests.networks.name_habits import with_names
from tests.networks.qonnx_networks import Builder, shape_of

WEIGHT_HABITS = (
    *("bipolar", "one-bit quant", "per channel", "stored") * 2, "two-bit", "int2", "int4", "int8",
)  # fmt: skip
BIPOLAR = {"bits": 1, "signed": 1, "scale": 1.0}


class Net(Builder):
    """The builder, with BatchNorms that fit the spread of the accumulators before them."""

    def norm(self, channels: int, spread: float, rank: int, way: str) -> None:
        """Gammas of both signs, some exactly 0; means inside the spread of the input."""
        if way == "none":
            return
        gamma = self.rng.normal(0, 1, channels) + 0.05
        gamma[self.rng.random(channels) < 0.1] = 0
        if way == "positive":
            gamma = np.abs(gamma) + 0.1
        mean, bias = self.rng.normal(0, 0.5 * spread, channels), self.rng.normal(0, 0.7, channels)
        variance = spread**2 * self.rng.uniform(0.3, 1.5, channels)
        if way == "affine":
            column = (channels,) + (1,) * (rank - 1)
            self.add("Sub", self.constant(mean.reshape(column)))
            self.add(
                "Mul",
                self.constant((gamma / np.sqrt(variance)).reshape(column)),
                first=bool(self.rng.integers(2)),
            )
            self.add("Add", self.constant(bias.reshape(column)), first=bool(self.rng.integers(2)))
            return
        self.add(
            "BatchNormalization",
            *(self.constant(p) for p in (gamma, bias, mean, variance)),
            epsilon=1e-5,
        )

    def activation(self, quantiser: dict) -> None:
        """BipolarQuant, 1-bit Quant, or Quant of 1 to 8 bits, behind a ReLU if unsigned."""
        bits, scale = quantiser["bits"], float(np.float32(quantiser["scale"]))
        if not quantiser["signed"]:
            self.add("Relu")
        if bits == 1 and quantiser["signed"]:
            if quantiser.get("as_quant"):
                self.quant(1.0, scale)
            else:
                self.bipolar(scale)
            return
        self.quant(
            float(bits),
            scale,
            signed=quantiser["signed"],
            narrow=quantiser.get("narrow", 0),
            mode=quantiser.get("mode", "ROUND"),
        )


def random_spec(seed: int) -> dict:
    """A network of 1 to 5 blocks: dense, or convolutions that may end in dense ones."""
    rng = np.random.default_rng(seed)
    spec = {"seed": seed, "batch": int(rng.integers(1, 4)), "divisor": int(rng.choice([1, 4, 30]))}
    dense = rng.random() < 0.3
    size = int(rng.integers(5, 9))
    spec["input"] = {
        "shape": [int(rng.integers(4, 65))]
        if dense
        else [int(rng.integers(1, 5)), size, size + int(rng.integers(0, 2))],
        "kind": str(rng.choice(["bipolar", "pixels", "int8", "uint4", "annotated"])),
        "channels_last": bool(not dense and rng.random() < 0.2),
    }
    blocks = []
    if not dense:
        for _ in range(int(rng.integers(1, 4))):
            blocks.append(_residual(rng) if rng.random() < 0.25 and blocks else _conv(rng))
        if rng.random() < 0.3:
            blocks.append(
                {
                    "kind": "average",
                    "global": bool(rng.integers(2)),
                    "quant": _quantiser(rng) if rng.random() < 0.7 else None,
                }
            )
    for _ in range(int(rng.integers(0, 3))):
        blocks.append({"kind": "dense", "outputs": int(rng.integers(2, 41)), **_layer(rng)})
    spec["blocks"] = blocks
    spec["head"] = {
        "classes": int(rng.integers(2, 12)),
        "form": str(rng.choice(["gemm", "matmul"])),
        "habit": str(rng.choice(WEIGHT_HABITS)),
        "bias": bool(rng.integers(2)),
        "norm": str(rng.choice(["none", "batch", "affine"])),
        "flatten": str(rng.choice(["Flatten", "Reshape"])),
        "softmax": bool(rng.random() < 0.2),
    }
    return spec


def _quantiser(rng) -> dict:
    way = rng.integers(4)
    if way < 2:
        return {**BIPOLAR, "scale": float(rng.choice([1.0, 0.1, 0.5])), "as_quant": bool(way)}
    bits = int(rng.choice([2, 3, 4, 8], p=[0.4, 0.2, 0.3, 0.1]))
    if way == 2 and rng.random() < 0.2:
        bits = 1
    return {
        "bits": bits,
        "signed": int(way == 3),
        "scale": float(rng.choice([1.0, 0.7, 0.3])) * 2 / bits,
        "narrow": int(rng.integers(2)) if bits > 2 else 0,
        "mode": str(rng.choice(["ROUND", "ROUND", "FLOOR", "CEIL"])),
    }


def _layer(rng) -> dict:
    return {
        "habit": str(rng.choice(WEIGHT_HABITS)),
        "form": str(rng.choice(["gemm", "matmul"])),
        "bias": bool(rng.random() < 0.4),
        "scale": float(rng.choice([1.0, 0.1])),
        "norm": str(rng.choice(["batch", "batch", "affine", "none", "positive"])),
        "quant": _quantiser(rng),
    }


def _conv(rng) -> dict:
    kernel = [int(k) for k in rng.choice([1, 2, 3], 2)]
    return {
        "kind": "conv",
        "outputs": int(rng.integers(2, 13)),
        "kernel": kernel,
        "stride": [int(s) for s in rng.choice([1, 1, 2], 2)],
        "dilation": int(rng.choice([1, 1, 1, 2])),
        "pad": str(rng.choice(["none", "zero", "zero node", "minus", "plus"])),
        "pads": [int(rng.integers(0, kernel[i % 2])) for i in range(4)],
        "pool": str(rng.choice(["none", "none", "after", "middle", "before"])),
        "pool_kernel": [int(k) for k in rng.choice([1, 2, 3], 2, p=[0.1, 0.7, 0.2])],
        "pool_stride": [int(s) for s in rng.integers(1, 3, 2)],
        "pool_pad": int(rng.random() < 0.2),
        **_layer(rng),
    }


def _residual(rng) -> dict:
    return {
        "kind": "residual",
        "bits": int(rng.choice([2, 4, 8])),
        "scale": float(rng.choice([1.0, 0.25])),
        "ratio": int(rng.choice([1, 1, 1, 2, 4])),
        "down": bool(rng.integers(2)),
        "sign_first": bool(rng.integers(2)),
        "pad": str(rng.choice(["zero", "minus"])),
        "requantise": bool(rng.integers(2)),
        **_layer(rng),
    }


# -- spec -> model --


def build(spec: dict) -> onnx.ModelProto:
    """The network of a spec. Blocks that no longer fit the map (after shrinking) are left out."""
    net = Net(spec["input"]["shape"], spec["seed"], spec["batch"], spec.get("opset", 13))
    state = _input(net, spec["input"])
    for block in spec["blocks"]:
        {
            "conv": _add_conv,
            "residual": _add_residual,
            "average": _add_average,
            "dense": _add_dense,
            "twice": _add_twice,
        }[block["kind"]](net, block, state)
    _add_head(net, spec["head"], state)
    return with_names(net.model(), spec.get("names"))


def _input(net: Net, contract: dict) -> dict:
    """Quantise the input; state says what the next layer reads: the values' spread, bipolarity."""
    kind, rank = contract["kind"], len(contract["shape"])
    flatten, last = contract.get("flatten"), contract["channels_last"]
    if last:
        c, h, w = net.shape
        net.shape = (h, w, c)
    if last == "host":
        net.add("Transpose", perm=[0, 3, 1, 2])
    if flatten == "before":
        _flatten(net)
        rank = 1
    if kind == "bipolar":
        net.bipolar()
    elif kind == "quant":
        net.quant(float(contract["bits"]), contract["scale"], signed=contract["signed"])
    elif kind == "raw":
        pass  # its integers come by --input-type
    elif kind == "pixels":  # u -> 2u - 1 on the host
        net.add("Mul", net.constant(2.0))
        net.add("Sub", net.constant(1.0))
        net.bipolar()
    elif kind == "int8":
        net.quant(8.0, 1 / 128)
    elif kind == "uint4":
        net.quant(4.0, float(np.float32(0.1)), signed=0, op="IntQuant")
    else:
        net.annotations.append(("x", "INT4"))
        net.add("Mul", net.constant(0.125))
    if last and last != "host":
        net.add("Transpose", perm=[0, 3, 1, 2])
    if flatten == "after":
        _flatten(net, "Reshape")
        rank = 1
    spread = {"bipolar": 1.0, "pixels": 1.0, "int8": 0.58, "uint4": 0.8, "annotated": 0.6}.get(kind)
    if spread is None:
        spread = contract["scale"] * 2 ** contract["bits"] / 3
    return {"rank": rank, "spread": spread, "bipolar": kind in ("bipolar", "pixels")}


def _size(net: Net) -> list[int]:
    return shape_of(net)[1:]


def _after(state: dict, quantiser: dict) -> None:
    levels = 2 ** quantiser["bits"]
    bipolar = quantiser["bits"] == 1 and bool(quantiser["signed"])
    state["spread"] = quantiser["scale"] * (1.0 if bipolar else max(levels / 3.5, 0.5))
    state["spread"] = min(state["spread"], 3.0)
    state["bipolar"], state["scale"] = bipolar, quantiser["scale"]


def _add_conv(net: Net, block: dict, state: dict) -> None:
    channels, *size = _size(net)
    kernel, dilation = block["kernel"], block["dilation"]
    pads = list(block["pads"]) if block["pad"] != "none" else [0] * 4
    if block["pad"] in ("minus", "plus") and not (
        state["bipolar"] and state.get("scale", 1.0) == 1.0
    ):
        block = {**block, "pad": "zero"}  # such a border is a level of bipolar maps only
    padded = [s + pads[i] + pads[i + 2] for i, s in enumerate(size)]
    if any(p < dilation * (k - 1) + 1 for p, k in zip(padded, kernel, strict=True)):
        return
    if block["pad"] in ("minus", "plus", "zero node"):
        value = {"minus": -1.0, "plus": 1.0, "zero node": 0.0}[block["pad"]]
        net.add(
            "Pad", net.constant([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64), net.constant(value)
        )
        pads = [0] * 4
    weights = net.weights((block["outputs"], channels, *kernel), block["habit"], block["scale"])
    extra = [net.constant(net.rng.normal(0, 1, block["outputs"]))] if block["bias"] else []
    net.add(
        "Conv",
        weights,
        *extra,
        kernel_shape=kernel,
        strides=block["stride"],
        pads=pads,
        dilations=[dilation] * 2,
        group=1,
    )
    spread = state["spread"] * block["scale"] * np.sqrt(channels * kernel[0] * kernel[1])
    if block["pool"] == "before":
        _add_pool(net, block)
    net.norm(block["outputs"], spread, 3, block["norm"])
    if block["pool"] == "middle":
        _add_pool(net, block)
    net.activation(block["quant"])
    if block["pool"] == "after":
        _add_pool(net, block)
    _after(state, block["quant"])


def _add_pool(net: Net, block: dict) -> None:
    size = _size(net)[1:]
    if all(s >= k for s, k in zip(size, block["pool_kernel"], strict=True)):
        pad = [int(block["pool_pad"] and k > 1) for k in block["pool_kernel"]]
        net.add(
            "MaxPool",
            kernel_shape=block["pool_kernel"],
            strides=block["pool_stride"],
            pads=[pad[0], pad[1], 0, 0],
        )


def _add_residual(net: Net, block: dict, state: dict) -> None:
    """Bi-Real/ResNet block: n-bit shortcut, sign -> 3x3 convolution -> BatchNorm -> n-bit, add."""
    channels, *size = _size(net)
    bits, scale = float(block["bits"]), block["scale"]
    shortcut = net.quant(bits, scale * block["ratio"])
    outputs, stride = channels, 1
    if block["down"] and min(size) >= 4 and not any(s % 2 for s in size):
        outputs, stride = 2 * channels, 2
    if block["sign_first"]:
        net.bipolar()
    pads = [1, 1, 1, 1]
    if block["pad"] == "minus" and block["sign_first"]:
        net.add("Pad", net.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64), net.constant(-1.0))
        pads = [0] * 4
    net.conv(channels, outputs, 3, stride, pads, habit=block["habit"])
    spread = np.sqrt(9 * channels) * (
        1.0 if block["sign_first"] else scale * block["ratio"] * bits / 2
    )
    net.norm(outputs, spread, 3, block["norm"])
    branch = net.quant(bits, scale)
    if stride == 2:
        net.at = shortcut
        net.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
        net.quant(bits, scale * block["ratio"])
        net.conv(channels, outputs, 1, habit="bipolar")
        net.norm(outputs, np.sqrt(channels) * scale * block["ratio"] * bits / 2, 3, "batch")
        shortcut = net.quant(bits, scale * block["ratio"])
    net.at = branch
    net.add("Add", shortcut, first=bool(net.rng.integers(2)))
    quantiser = block["quant"] if block["requantise"] else BIPOLAR
    if block["requantise"]:
        net.norm(outputs, scale * block["ratio"] * 2**bits / 3, 3, block["norm"])
    net.activation(quantiser)
    _after(state, quantiser)


def _add_twice(net: Net, block: dict, state: dict) -> None:
    """x + x, quantised again."""
    net.add("Add", net.at)
    if block["quant"]:
        net.activation(block["quant"])
        _after(state, block["quant"])
    else:
        state["spread"], state["bipolar"] = 2 * state["spread"], False


def _add_average(net: Net, block: dict, state: dict) -> None:
    if len(_size(net)) != 3:
        return
    if block["global"]:
        net.add("GlobalAveragePool")
    elif min(_size(net)[1:]) >= 2:
        net.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    if block["quant"]:
        quantiser = {**block["quant"], "scale": block["quant"]["scale"] / 2}
        net.activation(quantiser)
        _after(state, quantiser)
    else:
        state["bipolar"] = False


def _flatten(net: Net, way: str = "Flatten") -> int:
    size = _size(net)
    if len(size) > 1:
        if way == "Flatten":
            net.add("Flatten", axis=1)
        else:
            net.add("Reshape", net.constant([net.batch, -1], np.int64))
    return int(np.prod(size))


def _add_dense(net: Net, block: dict, state: dict) -> None:
    inputs = _flatten(net)
    net.linear(
        inputs, block["outputs"], block["habit"], block["form"], block["bias"], block["scale"]
    )
    net.norm(block["outputs"], state["spread"] * block["scale"] * np.sqrt(inputs), 1, block["norm"])
    net.activation(block["quant"])
    _after(state, block["quant"])


def _add_head(net: Net, head: dict, state: dict) -> None:
    inputs = _flatten(net, head["flatten"])
    net.linear(inputs, head["classes"], head["habit"], head["form"], head["bias"])
    net.norm(head["classes"], state["spread"] * np.sqrt(inputs), 1, head["norm"])
    if quantiser := head.get("quant"):
        net.activation(quantiser)
    if head["softmax"]:
        net.add("Softmax", axis=1)


# -- shrinking --


def shrink(spec: dict, fails: Callable[[dict], bool], tries: int = 60) -> dict:
    """A smaller spec that still fails: fewer blocks, plainer options, narrower layers.

    Args:
        fails: whether a spec shows the fault; errors in it count as another fault, that is as no.
        tries: specs to try at most.
    """
    best, tried = copy.deepcopy(spec), set()
    progress = True
    while progress:
        progress = False
        for candidate in _smaller(best):
            text = json.dumps(candidate, sort_keys=True)
            if text in tried:
                continue
            if len(tried) == tries:
                return best
            tried.add(text)
            try:
                found = fails(candidate)
            except Exception:  # noqa: BLE001  another fault than the one that is shrunk
                found = False
            if found:
                best, progress = candidate, True
                break
    return best


PLAIN = {
    "pool": "none",
    "pad": "none",
    "stride": [1, 1],
    "dilation": 1,
    "norm": "none",
    "bias": False,
    "habit": "bipolar",
    "form": "gemm",
    "kernel": [1, 1],
    "quant": BIPOLAR,
    "scale": 1.0,
    "ratio": 1,
    "down": False,
    "pool_pad": 0,
    "requantise": False,
    "softmax": False,
    "channels_last": False,
    "kind": "bipolar",
    "divisor": 1,
    "batch": 1,
    "names": None,
    "opset": 13,
    "options": {},
    "flatten": None,
}


def _smaller(spec: dict):
    """Candidates one step simpler, the boldest first."""
    for i in range(len(spec["blocks"])):
        yield {**spec, "blocks": spec["blocks"][:i] + spec["blocks"][i + 1 :]}
    for path, part in (
        *((("blocks", i), b) for i, b in enumerate(spec["blocks"])),
        (("head",), spec["head"]),
        (("input",), spec["input"]),
        ((), spec),
    ):
        for key, plain in PLAIN.items():
            if (
                key in part
                and part[key] != plain
                and not (key == "kind" and path[:1] == ("blocks",))
            ):
                yield _with(spec, path, key, plain)
        for key in ("outputs", "classes"):
            if part.get(key, 0) > 2:
                yield _with(spec, path, key, max(2, part[key] // 2))


def _with(spec: dict, path: tuple, key: str, value) -> dict:
    changed = copy.deepcopy(spec)
    part = changed
    for step in path:
        part = part[step]
    part[key] = copy.deepcopy(value)
    return changed
