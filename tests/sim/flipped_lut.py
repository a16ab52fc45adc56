"""A netlist of Yosys with one entry of one LUT's table changed."""

import re


def flipped(netlist: str, module: str, cell: str, mark: str, entry: int = 0) -> str:
    """The first LUT of that kind in a module whose name or pins hold `mark`.

    Not any LUT will do: of many the changed entry is never looked up.
    """
    table = re.compile(rf"  {cell} #\(\s*\.INIT\(\d+'h([0-9a-f]+)\)\s*\) ([^;]*);")
    found = next(m for m in table.finditer(netlist, netlist.index(f"module \\{module}$"))
                 if mark in m[2])  # fmt: skip
    changed = f"{int(found[1], 16) ^ 1 << entry:0{len(found[1])}x}"
    return f"{netlist[: found.start(1)]}{changed}{netlist[found.end(1) :]}"
