"""`make docs`: the pages build without a warning and load nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hw_bnn as hb
from hw_bnn import nn, optim, options

ROOT = Path(__file__).parent.parent


def build(place, config=ROOT / "mkdocs.yml"):
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", place],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    done = build(place)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return place


def test_every_page_is_there(site):
    pages = {page.stem for page in site.glob("*.html")}
    assert pages == {p.stem for p in (ROOT / "docs").glob("*.md")} | {
        "404", "index", "options", "reference", "torch",
    }  # fmt: skip
    menu = (site / "index.html").read_text()
    assert all(f'href="{page}.html"' in menu for page in pages - {"404"})


def test_every_name_and_option_is_told(site):
    reference, told = (site / "reference.html").read_text(), (site / "options.html").read_text()
    for name in hb.__all__:
        assert re.search(rf">\s*hb\.{name}\s*<", reference), name
    for package in (nn, optim):
        page, short = (site / "torch.html").read_text(), package.__name__.rpartition(".")[2]
        for name in package.__all__:
            assert re.search(rf">\s*{short}\.{name}\s*<", page), name
            assert (package.__dict__[name].__doc__ or "").strip(), name
    assert ":func:" not in reference and ":class:" not in reference
    for argument in options.parameters(options.CompileOptions):
        assert f"<code>{argument}</code>" in told


def test_nothing_is_loaded_from_elsewhere(site):
    for page in site.glob("*.html"):
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page.read_text()):
            assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag), tag


def test_a_link_that_leads_nowhere_fails(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Start\n\n[there](nowhere.md)\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: x\nvalidation: {links: {anchors: warn}}\n")
    done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode != 0 and "nowhere.md" in done.stderr
