"""Random networks: qonnx = golden (plain, packed) = dataflow = RTL.

In CI 200 networks go through the Python stages and 30 through RTL; `-m full` runs 2,000 and 120
more. A failing network is shrunk and written to files (HW_BNN_FAILURES names the folder);
HW_BNN_SPEC=FILE.json runs such a spec again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hw_bnn.golden import GoldenModel
from tests.compile.compile_stages import Differ, check_rtl, check_spec, check_stages
from tests.networks.random_networks import build, random_spec, shrink

pytest.importorskip("finn")

NETWORKS, PART = 200, 20
SHAPES, WEIGHTS = (8, 21, 35, 49, 53, 62), 5
"""RTL: the specs of these seeds, each with so many sets of weights in one Verilator build."""


def stages(spec):
    check_stages(build(spec), spec["seed"], divisor=spec["divisor"])


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, NETWORKS, PART))
def test_python_stages_agree(start, tmp_path):
    for seed in range(start, start + PART):
        check_spec(random_spec(seed), stages, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("start", range(NETWORKS, 2000 + NETWORKS, 100))
def test_python_stages_agree_on_many(start, tmp_path):
    for seed in range(start, start + 100):
        check_spec(random_spec(seed), stages, tmp_path)


def with_weights(seed: int, k: int) -> dict:
    """The spec of a seed with its k-th weights. Its head has a BatchNorm at k = 0 only, since the
    widths of the fixed-point head depend on it, and so does the build."""
    spec = random_spec(seed)
    if k:
        spec = {**spec, "seed": seed + 10_000 * k, "head": {**spec["head"], "norm": "none"}}
    return spec


@pytest.mark.slow
@pytest.mark.parametrize("seed", SHAPES)
def test_rtl_agrees(seed, tmp_path):
    for k in range(WEIGHTS):
        spec = with_weights(seed, k)
        check_spec(spec, lambda s: check_rtl(build(s), tmp_path, s["seed"]), tmp_path, tries=6)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 220))
def test_rtl_agrees_on_many(seed, tmp_path):
    spec = random_spec(seed)
    check_spec(spec, lambda s: check_rtl(build(s), tmp_path, s["seed"]), tmp_path, tries=12)


@pytest.mark.skipif("HW_BNN_SPEC" not in os.environ, reason="set HW_BNN_SPEC to a spec that failed")
def test_spec_that_failed(tmp_path):
    spec = json.loads(Path(os.environ["HW_BNN_SPEC"]).read_text())
    stages(spec)
    check_rtl(build(spec), tmp_path, spec["seed"])


# -- the machinery itself --


def test_a_seed_is_a_network():
    for seed in (0, 18, 35):
        assert random_spec(seed) == random_spec(seed)
        assert (
            build(random_spec(seed)).SerializeToString()
            == build(random_spec(seed)).SerializeToString()
        )
    assert json.loads(json.dumps(random_spec(18))) == random_spec(18)


def test_the_generator_covers_what_it_says():
    specs = [random_spec(seed) for seed in range(NETWORKS)]
    blocks = [b for s in specs for b in s["blocks"]]

    def seen(key, kind=None):
        return {
            json.dumps(b[key]) for b in blocks if key in b and (kind is None or b["kind"] == kind)
        }

    assert {b["kind"] for b in blocks} == {"conv", "residual", "average", "dense"}
    assert seen("pad", "conv") == {f'"{p}"' for p in ("none", "zero", "zero node", "minus", "plus")}
    assert seen("pool") == {f'"{p}"' for p in ("none", "after", "middle", "before")}
    assert {b["quant"]["bits"] for b in blocks if b.get("quant")} == {1, 2, 3, 4, 8}
    assert seen("ratio") == {"1", "2", "4"} and seen("down") == {"true", "false"}
    assert {s["input"]["kind"] for s in specs} == {
        "bipolar",
        "pixels",
        "int8",
        "uint4",
        "annotated",
    }


def test_a_failure_is_shrunk_to_files_that_reproduce_it(tmp_path):
    """With a fault that needs a convolution with a pool before its BatchNorm."""

    def faulty(spec):
        if any(b["kind"] == "conv" and b["pool"] == "before" for b in spec["blocks"]):
            raise Differ("planted")

    spec = next(
        s
        for s in map(random_spec, range(100))
        if len(s["blocks"]) > 2 and any(b.get("pool") == "before" for b in s["blocks"])
    )
    with pytest.raises(AssertionError, match="planted\nshrunk to .*hw-bnn verify") as error:
        check_spec(spec, faulty, tmp_path)
    written = json.loads((tmp_path / f"network_{spec['seed']}.json").read_text())
    assert len(written["blocks"]) == 1 and written["blocks"][0]["pool"] == "before"
    assert written["blocks"][0]["norm"] == "none" and written["head"]["classes"] == 2
    assert GoldenModel.from_onnx(tmp_path / f"network_{spec['seed']}.onnx").output_size == 2
    assert "planted" in str(error.value.__cause__)


def test_shrinking_does_not_follow_another_fault():
    spec = next(s for s in map(random_spec, range(100)) if len(s["blocks"]) == 3)

    def fails(candidate):
        if len(candidate["blocks"]) < 3:
            raise ValueError("something else")
        return True

    assert len(shrink(spec, fails)["blocks"]) == 3
