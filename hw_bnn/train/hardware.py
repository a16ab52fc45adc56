"""What a trained network takes as hardware, by the estimate of `hw-bnn estimate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from ..errors import HwBnnError
from ..files.temporary import temporary_folder
from .trained import load_trained


def figures_of_hardware(run: Path) -> dict[str, Any]:
    """The estimate of a run's selected network, with the options that `compile` has by default.

    Args:
        run: the run folder.

    Returns:
        `lut`, `ff`, `bram` (36 Kbit), `dsp` and `cycles_per_frame`; or, where the network has no
        exact hardware, `refused`: why.
    """
    from ..estimate import estimate
    from ..export import inputs_of, refuse_float_networks, to_qonnx

    found = load_trained(run)
    with temporary_folder("estimate") as folder:
        try:
            refuse_float_networks(found.model)
            onnx.save(to_qonnx(found.model, inputs_of(found)[:1]), folder / "network.onnx")
            told = estimate(folder / "network.onnx")
        except HwBnnError as error:
            return {"refused": str(error)}
    return {**told["total"], "cycles_per_frame": told["cycles_per_frame"]}
