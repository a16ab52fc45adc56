"""The accelerator's C++ for HLS tools, in C simulation."""

from __future__ import annotations

import numpy as np

from ...accelerator.config_stream import not_served
from ..divergence import Divergence, first_divergence
from ..locate import MOST_FRAMES, unpack
from ..stage import Advance, Case, Stage, StageRun, register, trace_tensors
from .rtl import simulated


@register
class Hls(Stage):
    """The code in the folder's hls/; it is written where it is missing,
    or of another accelerator."""

    name, order, optional = "hls", 70, True

    def check(self, port: bool, family: str | None) -> None:
        if port:
            raise not_served("HLS code")

    def run(self, case: Case, x: np.ndarray, advance: Advance) -> StageRun:
        from ...hls.files import there
        from ...hls.write import hls

        if not there(case.folder):
            hls(case.folder)
        return simulated(case, x, advance, engine="hls", jobs=case.ask.jobs)

    def locate(self, case: Case, frame: int) -> Divergence | None:
        from ...hls.csim import opened
        from ...hls.design import design
        from ...sim.packing import pack_input

        golden, first = case.golden, max(0, frame + 1 - MOST_FRAMES)
        part = case.frames.x[first : frame + 1]
        names = trace_tensors(golden)
        inner = design(case.folder, case.accelerator).inner
        channels = [(c, c.tensor) for c in inner if c.tensor and c.tensor in names]
        with opened(case.folder) as model:
            words = model.capture(
                pack_input(case.accelerator.input, part), [c for c, _ in channels]
            )
        expected = golden.trace(part)
        found: dict[str, np.ndarray] = {}
        for channel, tensor in channels:
            signed = bool((golden.program.tensors[tensor].minimum < 0).any())
            values = unpack(words[channel.name], channel, expected[tensor].shape, signed)
            if values is not None:
                found.setdefault(tensor, values)
        return first_divergence(self.name, expected, found, range(first, frame + 1), case.layers)
