"""`estimate`: what a network takes as hardware, before anything is built.

    estimate("digits.onnx")["boards"]["pynq-z1"]["cycles_per_frame"]  # the best rate that fits it

The kernels, their costs and the folding search are those of `compile`; FINN, torch and Verilator
are not imported. What `compile` adds are FIFOs deeper than a word, whose depths only a simulation
tells.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import console
from .errors import BadInput
from .files.given import given_path
from .options import TargetOptions, flat

if TYPE_CHECKING:
    from .compile.search import FoldingSearch, Plan

ROWS = 9
"""Targets in the table, at most."""


@flat(asked=TargetOptions)
def estimate(model: str | Path, *, asked: TargetOptions) -> dict[str, Any]:
    """What `compile` with the same options would make of a QONNX file, by estimate.

    Args:
        model: the ONNX file.
        board: what has to hold it; without a target the best rate that fits.
        memory: as for compile; with "ultra" the figures have `uram`, and `note` says what it needs.
        target_fps ... memory: as for :func:`hw_bnn.compile.build.compile_model`.

    Returns:
        A document: `cycles_per_frame`, `frames_per_second`, `total` (lut, ff, bram, dsp on xc7),
        `bottleneck`, `layers` (as compile's reports/folding.json); `targets`: fewer cycles for more
        LUTs, each with the boards that hold it; `boards`: board -> the best rate that it holds and
        the share of it that this takes (of LUTs, registers, block RAMs, DSP blocks), or None where
        not even the slowest fits; `note`: what building this needs besides, or None.

    Raises:
        BadInput: the file or an option cannot be used, or the target cannot be reached.
        Unsupported: the model has a layer without an exact form in hardware.
    """
    from .compile.resolve import ULTRA, ULTRA_NOTE

    search, plan, why = planned(model, asked)
    boards = _boards(search)
    return {
        "model": str(model),
        "board": asked.board,
        "clk_period_ns": asked.clk_period_ns,
        "note": ULTRA_NOTE if asked.memory == ULTRA else None,
        "target_cycles": why["target_cycles"],
        "cycles_per_frame": plan.cycles,
        "frames_per_second": _rate(plan.cycles, asked.clk_period_ns),
        "total": search.built(plan),
        **{key: why[key] for key in ("bottleneck", "layers")},
        "targets": [
            _figures(search, row, asked.clk_period_ns) | {"boards": _holding(row, boards)}
            for row in _targets(search)
        ],
        "boards": boards,
    }  # fmt: skip


def planned(model: str | Path, asked: TargetOptions) -> tuple[FoldingSearch, Plan, dict[str, Any]]:
    """The search over a model's graph, the plan that `compile` would take, and its reasons.

    Raises:
        As :func:`estimate`.
    """
    from .compile.build import wiring_of
    from .compile.folding import choose, default_target, searched
    from .compile.folding_report import explain
    from .compile.frontend import import_model
    from .compile.outline import op_of, outline
    from .compile.provenance import layers
    from .compile.resolve import (
        MEMORIES,
        OUTPUT_MODES,
        check_choice,
        fraction,
        target_board,
        target_of,
    )
    from .onnxfile import load_onnx

    check_choice("output mode", asked.output_mode, OUTPUT_MODES)
    check_choice("memory", asked.memory, MEMORIES)
    _, part = target_board(asked.board, None)
    target = target_of(asked.target_fps, asked.target_cycles, asked.clk_period_ns)
    scale = fraction(asked.input_scale)
    if asked.input_datatype is None and scale is not None:
        raise BadInput("input_scale= without input_datatype=", remedy="give both")
    imported = import_model(load_onnx(given_path(model)), asked.input_datatype, scale)
    graph = outline(imported, asked.output_mode)
    wiring = wiring_of(asked, part)
    search = searched(graph, asked.memory, asked.board, wiring, op_of)
    plan = choose(search, target, asked.board, default_target(wiring))
    return search, plan, explain(search, plan, layers(graph), target)


def _rate(cycles: int, clk_period_ns: float) -> float:
    return round(1e9 / clk_period_ns / cycles, 1)


def _figures(search: FoldingSearch, plan: Plan, clk_period_ns: float) -> dict[str, Any]:
    rate = _rate(plan.cycles, clk_period_ns)
    return {
        "cycles_per_frame": plan.cycles, "frames_per_second": rate, **search.built(plan),
    }  # fmt: skip


def _targets(search: FoldingSearch) -> list[Plan]:
    """The cheapest plans for rates a constant factor apart, from the slowest to the fastest,
    without those of which a faster one costs as little."""
    slowest, fastest = search.slowest().cycles, search.fastest()
    step = (fastest / slowest) ** (1 / (ROWS - 1))
    rates = dict.fromkeys(max(fastest, round(slowest * step**k)) for k in range(ROWS))
    kept: list[Plan] = []
    for rate in reversed(rates):
        plan = search.plan(rate)
        if not kept or search.worth(plan) < search.worth(kept[-1]):
            kept.append(plan)
    return kept[::-1]


def _holding(plan: Plan, boards: dict[str, dict[str, Any] | None]) -> list[str]:
    """The boards that hold what is as fast as a plan."""
    return [n for n, best in boards.items() if best and best["cycles_per_frame"] <= plan.cycles]


def _boards(search: FoldingSearch) -> dict[str, dict[str, Any] | None]:
    """Each board's best plan."""
    from .compile.boards import BOARDS, budget, device_of

    found: dict[str, dict[str, Any] | None] = {}
    for name in BOARDS:
        best = search.of_board(name).best(budget(name))
        if best is None:
            found[name] = None
            continue
        whole = device_of(name)
        shares = {k: getattr(best, k) / getattr(whole, k) if getattr(whole, k) else None
                  for k in search.built(best)}  # fmt: skip
        found[name] = {
            "cycles_per_frame": best.cycles,
            "share": {k: None if v is None else round(v, 4) for k, v in shares.items()},
        }
    return found


NAMES = {"lut": "LUT", "ff": "FF", "bram": "BRAM", "dsp": "DSP", "uram": "URAM"}


def show(document: dict[str, Any]) -> None:
    """Print the document of :func:`estimate` as tables."""
    total = document["total"]
    kinds, names = list(total), [NAMES[kind] for kind in total]
    columns = ["node", "model's layer", "PE", "SIMD", "MMV", "cycles", *names]
    keys = ("node", "layer", "PE", "SIMD", "MMV", "cycles", *kinds)
    rows = [[_cell(layer.get(k)) for k in keys] for layer in document["layers"]]
    rows.append(["all, with streams", None, None, None, None, f"{document['cycles_per_frame']:,}",
                 *(_cell(total[k]) for k in kinds)])  # fmt: skip
    right = range(2, len(columns))
    console.table(f"{document['model']}, by estimate", columns, rows, right=right)
    bottleneck = document["bottleneck"]
    console.out(f"slowest: {bottleneck['node']}, {bottleneck['why']}")
    rows = [
        [*(_cell(row[k]) for k in ("cycles_per_frame", "frames_per_second", *kinds)),
         ", ".join(row["boards"])]
        for row in document["targets"]
    ]  # fmt: skip
    columns = ["cycles", "frames/s", *names, "boards that hold it"]
    console.table("targets", columns, rows, right=range(len(columns) - 1))
    rows = [[name, *_board(best, len(kinds))] for name, best in document["boards"].items()]
    console.table("the best rate of each board", ["board", "cycles", *names], rows,
                  right=range(1, len(names) + 2))  # fmt: skip
    if document["note"]:
        console.out(f"note: {document['note']}")


def _board(best: dict[str, Any] | None, kinds: int) -> list[str | None]:
    if best is None:
        return ["does not fit", *[None] * kinds]
    shares = [None if s is None else f"{100 * s:.0f} %" for s in best["share"].values()]
    return [f"{best['cycles_per_frame']:,}", *shares]


def _cell(value: float | str | None) -> str | None:
    """A number with separators, one digit behind the point at most.

    >>> _cell(25088), _cell(3.0), _cell(48.5)
    ('25,088', '3', '48.5')
    """
    if isinstance(value, int | float):
        return f"{value:,.1f}".removesuffix(".0")
    return value
