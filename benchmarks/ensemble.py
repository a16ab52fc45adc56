"""A BayesBiNN run's networks in the contexts of one accelerator, on MNIST: accuracy of the
likeliest network and of the mean prediction, what refusing uncertain images gives, turned digits.

    hw-bnn train training/recipes/hardware/sfc_hardware_bayesbinn.yaml \
        --set training.loss=cross_entropy --out run
    python benchmarks/ensemble.py run [--contexts 8 32] [--rtl-frames 10000] [--data-root DIR]

All test images go through the golden models; the first --rtl-frames through the RTL, which has to
give the same votes and sums of scores. Writes
results/ensemble.json, a document for each number of networks.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import hw_bnn as hb
from hw_bnn import console
from hw_bnn.accelerator.folder import network_folder
from hw_bnn.ensemble import Ensemble, combine
from hw_bnn.errors import CheckFailed
from hw_bnn.frames import load_frames
from hw_bnn.golden import GoldenModel
from hw_bnn.options import FrameOptions

RESULTS = Path(__file__).resolve().parent / "results" / "ensemble.json"
KEPT = ("recipe", "epochs", "test_accuracy", "test_accuracy_mean")
REFUSED = (0.0, 0.05, 0.1, 0.2, 0.3)


def by_golden(golden: list[GoldenModel], x: np.ndarray) -> Ensemble:
    """The ensemble of networks that the golden models compute."""
    scores = [g.scores(x).reshape(len(x), -1) for g in golden]
    pairs = [*zip(golden, scores, strict=True)]
    labels = np.stack([g.labels(s) for g, s in pairs], axis=1)
    return combine(np.stack(scores, axis=1), labels, [g.real_outputs(s) for g, s in pairs])


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """How often a number of `outside` is above one of `inside`; equal ones count half."""
    strange = np.repeat([0, 1], [len(inside), len(outside)])
    return float(roc_auc_score(strange, np.concatenate([inside, outside])))


def measure(given: argparse.Namespace, contexts: int, folder: Path) -> dict:
    """The document of so many networks."""
    mode = GoldenModel.from_onnx(hb.export(given.run, folder / "mode.onnx"))
    files = [hb.export(given.run, folder / f"{k}.onnx", sample=k) for k in range(contexts)]
    made = hb.compile(files[0], folder / "there", runtime_weights=True, contexts=contexts,
                      target_cycles=given.target_cycles, check=False,
                      fifo_sizing="none")  # fmt: skip
    made.weights(files[0], folder / "new", contexts=files[1:])
    golden = [
        GoldenModel.from_onnx(network_folder(folder / "new", k) / "model.onnx")
        for k in range(contexts)
    ]
    chosen = FrameOptions(dataset="mnist", data_root=given.data_root)
    frames = load_frames(mode, chosen=chosen, trained=None)
    x, known = frames.x, frames.labels
    assert known is not None  # MNIST has labels
    found = by_golden(golden, x)
    rtl = made.ensemble(x[: given.rtl_frames], weights=folder / "new")
    for name in ("scores", "votes", "score_sums"):
        if (getattr(rtl, name) != getattr(found, name)[: given.rtl_frames]).any():
            raise CheckFailed(f"{name} of the RTL are not those of the golden models")
    order, right = np.argsort(found.entropy, kind="stable"), found.labels == known
    kept = {share: order[: round(len(x) * (1 - share))] for share in REFUSED}
    side = round(x[0].size ** 0.5)
    turned = np.rot90(x.reshape(len(x), side, side), axes=(1, 2)).reshape(x.shape)
    other = by_golden(golden, np.ascontiguousarray(turned))
    single = [(np.asarray(g.labels(found.scores[:, k])) == known).mean()
              for k, g in enumerate(golden)]  # fmt: skip
    trained = json.loads((Path(given.run) / "result.json").read_text())
    return {
        "run": {k: v for k, v in trained.items() if k in KEPT},
        "contexts": contexts, "images": len(x), "rtl_frames": len(rtl.labels),
        "luts_estimated": made.description.resources.lut if made.description.resources else None,
        "accuracy": {
            "mode": float((mode.predict(x) == known).mean()),
            "mean": float(right.mean()),
            "votes": float((found.votes.argmax(1) == known).mean()),
            "single": [float(np.min(single)), float(np.max(single))],
        },
        "rejection": {str(share): float(right[part].mean()) for share, part in kept.items()},
        "auroc_turned": {
            "entropy": auroc(found.entropy, other.entropy),
            "mutual_information": auroc(found.mutual_information, other.mutual_information),
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--contexts", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--target-cycles", type=int, default=256)
    parser.add_argument("--rtl-frames", type=int, default=10_000)
    parser.add_argument("--data-root", type=Path)
    given = parser.parse_args()
    found = {}
    for contexts in given.contexts:
        with tempfile.TemporaryDirectory() as place:
            found[str(contexts)] = measure(given, contexts, Path(place))
    RESULTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    for contexts, document in found.items():
        rows = [[f"accuracy, {name}", f"{value}"] for name, value in document["accuracy"].items()]
        rows += [[f"mean, {share} refused", f"{v}"] for share, v in document["rejection"].items()]
        rows += [[f"AUROC, turned, {name}", f"{v}"]
                 for name, v in document["auroc_turned"].items()]  # fmt: skip
        console.table(f"{contexts} networks", ["figure", "value"], rows)


if __name__ == "__main__":
    main()
