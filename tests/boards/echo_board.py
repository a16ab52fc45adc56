"""A shell around a core that passes bytes on, on a simulated board, and one run, all checked."""

from pathlib import Path

import numpy as np

from hw_bnn.boards.shell import PORTS, Shell
from hw_bnn.boards.simboard import SimulatedBoard, driver
from hw_bnn.rtl import rtl_sources
from rtl_tests.shell.echo import echo_core, frame_bytes


class EchoBoard:
    """A simulated board whose core gives out the bytes that it takes, in words of another width.

    Args:
        folder: for its source. family: of the port. in_bytes, out_bytes: of the core's words.
        mutations: source file -> (text, what stands there instead).
    """

    def __init__(
        self, folder: Path, family: str, in_bytes: int, out_bytes: int, mutations=None, **options
    ):
        frame = frame_bytes(in_bytes, out_bytes)
        self.frame_in, self.frame_out = frame // in_bytes, frame // out_bytes
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "echo.sv").write_text(echo_core(in_bytes, out_bytes))
        shell = Shell(
            "echo", PORTS[family], in_bytes, out_bytes, model=0xFEDC_BA98_7654_3210, core="echo"
        )
        sources = [folder / "echo.sv", *rtl_sources("width_converter", checks=True)]
        for path in shell.sources(checks=True):
            for old, new in (mutations or {}).get(path.name, ()):
                changed = folder / path.name
                text = (changed if changed in sources else path).read_text()
                assert text.count(old) == 1, (path.name, old, text.count(old))
                changed.write_text(text.replace(old, new))
                if changed not in sources:
                    sources.append(changed)
        self.shell = shell
        self.port = SimulatedBoard(folder, sources, shell, checks=True, poll_cycles=20, **options)
        io = {
            "name": "echo", "ip": "bnn_overlay", "model": f"{shell.model:016x}",
            "clock_mhz": 100.0, "bound_cycles": self.frame_in,
            "bus_bytes": shell.beat_bytes, "address_bits": shell.port.addr_bits,
            "in_stride": shell.in_stride, "out_stride": shell.out_stride,
            "input": {"words": self.frame_in}, "output": {"words": self.frame_out}, "golden": None,
        }  # fmt: skip
        self.board = driver().Board(io, self.port, timeout_s=1e-3)

    def layout(self, words: np.ndarray, stride: int, rng) -> np.ndarray:
        """(N, bytes) words as they lie in memory, `rng` between them, or zeros if it is None."""
        laid = np.zeros((len(words), stride), np.uint8)
        if rng is not None:
            laid[:] = rng.integers(0, 256, laid.shape)
        laid[:, : words.shape[1]] = words
        return laid.reshape(-1)

    def transfer(self, frames: int, source: int, target: int, seed: int, finish=None) -> np.ndarray:
        """One run; what must hold afterwards is asserted: the output, and not a byte
        changed elsewhere.

        Args:
            source, target: offsets in memory, multiples of the bus.
        """
        rng, port, shell = np.random.default_rng(seed), self.port, self.shell
        words = rng.integers(0, 256, (frames * self.frame_in, shell.in_bytes), dtype=np.uint8)
        image = self.layout(words, shell.in_stride, rng)
        wanted = self.layout(words.reshape(-1, shell.out_bytes), shell.out_stride, None)
        size = max(source + len(image), target + len(wanted)) + 8192
        before = rng.integers(0, 256, size, dtype=np.uint8)
        before[source : source + len(image)] = image
        port.poke(port.base, before)
        self.board.launch(port.base + source, port.base + target, frames)
        (finish or self.board.finish)(frames)
        after = port.peek(port.base, size)
        before[target : target + len(wanted)] = wanted
        wrong = np.flatnonzero(after != before)
        assert not len(wrong), (
            f"{len(wrong)} bytes differ, the first at {wrong[0]} (target {target})"
        )
        return wanted
