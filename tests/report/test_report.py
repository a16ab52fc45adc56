"""The HTML report: complete, self-contained, and safe with any name."""

import json
import re

import pytest

from hw_bnn.errors import BadInput
from hw_bnn.report import report
from tests.small_accelerator import make_folder

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
        make_folder(tmp_path, **changes)
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
