"""accelerator.json is data, and the files are those that it tells: all else is refused by name."""

import copy
import json
import re
import shutil

import pytest

from hw_bnn import cli
from hw_bnn.accelerator import Description
from hw_bnn.accelerator.folder import open_accelerator, read_accelerator, reseal
from hw_bnn.errors import BadInput
from hw_bnn.report import report
from tests.small_accelerator import accelerator, make_folder

WHOLE = json.loads(accelerator().dump())


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "net")


def changed(path, value):
    """The document with one value replaced (a path of keys and indices)."""
    document = copy.deepcopy(WHOLE)
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


SHELL = "x\n! touch /tmp/hw_bnn_was_here"
DAMAGES = [
    (("output", "scores"), -1, "output.scores"),
    (("output", "scores"), 0, "output.scores"),
    (("output", "scores"), 11, "output: 1 words of 10 lanes do not fit 11 scores"),
    (("output", "scores"), True, "output.scores"),
    (("output", "scores"), "10", "output.scores"),
    (("output", "lanes"), 12, "output: label_offset 80 lies in the scores"),
    (("output", "lanes"), 0, "output: 1 words of 0 lanes"),
    (("output", "score_bits"), 65, "output.score_bits"),
    (("output", "score_bits"), 9, "output: label_offset 80 lies in the scores"),
    (("output", "label_offset"), 85, "output: word_bits 89 are more than tdata_bits 88"),
    (("output", "label_bits"), 0, "output.label_bits"),
    (("output", "tdata_bits"), 85, "output: tdata_bits 85 are no whole bytes"),
    (("output", "mode"), "scores and more", "output.mode"),
    (("output", "words"), 0, "output.words"),
    (("output", "more"), 0, "output.more"),
    (("input", "elements"), 63, "input: shape holds 64 elements, not 63"),
    (("input", "shape"), [8, 9], "input: shape holds 72"),
    (("input", "shape"), [-64], "input.shape.0"),
    (("input", "shape"), [1] * 70, "input.shape"),
    (("input", "stream_shape"), [4, 4], "input: stream_shape holds 16"),
    (("input", "transpose"), [1], r"input: transpose \[1\] is no order"),
    (("input", "transpose"), [0, 0], "input: transpose"),
    (("input", "minimum"), 17, "input: minimum 17 is above maximum 16"),
    (("input", "maximum"), 256, "input: 8 bits do not hold 0..256"),
    (("input", "minimum"), -200, "input: 8 bits do not hold -200..16"),
    (("input", "element_bits"), 0, "input.element_bits"),
    (("input", "element_bits"), 4, "input: 4 bits do not hold 0..16"),
    (("input", "words"), 15, "input: a frame takes 16 words, not 15"),
    (("input", "words"), 0, "input.words"),
    (("input", "word_bits"), 40, "input: word_bits 40 are more than tdata_bits 32"),
    (("input", "tdata_bits"), 33, "input: tdata_bits 33 are no whole bytes"),
    (("input", "datatype"), "BIPOLAR", "input: BIPOLAR is -1 and 1"),
    (("input", "datatype"), "UINT8; rm", "input.datatype"),
    (("input", "tensor"), None, "input.tensor"),
    (("clk_period_ns",), 0, "clk_period_ns"),
    (("clk_period_ns",), 1e9, "clk_period_ns"),
    (("bound_cycles",), 10**30, "bound_cycles"),
    (("nodes", 0, "name"), SHELL, "nodes.0.name"),
    (("nodes", 0, "name"), "a b", "nodes.0.name"),
    (("nodes", 0, "name"), "mvau_0\n", "nodes.0.name"),
    (("nodes", 0, "name"), "fifo_0", "the node fifo_0 stands twice"),
    (("nodes", 0, "name"), "other", "stream s0 has the consumer mvau_0, which is no node"),
    (("nodes", 0, "kernel"), "m0;", "nodes.0.kernel"),
    (("nodes", 0, "op"), "", "nodes.0.op"),
    (("nodes", 0, "inputs"), ["s9"], "stream s0 has the consumer mvau_0, which lacks it"),
    (("nodes", 0, "inputs"), ["s0", "s9"], "node mvau_0 has the stream s9, which is none"),
    (("nodes", 0, "inputs"), ["s0", "s0"], "the stream at node mvau_0 s0 stands twice"),
    (("nodes", 0, "inputs"), ["s0", "s1"], "node mvau_0 is not the consumer of its stream s1"),
    (("nodes", 0, "memories", 0, "file"), "../../secret", "nodes.0.memories.0.file"),
    (("nodes", 0, "memories", 0, "file"), "-o", "nodes.0.memories.0.file"),
    (("nodes", 0, "memories", 0, "words"), 0, "nodes.0.memories.0.words"),
    (("nodes", 0, "parameters"), {"A": 'x"; $system'}, "nodes.0.parameters.A"),
    (("nodes", 0, "parameters"), {"A;": 1}, "nodes.0.parameters"),
    (("nodes", 0, "pe"), 0, "nodes.0.pe"),
    (("nodes", 1, "depth"), -3, "nodes.1.depth"),
    (("nodes", 0, "cycles"), -1, "nodes.0.cycles"),
    (("nodes",), None, "nodes"),
    (("streams", 1, "name"), "s0", "the stream s0 stands twice"),
    (("streams", 1, "producer"), "nobody", "stream s1 has the producer nobody"),
    (("streams", 1, "name"), SHELL, "streams.1.name"),
    (("streams", 1, "tdata_bits"), 4, "streams.1: tdata_bits 4 are no whole bytes"),
    (("streams", 1, "words"), 0, "streams.1.words"),
    (("top",), SHELL, "top"),
    (("top",), "-x", "top"),
    (("board",), "pynq\n", "board"),
    (("part",), "$(x)", "part"),
    (("part",), KeyError, "part"),
    (("sources",), ["/etc/passwd"], "sources.0"),
    (("sources",), ["a/../../b.v"], "sources.0"),
    (("sources",), ['a".v'], "sources.0"),
    (("sources",), ["m0.v", "m0.v"], "sources names a file twice"),
    (("sources",), "m0.v", "sources"),
    (("hashes",), {"../m0.v": "0" * 64}, "hashes"),
    (("hashes",), {"/m0.v": "0" * 64}, "hashes"),
    (("hashes",), {"rtl/m0.v": "0" * 63}, "hashes"),
    (("hashes",), {"rtl/m0.v": None}, "hashes"),
    (("options",), {"input_scale": "1e999999999"}, "options.input_scale"),
    (("options",), {"input_scale": "1/0"}, "options.input_scale"),
    (("options",), {"input_datatype": 8}, "options.input_datatype"),
    (("versions",), {"x": 1}, "versions"),
    (("schema_version",), True, "schema version true"),
    (("schema_version",), [1], "schema version"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "says"), DAMAGES)
def test_a_damaged_field_is_named(folder, path, value, says):
    (folder / "accelerator.json").write_text(json.dumps(changed(path, value)))
    with pytest.raises(BadInput, match=says):
        Description.load(folder)
    with pytest.raises(BadInput, match="compile the model again"):
        report(folder)


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("content", [
    b"", b"{}", b"[]", b"null", b"1", b'"x"', b"{", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"\x00",
    b'{"schema_version": 2, "name": "' + b"\xed\xa0\x80" + b'"}',
    b'{"schema_version": 2' + b"0" * 5000 + b"}", b'{"schema_version": 2e400}',
    b'{"schema_version": NaN}', b'{"schema_version": -Infinity}', DEEP.encode(),
    b'{"schema_version": 2, "options": ' + DEEP.encode() + b"}",
    b'{"schema_version": 2, "schema_version": 2}', b'{"schema_version": 2}',
], ids=range(19))  # fmt: skip
def test_what_is_no_document_is_refused(folder, content, capsys):
    (folder / "accelerator.json").write_bytes(content)
    assert cli.run(["report", str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "accelerator.json" in error


def test_a_doubled_name_is_refused(folder):
    path = folder / "accelerator.json"
    path.write_text(path.read_text().replace('"top"', '"top": "x", "top"', 1))
    with pytest.raises(BadInput, match="the name 'top' stands twice"):
        read_accelerator(folder)


def test_a_whole_folder_is_read(folder):
    assert read_accelerator(folder, needs=["model.onnx"]).name == "net"
    assert open_accelerator(folder).hashes.keys() == {"model.onnx", "rtl/m0.v", "rtl/w.hex"}
    (folder / "rtl" / ".DS_Store").write_text("of a desktop")
    read_accelerator(folder)


def link_out(folder, name):
    (folder.parent / "elsewhere").write_bytes((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / name).symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize(("change", "says"), [
    (lambda f: (f / "rtl/w.hex").write_text("0123\n4568\n"), "w.hex is not the file that was"),
    (lambda f: (f / "rtl/w.hex").write_text("0123\n"), "w.hex is not the file that was"),
    (lambda f: (f / "rtl/w.hex").write_text(""), "w.hex is not the file that was"),
    (lambda f: (f / "rtl/w.hex").unlink(), "w.hex is missing; restore it"),
    (lambda f: (f / "rtl/m0.v").unlink(), "m0.v is missing"),
    (lambda f: (f / "model.onnx").write_bytes(b"Model"), "model.onnx is not the file"),
    (lambda f: (f / "rtl/evil.svh").write_text("x"), "evil.svh is no file of this accelerator"),
    (lambda f: (f / "rtl/folder").mkdir(), "rtl/folder is no file of this accelerator"),
    (lambda f: shutil.rmtree(f / "rtl"), "m0.v is missing"),
    (lambda f: link_out(f, "rtl/w.hex"), "w.hex is a link out of the folder"),
    (lambda f: link_out(f, "model.onnx"), "model.onnx is a link out of the folder"),
    (lambda f: (f / "rtl/w.hex").unlink() or (f / "rtl/w.hex").symlink_to("w.hex"),
     "w.hex cannot be"),
    (lambda f: (f / "rtl/w.hex").unlink() or (f / "rtl/w.hex").mkdir(), "w.hex is no file"),
    (lambda f: (f.joinpath("rtl").rename(f.parent / "rtl"), f.joinpath("rtl").symlink_to(
        f.parent / "rtl")), "m0.v is a link out of the folder"),
])  # fmt: skip
def test_a_changed_file_is_named(folder, change, says):
    change(folder)
    for function in (read_accelerator, open_accelerator, report):
        with pytest.raises(BadInput, match=says):
            function(folder)
    assert not (folder / "reports").exists()


def test_a_file_without_a_hash_is_refused(folder):
    description = Description.load(folder)
    for name in ("rtl/m0.v", "rtl/w.hex"):
        less = {k: v for k, v in description.hashes.items() if k != name}
        text = description.model_copy(update={"hashes": less}).dump()
        (folder / "accelerator.json").write_text(text)
        with pytest.raises(BadInput, match=f"no hash of {name}"):
            read_accelerator(folder)
    with pytest.raises(BadInput, match=r"no hash of dataflow\.onnx"):
        reseal(folder)
        read_accelerator(folder, needs=["dataflow.onnx"])


@pytest.mark.parametrize("name", ["reports", "reports/report.html"])
def test_a_report_is_not_written_through_a_link(folder, tmp_path, name, capsys):
    victim = tmp_path / "victim"
    (tmp_path / "dir").mkdir()
    victim.write_text("mine")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(victim if "." in name else tmp_path / "dir")
    assert cli.run(["report", str(folder)]) == 2
    assert f"{name} is a link, and nothing is written through it" in capsys.readouterr().err
    assert victim.read_text() == "mine" and not list((tmp_path / "dir").iterdir())


@pytest.mark.parametrize("content", [
    {}, [], {"frames": 3}, {"frames": {"rtl": "x"}}, {"mismatches": {"rtl": None}},
    {"cycles_per_frame": 0}, {"accuracy": []}, {"divergences": [3]}, {"seconds": {"rtl": []}},
    {"frames": {"rtl": 5}}, {"fifo_max": {"fifo_0": "deep"}}, {"latency_cycles": "long"},
])  # fmt: skip
def test_a_report_of_any_verification_is_written_or_refused(folder, content, capsys):
    (folder / "reports").mkdir()
    (folder / "reports" / "verification.json").write_text(json.dumps(content))
    code = cli.run(["report", str(folder)])
    assert code == (0 if content in ({}, {"frames": {"rtl": 5}}) else 2)
    assert code == 0 or "verification.json is damaged" in capsys.readouterr().err


def test_a_folder_of_another_kind_is_told_with_the_way_on(tmp_path):
    run, network, verified = tmp_path / "run", tmp_path / "network", tmp_path / "verified"
    for path in (run / "selected.pt", network / "net.onnx", verified / "x"):
        path.parent.mkdir()
        path.touch()
    make_folder(verified / "accelerator")
    for folder, way in (
        (run, "it is a training run: `hw-bnn export` it"),
        (network, f"the model in it, {network / 'net.onnx'}"),
        (verified, f"give the one in it, {verified / 'accelerator'}"),
        (tmp_path / "nothing", "make one with `hw-bnn compile`"),
    ):
        with pytest.raises(BadInput, match=f"is not an accelerator folder .*{re.escape(way)}"):
            Description.load(folder)
