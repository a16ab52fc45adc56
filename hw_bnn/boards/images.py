"""Images of weights for a board's driver: what the config port takes, and what the networks' scores
stand for.

    write_image("new", "new.bin")                # new: a folder of `weights`; beside it new.json
    board.load_weights("new.bin")
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..accelerator import Description
from ..accelerator.config_stream import config_file, context_contents, name_of, read_load
from ..accelerator.folder import MODEL, network_folder, read_accelerator
from ..errors import BadInput
from ..files.output import output_file


def image(
    accelerator: Description, weights: str | Path, context: int | None = None
) -> tuple[bytes, dict]:
    """An image's two files: words of the config port, and {"networks": name -> outputs}.

    Args:
        weights: a folder of `weights` (or of `compile`) for the accelerator.
        context: the one that is loaded, by its own network; all by default.

    Raises:
        BadInput: the folder is damaged, for another accelerator, or there is no such context.
    """
    load, place = read_load(accelerator, weights), Path(weights)
    if context is not None and not 0 <= context < accelerator.contexts:
        raise BadInput(
            f"context is {context}", remedy=f"the accelerator has {accelerator.contexts}, from 0"
        )
    if context is not None and accelerator.contexts > 1:
        load = np.fromfile(place / "rtl" / config_file(context), "<u4")
    each = networks(accelerator, place)
    names = list(each) if context is None else [list(each)[context]]
    return load.tobytes(), {"networks": {name: each[name] for name in names}}


def networks(accelerator: Description, folder: Path) -> dict[str, dict[str, list[float]]]:
    """Name of a context's contents -> "scale" and "offset" of each class: what a network's real
    outputs are of its scores. In the order of the contexts, where all are different.
    """
    from ..golden import GoldenModel

    found = {}
    for context, contents in enumerate(context_contents(accelerator, folder / "rtl")):
        inner = network_folder(folder, context)
        read_accelerator(inner, needs=[MODEL])
        golden = GoldenModel.from_onnx(
            inner / MODEL, input_datatype=accelerator.input_datatype,
            input_scale=accelerator.input_scale,
        )  # fmt: skip
        zero, one = golden.real_outputs(np.array([[0], [1]]) + np.zeros(accelerator.output.scores))
        name = f"{name_of(contents):08x}"
        found[name] = {"scale": (one - zero).tolist(), "offset": zero.tolist()}
    return found


def write_image(
    accelerator: Description, weights: str | Path, out: str | Path, context: int | None = None
) -> Path:
    """Write an image: OUT, and the .json file beside it; see `image`."""
    words, document = image(accelerator, weights, context)
    out = Path(out)
    for path, data in ((out, words), (out.with_suffix(".json"), json.dumps(document).encode())):
        with output_file(path) as partial:
            partial.write_bytes(data)
    return out
