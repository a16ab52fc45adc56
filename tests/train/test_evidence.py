"""training/evidence.py: what the results are taken to show, and the table in training/README.md."""

import json
from pathlib import Path

import pytest

TRAINING = Path(__file__).parents[2] / "training"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(TRAINING))


def test_the_table_is_what_the_results_say():
    import evidence

    assert evidence.main(["--check"]) == 0


@pytest.fixture
def results(tmp_path):
    """Three rows of 10,000 test images: one seed of 98 %, three of about 97 %, three that jump."""

    def row(name, accuracies):
        curves = {"stage": [0, 1, 1, 1], "validation_accuracy": [0.99, 0.5, 0.6, 0.7]}
        runs = [
            {"figure": a, "test_samples": 10_000, "test_ece": a / 1000, "curves": curves}
            for a in accuracies
        ]
        runs[-1]["curves"] = curves if len(runs) == 1 else None
        if len(runs) > 1:
            runs[0]["test_nll"] = 0.3
        return {"recipe": name, "runs": runs, "drawn": {"share": accuracies[0]}}

    rows = [row("one", [0.98]), row("three", [0.97, 0.9704, 0.9698]), row("wild", [0.9, 1.0, 0.95])]
    (tmp_path / "some.json").write_text(json.dumps({"rows": rows}))
    return tmp_path


def test_the_error_of_a_mean(results):
    import evidence

    one, three, wild = (evidence.figure(f"some:{n}", results) for n in ("one", "three", "wild"))
    assert one.error == pytest.approx(0.14)  # sqrt(0.98 x 0.02/10,000)
    assert three.error == pytest.approx(100 * (0.97 * 0.03 / 30_000) ** 0.5, rel=1e-2)
    assert wild.error == pytest.approx(5 / 3**0.5)  # the seeds' spread is the larger one
    assert str(three) == "97.01 +- 0.03" and str(one) == "98.00"
    assert evidence.figure("some:one:share", results).mean == 0.98
    small = evidence.figure("some:three:test_ece", results)
    assert not small.percent and small.mean == pytest.approx(0.9700667e-3)  # all its digits
    # Nothing tells how far one seed's calibration is from another's.
    lone = [evidence.figure(f"some:{row}:test_ece", results) for row in ("one", "three")]
    assert evidence.verdict("descending", lone) == "not decided"
    with pytest.raises(KeyError, match="one has test_nll"):
        evidence.figure("some:one:test_nll", results)
    assert evidence.figure("some:three:test_nll", results).seeds == 1  # the other runs are older
    with pytest.raises(KeyError, match="no row four"):
        evidence.figure("some:four", results)


@pytest.mark.parametrize(
    ("claim", "rows", "told"),
    [
        ("descending", ["one", "three"], "holds"),
        ("descending", ["three", "one"], "does not hold"),
        ("descending", ["one", "wild"], "not decided"),
        ("descending", ["three", "one", "wild"], "does not hold"),
        ({"within": 2.0}, ["three", "one"], "holds"),
        ({"within": 1.0}, ["three", "one"], "not decided"),
        ({"within": 0.3}, ["three", "one"], "does not hold"),
        (None, ["one", "three"], ""),
    ],
)
def test_verdicts(results, claim, rows, told):
    import evidence

    figures = [evidence.figure(f"some:{row}", results) for row in rows]
    assert evidence.verdict(claim, figures) == told


def test_epochs_of_the_last_stage_to_an_accuracy(results):
    import evidence

    for row, seeds in (("one", 1), ("three", 2)):
        found = evidence.figure(f"some:{row}:epochs_to=60", results)
        assert (found.mean, found.seeds) == (2.0, seeds)
    with pytest.raises(KeyError, match=r"no epoch has 99 %"):
        evidence.figure("some:one:epochs_to=99", results)


def test_the_last_value_of_a_curve(results):
    import evidence

    found = evidence.figure("some:one:last=validation_accuracy", results)
    assert (found.mean, found.seeds) == (pytest.approx(70.0), 1)
    assert found.error == pytest.approx(100 * (0.7 * 0.3 / 10_000) ** 0.5)
    assert evidence.figure("some:three:last=stage", results).seeds == 2
    with pytest.raises(KeyError):
        evidence.figure("some:one:last=losses", results)
