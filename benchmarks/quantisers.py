"""What a quantiser costs a lane, by Yosys: thresholds, a binary search through them, requantisers.

    python benchmarks/quantisers.py lanes        of 512 channels, by bits
    python benchmarks/quantisers.py channels     to 4 and 8 bits, by channels
    python benchmarks/quantisers.py table        the results as Markdown

Sums have 13 bits, memory files are random. Results are in results/quantisers.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from area import measure
from kernel_grid import synthesise_grid

from hw_bnn.rtl import rtl_sources

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "quantisers.json"
IN_BITS = 13
KINDS = ("lut", "ff", "bram", "dsp")


def load() -> dict:
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}


def save(part: str, rows: dict[str, dict]) -> None:
    document = load()
    document[part] = {name: {kind: row[kind] for kind in KINDS} for name, row in rows.items()}
    document["tools"] = {
        "pyosys": metadata.version("pyosys"),
        "flow": "synth_xilinx -family xc7 -flatten -noiopad, abc9.verify off",
        "date": datetime.now(UTC).date().isoformat(),
    }
    RESULTS.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def thresholds(channels: int, levels: int) -> tuple[str, dict]:
    shape = {"CHANNELS": channels, "PE": 1, "IN_BITS": IN_BITS}
    return "threshold", {**shape, "N_THRESHOLDS": levels, "OUT_BITS": (levels + 1).bit_length() - 1}


def requantiser(channels: int, bits: int, **more: int) -> tuple[str, dict]:
    """With a gain and a shift of as many bits as exact searches find."""
    shift, gain = {4: (10, 11), 8: (14, 15), 16: (17, 23)}[bits]
    end = 1 << bits - 1
    return "requantise", {
        "CHANNELS": channels, "PE": 1, "IN_BITS": IN_BITS, "OUT_BITS": bits, "LOW": -end,
        "HIGH": end - 1, "SHIFT": shift, "GAIN_BITS": gain, "OFFSET_BITS": bits + shift + 1,
        "SUM_BITS": bits + shift + 2, **more,
    }  # fmt: skip


def bisection(channels: int, bits: int) -> dict:
    """Resources of bisection.sv."""
    rng = np.random.default_rng(0)
    parameters = {"CHANNELS": channels, "IN_BITS": IN_BITS, "OUT_BITS": bits}
    files = {}
    with tempfile.TemporaryDirectory(prefix="hw_bnn_bisection_") as folder:
        for step in range(bits):
            path = Path(folder) / f"step{step}.hex"
            words = rng.integers(0, 2 ** (IN_BITS + 1), channels << step)
            path.write_text("".join(f"{word:x}\n" for word in words))
            files[f"STEP_{step}_FILE"] = f'"{path.name}"'
        sources = [*rtl_sources("mvau_rom", "skid"), HERE / "bisection.sv"]
        return measure(sources, "bisection", parameters | files, cwd=Path(folder))


def grid(points: dict[str, tuple[str, dict]]) -> dict[str, dict]:
    return dict(zip(points, synthesise_grid(list(points.values())), strict=True))


def lanes() -> None:
    points = {f"{levels} thresholds": thresholds(512, levels) for levels in (3, 7, 15, 63, 255)}
    for bits in (4, 8, 16):
        for what, more in (
            ("1 piece", {}),
            ("2 pieces", {"PIECES": 2}),
            ("2 pieces, half-even", {"PIECES": 2, "HALF_EVEN": 1}),
        ):
            points[f"requantise to {bits} bits, {what}"] = requantiser(512, bits, **more)
    save("lanes", grid(points))


def by_channels() -> None:
    points, rows = {}, {}
    for bits in (4, 8):
        for channels in (64, 512, 1024):
            place = f"{bits} bits, {channels:,} channels"
            points[f"{place}: requantiser"] = requantiser(channels, bits)
            rows[f"{place}: binary search"] = bisection(channels, bits)
    save("channels", rows | grid(points))


def table() -> None:
    document = load()
    for part in ("lanes", "channels"):
        print("\n| lane, 13-bit sums | LUT | FF | RAMB36 | DSP |\n|---|---:|---:|---:|---:|")
        for name, row in document.get(part, {}).items():
            print(f"| {name} | {row['lut']:,} | {row['ff']} | {row['bram']} | {row['dsp']} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parts = {"lanes": lanes, "channels": by_channels, "table": table}
    parser.add_argument("part", choices=parts)
    parts[parser.parse_args().part]()


if __name__ == "__main__":
    main()
