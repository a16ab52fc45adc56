"""Verilator build of an accelerator as a shared library, kept in the build cache.

    RTL + bnn_bench.sv --verilator--> C++ --g++--> objects ┐
    driver.cpp -------------------------------> object ├--> model.so
    Verilator's runtime ----------------------> objects┘ (compiled once for all models)

What a library depends on is its key in the cache: the sources' text under neutral names (but
no memory file: those are read at run time, so that every network of the same shape shares a
library), the options and the tools.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import BadInput
from .cache import content_key, entry
from .compiler import HERE, Runtime, compiled, run_tool
from .neutral import BYTES, Neutral
from .verilator_env import find_compiler, verilator_environment

Variant = Literal["fast", "waves"]
"""waves: can write FST files too, and is several times slower even when it does not."""

_DRIVER = ("bnn_bench.sv", "driver.cpp", "driver.hpp", "exports.map")
_SOURCE_SUFFIXES = {".sv", ".v", ".svh", ".vh"}
_HOOKS = ("-include", "hooks.hpp")
_UNITS = ("verilated", "verilated_threads", "verilated_dpi")
RUNTIMES: dict[Variant, Runtime] = {
    "fast": Runtime(_UNITS, _HOOKS, ("hooks.hpp",)),
    "waves": Runtime(
        (*_UNITS, "verilated_fst_c"), (*_HOOKS, "-DVM_TRACE=1", "-DVM_TRACE_FST=1", "-DHWB_TRACE"),
        ("hooks.hpp",), include="fst_shims",
    ),
}  # fmt: skip
_VERILATOR_FLAGS = (
    "--cc", "--no-timing", "--no-assert", "-O3", "--x-assign", "fast", "--x-initial", "unique",
    "--prefix", "Vbench", "--top-module", "bnn_bench", "--Mdir", "obj", "--quiet-stats",
    "--output-split", "20000", "--output-split-cfuncs", "2000",
    "-Wno-fatal", "-Wno-lint", "-Wno-style", "-DHW_BNN_SIM",
)  # fmt: skip
_LINK_FLAGS = (
    "-shared", "-pthread", "-static-libstdc++", "-static-libgcc", "-Wl,--wrap=fopen",
    "-Wl,-Bsymbolic", "-Wl,--version-script=exports.map",
)  # fmt: skip


@dataclass(frozen=True)
class Design:
    """What is simulated: sources with a top module that has the ports of an accelerator.

    Attributes:
        sources: files in compilation order; those with suffix .svh or .vh are only
            found by `include.
        in_bits, out_bits: tdata widths of s_axis and m_axis.
        top: name of the top module.
        visible: Verilator configuration lines that make signals readable (see `stream_visibility`).
        defines: macros, NAME or NAME=VALUE.
        variant: see `Variant`.
        extra_flags: more options of Verilator.
        texts: (file name, text) of further sources, compiled first.
        names: under which its sources are built, where those are not their own; no part of the key.
        config: the top has a config port. contexts: and frames name a context.
    """

    sources: tuple[Path, ...]
    in_bits: int
    out_bits: int
    top: str
    visible: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    variant: Variant = "fast"
    extra_flags: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    names: Neutral | None = None
    config: bool = False
    contexts: bool = False

    def key(self) -> str:
        """Cache key of the library."""
        return content_key(
            [(path.name, _text(path)) for path in self.sources],
            self.in_bits, self.out_bits, self.top, self.visible, self.defines, self.variant,
            self.extra_flags, self.texts, self.config, self.contexts,
            [_text(HERE / name) for name in _DRIVER], _VERILATOR_FLAGS, _LINK_FLAGS,
            _text(HERE / "fast_bits.hpp"),
            RUNTIMES[self.variant].key(),
        )  # fmt: skip


def folder_sources(rtl: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """The files NAMES of an rtl folder plus the headers beside them.

    Raises:
        BadInput: one of them is absent.
    """
    for name in names:
        if not (rtl / name).is_file():
            raise BadInput(
                f"{rtl / name} is missing", remedy="the accelerator is damaged: compile it again"
            )
    headers = sorted(p.name for p in rtl.iterdir() if p.suffix in {".svh", ".vh"})
    chosen = [n for n in names if Path(n).suffix in _SOURCE_SUFFIXES]
    return tuple(rtl / name for name in dict.fromkeys([*chosen, *headers]))


def stream_visibility(top: str) -> tuple[str, ...]:
    """Configuration lines: the top's stream wires and the FIFOs' run-time variables."""
    return (
        'public_flat_rw -module "bnn_fifo*" -var "sim_cap"',
        'public_flat_rw -module "bnn_fifo*" -var "sim_max"',
        *(f'public_flat_rd -module "{top}" -var "*_{w}"' for w in ("tvalid", "tready", "tdata")),
    )


@contextmanager
def library(design: Design) -> Iterator[Path]:
    """Path of the design's shared library, built if the cache does not have it.

    Raises:
        MissingTool: Verilator, g++, make or perl is absent.
        BadInput: the cache cannot be written.
        CheckFailed: Verilator or the compiler rejects the design.
    """
    env = verilator_environment()

    def build(folder: Path) -> None:
        with design.names.own_names() if design.names else nullcontext():
            _build(design, folder, env)

    with entry("verilated", design.key(), build) as folder:
        yield folder / "model.so"


def _build(design: Design, folder: Path, env: dict[str, str]) -> None:
    """Fill a cache entry with model.so."""
    work = folder / "work"
    (work / "src").mkdir(parents=True)
    for source in design.sources:
        shutil.copyfile(source, work / "src" / source.name)
    for name, text in design.texts:
        (work / "src" / name).write_text(text, **BYTES)
    for name in _DRIVER:
        (work / name).write_text(_text(HERE / name))
    (work / "visible.vlt").write_text("\n".join(["`verilator_config", *design.visible, ""]))
    _verilate(design, work, env)
    header = _text(work / "obj" / "Vbench___024root.h")
    names = sorted(set(re.findall(r"\b__Vtrigprevexpr\w*ap_clk__\d+\b", header)))
    extra = [f"-DHWB_IN_BYTES={design.in_bits // 8}", f"-DHWB_OUT_BYTES={design.out_bits // 8}"]
    extra += [f"-DHWB_LAST_CLOCK={names[0]}"] if len(names) == 1 else []
    extra += _macros(design)
    runtime = RUNTIMES[design.variant]
    with compiled(work, work / "driver.cpp", runtime, env, extra) as objects:
        command = [find_compiler(), *objects, *_LINK_FLAGS, "-o", "../model.so"]
        run_tool(command, work, env, "the linker")
    shutil.rmtree(work)


def _macros(design: Design) -> list[str]:
    found = {"HW_BNN_CONFIG": design.config, "HW_BNN_CONTEXTS": design.contexts}
    return [f"-D{name}" for name, there in found.items() if there]


def _verilate(design: Design, work: Path, env: dict[str, str]) -> None:
    names = [name for name, _ in design.texts] + [path.name for path in design.sources]
    files = [f"src/{name}" for name in names if not name.endswith((".svh", ".vh"))]
    command = [
        "verilator", *_VERILATOR_FLAGS, "-Isrc",
        f"-GIN_BITS={design.in_bits}", f"-GOUT_BITS={design.out_bits}",
        f"-DHW_BNN_CORE={design.top}", *(f"-D{define}" for define in design.defines),
        *_macros(design), *design.extra_flags,
        *(["--trace-fst"] if design.variant == "waves" else []),
        "visible.vlt", *files, "bnn_bench.sv",
    ]  # fmt: skip
    run_tool(command, work, env, "Verilator")


def _text(path: Path) -> str:
    return path.read_text(**BYTES)
