"""The HTML report: complete, self-contained, and safe with any name."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hw_bnn.accelerator import Node, Resources, Stream
from hw_bnn.errors import BadInput
from hw_bnn.report import report, thresholds
from hw_bnn.report.flow import flow, links, places
from hw_bnn.report.roofs import roofs
from tests.small_accelerator import accelerator, make_folder

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
    "waits": {"mvau_0": {"starved": 0.125, "stalled": 0.0}},
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
    assert "mvau_0 /fc1/MatMul 64&nbsp;\u00d7&nbsp;64 8 16 32" in text
    assert "mvau_0 sets the rate with 32 cycles per frame" in text
    assert "fifo_0 mvau_0 8 4 &ndash; &ndash; 32" in text  # width, depth, held, filled, bits
    assert "finn-plus 1.6.1" in text
    assert "3,125,000 frames per second" in text  # 100 MHz / 32 cycles
    assert "Not run yet" in text


def test_tells_the_verification(folder):
    text = plain(report(folder(VERIFICATION)).read_text())
    assert "Bit-exact." in text
    assert "rtl 1,797 0" in text and "qonnx 1,797 0 3" in text
    assert "starved, %" in text and re.search(r"mvau_0 /fc1/MatMul .*? 12\.5 mvau_1", text)
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


def first_line(where):
    html = report(where).read_text()
    return re.sub(r"<[^>]*>", "", re.search(r'<p class="headline.*?</p>', html)[0])


COST = Resources(lut=5320, ff=100, bram=1.4, dsp=0)


def test_the_first_line_says_it_all(folder):
    assert first_line(folder()) == "NOT VERIFIED: nothing has been compared yet"
    assert first_line(folder(VERIFICATION, resources=COST)) == (
        "PASS: bit-exact, 2 stages, up to 1,797 frames; fits PYNQ-Z1: 10.0 % of its LUTs, "
        "0.1 % of its registers, 1.0 % of its block RAMs (by estimate)"
    )
    failed = {**VERIFICATION, "passed": False, "mismatches": {"rtl": 2, "qonnx": 0}}
    assert first_line(folder(failed)).startswith(
        "FAIL: differs from the golden model: rtl in 2 of 1,797 frames"
    )
    large = COST.model_copy(update={"bram": 140.0})
    line = first_line(folder(VERIFICATION, resources=large))  # 138 are left beside the shell
    assert "does not fit PYNQ-Z1 beside its shell: too many block RAMs (by estimate)" in line


@pytest.mark.parametrize("told", [{}, {"passed": True}, {"frames": {"golden": 9}}])
def test_nothing_compared_is_never_a_pass(folder, told):
    assert first_line(folder(told)) == "NOT VERIFIED: nothing has been compared yet"
    assert "Bit-exact" not in report(folder(told)).read_text()


@pytest.mark.parametrize("told", [
    {"mismatches": {"rtl": 2}}, {"divergences": [{"text": "rtl differs"}]}, {"passed": False},
])  # fmt: skip
def test_a_difference_is_never_a_pass(folder, told):
    place = folder({**VERIFICATION, **told})
    assert first_line(place).startswith("FAIL: ")
    assert "Stages differ." in report(place).read_text()


def test_a_stage_that_stopped_is_told_with_its_reason(folder):
    place = folder({**VERIFICATION, "failures": {"rtl": "no <word> in 900 cycles"}})
    assert first_line(place) == "FAIL: stopped in rtl"
    html = report(place).read_text()
    assert "A stage stopped." in html and "rtl: no &lt;word&gt; in 900 cycles" in html


def test_the_bottleneck_is_one_and_tells_the_price_of_more(folder):
    nodes = accelerator().nodes
    equal = [n.model_copy(update={"cycles": 32}) for n in nodes]
    where = folder(nodes=equal)
    why = "64/8 neurons; the next faster folding takes 16 cycles, +90 LUTs"
    (where / "reports" / "folding.json").write_text(
        json.dumps({"bottleneck": {"node": "mvau_0", "why": why}, "layers": []})
    )
    html = report(where).read_text()
    assert (
        f"mvau_0 sets the rate with 32 cycles per frame by folding (and 1 more of as many): {why}"
        in plain(html)
    )
    assert html.count('class="hot"') == 1 and html.count('class="meter hot"') == 1


def test_the_flow_shows_widths_and_fifos(folder):
    svg = re.search(r"<svg.*?</svg>", report(folder()).read_text(), re.S)[0]
    text = plain("</style>" + svg)
    assert "8 bits, FIFO 4" in text and "fifo_0" not in text
    assert svg.count("<rect") == 4 and svg.count("<path") == 3  # input, two layers, output
    assert "&lt;b&gt;fc2&lt;/b&gt;" in svg


def forked():
    """A fork whose streams meet again in an adder, one of them by way of a layer."""
    ends = [
        ("s_axis", "fork"),
        ("fork", "conv"),
        ("fork", "add"),
        ("conv", "add"),
        ("add", "m_axis"),
    ]
    streams = [
        Stream(name=f"s{i}", producer=a, consumer=b, words=8, word_bits=8, tdata_bits=8)
        for i, (a, b) in enumerate(ends)
    ]  # fmt: skip
    nodes = [
        Node(name=name, op=f"{name}_rtl", kernel=name, cycles=8,
             inputs=[s.name for s in streams if s.consumer == name],
             outputs=[s.name for s in streams if s.producer == name])
        for name in ("fork", "conv", "add")
    ]  # fmt: skip
    return accelerator(nodes=nodes, streams=streams)


def test_a_ring_of_fifos_ends():
    ends = [("s_axis", "fifo_0"), ("fifo_0", "fifo_1"), ("fifo_1", "fifo_0"), ("fifo_1", "m_axis")]
    streams = [
        Stream(name=f"s{i}", producer=a, consumer=b, words=8, word_bits=8, tdata_bits=8)
        for i, (a, b) in enumerate(ends)
    ]
    nodes = [
        Node(name=name, op="Fifo_rtl", kernel="fifo", cycles=8, depth=2,
             inputs=[s.name for s in streams if s.consumer == name],
             outputs=[s.name for s in streams if s.producer == name])
        for name in ("fifo_0", "fifo_1")
    ]  # fmt: skip
    assert "<svg" in flow(accelerator(nodes=nodes, streams=streams))


def test_a_short_way_goes_around():
    where = places(links(forked()))
    assert where == {
        "s_axis": (0, 0), "fork": (1, 0), "conv": (2, 0), "add": (3, 0), "m_axis": (4, 0),
    }  # fmt: skip
    assert flow(forked()).count("V") == 1  # one stream passes a node by


DIVERGENCE = {
    "text": "rtl differs", "stage": "rtl", "tensor": "b", "frame": 3, "position": [1, 2],
    "channel": 5, "expected": 1, "found": -1, "cycle": 1234, "inside": True,
    "compared": ["a", "b"],
}  # fmt: skip


def test_a_divergence_is_a_ladder(folder):
    tensors = ["a", None, "b", "c"]
    streams = [
        s.model_copy(update={"tensor": t})
        for s, t in zip(accelerator().streams, tensors, strict=True)
    ]
    failed = {**VERIFICATION, "passed": False, "mismatches": {"rtl": 2}}
    told = {**failed, "divergences": [DIVERGENCE]}
    html = report(folder(told, streams=streams)).read_text()
    steps = re.findall(r'<li class="(\w+)">(.*?)</li>', html)
    assert [kind for kind, _ in steps] == ["equal", "wrong", "after"]
    assert "frame 3, position (1, 2), channel 5, cycle 1,234: 1 expected, -1 found" in steps[1][1]
    # A layer between the input and the first that differs whose stream could not be compared.
    tensors[1] = "between"
    streams = [
        s.model_copy(update={"tensor": t})
        for s, t in zip(accelerator().streams, tensors, strict=True)
    ]
    html = report(folder(told, streams=streams)).read_text()
    steps = re.findall(r'<li class="(\w+)">(.*?)</li>', html)
    assert [kind for kind, _ in steps] == ["equal", "after", "wrong", "after"]
    assert steps[1][1].endswith("not compared")
    elsewhere = {**failed, "divergences": [{**DIVERGENCE, "inside": False}]}
    assert "<ol" not in report(folder(elsewhere, streams=streams)).read_text()


def wires(stream, valid, ready, data, **changes):
    return {"stream": stream, "producer": "a<b>", "consumer": "c", "bits": 32, "first": 1230,
            "valid": valid, "ready": ready, "data": data, "last": None, **changes}  # fmt: skip


WAVEFORM = {
    "stream": "out", "expected": "00c0ffee",
    "streams": [
        wires("in", "1101111", "0111110", ["a1", "a1", None, "b2", "c3", "c3", "d4"], bits=8,
              last="0001110"),
        wires("out", "0000100", "1111111", [*[None] * 4, "00c0fffe", None, None]),
    ],
}  # fmt: skip


def drawn(place):
    return re.findall(r'<svg class="wave".*?</svg>', report(place).read_text())


def test_a_divergence_shows_the_wires_around_it(folder):
    told = {**VERIFICATION, "passed": False, "mismatches": {"rtl": 2}}
    place = folder({**told, "divergences": [{**DIVERGENCE, "waveform": WAVEFORM}, DIVERGENCE]})
    (svg,) = drawn(place)
    assert re.findall(r"<g class=.(\w+).><title>(.*?)</title><path.*?>([^<>]*)</text>", svg) == [
        ("word", "cycles 1,230 to 1,231: a1", "a1"), ("word", "cycle 1,233: b2", "b2"),
        ("word", "cycle 1,234: c3", "c3"), ("word", "cycle 1,235: c3", "c3"),
        ("word", "cycle 1,236: d4", "d4"),
        ("wrong", "cycle 1,234: 00c0fffe", "00\u2026ffe"),
    ]  # fmt: skip
    assert '<text class="now"' in svg and "a&lt;b&gt;" in svg and "<b>" not in svg
    name, about = re.search(r'aria-labelledby="(\S+) (\S+)"', svg).groups()
    assert f'<title id="{name}">rtl: the wires around cycle 1,234</title>' in svg
    said = "in hands on a1 in 1,231, b2 in 1,233, c3 in 1,234, c3 in 1,235. out hands on 00c0fffe"
    assert f'<desc id="{about}">Cycles 1,230 to 1,236. {said} in 1,234.</desc>' in svg
    assert [n for n in re.findall(r'class="name".*?>(\w+)<', svg)] == [
        "tvalid", "tready", "tdata", "tlast", "tvalid", "tready", "tdata"
    ]  # fmt: skip
    assert "00c0fffe found, 00c0ffee expected (hexadecimal; they differ in bit 4)" in re.sub(
        "<[^>]*>", "", report(place).read_text()
    )


def test_wires_rise_and_fall_in_their_cycles(folder):
    """Each wire as drawn, read back from its path; the mark stands over its cycle."""
    told = {**VERIFICATION, "passed": False}
    (svg,) = drawn(folder({**told, "divergences": [{**DIVERGENCE, "waveform": WAVEFORM}]}))
    paths = re.findall(r'>\w+</text><path d="M\d+ \d+(V.*?)"/>', svg)
    steps = [re.findall(r"V(\d+)H(\d+)", path) for path in paths]
    ends = [int(x) for _, x in steps[0]]
    (cell,) = {b - a for a, b in itertools.pairwise(ends)}
    levels = [[int(y) for y, _ in wire] for wire in steps]
    upper = [min(wire) for wire in levels[:3]]
    read = ["".join("01"[y == top] for y in w) for w, top in zip(levels, upper, strict=False)]
    first = WAVEFORM["streams"][0]
    assert read == [first["valid"], first["ready"], first["last"]]
    left, width = re.search(r'<rect class="mark" x="(\d+)" y="0" width="(\d+)"', svg).groups()
    assert (int(left) + int(width), int(width)) == (ends[4], cell)


def test_no_wires_where_nothing_differs(folder):
    assert not drawn(folder(VERIFICATION)) and 'class="wave"' not in report(folder()).read_text()


@pytest.mark.parametrize("change", [
    {"streams": []}, {"expected": "xyz"}, {"expected": "<b>"},
    {"streams": [wires("s", "01", "0", [None, "1"])]},
    {"streams": [wires("s", "02", "01", [None, "1"])]},
    {"streams": [wires("s", "01", "01", [None, "<b>"])]},
    {"streams": [wires("s", "0", "0", [None]), wires("t", "0", "0", [None], first=1)]},
])  # fmt: skip
def test_damaged_wires_are_refused(folder, change):
    told = {**DIVERGENCE, "waveform": {**WAVEFORM, **change}}
    with pytest.raises(BadInput, match="verification.json is damaged.*waveform.*hw-bnn verify"):
        report(folder({**VERIFICATION, "divergences": [told]}))


def test_wires_of_other_cycles_are_not_marked(folder):
    told = {**DIVERGENCE, "cycle": 7, "waveform": {**WAVEFORM, "stream": "none"}}
    (svg,) = drawn(folder({**VERIFICATION, "divergences": [told]}))
    assert 'class="mark"' not in svg and 'class="wrong"' not in svg and 'class="now"' not in svg


def test_tables_can_be_read_aloud(folder):
    html = report(folder(VERIFICATION)).read_text()
    tables = html.count("<table>")
    assert tables >= 6
    for part in ("<caption>", "<thead>", "<tbody>"):
        assert html.count(part) == tables, part
    assert html.count('tabindex="0" role="region"') == tables + 1  # and the flow
    assert "<th>" not in html and '<th scope="row"' in html
    assert "@media print" in html and "prefers-color-scheme: dark" in html


LABELS = {
    "confusion": [[9, 1], [0, 10]],
    "scores": {"low": -20, "high": 20, "said": [0, 20], "others": [15, 5]},
    "wrong": [{"frame": 7, "label": 0, "said": 1, "x": [-5, 99] * 32}],
}


def written(folder, name, content):
    (folder / "reports").mkdir(exist_ok=True)
    (folder / "reports" / name).write_text(json.dumps(content))


def test_shows_labels_scores_and_wrong_frames(folder):
    place = folder()
    written(place, "labels.json", LABELS)
    html = report(place).read_text()
    assert "label 0 1 0 9 1 1 &middot; 10" in plain(html).replace("\u00b7", "&middot;")
    assert 'style="--share:90%"' in html and 'style="--share:10%"' in html
    assert "frame 7: 0, said 1" in plain(html) and "share of raw scores" in plain(html)
    drawn = re.search(r'<svg class="picture".*?</svg>', html)[0]
    assert 'viewBox="0 0 8 8"' in drawn
    assert set(re.findall(r'fill="(#\w+)"', drawn)) == {"#000000", "#ffffff"}
    assert drawn.count("h1v1h-1z") == 64
    dim = {**LABELS["wrong"][0], "x": [0, 9] * 32}  # of 0 to 16
    written(place, "labels.json", {**LABELS, "wrong": [dim]})
    assert re.search(r'<svg class="picture".*?fill="#ffffff"', report(place).read_text())
    # of many labels the pairs that are confused most
    many = [[5 if i == j else 0 for j in range(30)] for i in range(30)]
    many[3][4], many[6][2] = 2, 3
    written(place, "labels.json", {"confusion": many})
    assert "taken for frames 6 2 3 3 4 2" in plain(report(place).read_text())


def test_draws_the_training(folder):
    place = folder()
    epochs = [{"epoch": e, "train_loss": 1 / e, "validation_accuracy": 0.9, "flips": 0.1 / e}
              for e in range(1, 6)]  # fmt: skip
    written(place, "training.json", {"epochs": epochs})
    html = report(place).read_text()
    charts = re.findall(r'<svg class="chart".*?</svg>', html)
    assert len(charts) == 3 and "weights whose sign an epoch flips" in plain(html)
    (loss,) = (chart for chart in charts if 'aria-label="loss' in chart)
    assert loss.count("L") >= 4 and ">1<" in loss and ">0.2<" in loss
    written(place, "training.json", {"epochs": epochs[:1]})  # no curve
    assert "Training" not in plain(report(place).read_text())


def test_tells_what_bounds_the_rate(folder):
    made = accelerator(board="pynq-z1", resources=Resources(lut=4000, ff=100, bram=0, dsp=0))
    found = {roof.name: roof.cycles for roof in roofs(made, None)}
    layers = [n for n in made.nodes if n.pe and n.simd and n.mw]
    assert found["input stream"] == made.input.words
    assert found["output stream"] == made.output.words
    products = sum(n.cycles * n.pe * n.simd for n in layers)
    assert found["weights in block RAM"] == -(-products // (72 * 140))
    lanes = sum(n.pe * n.simd for n in layers)
    assert found["LUTs"] == -(-products * made.resources.lut // (lanes * 53200))
    assert "what bounds the rate" in plain(report(folder(board="pynq-z1")).read_text())
    assert set(r.name for r in roofs(accelerator(board=None), None)) == {
        "input stream", "output stream",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "content"), [
    ("labels.json", {"confusion": [[1, 2]]}),
    ("labels.json", {"confusion": [[1, -2], [0, 1]]}),
    ("labels.json", {"scores": {"low": 0, "high": 1, "said": [], "others": [1]}}),
    ("labels.json", {"wrong": [{"frame": 1, "label": 2, "said": 3, "x": ["<b>"]}]}),
    ("training.json", {"epochs": [{"epoch": 1, "train_loss": "0.5"}]}),
    ("training.json", {"epochs": 3}),
])  # fmt: skip
def test_damaged_details_are_refused(folder, name, content):
    place = folder()
    written(place, name, content)
    with pytest.raises(BadInput, match=f"{name} is damaged.*hw-bnn verify"):
        report(place)


def dataflow(folder, **thresholds):
    """A dataflow graph of dense layers of signs with these thresholds, (neurons, each)."""
    nodes, constants, tensor = [], [], "x"
    for name, values in thresholds.items():
        matrix = np.array(values, np.float32)
        nodes.append(helper.make_node("XnorMVAU_rtl", [tensor, f"{name}_w", f"{name}_t"],
                                      [f"{name}_y"], name=name))  # fmt: skip
        weights = np.ones((64, len(matrix)), np.float32)
        constants += [numpy_helper.from_array(weights, f"{name}_w"),
                      numpy_helper.from_array(matrix, f"{name}_t")]  # fmt: skip
        tensor = f"{name}_y"
    ports = [helper.make_tensor_value_info(t, 1, [1, 64]) for t in ("x", tensor)]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], constants)
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), folder / "dataflow.onnx")


def test_shows_where_thresholds_lie_and_neurons_that_never_change(folder):
    place = folder()
    assert "Thresholds" not in plain(report(place).read_text())
    # mvau_1 has 64 inputs: sums are -64 to 64
    dataflow(place, mvau_1=[[-64, 65], [-64, 64], [65, 70], [-200, -64], [0, 0]])
    text = plain(report(place).read_text())
    assert re.search("mvau_1 &lt;b&gt;fc2&lt;/b&gt; 10 -200 70 +3 ", text)
    assert thresholds.read_thresholds(place)["mvau_1"].shape == (5, 2)
    (place / "dataflow.onnx").write_bytes(b"no graph")
    with pytest.raises(BadInput, match=r"dataflow.onnx"):
        report(place)


GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
PLAIN = """layer model s tensor input output fed by bits per depth words most held filled range port
file option name memory memories neurons that never change how many from low to high highest lowest
part estimate synthesis seconds differing equal version sha 256 of the board time sets least reached
value rate not frames second clock node shares resources all share tool"""


def test_words_of_the_tables_are_in_the_glossary(folder):
    """Heads of columns: what is no plain word is explained."""
    html = report(folder({**VERIFICATION, "waits": {}})).read_text()
    html += report(folder(VERIFICATION)).read_text()
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', html)
    assert len(heads) > 30
    known = set(re.findall(r"[a-z0-9]+", GLOSSARY.read_text().lower()))
    for head in heads:
        said = re.findall(r"[a-z0-9]+", re.sub("<.*?>|&#?\\w+;", " ", head).lower())
        unknown = {w for w in said if w not in PLAIN.split() and not {w, w.rstrip("s")} & known}
        assert not unknown, head
