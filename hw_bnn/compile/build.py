"""`compile`: a QONNX file in, an accelerator folder out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..accelerator import Description, Input, Output, Resources, Stream
from ..accelerator.config_stream import MOST_CONTEXTS, write_loads
from ..accelerator.folder import seal
from ..accelerator.names import checked_module_name, module_name
from ..errors import BadInput
from ..files.given import text_path
from ..files.output import at_home, output_folder
from ..onnxfile import load_onnx
from ..options import CompileOptions, TargetOptions, flat
from .boards import NOTHING, SHARE, Budget, too_large
from .limits import watched
from .resolve import (
    FIFO_SIZINGS,
    OUTPUT_MODES,
    check_choice,
    check_memory,
    fraction,
    target_board,
    target_of,
)

if TYPE_CHECKING:
    from onnx import ModelProto

    from .integer_graph import IntegerGraph

# For parts that FINN does not know; only its HLS choices depend on it.
_FINN_PART = "xc7z020clg400-1"
_VERSIONS = ("hw-bnn", "finn-plus", "qonnx", "onnx", "numpy")


@flat(build=CompileOptions)
def compile_model(
    model: str | Path,
    out: str | Path | None = None,
    *,
    build: CompileOptions,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Compile a QONNX model to a streaming accelerator.

    Args:
        model: the ONNX file.
        out: folder to write; by default the file's name without suffix, plus `_accelerator`.
        name: of the accelerator: its top module has it, and the names of all its modules and
            memory files begin with it, so that several stand in one design. By default the model
            file's, made a name of a module (accelerator/names.py).
        board, part: what it is for; a board (boards.py) or an FPGA part, PYNQ-Z1 by default. A
            board that is named has to hold the accelerator, by estimate; without a target it gets
            the best rate that fits it.
        target_fps: frames per second to reach at the clock; or
        target_cycles: cycles a frame to reach (where neither this nor a board is named 1,024, or
            the nearest that is possible); or
        folding: PE and SIMD by node: a JSON file, a dictionary, or "finn" for FINN's
            SetFolding. A folding and a target may be given together: the target is met first,
            the folding overrides.
        clk_period_ns: clock period in nanoseconds.
        input_datatype: take raw integers of this type (UINT8, ...) and put the model's input
            quantiser on chip; input_scale is the real value of one step ("1/255").
        output_mode: "scores", "label" or "both".
        memory: where weights stand: "lut" (up to 4,096 words), "block" RAM, or "auto", as the
            search finds cheapest; "ultra" is auto with UltraRAM too, on a board or part that has
            it: empty at the start, so with runtime_weights=True alone.
        check: compare FINN's execution with the golden model after every step, on sample frames.
        fifo_sizing: how FIFO depths are found: the least by "simulation", or those of the kernels'
            schedules by "analysis", in less time and with somewhat deeper FIFOs; "auto" simulates
            where that is quick; with "none" each FIFO holds a whole frame (fifo_sizing.py).
        max_fifo_depth: cap on every FIFO in words; reports/fifo_depths.json tells what it
            costs in rate.
        runtime_weights: weights can be loaded at run time, by the port s_axis_cfg; see
            docs/runtime-weights.md.
        contexts: sets of such weights; every frame is run through each, one after another, and has
            as many results.
        ensemble: a frame has one result: for each class the sum of all contexts' scores and how
            many of their labels it is.
        hardwired: layers whose weights become constants of a generated netlist, a vector or window
            a cycle: names of layers with commas between them, "auto" for those that the search
            finds cheaper so, or "all" (target_cycles is for what is beside them then, by default 1
            or the nearest possible). See docs/hardwired.md.
        force: replace an accelerator folder that is there.
        progress: called with the name of each step as it begins.

    Returns:
        The accelerator folder.

    Raises:
        BadInput: the file, an option or the output folder cannot be used; nothing is written.
        Unsupported: the model has a layer without an exact form in hardware.
    """
    source = text_path(model)
    proto = load_onnx(source)
    options = _resolved(build)
    name = source.stem if build.name is None else checked_module_name(build.name)
    out = text_path(at_home(out)) if out is not None else Path(f"{source.stem}_accelerator")
    read = [source, *build.files()]
    with ExitStack() as stack:
        say = stack.enter_context(watched(progress or (lambda _name: None)))
        folder = stack.enter_context(output_folder(out, overwrite=force, keeps=read))
        say("import")
        from .frontend import import_model
        from .loadable import Loadable

        scale = fraction(build.input_scale)
        loadable = Loadable() if build.runtime_weights else None
        imported = import_model(proto, build.input_datatype, scale, loadable)
        (folder / "reports").mkdir()
        (folder / "golden").mkdir()
        shutil.copyfile(source, folder / "model.onnx")
        made = partial(_made, proto, imported, build, options, folder, say, name)
        graph, accelerator = _fitting(build, made, say)
        (folder / "reports" / "folding.json").write_text(json.dumps(graph.why, indent=1) + "\n")
        seal(folder, accelerator)
    return out


def _resolved(build: CompileOptions) -> dict[str, Any]:
    """The options as accelerator.json keeps them, with what was not asked for filled in.

    Raises:
        BadInput: one that cannot be, or two that contradict each other.
    """
    board, part = target_board(build.board, build.part)
    check_memory(build.memory, board, part, loaded=build.runtime_weights)
    target = target_of(build.target_fps, build.target_cycles, build.clk_period_ns)
    scale = fraction(build.input_scale)
    check_choice("output mode", build.output_mode, OUTPUT_MODES)
    check_choice("way of FIFO sizing", build.fifo_sizing, FIFO_SIZINGS)
    depth, sizing = build.max_fifo_depth, build.fifo_sizing
    if depth is not None and (depth < 1 or sizing in ("analysis", "none")):
        raise BadInput(
            f"max_fifo_depth= with fifo_sizing={sizing!r}: a cap's rate is found by simulation"
            if depth >= 1
            else f"the cap on FIFO depths is {depth} (max_fifo_depth=)",
            remedy='use 1 or more, with fifo_sizing="auto" or "simulation"',
        )
    if build.input_datatype is None and scale is not None:
        raise BadInput("input_scale= without input_datatype=", remedy="give both")
    if build.hardwired is not None and not build.hardwired.strip():
        raise BadInput("hardwired= names no layer", remedy="give all, auto, or names of layers")
    if build.hardwired and build.runtime_weights:
        raise BadInput(
            "hardwired= and runtime_weights=",
            remedy="give one of the two: hard-wired weights are constants",
        )
    if build.contexts < 1 or (build.contexts > 1 and not build.runtime_weights):
        few = build.contexts < 1
        raise BadInput(
            f"contexts= is {build.contexts}{'' if few else ' without runtime_weights='}",
            remedy="give 1 or more" if few else "give both: contexts are weights that are loaded",
        )
    if build.contexts > MOST_CONTEXTS:
        raise BadInput(
            f"contexts= is {build.contexts}", remedy=f"a frame can name one of {MOST_CONTEXTS}"
        )
    if build.ensemble and (build.contexts == 1 or build.output_mode != "both"):
        raise BadInput(
            f"ensemble= with contexts={build.contexts} and output_mode={build.output_mode!r}",
            remedy='give contexts= of 2 or more, and output_mode="both"',
        )
    return {
        "board": board,
        "part": part,
        "target_cycles": target,
        "clk_period_ns": build.clk_period_ns,
        "input_datatype": build.input_datatype,
        "input_scale": str(scale) if scale is not None else None,
        "output_mode": build.output_mode,
        "memory": build.memory,
        "fifo_sizing": build.fifo_sizing,
        "max_fifo_depth": depth,
        "hardwired": build.hardwired,
        "runtime_weights": build.runtime_weights,
        "contexts": build.contexts,
        "ensemble": build.ensemble,
    }


ATTEMPTS = 3
"""Foldings that are tried until one fits its board with its FIFOs."""


def _fitting(
    build: CompileOptions,
    made: Callable[[Budget], tuple[Any, Description]],
    say: Callable[[str], None],
) -> tuple[Any, Description]:
    """(graph, accelerator) that the board holds, if one is named.

    The folding search cannot know how deep FIFOs have to be: where they make the whole too large,
    it searches again beside what they took.

    Args:
        made: what is reserved of the board -> graph and accelerator, in the folder.

    Raises:
        BadInput: the board holds none.
    """
    again = build.fifo_sizing != "none" and build.folding is None
    reserve, left = NOTHING, ATTEMPTS if again else 1
    while True:
        graph, accelerator = made(reserve)
        excess = too_large(accelerator, build.board) if build.board else None
        if excess is None:
            return graph, accelerator
        left -= 1
        if not left:
            raise BadInput(
                f"it does not fit: {excess}", remedy="use a lower target, or a larger board"
            )
        say("folding again, with room for FIFOs")
        reserve = _uncounted(accelerator, graph.why["total"], reserve)


def _uncounted(accelerator: Description, planned: dict[str, float], before: Budget) -> Budget:
    """What an accelerator takes beyond what its folding search counted, or one before it did."""
    more = {k: getattr(accelerator.resources, k) - planned.get(k, 0) for k in SHARE}
    return Budget(**{k: max(v, getattr(before, k)) for k, v in more.items()})


def _made(
    proto: ModelProto, imported: Any, build: CompileOptions, options: dict, folder: Path, say: Any,
    name: str, reserve: Budget,
) -> tuple[Any, Description]:  # fmt: skip
    """(graph, accelerator), folded beside what is reserved of the board; its files are written."""
    graph = _dataflow(proto, imported, build, options, folder, say, reserve)
    options["folding"] = graph.folding()
    say("RTL")
    write = partial(write_rtl, graph, imported, folder, name=name, options=options)
    accelerator = write()
    if build.fifo_sizing != "none":
        _size_fifos(folder, accelerator, graph, build, say)
        accelerator = write()
    return graph, add_resources(folder, accelerator)


def _dataflow(
    proto: ModelProto, imported: Any, build: CompileOptions, options: dict, folder: Path, say: Any,
    reserve: Budget,
) -> Any:  # fmt: skip
    """FINN's dataflow graph of the imported network, folded beside what is reserved."""
    folding = _folding(build.folding)
    from .dataflow import build_dataflow

    say("FINN")
    return build_dataflow(
        proto, imported, part=finn_part(options["part"]), target=options["target_cycles"],
        folding=folding, mode=build.output_mode, check=build.check,
        log=folder / "reports" / "finn.log", say=say, board=build.board, memory=build.memory,
        wiring=wiring_of(build, options["part"]),
        contexts=build.contexts if build.runtime_weights else 0, reserve=reserve,
    )  # fmt: skip


def _size_fifos(
    folder: Path,
    accelerator: Description,
    graph: Any,
    build: CompileOptions,
    say: Callable[[str], None],
) -> None:
    from .fifo_sizing import size

    depths, report = size(
        folder, accelerator, by=build.fifo_sizing, maximum=build.max_fifo_depth, say=say
    )
    graph.set_fifo_depths(depths)
    (folder / "reports" / "fifo_depths.json").write_text(json.dumps(report, indent=1) + "\n")


def write_rtl(
    graph,
    imported,
    folder: Path,
    *,
    name: str,
    options: dict[str, Any],
) -> Description:
    """(Re)write dataflow.onnx, rtl/ and accelerator.json; returns the description."""
    from .config_port import config_port
    from .stitch import stitch

    board, part, clk_period_ns = (options[key] for key in ("board", "part", "clk_period_ns"))

    rtl = folder / "rtl"
    shutil.rmtree(rtl, ignore_errors=True)
    rtl.mkdir()
    top = module_name(name)
    ensemble = bool(options["ensemble"])
    stitched = stitch(graph.model, rtl, top, part, clk_period_ns, ensemble=ensemble)
    graph.save(folder / "dataflow.onnx")
    head = graph.head()
    accelerator = Description(
        name=name,
        top=top,
        board=board,
        part=part,
        clk_period_ns=clk_period_ns,
        input=_input(imported.graph, stitched.streams[0]),
        output=_output(imported.graph, head, stitched.streams[-1], ensemble),
        nodes=stitched.nodes,
        config=config_port(stitched.nodes, imported, head, top)
        if options["runtime_weights"]
        else None,
        streams=stitched.streams,
        bound_cycles=max(n.cycles for n in stitched.nodes),
        sources=stitched.sources,
        hashes={},
        versions={p: _version(p) for p in _VERSIONS},
        options=options,
    )
    (folder / "accelerator.json").write_text(accelerator.dump())
    if accelerator.config is not None:
        write_loads(accelerator, rtl)
    return accelerator


def _input(graph: IntegerGraph, stream: Stream) -> Input:
    """The contract of s_axis."""
    tensor = graph.tensors[graph.input]
    return Input(
        datatype=tensor.datatype,
        minimum=tensor.minimum,
        maximum=tensor.maximum,
        shape=list(graph.model_shape),
        stream_shape=list(graph.stream_shape),
        transpose=list(graph.transpose) if graph.transpose else None,
        tensor=tensor.origin,
        elements=tensor.pixels * tensor.channels,
        element_bits=_bits(tensor.datatype),
        words=stream.words,
        word_bits=stream.word_bits,
        tdata_bits=stream.tdata_bits,
    )


def _output(graph: IntegerGraph, head, stream: Stream, ensemble: bool) -> Output:
    """The contract of m_axis; the file's bounds and the hardware's hold."""
    scores, datatype = graph.tensors[graph.output], head.get_input_datatype()
    lanes, label_offset, _, words = head.output_layout()
    single = Output(
        mode=head.get_nodeattr("mode"),
        tensor=scores.origin,
        datatype=datatype.name,
        minimum=max(scores.minimum, int(datatype.min())),
        maximum=min(scores.maximum, int(datatype.max())),
        scores=scores.channels * scores.pixels,
        lanes=lanes,
        score_bits=datatype.bitwidth(),
        label_bits=head.label_bits(),
        label_offset=label_offset,
        words=words * scores.pixels,
        results=1 if ensemble else head.contexts,
        tdata_bits=max(stream.tdata_bits, 8 * -(-head.output_layout()[2] // 8)),
    )
    return single.summed(head.contexts, stream.tdata_bits) if ensemble else single


def add_resources(folder: Path, accelerator: Description) -> Description:
    """The accelerator with its estimate, by node and in all (synth/estimate.py)."""
    from ..synth.estimate import estimate

    found = estimate(folder, accelerator)
    nodes = [
        node.model_copy(update={"resources": _resources(found["layers"].get(node.name))})
        for node in accelerator.nodes
    ]
    total = None if found["not_estimated"] else _resources(found["total"])
    return accelerator.model_copy(update={"nodes": nodes, "resources": total})


def _resources(cost: dict | None) -> Resources | None:
    from ..synth.estimate import KINDS

    if cost is None:
        return None
    return Resources(**{kind: cost[kind] for kind in KINDS})


def wiring_of(asked: TargetOptions, part: str):
    """Which layers become constants, for a part; None for no layer."""
    from .hardwiring import Wiring

    return Wiring(asked.hardwired, part, asked.clk_period_ns) if asked.hardwired else None


def _folding(folding):
    from .folding import read_folding

    if folding is None or folding == "finn" or isinstance(folding, dict):
        return folding
    return read_folding(folding)


def finn_part(part: str) -> str:
    """The part as FINN is told it."""
    return part if part.startswith("xc") else _FINN_PART


def _bits(datatype: str) -> int:
    from qonnx.core.datatype import DataType

    return DataType[datatype].bitwidth()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


__all__ = ["compile_model"]
