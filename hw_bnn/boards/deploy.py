"""`deploy`: one zip with what a PYNQ board needs to run an accelerator.

    NAME.bit, NAME.hwh   the overlay, where `bitstream` made one of this very accelerator; else the
    .hwh
                         alone, or with a stand-in of a .bit for the simulated board
    NAME.json            what the driver needs to know
    driver/              the driver, the package that CI runs on the simulated board
    golden.npz           x, scores, labels: frames and what the golden model says of them
    weights/             images for an accelerator whose weights are loaded at run time
    fill.bin             its own, where memories are empty at the start: the driver loads it first
    NAME.ipynb, README.md, manifest.json (SHA-256 of each file)

The same accelerator gives the same bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..accelerator import Description, Input
from ..accelerator.folder import MODEL, read_accelerator
from ..accelerator.names import file_name
from ..compile.boards import BOARDS
from ..errors import BadInput
from ..files.given import given_path
from ..files.output import at_home, output_file
from ..frames import load_frames
from .hwh import handoff
from .images import image, networks
from .overlays import Overlay, open_overlay
from .shell import PORTS, Shell
from .simboard import DRIVER, io_document
from .standin import stand_in

if TYPE_CHECKING:
    from ..golden import GoldenModel

GOLDEN_FRAMES = 64
FILL = "fill.bin"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the zip: the time of making is no content
_README = """# {name} on {title}

    from driver import Board
    board = Board.load("{name}.bit")
    board.selftest()                    # identification, clock, golden.npz
    labels = board.predict(x)           # x: (N, {shape}) integers in {minimum}..{maximum}

Copy this folder to the board; it needs numpy and pynq, nothing else. {overlay}
"""
_WITHOUT = (
    "The bitstream {name}.bit is not in here: make it where Vivado is, with `hw-bnn bitstream`, "
    "and deploy again. {name}.hwh tells addresses and registers until then; no Vivado wrote it."
)
_SIMULATED = (
    "{name}.bit is a stand-in, for the simulated board alone (`hw-bnn board --serve`); no real "
    "board takes it. With `PYNQ_REMOTE_DEVICES=127.0.0.1` in the environment pynq 3.1 and later "
    "connect."
)


def deploy(
    folder: str | Path, board: str, out: str | Path | None = None, *,
    weights: Sequence[str | Path] = (), frames: int = GOLDEN_FRAMES, seed: int = 0,
    simulated: bool = False, trust: bool = False,
) -> dict:  # fmt: skip
    """Write the zip of an accelerator for a board.

    Args:
        folder: accelerator folder. board: a board with a processor (pynq-z1, ...).
        out: the zip; NAME_BOARD.zip in the working folder by default.
        weights: folders of `weights`, whose images the board can load: weights/<folder>.bin.
        frames: golden frames, drawn with `seed`.
        simulated: for the simulated board: with a stand-in where there is no bitstream.
        trust: take an overlay that no `bitstream` of this user on this machine made (see
            docs/trust.md).

    Returns:
        {"zip", "board", "overlay": whether it holds one of Vivado's, "frames",
        "files": name -> SHA-256}.

    Raises:
        BadInput: no accelerator, a board without a processor, an overlay that is damaged, strange
            or of another accelerator, or a place that cannot be written.
    """
    from ..golden import GoldenModel
    from ..golden.real_contract import real_contract

    folder = given_path(folder)
    accelerator = read_accelerator(folder, needs=[MODEL])
    known = BOARDS.get(board)
    if known is None or known.processor is None:
        fit = ", ".join(name for name, b in BOARDS.items() if b.processor)
        raise BadInput(f"{board} is no board that runs the driver", remedy=f"use one of {fit}")
    golden = GoldenModel.from_onnx(
        folder / MODEL, input_datatype=accelerator.input_datatype,
        input_scale=accelerator.input_scale,
    )  # fmt: skip
    x = load_frames(golden, frames=frames, seed=seed).x
    shell = Shell.of(accelerator, PORTS[known.processor])
    overlay = open_overlay(folder, board, f"{shell.model:016x}", trust=trust)
    io = io_document(accelerator, shell, clock_mhz=overlay.freq_mhz if overlay else None)
    document = {
        **io, "board": board, "real": real_contract(golden.program), "golden": "golden.npz",
    }  # fmt: skip
    if accelerator.config is not None:
        document["networks"] = networks(accelerator, folder)
        if accelerator.config.empty:
            document["fill"] = FILL
    name = file_name(accelerator.name)
    if name == "manifest":  # manifest.json is taken
        name = "manifest_"
    files = {
        f"{name}.json": _json(document),
        **{f"driver/{path.name}": path.read_bytes() for path in sorted(DRIVER.glob("*.py"))},
        "golden.npz": _npz(_vectors(golden, x, accelerator.output.mode)),
        "README.md": _readme(name, known.title, accelerator.input, overlay, simulated).encode(),
        f"{name}.ipynb": _json(_notebook(name)),
        **_images(accelerator, folder, weights),
    }
    if overlay:
        files |= {f"{name}.bit": overlay.bit, f"{name}.hwh": overlay.hwh}
    else:
        files[f"{name}.hwh"] = handoff(shell, known.processor, document["clock_mhz"], known.part)
        if simulated:
            files[f"{name}.bit"] = stand_in(files[f"{name}.hwh"], known.part)
    digests = {key: sha256(data).hexdigest() for key, data in sorted(files.items())}
    manifest = {"accelerator": accelerator.name, "board": board, "model": document["model"]}
    files["manifest.json"] = _json({**manifest, "files": digests})
    place = at_home(out) if out is not None else Path(f"{name}_{board}.zip")
    _write_zip(place, name, files, [folder, *weights])
    return {
        "zip": str(place),
        "board": board,
        "overlay": bool(overlay),
        "frames": len(x),
        "files": digests,
    }


def _images(accelerator: Description, own: Path, weights: Sequence[str | Path]) -> dict[str, bytes]:
    """The images' files, by name in the zip; own: the accelerator's folder."""
    found: dict[str, bytes] = {}
    if accelerator.config is not None and accelerator.config.empty:
        found[FILL] = image(accelerator, own)[0]
    for folder in weights:
        name = f"weights/{Path(folder).name}"
        if f"{name}.bin" in found:
            raise BadInput(f"two folders are called {Path(folder).name}", remedy="rename one")
        words, document = image(accelerator, folder)
        found |= {f"{name}.bin": words, f"{name}.json": _json(document)}
    return found


def _vectors(golden: GoldenModel, x: np.ndarray, mode: str) -> dict[str, np.ndarray]:
    """Frames and what the core gives for them in an output mode."""
    scores = golden.scores(x)
    given = {"scores": scores, "labels": golden.labels(scores)}
    left = {"label": "scores", "scores": "labels"}.get(mode)
    return {"x": x, **{key: array for key, array in given.items() if key != left}}


def _readme(
    name: str, title: str, contract: Input, overlay: Overlay | None, simulated: bool
) -> str:
    said = "" if overlay else (_SIMULATED if simulated else _WITHOUT).format(name=name)
    return _README.format(
        name=name, title=title, shape=", ".join(map(str, contract.shape)),
        minimum=contract.minimum, maximum=contract.maximum, overlay=said,
    )  # fmt: skip


def _write_zip(
    place: Path, name: str, files: Mapping[str, bytes], keeps: Sequence[str | Path]
) -> None:
    """A zip of a folder NAME that depends on its files alone; what it `keeps` is read."""
    with (
        output_file(place, keeps=keeps, suffix=".zip") as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for key, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{name}/{key}", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    """As np.savez writes them, without the time of writing."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, array in arrays.items():
            one = io.BytesIO()
            np.lib.format.write_array(one, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{key}.npy", _EPOCH), one.getvalue(), zipfile.ZIP_DEFLATED
            )
    return whole.getvalue()


def _notebook(name: str) -> dict:
    cells = [
        f"from driver import Board\nboard = Board.load('{name}.bit')",
        "board.selftest()",
        "board.throughput_test()",
        "import numpy as np\nx = np.load('golden.npz')['x']\nboard.predict(x)",
    ]
    return {
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "cells": [
            {"cell_type": "code", "id": f"cell{i}", "metadata": {}, "execution_count": None,
             "outputs": [], "source": source}
            for i, source in enumerate(cells)
        ],
    }  # fmt: skip
