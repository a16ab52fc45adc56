"""`weights`: a second network of the same structure, as contents for an accelerator's memories."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..accelerator import Description, Node
from ..accelerator.config_stream import CONFIG, check_fits, write_loads
from ..accelerator.folder import MODEL, NETWORKS, open_accelerator, seal
from ..errors import BadInput
from ..files.given import given_path
from ..files.output import at_home, output_folder
from ..kernels.base import PLACEMENT
from ..onnxfile import load_onnx
from .build import add_resources, finn_part, write_rtl
from .integer_graph import IntegerGraph
from .limits import watched
from .loadable import Loadable
from .requant import Requantiser, Shape

ALONE = "compile this model as an accelerator of its own"
_NAMES = ("layer", "origin")
"""Fields of the integer graph that name the user's nodes and tensors."""


def weights(
    model: str | Path,
    folder: str | Path,
    out: str | Path | None = None,
    *,
    contexts: Sequence[str | Path] = (),
    force: bool = False,
    trust: bool = False,
    progress: Callable[[str], None] | None = None,
) -> dict:
    """Make what loads a network's weights into an accelerator that has another's.

    Args:
        model: a QONNX file with the structure of the accelerator's own model: the same layers,
            sizes and types; weights, BatchNorms and scales may differ.
        folder: the accelerator, compiled with runtime_weights=True.
        out: folder to write, by default the file's name without suffix, plus `_weights`: the same
            accelerator with this network's memories. Its rtl/config.bin is what the port takes:
            32-bit words, low byte first.
        contexts: files for the accelerator's further contexts, of which the first has `model`; by
            default all have it.
        force: replace a folder that is there.
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).
        progress: called with the name of each step as it begins.

    Returns:
        A document: folder, accelerator, bytes (of config.bin), port_cycles (to load them).

    Raises:
        BadInput: the accelerator has no config port, or the model is of another structure: the
            layer and what differs are named; nothing is written.
        Unsupported: the model has a layer without an exact form in hardware.
    """
    place = given_path(folder)
    sources = [given_path(path) for path in (model, *contexts)]
    accelerator = open_accelerator(place, trust=trust, needs=[MODEL])
    if accelerator.config is None:
        raise BadInput(
            f"{folder} takes no weights at run time",
            remedy="compile it with runtime_weights=True",
        )
    if contexts and len(sources) != accelerator.config.contexts:
        raise BadInput(
            f"{len(sources)} models for {accelerator.config.contexts} contexts of {folder}",
            remedy="give one model for each, or one for all",
        )
    protos = [load_onnx(source) for source in sources]
    out = at_home(out) if out is not None else Path(f"{sources[0].stem}_weights")
    with ExitStack() as stack:
        say = stack.enter_context(watched(progress or (lambda _name: None)))
        made_in = stack.enter_context(output_folder(out, overwrite=force, keeps=[*sources, place]))
        folders = [made_in, *(made_in / NETWORKS / str(i) for i in range(1, len(sources)))]
        made = [
            _network(proto, place, accelerator, inner, say)
            for proto, inner in zip(protos, folders, strict=True)
        ]
        _merge(made[0], folders)
        for source, inner, description in [*zip(sources, folders, made, strict=True)][::-1]:
            shutil.copyfile(source, inner / MODEL)  # the outermost is sealed with those in it
            check_fits(accelerator, seal(inner, add_resources(inner, description)), source)
        size = (made_in / "rtl" / CONFIG).stat().st_size
    return {"folder": str(out), "accelerator": str(folder), "bytes": size}


def _network(proto: Any, place: Path, accelerator: Description, made_in: Path, say: Any) -> Any:
    """One network as an accelerator folder, in all contexts; its description, not yet sealed."""
    made_in.mkdir(parents=True, exist_ok=True)
    say("import")
    graph, imported = _dataflow(proto, place, accelerator, made_in, say)
    say("RTL")
    made = write_rtl(
        graph, imported, made_in, name=accelerator.name, options=dict(accelerator.options)
    )
    _check_nodes(accelerator, made)
    return made


def _merge(made: Description, folders: Sequence[Path]) -> None:
    """Put each folder's network into its own context of the first folder's memories."""
    if len(folders) == 1:
        return
    rtl = [folder / "rtl" for folder in folders]
    for memory in (m for node in made.nodes for m in node.memories if m.number is not None):
        lines = [(folder / memory.file).read_text().split() for folder in rtl]
        rows = memory.words // len(folders)
        parts = [line for i, each in enumerate(lines) for line in each[i * rows : (i + 1) * rows]]
        (rtl[0] / memory.file).write_text("\n".join(parts) + "\n")
    write_loads(made, rtl[0])


def _dataflow(proto: Any, place: Path, accelerator: Description, made_in: Path, say: Any) -> Any:
    """The network's dataflow graph, folded as the accelerator's, and what was imported."""
    from .dataflow import build_dataflow
    from .frontend import import_model

    port = accelerator.config
    assert port is not None  # the caller has looked
    datatype, scale = accelerator.input_datatype, accelerator.input_scale
    first, affine = port.affine
    shapes = tuple(None if r is None else Shape(**r.model_dump()) for r in port.requantisers)
    fits = Loadable(tuple(port.weights), shapes, (first, affine))

    def imported(file: Any) -> Any:
        return import_model(file, datatype, None if scale is None else Fraction(scale), fits)

    own = imported(proto)
    check_structure(imported(load_onnx(place / MODEL)).graph, own.graph)
    options: dict[str, Any] = dict(accelerator.options)
    say("FINN")
    graph = build_dataflow(
        proto, own, part=finn_part(options["part"]), target=None, folding=options["folding"],
        mode=options["output_mode"], check=True, log=made_in / "finn.log", say=say,
        board=options["board"], memory=options["memory"], contexts=port.contexts,
    )  # fmt: skip
    graph.set_fifo_depths({n.name: n.depth for n in accelerator.nodes if n.depth})
    for name in ("reports", "golden"):
        (made_in / name).mkdir()
    shutil.move(made_in / "finn.log", made_in / "reports" / "finn.log")
    (made_in / "reports" / "folding.json").write_text(json.dumps(graph.why, indent=1) + "\n")
    return graph, own


def check_structure(there: IntegerGraph, new: IntegerGraph) -> None:
    """Refuse a network that does not have the structure of the accelerator's own.

    Raises:
        BadInput: names the first layer that differs, and in what.
    """
    for a, b in zip(there.ops, new.ops, strict=False):
        if type(a) is not type(b):
            raise _other(b.layer, f"is a {type(b).__name__}", f"a {type(a).__name__}")
        for field in fields(a):
            if field.name not in _NAMES:
                x, y = (_structure(getattr(op, field.name)) for op in (a, b))
                if x != y:
                    raise _other(b.layer, f"has {field.name} of {y}", str(x))
        x, y = (
            (t.shape, t.datatype, t.minimum, t.maximum)
            for t in (there.tensors[a.output], new.tensors[b.output])
        )
        if x != y:
            raise _other(b.layer, f"gives {y}", str(x))
    if len(there.ops) != len(new.ops):
        raise BadInput(
            f"the model has {len(new.ops)} integer operations, the accelerator's {len(there.ops)}",
            remedy=ALONE,
        )
    ends = [(g.model_shape, g.transpose, g.tensors[g.input].datatype) for g in (there, new)]
    if ends[0] != ends[1]:
        raise BadInput(f"the model's input is {ends[1]}, the accelerator's {ends[0]}", remedy=ALONE)


def _structure(value: Any) -> Any:
    """What of a field all networks of a structure share: of an array its shape."""
    if isinstance(value, Requantiser):
        return value.low, value.high, value.gain.shape
    return value.shape if isinstance(value, np.ndarray) else value


def _other(layer: str, has: str, there: str) -> BadInput:
    return BadInput(f"it {has}, in the accelerator's model {there}", node=layer, remedy=ALONE)


def _check_nodes(accelerator: Description, made: Description) -> None:
    """As `check_structure`, of the hardware layers: what a kernel's parameters fix."""
    for a, b in zip(accelerator.nodes, made.nodes, strict=False):
        where = b.layer or b.name
        if (a.name, a.kernel) != (b.name, b.kernel):
            raise _other(where, f"becomes {b.name}", a.name)
        for name in sorted({*a.parameters, *b.parameters} - PLACEMENT):
            x, y = a.parameters.get(name), b.parameters.get(name)
            if x != y:
                raise _other(where, f"has {name} = {y} ({b.name})", f"{x}")
        if _layout(a) != _layout(b):
            raise _other(where, f"has memories {_layout(b)} ({b.name})", f"{_layout(a)}")


def _layout(node: Node) -> list[tuple[str, int, int]]:
    return [(m.parameter, m.words, m.bits) for m in node.memories]
