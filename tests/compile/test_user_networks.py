"""Random networks in users' habits, with the compiler's options drawn: exact in every
stage, or refused.

60 through FINN's dataflow graph and 4 through RTL in CI. On demand HW_BNN_NETWORKS=500 runs
so many in RTL from HW_BNN_NETWORKS_START on, and prints how many were equal and why the
others were refused.
"""

from __future__ import annotations

import os
import re
from collections import Counter

import pytest

from tests.compile.compile_stages import check_spec
from tests.networks.name_habits import HABITS
from tests.networks.user_networks import Refused, check_user, user_spec

pytest.importorskip("finn")

NETWORKS, PART = 60, 15
RTL = (0, 1, 2, 3)
REFUSALS = (
    r"\d+ cycles a frame is not possible",
    r"a hard-wired layer gives bits",
    r"hard-wired",
    r"--hardwired",
    r"scale.* differ",
    r"weights in block RAM",
)
"""What a drawn network or option may be refused for."""


def outcome(spec, folder, rtl: bool) -> str:
    """ "equal", or the kind of refusal; a failure is shrunk and told."""
    found = ["equal"]

    def check(candidate):
        found[0] = "equal"
        try:
            check_user(candidate, folder, rtl=rtl)
        except Refused as error:
            found[0] = next((r for r in REFUSALS if re.search(r, str(error))), None)
            if found[0] is None:
                raise

    check_spec(spec, check, folder, tries=6 if rtl else 40)
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, NETWORKS, PART))
def test_dataflow_agrees(start, tmp_path):
    seen = Counter(
        outcome(user_spec(seed), tmp_path, rtl=False) for seed in range(start, start + PART)
    )
    print(dict(seen))
    assert seen["equal"] >= PART // 2


@pytest.fixture
def quick_build(monkeypatch):
    """A few frames only: what counts is the build."""
    from hw_bnn.sim import compiler

    monkeypatch.setattr(compiler, "FAST", "-O0")


@pytest.mark.slow
@pytest.mark.parametrize("seed", RTL)
def test_rtl_agrees(seed, tmp_path, quick_build):
    assert outcome(user_spec(seed), tmp_path, rtl=True) == "equal"


@pytest.mark.full
def test_rtl_agrees_on_many(tmp_path, quick_build):
    count = int(os.environ.get("HW_BNN_NETWORKS", 500))
    start = int(os.environ.get("HW_BNN_NETWORKS_START", 1000))
    seen, failures = Counter(), []
    for seed in range(start, start + count):
        try:
            seen[outcome(user_spec(seed), tmp_path, rtl=True)] += 1
        except AssertionError as error:
            failures.append(str(error))
            print(f"seed {seed}: {error}", flush=True)
    print(f"{count} networks from seed {start}: {len(failures)} differ; {dict(seen)}")
    assert not failures


def test_the_generator_covers_what_it_says():
    specs = [user_spec(seed) for seed in range(400)]
    inputs, options = [s["input"] for s in specs], [s["options"] for s in specs]
    assert {i["bits"] for i in inputs if i["kind"] == "quant"} == set(range(1, 9))
    assert {i["kind"] for i in inputs} == {
        "bipolar",
        "pixels",
        "int8",
        "uint4",
        "annotated",
        "quant",
        "raw",
    }
    assert {i.get("flatten") for i in inputs} == {None, "before", "after"}
    assert {i["channels_last"] for i in inputs} == {False, True, "host"}
    assert {s["names"] for s in specs} == {None, *HABITS}
    assert {s["opset"] for s in specs} == {11, 13, 14, 17, 18, 21}
    assert {b["kind"] for s in specs for b in s["blocks"]} == {
        "conv",
        "residual",
        "average",
        "dense",
        "twice",
    }
    ends = [s["head"].get("quant") for s in specs]
    assert {q["bits"] for q in ends if q} >= {1, 2, 4} and None in ends
    assert {o.get("memory") for o in options} == {None, "lut", "block"}
    assert {o.get("output_mode") for o in options} == {None, "scores", "label", "both"}
    assert any(o.get("hardwired") for o in options) and {} in options
    assert any("input_scale" in o for o in options)
    assert sum("target_cycles" not in o for o in options) > 100


@pytest.mark.parametrize("habit", HABITS)
def test_names_keep_the_network(habit):
    """Tensors keep their identity: the golden model gives the same scores."""
    import numpy as np

    from hw_bnn.frames import random_frames
    from hw_bnn.golden import GoldenModel
    from tests.networks.random_networks import build

    spec = {**user_spec(3), "options": {}, "names": None}
    plain = GoldenModel.from_onnx(build(spec))
    named = GoldenModel.from_onnx(build({**spec, "names": habit}))
    x = random_frames(plain, 4)
    assert np.array_equal(plain.scores(x), named.scores(x))
