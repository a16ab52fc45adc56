"""What the report shows of labels and training, against plain counting."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from hw_bnn.frames import Frames
from hw_bnn.verify import details


def case(scores, said, known, x, training=0, transpose=None):
    port = SimpleNamespace(transpose=transpose)
    return SimpleNamespace(
        frames=Frames(x, known, "some", training), scores=scores, labels=said,
        accelerator=SimpleNamespace(input=port),
    )  # fmt: skip


def test_labels_are_counted_over_the_held_out_frames():
    rng = np.random.default_rng(0)
    scores, known = rng.integers(-9, 10, (50, 4)), rng.integers(0, 4, 50)
    said, x = scores.argmax(1), rng.integers(0, 3, (50, 6))
    told = details.labels(case(scores, said, known, x, training=10))
    for label in range(4):
        for other in range(4):
            count = sum((known[10:] == label) & (said[10:] == other))
            assert told["confusion"][label][other] == count
    first = next(i for i in range(10, 50) if known[i] != said[i])
    assert told["wrong"][0] == {
        "frame": first, "label": known[first], "said": said[first], "x": x[first].tolist(),
    }  # fmt: skip
    assert len(told["wrong"]) == details.MOST_WRONG
    assert sum(told["scores"]["said"]) == 40 and sum(told["scores"]["others"]) == 120
    assert told["scores"]["high"] == scores[10:].max()
    assert told["scores"]["said"][-1] >= (scores[10:].max(1) == scores[10:].max()).sum()
    json.dumps(told)


def test_a_map_is_kept_as_it_is_streamed():
    x = np.arange(12).reshape(1, 3, 2, 2)
    told = details.labels(
        case(np.zeros((1, 2), int), np.array([0]), np.array([1]), x, transpose=[1, 2, 0])
    )
    assert told["wrong"][0]["x"] == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]


@pytest.mark.parametrize(("known", "training"), [(None, 0), (np.zeros(3, int), 3)])
def test_without_labels_there_is_nothing(known, training):
    x, said = np.zeros((3, 2), int), np.zeros(3, int)
    assert details.labels(case(np.zeros((3, 2), int), said, known, x, training)) is None


def test_curves_are_thinned_and_keep_both_ends(tmp_path):
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    records = [{"epoch": e, "train_loss": 1.0, "seconds": 2, "weights/a": {}} for e in range(1000)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    found = details.training(tmp_path)["epochs"]
    assert len(found) <= details.MOST_EPOCHS + 1
    assert found[0] == {"epoch": 1, "train_loss": 1.0} and found[-1]["epoch"] == 1000
    assert details.training(None) is None and details.training(tmp_path / "none") is None


def test_what_is_not_known_any_more_is_not_kept(tmp_path):
    details.write(tmp_path, {"labels.json": {"wrong": []}})
    assert (tmp_path / "reports" / "labels.json").is_file()
    details.write(tmp_path, {"labels.json": None})
    assert not (tmp_path / "reports" / "labels.json").exists()
