"""Why the accelerator is as fast as it is: reports/folding.json."""

from __future__ import annotations

from .choices import Prices, Table
from .search import FoldingSearch, Plan


def explain(search: FoldingSearch, plan: Plan, layers: dict[str, str], target: int | None) -> dict:
    """The folding, its cost by estimate (xc7, FIFOs as registers), and what bounds the rate.

    Args:
        layers: node name -> the user's layer.
        target: cycles a frame that were asked for, if any.

    Returns:
        {"target_cycles", "bound_cycles", "bottleneck": {"node", "layer", "cycles", "why"},
        "total", "layers"}.
    """
    chosen = list(zip(search.tables, plan.rows, plan.columns, strict=True))
    rows = []
    for table, row, column in chosen:
        rows.append(
            {
                "node": table.name,
                "layer": layers.get(table.name),
                "cycles": int(table.cycles[row]),
                **table.chosen(row, column),
                "lut": int(table.lut[row, column]),
                "ff": int(table.ff[row, column]),
                "bram": float(table.bram[row, column]),
                "dsp": int(table.dsp[row, column]),
                **({"uram": int(table.uram[row, column])} if search.memory == "ultra" else {}),
            }
        )
    table, row, column = max(chosen, key=lambda c: c[0].cycles[c[1]])  # the first of equals
    return {
        "target_cycles": target,
        "bound_cycles": plan.cycles,
        "bottleneck": {
            "node": table.name,
            "layer": layers.get(table.name),
            "cycles": int(table.cycles[row]),
            "why": _why(table, row, column, search.prices),
        },
        "total": {
            "lut": int(plan.lut),
            "ff": int(plan.ff),
            "bram": plan.bram,
            "dsp": int(plan.dsp),
            **({"uram": int(plan.uram)} if search.memory == "ultra" else {}),
        },
        "layers": rows,
    }


def _why(table: Table, row: int, column: int, prices: Prices) -> str:
    """What the slowest op does with its cycles, and what the next faster folding costs."""
    types, now = table.op.get_nodeattr_types(), int(table.cycles[row])
    if "MW" in types and "PE" in table.choices[row]:
        mw, mh = (int(table.op.get_nodeattr(k)) for k in ("MW", "MH"))
        pe, simd = table.choices[row]["PE"], table.choices[row]["SIMD"]
        mmv = table.choices[row].get("MMV", 1)
        doing = f"{mh}/{pe} neurons x {mw}/{simd} inputs"
        vectors = now // max(mh // pe * (mw // simd), mmv)
        if mmv > 1:
            doing = f"{vectors:,} x {mmv} vectors a frame x " + (
                doing if mh // pe >= mmv else f"{mmv} output words"
            )
        elif vectors > 1:
            doing = f"{vectors:,} vectors a frame x {doing}"
    else:
        doing = "one word a cycle"
    said = f"{doing} = {now:,} cycles a frame"
    faster = [r for r in range(len(table.choices)) if table.cycles[r] < now]
    if not faster:
        return f"{said}; it is fully unfolded, no folding is faster"
    best, worth = table.variant(prices), table.worth(prices)

    def cost(r):
        return worth[r, best[r]]

    nearest = max(int(table.cycles[r]) for r in faster)
    choice = min((r for r in faster if table.cycles[r] == nearest), key=cost)
    table.count(choice)
    more = table.lut[choice, best[choice]] - table.lut[row, column]
    blocks = table.bram[choice, best[choice]] - table.bram[row, column]
    multipliers = table.dsp[choice, best[choice]] - table.dsp[row, column]
    lanes = f", {multipliers:+g} DSP blocks" if multipliers else ""
    chosen = table.choices[choice]
    words = ", ".join(f"{k} = {v}" for k, v in chosen.items() if k != "hardwired")
    words = "as constants" if chosen.get("hardwired") else words
    return (
        f"{said}; the next faster folding ({words}) takes {nearest:,} cycles, "
        f"{more:+,.0f} LUTs and {blocks:+g} block RAMs{lanes}"
    )
