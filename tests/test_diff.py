"""`hw-bnn diff`: two accelerators beside each other."""

import onnx
import pytest

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.accelerator import Description, Resources
from hw_bnn.accelerator.folder import reseal
from hw_bnn.errors import BadInput

from .networks.small_onnx import perceptron
from .small_accelerator import INPUT, OUTPUT, accelerator, make_folder


def with_cost(made: Description, lut: int) -> list:
    cost = Resources(lut=lut, ff=10, bram=0.5, dsp=0)
    return [node.model_copy(update={"resources": cost}) for node in made.nodes]


@pytest.fixture
def pair(tmp_path):
    """Two accelerators of networks that differ in their weights, with the right contracts."""
    made = accelerator()
    source = INPUT.model_copy(update={"shape": [16], "stream_shape": [16], "elements": 16,
                                      "words": 4, "maximum": 15})  # fmt: skip
    scores = OUTPUT.model_copy(update={"scores": 4, "lanes": 4})
    folders = []
    for seed, lut in ((0, 100), (1, 150)):
        folder = make_folder(
            tmp_path / f"net{seed}", input=source, output=scores, nodes=with_cost(made, lut),
            resources=Resources(lut=3 * lut, ff=30, bram=1.5, dsp=0),
        )  # fmt: skip
        onnx.save(perceptron((16, 8, 4), seed=seed), folder / "model.onnx")
        reseal(folder)
        folders.append(folder)
    return folders


def test_figures_and_layers(pair):
    told = hb.diff(*pair, frames=0)
    assert told["figures"]["lut"] == {"a": 300, "b": 450, "change": 0.5}
    assert told["figures"]["cycles_per_frame"] == {"a": 32, "b": 32, "change": 0.0}
    assert told["figures"]["fifo_bits"]["a"] == 4 * 8
    assert told["layers"]["/fc1/MatMul"]["lut"] == {"a": 100, "b": 150, "change": 0.5}
    assert told["scores"] == {"not_compared": "no frames were asked for"}


def test_scores(pair):
    same, other = hb.diff(pair[0], pair[0])["scores"], hb.diff(*pair)["scores"]
    assert same == {"frames": 256, "differing_frames": 0, "differing_labels": 0}
    assert 200 < other["differing_frames"] <= 256
    assert 0 < other["differing_labels"] <= other["differing_frames"]


def test_other_inputs_are_not_compared(pair, tmp_path):
    folder = make_folder(tmp_path / "wide")
    told = hb.diff(pair[0], folder)["scores"]
    assert told == {"not_compared": "the inputs' maximum differs: 15 and 16"}


def test_layers_without_a_common_name_stand_in_their_order(tmp_path):
    made = accelerator()
    named = [n.model_copy(update={"layer": n.layer and f"other{n.layer}"}) for n in made.nodes]
    one, two = make_folder(tmp_path / "a"), make_folder(tmp_path / "b", nodes=named)
    layers = hb.diff(one, two, frames=0)["layers"]
    assert list(layers) == ["/fc1/MatMul / other/fc1/MatMul", "<b>fc2</b> / other<b>fc2</b>"]


def test_what_verify_wrote_may_be_given(pair, tmp_path):
    outer = tmp_path / "verified"
    outer.mkdir()
    pair[0].rename(outer / "accelerator")
    reports = outer / "accelerator" / "reports"
    reports.mkdir()
    (reports / "verification.json").write_text('{"cycles_per_frame": 33, "accuracy": {"rtl": 0.9}}')
    figures = hb.diff(outer, pair[1], frames=0)["figures"]
    assert figures["cycles_per_frame"]["a"] == 33
    assert figures["accuracy"] == {"a": 0.9, "b": None, "change": None}


def test_it_prints_tables(pair, capsys):
    assert cli.run(["diff", *map(str, pair)]) == 0
    told = capsys.readouterr().out
    assert "+50.0 %" in told and "layers that differ" in told and "raw scores differ in" in told


@pytest.mark.parametrize("option", ["frames", "seed"])
@pytest.mark.parametrize("value", [-1, 1.5, "9", True, None])
def test_what_is_no_count_is_refused(pair, option, value):
    with pytest.raises(BadInput, match=f"{option}= is {value!r}"):
        hb.diff(*pair, **{option: value})


@pytest.mark.parametrize("told", [
    "[]", '{"cycles_per_frame": "9"}', '{"cycles_per_frame": -5}', '{"cycles_per_frame": true}',
    '{"accuracy": {"rtl": "x"}}', '{"latency_cycles": [1]}',
    '{"cycles_per_frame": 1%s}' % ("0" * 400),
])  # fmt: skip
def test_a_damaged_verification_is_refused(pair, told):
    (pair[0] / "reports").mkdir()
    (pair[0] / "reports" / "verification.json").write_text(told)
    with pytest.raises(BadInput, match="verification.json is damaged"):
        hb.diff(*pair, frames=0)
