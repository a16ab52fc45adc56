"""Put a trained run into the package's zoo (hw_bnn/zoo/models), verified on its whole test set.

    python training/zoo.py runs/tfc_hardware_ste-seed0 TFC_1W1A --target-cycles 64 \
        --what "784-64-64-64-10, ..."

The file's weights become -1 and +1, which is what the network uses them as; torch, QONNX, FINN,
golden model and RTL then have to agree on the raw scores of every test image, those executed in
Python of the first SLOW_FRAMES where that is given (a CNV takes them minutes per hundred). The
card's keys:

    name, what, test          of the network; the data that it was tested on
    accuracy                  of torch, golden model and RTL on accuracy_frames images
    frames, mismatches, float_ties   of each stage of `verify`
    weights, cycles_per_frame, luts  of the accelerator that `command` compiles (LUTs by estimate)
    seed, epochs              of the training; its recipe is NAME.yaml
    sha256                    of NAME.onnx
    versions, command, licence
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import sys
from pathlib import Path

import numpy as np
import onnx

import hw_bnn as hb
from hw_bnn import zoo
from hw_bnn.files.temporary import temporary_folder

# The bytes of a float stand apart by their place (lp, pb: four of them).
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "lc": 2, "lp": 2, "pb": 2}]

ALL = 10**9  # frames


def with_signs_alone(model: onnx.ModelProto) -> int:
    """Put -1 and +1 in the place of latent weights, which a BipolarQuant takes the signs of; 0
    counts as +1.

    Returns:
        Number of weights.
    """
    constants, count = {t.name: t for t in model.graph.initializer}, 0
    for node in model.graph.node:
        if node.op_type == "BipolarQuant" and node.input[0] in constants:
            tensor = constants[node.input[0]]
            latent = onnx.numpy_helper.to_array(tensor)
            signs = np.where(latent >= 0, 1, -1).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(signs, tensor.name))
            count += signs.size
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--what", required=True)
    parser.add_argument("--target-cycles", type=int, required=True)
    parser.add_argument("--data-root")
    parser.add_argument(
        "--slow-frames", type=int, help="of qonnx, dataflow and golden; all by default"
    )
    asked = parser.parse_args()
    result = json.loads((asked.run / "result.json").read_text())
    with temporary_folder("zoo") as folder:
        path = hb.export(asked.run, folder / f"{asked.name}.onnx")
        proto = onnx.load(path)
        weights = with_signs_alone(proto)
        content = proto.SerializeToString(deterministic=True)
        path.write_bytes(content)
        dataset = json.loads(proto.metadata_props[0].value)["dataset"]
        summary = hb.verify(
            path, run=asked.run, dataset=dataset, split="test",
            slow_frames=asked.slow_frames or ALL,
            data_root=asked.data_root, target_cycles=asked.target_cycles,
        )  # fmt: skip
    if not summary["passed"]:
        sys.exit(f"stages differ: {summary['mismatches']}")
    card = {
        "name": asked.name, "what": asked.what, "test": f"{dataset}, test split",
        **{k: summary[k] for k in ("accuracy", "accuracy_frames", "frames", "mismatches",
                                   "float_ties", "cycles_per_frame")},
        "weights": weights, "luts": summary["estimated_luts"],
        **{k: result[k] for k in ("seed", "epochs")},
        "sha256": hashlib.sha256(content).hexdigest(), "versions": summary["versions"],
        "command": f"hw-bnn verify {asked.name}.onnx --dataset {dataset} "
                   f"--target-cycles {asked.target_cycles}"
                   + (f" --slow-frames {asked.slow_frames}" if asked.slow_frames else ""),
        "licence": "BSD-3-Clause",
    }  # fmt: skip
    packed = lzma.compress(content, check=lzma.CHECK_SHA256, filters=FILTERS)
    zoo.MODELS.mkdir(exist_ok=True)
    (zoo.MODELS / f"{asked.name}.onnx.xz").write_bytes(packed)
    (zoo.MODELS / f"{asked.name}.yaml").write_bytes((asked.run / "recipe.yaml").read_bytes())
    (zoo.MODELS / f"{asked.name}.json").write_text(json.dumps(card, indent=1) + "\n")
    print(f"{asked.name}: {len(packed):,} bytes, {8 * len(packed) / weights:.2f} bits a weight")


if __name__ == "__main__":
    main()
