"""The HTML report: complete, self-contained, and safe with any name."""

import json
import re

import pytest

from hw_bnn.accelerator import Accelerator, Input, Node, Output, Stream
from hw_bnn.errors import BadInput
from hw_bnn.report import report

INPUT = Input(
    datatype="UINT8", minimum=0, maximum=16, shape=[64], stream_shape=[64], tensor="x",
    elements=64, element_bits=8, words=16, word_bits=32, tdata_bits=32,
)  # fmt: skip
OUTPUT = Output(
    mode="both", tensor="scores", scores=10, lanes=10, score_bits=8, label_bits=4,
    label_offset=80, words=1, tdata_bits=88,
)  # fmt: skip


def accelerator(**changes):
    """A plausible accelerator; nothing of it is simulated here."""
    nodes = [
        Node(name="mvau_0", op="IntMVAU_rtl", module="m0", layer="/fc1/MatMul", inputs=["s0"],
             outputs=["s1"], cycles=32, pe=8, simd=16, mw=64, mh=64),
        Node(name="fifo_0", op="StreamingFIFO_rtl", module="f0", inputs=["s1"], outputs=["s2"],
             cycles=8, depth=4),
        Node(name="mvau_1", op="XnorMVAU_rtl", module="m1", layer="<b>fc2</b>", inputs=["s2"],
             outputs=["s3"], cycles=20, pe=2, simd=16, mw=64, mh=10),
    ]  # fmt: skip
    streams = [
        Stream(name="s1", producer="mvau_0", consumer="fifo_0", words=8, word_bits=8, tdata_bits=8)
    ]
    document = dict(
        name="net", board="pynq-z1", part="xc7z020clg400-1", clk_period_ns=10.0, input=INPUT,
        output=OUTPUT, nodes=nodes, streams=streams, bound_cycles=32, sources=["m0.v"],
        hashes={"rtl/m0.v": "00ff"}, versions={"finn-plus": "1.6.1"}, options={"target_cycles": 32},
    )  # fmt: skip
    return Accelerator(**{**document, **changes})


VERIFICATION = {
    "passed": True,
    "input": "1,797 images of digits",
    "frames": {"golden": 1797, "rtl": 1797, "qonnx": 1797},
    "mismatches": {"rtl": 0, "qonnx": 0},
    "float_ties": {"qonnx": 3},
    "seconds": {"rtl": 4.21},
    "cycles_per_frame": 32.0,
    "latency_cycles": 71,
    "accuracy": {"rtl": 0.9711},
    "fifo_max": {"fifo_0": 3},
}


@pytest.fixture
def folder(tmp_path):
    def make(verification=None, **changes):
        (tmp_path / "reports").mkdir(exist_ok=True)
        (tmp_path / "accelerator.json").write_text(accelerator(**changes).dump())
        if verification is not None:
            (tmp_path / "reports" / "verification.json").write_text(json.dumps(verification))
        return tmp_path

    return make


def plain(html):
    """What a reader sees: the text between the tags."""
    body = html.split("</style>")[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def test_tells_layers_folding_and_bottleneck(folder):
    text = plain(report(folder()).read_text())
    assert "mvau_0 /fc1/MatMul IntMVAU_rtl 64 \u00d7 64 8 16 32" in text
    assert "The slowest layer sets the rate: mvau_0 with 32 cycles" in text
    assert "fifo_0 mvau_0 8 4 32" in text  # width, depth, bits
    assert "finn-plus 1.6.1" in text
    assert "3,125,000 frames per second" in text  # 100 MHz / 32 cycles
    assert "Not run yet" in text


def test_tells_the_verification(folder):
    text = plain(report(folder(VERIFICATION)).read_text())
    assert "Bit-exact." in text
    assert "rtl 1,797 0" in text and "qonnx 1,797 0 3" in text
    assert "97.11 % accuracy of the RTL" in text
    assert "0.71 \u00b5s latency (71 cycles)" in text
    failed = {**VERIFICATION, "passed": False, "mismatches": {"rtl": 2, "qonnx": 0},
              "divergences": [{"text": "rtl differs first in layer <fc2>"}]}  # fmt: skip
    text = plain(report(folder(failed)).read_text())
    assert "Stages differ." in text and "rtl 1,797 2" in text
    assert "rtl differs first in layer &lt;fc2&gt;" in text


def test_loads_nothing_and_escapes_all_names(folder):
    html = report(folder(name="<script>alert(1)</script>\"'")).read_text()
    assert "<script" not in html and "<b>fc2" not in html
    assert not re.search(r"\b(src|href)\s*=|@import|url\(|https?:", html)
    assert "default-src 'none'" in html


def test_goes_where_it_is_asked_to(folder, tmp_path):
    assert report(folder(), tmp_path / "new" / "r.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_damaged_document_is_refused(folder, content):
    where = folder()
    (where / "reports" / "verification.json").write_text(content)
    with pytest.raises(BadInput, match="verification.json"):
        report(where)
    assert not (where / "reports" / "report.html").exists()


def test_no_accelerator(tmp_path):
    with pytest.raises(BadInput, match="is not an accelerator folder"):
        report(tmp_path)
