"""What the pages show exists and runs: commands with their options, blocks of code, links."""

import re
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import hw_bnn as hb
from hw_bnn import cli
from hw_bnn.data.sets import load_arrays

from .networks.small_onnx import perceptron
from .shown_commands import in_shell, parse, shown, words

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
ELSEWHERE = [
    "hw-bnn bitstream net --board pynq-z2 ",  # Vivado
    "hw-bnn deploy net --board pynq-z2 ",  # what Vivado makes
    "hw-bnn deploy there --board pynq-z2 ",  # likewise
    "hw-bnn board net --board pynq-z2 --serve ",  # until Ctrl-C: tests/boards/test_pynq.py
    "hw-bnn hls acc --report ",  # Vitis
    "hw-bnn verify cnv_z1 ",  # CIFAR-10, and a minute and a half
    "hw-bnn verify large.onnx ",  # half a minute, a figure's command as those of benchmarks.md
]
"""Commands that CI does not run, and what they need."""


def steps(page: str) -> list[tuple[str, str]]:
    """(code, "") or ("", command), in their order."""
    text = (ROOT / "docs" / f"{page}.md").read_text()
    return re.findall(r"```python\n(.*?)```|^    (hw-bnn [^\n]*)$", text, re.S | re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_and_options_exist(page):
    for line in shown(page.read_text()):
        parse(line)


@pytest.mark.parametrize("line", [
    "hw-bnn compile", "hw-bnn compile m.onnx --target-cycle 3", "hw-bnn report a b",
    "hw-bnn compile m.onnx --target-cycles many",
])  # fmt: skip
def test_a_command_that_there_is_not_is_found(line):
    with pytest.raises(Exception, match="Missing|No such option|extra argument|a valid int"):
        parse(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_every_claim_about_another_tool_has_a_source():
    text = (ROOT / "docs" / "comparison.md").read_text()
    table = [line.split("|")[2:-2] for line in text.splitlines() if line.startswith("|")]
    version = re.search(r"^finn-plus==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert f"FINN+ {version[1]}" in [cell.strip() for cell in table[0]]
    used = set()
    for cell in (cell.strip() for row in table[2:] for cell in row):
        letters = re.findall(r"\b[a-z]\b", cell[cell.rfind("(") :]) if cell.endswith(")") else []
        assert letters or not cell, cell
        used |= set(letters)
    assert used == set(re.findall(r"\(([a-z])\)", text.rpartition("|")[2]))


@pytest.mark.slow
def test_how_do_i(tmp_path):
    """Every block and command in its order, as it stands, in one folder and a shell."""
    for code, command in steps("howto"):
        done = in_shell([sys.executable, "-c", code] if code else command, tmp_path)
        assert done.returncode == 0, f"{code or command}\n{done.stderr}"


def a_model() -> None:
    onnx.save(perceptron((16, 8, 8, 4)), "model.onnx")


def a_folding() -> None:
    a_model()
    Path("F.json").write_text('{"Defaults": {}, "IntMVAU_rtl_0": {"PE": 2, "SIMD": 4}}')


def a_model_and_frames() -> None:
    a_model()
    np.save("x.npy", np.arange(48).reshape(3, 16) % 16)
    Path("F.json").write_text('{"MVAU_0": {"PE": 2, "SIMD": 4}}')


def networks_and_a_run() -> None:
    for seed, name in enumerate(["first", "second", "a", "b", "c"]):
        onnx.save(perceptron(seed=seed), f"{name}.onnx")
    bayes = {"training.method": {"name": "bayesbinn", "lr": 1e-4}, "training.epochs": 1}
    small = {"model.hidden": [16], "model.norm.affine": False}
    hb.train("digits_mlp", set=bayes | small, out="run")


def an_accelerator() -> None:
    a_model()
    hb.compile("model.onnx", "net")


STANDING = {
    "boards": an_accelerator, "ci": a_model, "folding": a_folding, "hardwired": a_model_and_frames,
    "hls": a_model, "howto": None, "runtime-weights": networks_and_a_run, "zoo": lambda: None,
}  # fmt: skip
"""What stands where a page begins; howto.md needs nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, before in STANDING.items() if before])
def test_a_page_runs(page, tmp_path, monkeypatch, capsys):
    """Every block and command in its order; alternatives that write one folder with --force."""
    monkeypatch.chdir(tmp_path)
    STANDING[page]()
    names = {"hb": hb, "images": load_arrays("digits", "test")[0]}
    for code, command in steps(page):
        if code:
            exec(compile(code, f"{page}.md", "exec"), names)
        elif not command.startswith(tuple(ELSEWHERE)):
            done = cli.run(words(command))
            if done == 2 and "exists already" in capsys.readouterr().err:
                done = cli.run([*words(command), "--force"])
            assert done == 0, f"{command}\n{capsys.readouterr().err}"


def test_no_page_is_left_out():
    """But for the results of measurements."""
    found = {page.stem for page in PAGES if any(steps(page.stem))}
    assert found == {*STANDING, "benchmarks"}
    every = "\n".join(page.read_text() for page in PAGES)
    assert all(f"    {command}" in every for command in ELSEWHERE)
