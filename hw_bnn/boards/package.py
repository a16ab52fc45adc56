"""`package`: an accelerator as an IP for anybody's Vivado project, or FuseSoC's.

    package("digits_accelerator", "digits_ip")["module"]      # digits_ip

The folder has all sources, a wrapper in plain Verilog, a script that makes the component, a clock
constraint, templates of instances, a FuseSoC core, and a README with an example frame.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from ..accelerator import Description
from ..accelerator.config_stream import refuse_port
from ..accelerator.folder import MODEL, read_accelerator
from ..errors import BadInput
from ..files.given import given_path
from ..files.output import at_home, output_folder
from ..frames import load_frames
from ..sim.packing import pack_input, pack_output
from .ip_files import (
    VERSION,
    Example,
    constraint,
    core_file,
    module_of,
    readme,
    verilog_instance,
    vhdl_instance,
    wrapper,
)
from .vivado import PACKAGER, write_settings

_DRAWN = 16
"""Frames drawn; the last is the example, since the first ones are the range's ends."""


def package(
    folder: str | Path, out: str | Path | None = None, *, seed: int = 0, force: bool = False
) -> dict:
    """Write an accelerator's IP.

    Args:
        folder: accelerator folder. Nothing of it is run.
        out: folder to write; the IP's name in the working folder by default.
        seed: of the example frame.
        force: replace an output folder that is there.

    Returns:
        {"folder", "module": of the wrapper, "part", "checked", "files": their names}.

    Raises:
        BadInput: no accelerator, a damaged one, or a place that cannot be written.
    """
    folder = given_path(folder)
    accelerator = read_accelerator(folder, needs=[MODEL])
    refuse_port(accelerator, "a packaged IP")
    module = module_of(accelerator)
    sources = [f"rtl/{name}" for name in (*accelerator.sources, f"{module}.v")]
    memories = [name for name in accelerator.rtl_files if name not in sources]
    if f"rtl/{module}.v" in accelerator.rtl_files:
        raise BadInput(
            f"{folder} has a file {module}.v of its own",
            remedy="compile the model with another name",
        )
    found = example(folder, accelerator, seed)
    place = at_home(out) if out is not None else Path(module)
    with output_folder(place, overwrite=force, keeps=[folder]) as partial:
        (partial / "rtl").mkdir()
        for name in accelerator.rtl_files:
            shutil.copyfile(folder / name, partial / name)
        texts = {
            f"rtl/{module}.v": wrapper(accelerator),
            f"{module}.xdc": constraint(accelerator),
            "instance.v": verilog_instance(accelerator),
            "instance.vhd": vhdl_instance(accelerator),
            f"{accelerator.top}.core": core_file(accelerator, sources, memories),
            "README.md": readme(accelerator, found),
            "example.json": json.dumps(found.document(), indent=1) + "\n",
        }
        for name, text in texts.items():
            (partial / name).write_text(text)
        shutil.copyfile(PACKAGER, partial / PACKAGER.name)
        write_settings(partial, {
            "top": module, "version": VERSION, "part": accelerator.part, "registers": [],
            "name_of_accelerator": accelerator.name, "sources": sources, "memories": memories,
            "constraints": [f"{module}.xdc"], "busses": ["s_axis", "m_axis"],
        })  # fmt: skip
        names = sorted(str(p.relative_to(partial)) for p in partial.rglob("*") if p.is_file())
    return {
        "folder": str(place), "module": module, "part": accelerator.part,
        "checked": "no Vivado saw it", "files": names,
    }  # fmt: skip


def example(folder: Path, accelerator: Description, seed: int) -> Example:
    """A frame, drawn with `seed`, and the golden model's answer, as words."""
    from ..golden import GoldenModel

    golden = GoldenModel.from_onnx(
        folder / MODEL, input_datatype=accelerator.input_datatype,
        input_scale=accelerator.input_scale,
    )  # fmt: skip
    x = load_frames(golden, frames=_DRAWN, seed=seed).x[-1:]
    scores, contract = golden.scores(x).reshape(1, -1), accelerator.output
    labels = None if contract.mode == "scores" else np.asarray(golden.labels(golden.scores(x)))
    told = None if contract.mode == "label" else scores
    words = pack_output(contract, told, None if labels is None else labels.reshape(1))
    return Example(
        pack_input(accelerator.input, x)[0], words[0],
        None if told is None else [int(v) for v in told[0]],
        None if labels is None else int(labels.reshape(-1)[0]),
    )  # fmt: skip
