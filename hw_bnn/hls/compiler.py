"""g++ over generated C++ and the kernels, to a shared library in the build cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ..sim.cache import content_key, entry
from ..sim.compiler import processor, run_tool
from ..sim.verilator_env import find_compiler, verilator_environment
from . import HLS_FILES

Streams = Literal["stream", "bounded"]
"""Which hls::stream: one kernel after the other and unbounded, or a thread a kernel and bounded."""

FLAGS = ("-std=c++14", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-Wall", "-Wextra",
         "-Wno-unknown-pragmas", "-march=native")  # fmt: skip


@contextmanager
def library(
    sources: Mapping[str, str],
    unit: str,
    streams: Streams = "stream",
    optimise: str = "-O2",
    defines: Sequence[str] = (),
    types: Path | None = None,
) -> Iterator[Path]:
    """Path of a shared library of the C++ file `unit`.

    Args:
        sources: name -> text of it and of files that it includes;
            they go before those of the package.
        types: folder with another ap_int.h than ours (Vitis', or the open one of AMD).

    Raises:
        MissingTool: there is no C++ compiler.
        CheckFailed: it rejects the code.
    """
    kept = [p for p in sorted(HLS_FILES.rglob("*")) if p.suffix in (".h", ".hpp")]
    texts = [(p.relative_to(HLS_FILES).as_posix(), p.read_text()) for p in kept]
    flags = [optimise, *(f"-D{define}" for define in defines)]
    key = content_key(sorted(sources.items()), unit, texts, streams, flags, FLAGS, str(types),
                      find_compiler(), processor())  # fmt: skip

    def build(folder: Path) -> None:
        for name, text in sources.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        own = types or HLS_FILES / "csim/ap"
        places = [HLS_FILES / "csim" / streams, own, HLS_FILES / "csim", HLS_FILES / "include"]
        command = [find_compiler(), *flags, *FLAGS, "-I.", "-Iinclude", *(f"-I{p}" for p in places),
                   unit, "-o", "csim.so"]  # fmt: skip
        run_tool(command, folder, verilator_environment(), "the C++ compiler")

    with entry("csim", key, build) as folder:
        yield folder / "csim.so"
