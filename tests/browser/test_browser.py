"""Pages in headless Chromium, at 1400 and 400 pixels, light and dark (look.mjs)."""

import functools
import json
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import onnx
import pytest

import hw_bnn as hb
from hw_bnn.accelerator.folder import reseal
from tests.networks.qonnx_networks import random_cnn
from tests.test_site import build

HERE = Path(__file__).parent
PACKAGES = ("axe-core@4.14.1", "puppeteer-core@24.43.1")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None
)

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        not (CHROMIUM and shutil.which("node") and shutil.which("npm")),
        reason="needs chromium, node and npm: apt-get install chromium nodejs npm",
    ),
]


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    """A page -> what look.mjs says of it."""
    place = tmp_path_factory.mktemp("node")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", *PACKAGES], cwd=place, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("npm has no registry to install axe-core and puppeteer-core from")
    shutil.copy(HERE / "look.mjs", place)

    def look(page):
        done = subprocess.run(
            ["node", "look.mjs", CHROMIUM, str(page)], cwd=place, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return look


def faults(seen, waived=()):
    """Nothing where a page is as it should be at every size and scheme."""
    assert [(s["width"], s["scheme"]) for s in seen] == [
        (1400, "light"), (1400, "dark"), (400, "light"), (400, "dark"),
    ]  # fmt: skip
    found = []
    for look in seen:
        at = f"{look['width']} {look['scheme']}"
        found += [(at, what) for what in ("messages", "requests", "words") if look[what]]
        found += [(at, "sideways")] * look["sideways"]
        found += [
            (at, f["id"], f["nodes"], f["why"]) for f in look["findings"]
            if f["impact"] in ("serious", "critical") and f["id"] not in waived
        ]  # fmt: skip
    return found


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Of an accelerator that passes, of one with wrong weights, and of one of a board with labels
    and a training run."""
    place = tmp_path_factory.mktemp("reports")
    onnx.save(random_cnn(7, batch=1), place / "cnn.onnx")
    assert hb.verify(place / "cnn.onnx", out=place / "right", frames=64, synth="xc7")["passed"]
    shutil.copytree(place / "right" / "accelerator", place / "acc")
    node = [n for n in hb.Accelerator(place / "acc").description.nodes if "MVAU" in n.op][-2]
    memory = place / "acc" / "rtl" / node.memory("WEIGHTS_FILE").file
    ones = (1 << node.simd * node.pe) - 1
    words = [f"{int(w, 16) ^ ones:0{len(w)}x}" for w in memory.read_text().split()]
    memory.write_text("\n".join(words) + "\n")
    shutil.rmtree(place / "acc" / "synth")  # of the right one
    reseal(place / "acc")
    assert not hb.verify(place / "acc", out=place / "wrong", frames=64)["passed"]
    run = hb.train("digits_mlp", set={"training.epochs": 4}, out=place / "run", quiet=True)
    hb.export(run, place / "digits.onnx")
    hb.verify(place / "digits.onnx", run=run, dataset="digits", board="pynq-z1", out=place / "told")
    return place


@pytest.mark.parametrize("which", ["right", "wrong", "told"])
def test_the_report(which, look, reports):
    page = reports / which / "report.html"
    for drawing in ('class="ladder"', 'class="wave"'):
        assert (drawing in page.read_text()) == (which == "wrong")
    for drawn in ('class="picture"', 'class="heat"', 'aria-label="loss, by epoch"'):
        assert (drawn in page.read_text()) == (which == "told")
    assert "thresholds of " in page.read_text()
    assert faults(look(page)) == []


def test_a_fault_is_seen(look, reports, tmp_path):
    html = (reports / "right" / "report.html").read_text()
    page = tmp_path / "report.html"
    page.write_text(html.replace("<html lang=", "<html data-x="))
    assert {fault[1] for fault in faults(look(page))} == {"html-has-lang"}
    page.write_text(html.replace("</style>", "body{word-break:break-all;width:21ch}</style>"))
    assert ("400 dark", "words") in faults(look(page))
    page.write_text(html.replace("</style>", "p{color:#ddd!important}</style>"))
    assert ("1400 light", "color-contrast") in {fault[:2] for fault in faults(look(page))}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The pages of `make docs`, served on this machine."""
    place = tmp_path_factory.mktemp("site")
    assert build(place).returncode == 0

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=place))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("page", ["index", "howto", "reference", "options", "verification"])
def test_the_documentation(page, look, address):
    # Chromium gives what scrolls to the keyboard by itself; the theme does so for a mouse alone.
    assert faults(look(f"{address}/{page}.html"), {"scrollable-region-focusable"}) == []
