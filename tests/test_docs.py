"""What the pages show exists and runs: commands with their options, blocks of code, links."""

import re
import sys
from pathlib import Path

import pytest

from hw_bnn import cli

from .shown_commands import beside, in_shell, parse, shown, words

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
HOWTO = (ROOT / "docs" / "howto.md").read_text()
STEPS = re.findall(r"```python\n(.*?)```|^    (hw-bnn [^\n]*)$", HOWTO, re.S | re.M)
"""(code, "") or ("", command), in their order."""


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


def test_there_is_something_to_run():
    assert sum(bool(code) for code, _ in STEPS) >= 3 and sum(bool(c) for _, c in STEPS) >= 8


@pytest.mark.slow
def test_how_do_i_in_small(tmp_path, monkeypatch, capsys):
    """All blocks of Python, and the commands but those that build: one accelerator stands under
    all names."""
    monkeypatch.chdir(tmp_path)
    for code, _ in STEPS:
        if code:
            exec(compile(code, "howto.md", "exec"), {})
    Path("verified").mkdir()
    beside(Path("mine"), "z1", "verified/accelerator")
    for _, command in STEPS:
        if command and words(command)[0] not in ("compile", "verify", "synth"):
            assert cli.run(words(command)) == 0, f"{command}\n{capsys.readouterr().err}"


@pytest.mark.full
def test_how_do_i(tmp_path):
    for code, command in STEPS:
        done = in_shell([sys.executable, "-c", code] if code else command, tmp_path)
        assert done.returncode == 0, f"{code or command}\n{done.stderr}"
