"""What the pages show exists and runs: commands with their options, blocks of code, links."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hw_bnn import cli

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
HOWTO = (ROOT / "docs" / "howto.md").read_text()
STEPS = re.findall(r"```python\n(.*?)```|^    (hw-bnn [^\n]*)$", HOWTO, re.S | re.M)
"""(code, "") or ("", command), in their order."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_and_options_exist(page, capsys):
    for line in re.findall(r"^    (hw-bnn .*)$", page.read_text(), re.M):
        command, *arguments = shlex.split(line.split("  ")[0], comments=True)[1:]
        assert cli.run([command, "--help"]) == 0, line
        told = capsys.readouterr().out
        for option in (a.split("=")[0] for a in arguments if a.startswith("--")):
            assert option in told, line


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


@pytest.mark.full
def test_how_do_i(tmp_path):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for code, command in STEPS:
        line = [sys.executable, "-c", code] if code else ["bash", "-c", command]
        done = subprocess.run(
            line, cwd=tmp_path, env={**os.environ, "PATH": path}, text=True, capture_output=True
        )
        assert done.returncode == 0, f"{code or command}\n{done.stderr}"
