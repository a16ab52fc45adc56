"""Register stages by the delay model: as many as the clock needs, written to the RTL."""

import re

import onnx
import pytest

from hw_bnn.compile.pipelining import ECP5, XC7, XCUP, family_of, hardwired_period, mvau_stages
from tests.networks.small_onnx import perceptron

FAMILIES = (XC7, XCUP, ECP5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("simd, in_bits", [(1, 1), (16, 1), (64, 1), (512, 1), (8, 8), (49, 5)])
def test_a_faster_clock_takes_no_fewer_stages(family, simd, in_bits):
    stages = [mvau_stages(family, period, simd, in_bits, 64) for period in (40, 20, 10, 5, 2.5, 1)]
    assert stages == sorted(stages)
    assert stages[0][0] <= 2 and all(1 <= pipeline <= 4 for pipeline, _ in stages)


def test_wide_words_take_more_stages():
    stages = [mvau_stages(ECP5, 10, simd, 1, 64)[0] for simd in (2, 8, 64, 512)]
    assert stages == sorted(stages) and stages[0] == 1 and stages[-1] == 4


def test_constants_need_no_stage_behind_a_memory():
    assert mvau_stages(ECP5, 10, 64, 1, 1)[1] == 0 and mvau_stages(ECP5, 10, 64, 1, 2)[1] == 1


def test_the_placed_kernels_of_the_demo():
    """Routed out of context for 100 MHz: with these, int_mvau reaches 124, xnor_mvau 134 MHz."""
    assert mvau_stages(ECP5, 10, 16, 5, 128) == (3, 1)
    assert mvau_stages(ECP5, 10, 64, 1, 128) == (3, 1)


def test_parts():
    assert family_of("xc7z020clg400-1") is XC7 and family_of("LFE5U-85F-6BG381C") is ECP5
    assert family_of("xczu3eg-sbva484-1-i") is XCUP
    assert hardwired_period(XC7, 9) == pytest.approx(6) and hardwired_period(
        ECP5, 9
    ) == pytest.approx(3)


@pytest.mark.parametrize(
    "board, period, expected", [("ulx3s", 10.0, ("2", "1")), ("pynq-z1", 20.0, ("1", "0"))]
)
def test_compile_writes_them(tmp_path, board, period, expected):
    pytest.importorskip("finn")
    from hw_bnn.compile import compile_model

    onnx.save(perceptron((16, 16, 4)), tmp_path / "net.onnx")
    folder = compile_model(
        tmp_path / "net.onnx",
        tmp_path / "out",
        board=board,
        clk_period_ns=period,
        folding={"XnorMVAU_rtl_0": {"PE": 1, "SIMD": 8}},
        fifo_sizing="none",
        check=False,
    )
    text = (folder / "rtl" / "net_XnorMVAU_rtl_0.v").read_text()
    found = tuple(
        re.search(rf"\.{name}\((\d)\)", text)[1] for name in ("PIPELINE", "WEIGHTS_STAGE")
    )
    assert found == expected
