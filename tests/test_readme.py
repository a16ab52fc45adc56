"""What the README shows exists: its example, commands, files."""

import re
import shlex
from pathlib import Path

import pytest

from hw_bnn import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLE = re.search(r"```python\n(.*?)```", README, re.S)[1]


def test_the_example_has_twenty_lines():
    assert len(EXAMPLE.splitlines()) <= 20


@pytest.mark.slow
def test_the_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLE.replace("epochs=20", "epochs=2"), "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "equal to the model: True" in printed
    assert "clock cycles per image: 128.0" in printed


def test_its_commands_and_options_exist(capsys):
    lines = re.findall(r"^    hw-bnn (.*?)(?:   .*)?$", README, re.M)
    assert len(lines) >= 8
    for line in lines:
        command, *arguments = shlex.split(line)
        assert cli.run([command, "--help"]) == 0, line
        told = capsys.readouterr().out
        for option in (a for a in arguments if a.startswith("-")):
            assert option in told, line


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).is_file(), target
