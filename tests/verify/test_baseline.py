"""Limits of a verification: another before, and LUTs."""

import json

import pytest

from hw_bnn.errors import BadInput
from hw_bnn.verify import failed
from hw_bnn.verify.baseline import checks, compare, parse_growth, read_limits

OLD = {
    "passed": True, "mismatches": {"rtl": 0}, "input": "digits", "cycles_per_frame": 128.0,
    "accuracy": {"rtl": 0.95}, "luts": 1000, "estimated_luts": 1010,
}  # fmt: skip


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(OLD))
    return path


def beyond(changes, baseline, max_luts=None) -> list[str]:
    """The figures that are worse than allowed."""
    limits = read_limits(baseline, max_luts)
    rows = compare({**OLD, **changes}, limits)
    return [row["figure"] for row in rows if not row["passed"]]


@pytest.mark.parametrize(
    ("changes", "max_luts", "wrong"),
    [
        ({}, None, []),
        ({"luts": 1001}, None, ["luts"]),
        ({"luts": 1020}, "+2%", []),
        ({"luts": 1021}, "+2%", ["luts"]),
        ({"luts": 1100}, "+100", []),
        ({"luts": 1101}, "+100", ["luts"]),
        ({"luts": 1500}, "1500", []),
        ({"luts": 1501}, "1500", ["luts"]),
        ({"luts": None, "estimated_luts": 1010}, None, []),
        ({"luts": None, "estimated_luts": 1011}, None, ["estimated_luts"]),
        ({"luts": None, "estimated_luts": None}, "+2%", ["luts"]),  # it cannot be told
        ({"cycles_per_frame": 127}, None, []),
        ({"cycles_per_frame": 128.5}, None, ["cycles_per_frame"]),
        ({"accuracy": {"rtl": 0.96}}, None, []),
        ({"accuracy": {"rtl": 0.94}}, None, ["accuracy_rtl"]),
        ({"accuracy": {"rtl": 0.94}, "input": "mnist"}, None, []),  # of other frames
        ({"accuracy": {"rtl": None}}, None, []),
    ],
)
def test_what_may_not_be_worse(old, changes, max_luts, wrong):
    assert beyond(changes, old, max_luts) == wrong


def test_a_number_needs_no_baseline():
    assert read_limits(None, None) is None
    assert beyond({"luts": 990}, None, "1000") == []
    assert beyond({"luts": 1001}, None, "1000") == ["luts"]


def test_the_sentence_and_the_junit_case(old):
    rows = compare({**OLD, "luts": 1100}, read_limits(old, "+2%"))
    error = failed({**OLD, "limits": rows})
    assert str(error) == "luts is 1,100, the limit 1,020 (before: 1,000)"
    cases = {check.name: check.failure for check in checks(rows)}
    assert cases["limit of luts"] == str(error) and cases["limit of cycles_per_frame"] is None


@pytest.mark.parametrize("text", ["2%", "+2 %%", "-3", "many", "+", "", "nan", "+inf%"])
def test_a_limit_that_is_none(text):
    with pytest.raises(BadInput, match="write it as"):
        parse_growth(text)


@pytest.mark.parametrize("content", [None, "[]", "{}", '{"mismatches": 3}', "{"])
def test_a_baseline_that_is_none(tmp_path, content):
    path = tmp_path / "old.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=r"old\.json"):
        read_limits(path, None)


def test_more_than_what():
    with pytest.raises(BadInput, match="give baseline="):
        read_limits(None, "+2%")
