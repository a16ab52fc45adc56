"""Run frames on a ULX3S that holds a bitstream of `hw-bnn bitstream`: needs numpy and pyserial.

    python host.py ACCELERATOR_FOLDER PORT --inputs x.npy [--outputs y.npy]

x.npy holds integers (N, ...), in the input's range and shape (accelerator.json); y.npy receives the
output
words as bytes, (N, words, bytes a word). Prints the labels where the accelerator puts them out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np


def pack(x: np.ndarray, contract: dict) -> list[bytes]:
    """Bytes of each frame, as the shell takes them.

    Args:
        x: (N, *shape) integers; bipolar inputs are -1 and +1.
        contract: "input" of accelerator.json.

    Raises:
        ValueError: values outside the input's range, or another shape.
    """
    if list(x.shape[1:]) != list(contract["shape"]):
        raise ValueError(
            f"frames have shape {list(x.shape[1:])}, the accelerator takes {contract['shape']}"
        )
    if x.min() < contract["minimum"] or x.max() > contract["maximum"]:
        raise ValueError(f"values outside [{contract['minimum']}, {contract['maximum']}]")
    frames = []
    bits = contract["element_bits"]
    for frame in x.astype(np.int64):
        if contract.get("transpose"):
            frame = np.transpose(frame, contract["transpose"])
        flat = frame.reshape(-1)
        if contract["datatype"] == "BIPOLAR":
            flat = (flat + 1) // 2
        line = (flat[:, None] >> np.arange(bits) & 1).reshape(-1)
        words = np.zeros((contract["words"], contract["word_bits"]), np.uint8)
        words.reshape(-1)[: line.size] = line
        padded = np.zeros((contract["words"], contract["tdata_bits"]), np.uint8)
        padded[:, : contract["word_bits"]] = words
        frames.append(np.packbits(padded, axis=1, bitorder="little").tobytes())
    return frames


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("port")
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--outputs", type=Path)
    arguments = parser.parse_args()
    import serial

    accelerator = json.loads((arguments.folder / "accelerator.json").read_text())
    result = json.loads((arguments.folder / "board" / "ulx3s" / "result.json").read_text())
    output = accelerator["output"]
    size = output["words"] * output["tdata_bits"] // 8
    answers = []
    with serial.Serial(arguments.port, result["baud"], timeout=5) as line:
        line.reset_input_buffer()
        for number, frame in enumerate(pack(np.load(arguments.inputs), accelerator["input"])):
            line.write(frame)
            answer = line.read(size)
            if len(answer) != size:
                print(
                    f"frame {number}: {len(answer)} of {size} bytes came back in 5 s",
                    file=sys.stderr,
                )
                return 1
            answers.append(np.frombuffer(answer, np.uint8).reshape(output["words"], -1))
            if output["mode"] != "scores":
                last = int.from_bytes(answers[-1][-1].tobytes(), "little")
                print(last >> output["label_offset"] & ((1 << output["label_bits"]) - 1))
    if arguments.outputs:
        np.save(arguments.outputs, np.stack(answers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
