"""A viewer's list of signals beside a wave file: handshake and data of every stream, in order."""

from __future__ import annotations

from pathlib import Path

from ..accelerator import Description
from ..errors import BadInput
from ..files.given import text_path

_SCOPE = "bnn_bench.dut"


def write_signal_list(waves: Path, accelerator: Description) -> Path:
    """Write WAVES with suffix .gtkw: GTKWave (and Surfer) open it together with the wave file.

    Raises:
        BadInput: the file cannot be written, or does not end in .fst.
    """
    text_path(waves)
    if waves.suffix != ".fst":
        raise BadInput(f"waves are FST files, {waves} is none", remedy="let the name end in .fst")
    lines = [
        f'[dumpfile] "{waves.name}"',
        "[timestart] 0",
        f"{_SCOPE}.ap_clk",
        f"{_SCOPE}.ap_rst_n",
    ]
    for stream in accelerator.streams:
        lines.append(f"-{stream.name}: {stream.producer} to {stream.consumer}")
        lines += [f"{_SCOPE}.{stream.name}_{wire}" for wire in ("tvalid", "tready")]
        high = stream.tdata_bits - 1
        lines.append(f"{_SCOPE}.{stream.name}_tdata" + (f"[{high}:0]" if high else ""))
    target = waves.with_suffix(".gtkw")
    try:
        target.write_text("\n".join(lines) + "\n")
    except OSError as error:
        raise BadInput(
            f"{target} cannot be written ({error.strerror})", remedy="choose another folder"
        ) from error
    return target
