"""An accelerator in Python: compiled, simulated, verified, synthesised by methods.

    accelerator = compile("model.onnx", target_cycles=64)
    accelerator.predict(x)          # labels, from the simulated RTL
    accelerator                     # a table of its layers, cycles and LUTs

It is a handle on a folder, which holds everything; `Accelerator("folder")` opens one that is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .accelerator import Description
from .accelerator.folder import MODEL, open_accelerator
from .console import plain_table, printable
from .errors import BadInput
from .files.given import given_path
from .files.temporary import temporary_folder
from .options import CompileOptions, flat

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

    from .ensemble import Ensemble, Tally
    from .golden import GoldenModel
    from .sim import SimulationResult

_COLUMNS = ("node", "model's layer", "op", "PE", "SIMD", "cycles", "LUT", "FF", "BRAM")


class Accelerator(os.PathLike):
    """An accelerator folder. It may be given wherever a function takes the folder.

    Args:
        folder: what `compile` wrote.
        trust: take a folder that was not compiled by this user on this machine (see docs/trust.md).

    Attributes:
        folder: absolute path. description: contents of its accelerator.json. trust: as given.

    Raises:
        BadInput: no accelerator, or one that is damaged or not trusted.
    """

    def __init__(self, folder: str | os.PathLike, *, trust: bool = False):
        self.folder = given_path(folder).absolute()
        self.trust = trust
        self.description: Description = open_accelerator(self.folder, trust=trust, needs=[MODEL])

    def __fspath__(self) -> str:
        return str(self.folder)

    @cached_property
    def golden(self) -> GoldenModel:
        """The exact integer reference of its model."""
        from .simulation import golden_model

        return golden_model(self.folder, self.description)

    @property
    def estimate(self) -> dict[str, float] | None:
        """LUTs, FFs, block RAMs and DSPs by estimate (Xilinx 7-series); None without one.

        What :meth:`synth` counts is exact.
        """
        total = self.description.resources
        return None if total is None else total.model_dump()

    def simulate(self, x: Any = None, **options: Any) -> SimulationResult:
        """Run frames through the RTL; see :func:`hw_bnn.simulation.simulate`."""
        from .simulation import simulate

        return simulate(self.folder, x, trust=self.trust, **options)

    def predict(self, x: Any, context: int | None = None) -> NDArray[np.int64]:
        """Labels (N,) of frames, by the simulated RTL; (N, K) of K contexts; (N,) of most votes
        where it was compiled with ensemble=True.

        Args:
            x: (N, *shape) integers of the input contract, or real numbers as the model takes them.
            context: the one that the frames run through, (N,); all by default.
        """
        if x is None:  # which `simulate` takes for random frames
            raise BadInput("x is None", remedy="give frames, (N, *shape)")
        result = self.simulate(x, context=context, progress=lambda count: None)
        if self.description.output.ensemble > 1:
            assert result.labels is not None  # its mode is both: votes
            return result.labels.argmax(axis=1)
        if result.labels is not None:
            return result.labels
        assert result.scores is not None  # an accelerator gives scores, labels, or both
        each = result.scores.reshape(-1, result.scores.shape[-1])  # all contexts have its network
        return self.golden.labels(each).reshape(result.scores.shape[:-1])

    def ensemble(self, x: Any, weights: str | Path | None = None) -> Ensemble:
        """What the networks in the contexts say of frames together, by the simulated RTL.

        Args:
            x: as of `predict`. weights: folder of `weights`, whose networks are loaded first.

        Raises:
            BadInput: the accelerator gives labels alone, or sums and votes.
        """
        from .accelerator.folder import network_folder, read_accelerator
        from .ensemble import combine
        from .simulation import golden_model

        if self.description.output.mode == "label":
            raise BadInput(
                f"{self.folder} gives labels alone", remedy='compile it with output_mode="both"'
            )
        if self.description.output.ensemble > 1:
            raise BadInput(
                f"{self.folder} gives sums and votes, and the mean prediction needs every score",
                remedy="use tally(), or compile it without ensemble=True",
            )
        result = self.simulate(x, weights=weights, progress=lambda count: None)
        assert result.scores is not None  # the mode has them
        scores = result.scores if result.scores.ndim == 3 else result.scores[:, None]
        folders = [network_folder(weights or self.folder, k) for k in range(scores.shape[1])]
        for folder in folders:
            read_accelerator(folder, needs=[MODEL])
        golden = [golden_model(folder, self.description) for folder in folders]
        each = [scores[:, k] for k in range(len(golden))]
        labels = [g.labels(s) for g, s in zip(golden, each, strict=True)]
        outputs = [g.real_outputs(s) for g, s in zip(golden, each, strict=True)]
        return combine(scores, np.stack(labels, axis=1), outputs)

    def tally(self, x: Any, weights: str | Path | None = None) -> Tally:
        """The votes and sums of scores of the networks in the contexts, as the chip gives them.

        Args:
            x: as of `predict`. weights: folder of `weights`, whose networks are loaded first.

        Raises:
            BadInput: it was not compiled with ensemble=True.
        """
        from .ensemble import Tally

        if self.description.output.ensemble == 1:
            raise BadInput(
                f"{self.folder} does not sum its contexts up",
                remedy="compile it with contexts= and ensemble=True",
            )
        result = self.simulate(x, weights=weights, progress=lambda count: None)
        assert result.scores is not None and result.labels is not None  # its mode is both
        return Tally(result.labels, result.scores)

    def verify(self, **options: Any) -> dict:
        """Compare every stage with the golden model; see :func:`hw_bnn.verify.verify.verify`."""
        from .verify import verify

        return verify(self.folder, trust=self.trust, **options)

    def weights(self, model: str | Path, out: str | Path | None = None, **options: Any) -> dict:
        """Another network's weights for it; see :func:`hw_bnn.compile.weights.weights`."""
        from .compile.weights import weights

        return weights(model, self.folder, out, trust=self.trust, **options)

    def synth(self, family: str = "xc7", **options: Any) -> dict:
        """Exact resources and timing; see :func:`hw_bnn.synth.synthesis.synth`."""
        from .synth import synth

        return synth(self.folder, family, trust=self.trust, **options)

    def hls(self, **options: Any) -> dict:
        """C++ for HLS tools; see :func:`hw_bnn.hls.write.hls`."""
        from .hls.write import hls

        return hls(self.folder, trust=self.trust, **options)

    def bitstream(self, board: str, **options: Any) -> dict:
        """What a board is configured with; see :func:`hw_bnn.boards.bitstream.bitstream`."""
        from .boards.bitstream import bitstream

        return bitstream(self.folder, board, trust=self.trust, **options)

    def package(self, out: str | Path | None = None, **options: Any) -> dict:
        """An IP for a Vivado or FuseSoC project; see :func:`hw_bnn.boards.package.package`."""
        from .boards.package import package

        return package(self.folder, out, **options)

    def deploy(self, board: str, out: str | Path | None = None, **options: Any) -> dict:
        """A zip for a PYNQ board; see :func:`hw_bnn.boards.deploy.deploy`."""
        from .boards.deploy import deploy

        return deploy(self.folder, board, out, trust=self.trust, **options)

    def report(self, output: str | Path | None = None) -> Path:
        """One self-contained HTML file; see :func:`hw_bnn.report.accelerator_report.report`."""
        from .report import report

        return report(self.folder, output)

    def __repr__(self) -> str:
        rows = [[_text(cell) for cell in row] for row in self._rows()]
        table = plain_table(printable(self.folder.name), _COLUMNS, rows, right=range(3, 9))
        return f"{table}\n{self._total()}"

    def _repr_html_(self) -> str:
        def row(cells: Any, tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(_text(c))}</{tag}>" for c in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self._rows())
        name, total = escape(printable(self.folder.name)), escape(self._total())
        return (
            f"<table><caption>{name}</caption><thead>{row(_COLUMNS, 'th')}</thead>"
            f"<tbody>{body}</tbody></table><p>{total}</p>"
        )

    def _rows(self) -> list[list[object]]:
        rows: list[list[object]] = []
        for node in self.description.nodes:
            if "fifo" not in node.op.lower():
                cost = node.resources
                kinds = [None] * 3 if cost is None else [cost.lut, cost.ff, cost.bram]
                rows.append([
                    node.name, node.layer, node.op, node.pe, node.simd, node.cycles, *kinds,
                ])  # fmt: skip
        return rows

    def _total(self) -> str:
        made = self.description
        told = [f"{made.bound_cycles:,} cycles a frame", f"{1e3 / made.clk_period_ns:g} MHz"]
        if made.resources is not None:
            told.append(f"{made.resources.lut:,} LUTs, {made.resources.memory} (estimate)")
        return f"{', '.join(told)}, for {made.board or made.part}"


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:,g}" if isinstance(cell, int | float) else printable(cell).replace("\n", " ")


@flat(build=CompileOptions)
def compile(
    model: str | os.PathLike | ModelProto,
    out: str | Path | None = None,
    *,
    build: CompileOptions,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Accelerator:
    """Compile a QONNX model to a streaming accelerator.

    Args:
        model: an ONNX file, or the model itself (an onnx.ModelProto or a qonnx ModelWrapper).
        out: folder to write; by default the file's name without suffix, plus `_accelerator`.
        board ... check, force, progress: see :func:`hw_bnn.compile.build.compile_model`.

    Raises:
        BadInput: the model, an option or the output folder cannot be used; nothing is written.
        Unsupported: the model has a layer without an exact form in hardware.
    """
    from .compile.build import compile_model

    if isinstance(model, str | os.PathLike):
        return Accelerator(compile_model(model, out, build=build, force=force, progress=progress))
    proto = getattr(model, "model", model)
    if not hasattr(proto, "SerializeToString"):
        raise BadInput(
            f"model= is a {type(model).__name__}",
            remedy="give an ONNX file or model; a torch module goes through export",
        )
    with temporary_folder("compile") as folder:
        path = folder / "model.onnx"
        path.write_bytes(proto.SerializeToString(deterministic=True))
        place = Path("model_accelerator") if out is None else out
        return Accelerator(compile_model(path, place, build=build, force=force, progress=progress))
