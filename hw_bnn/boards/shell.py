"""The shell around an accelerator: how its words lie in memory, its sources, and the top
that joins them.

    shell = Shell.of(accelerator, PORTS["zynq7000"])
    shell.in_stride, shell.wrapper()

A word of the core's stream lies at the low end of a container: the power of two of bytes at
or above the word while that fits in a beat of the memory port, else the multiple of the
beat at or above it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from string import Template

from ..accelerator import Description
from ..accelerator.names import file_name
from ..rtl import rtl_sources
from . import BOARD_FILES
from .interfaces import clock_and_reset, tagged

RTL = BOARD_FILES / "shell" / "rtl"
TOP = "bnn_overlay"
MODULES = ("bnn_shell_regs", "bnn_bursts", "bnn_read_dma", "bnn_write_dma", "bnn_word_unpack",
           "bnn_word_pack", "bnn_shell_control", "bnn_shell_registers", "bnn_shell")  # fmt: skip
KERNELS = ("skid", "fifo")
CHECKER = RTL / "bnn_axi_checker.sv"


@dataclass(frozen=True)
class Port:
    """A processor's port to memory, and where its registers are seen.

    Attributes:
        data_bits, addr_bits: of the AXI4 port.
        control: address at which the processor sees the shell's registers.
    """

    data_bits: int
    addr_bits: int
    control: int


PORTS = {"zynq7000": Port(64, 32, 0x4000_0000), "zynqmp": Port(128, 40, 0xA000_0000)}
"""Family of the processor -> HP0 with its control port's base (UG585, UG1085)."""


def stride(word_bytes: int, beat_bytes: int) -> int:
    """Bytes from one word to the next in memory.

    >>> [stride(n, 8) for n in (1, 3, 8, 9, 17)]
    [1, 4, 8, 16, 24]
    """
    if word_bytes <= beat_bytes:
        return 1 << (word_bytes - 1).bit_length()
    return -(-word_bytes // beat_bytes) * beat_bytes


def model_hash(accelerator: Description) -> int:
    """64 bits that tell this accelerator's RTL and memory files from others'."""
    lines = [f"{name} {digest}\n" for name, digest in sorted(accelerator.hashes.items())
             if name.startswith("rtl/")]  # fmt: skip
    text = f"{accelerator.name}\n{''.join(lines)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class Shell:
    """A shell for a core with words of `in_bytes` and `out_bytes` bytes.

    Attributes:
        name: of the accelerator. core: its top module. model: what register MODEL reads.
        contexts: sets of weights that are loaded at run time; 0 where they are constants.
    """

    name: str
    port: Port
    in_bytes: int
    out_bytes: int
    core: str
    model: int = 0
    contexts: int = 0

    @classmethod
    def of(cls, accelerator: Description, port: Port) -> Shell:
        """The shell of an accelerator at a port."""
        return cls(
            accelerator.name, port, accelerator.input.tdata_bits // 8,
            accelerator.output.tdata_bits // 8, accelerator.top, model_hash(accelerator),
            accelerator.contexts if accelerator.config is not None else 0,
        )  # fmt: skip

    @property
    def beat_bytes(self) -> int:
        return self.port.data_bits // 8

    @property
    def in_stride(self) -> int:
        return stride(self.in_bytes, self.beat_bytes)

    @property
    def out_stride(self) -> int:
        return stride(self.out_bytes, self.beat_bytes)

    def wrapper(self, module: str = TOP) -> str:
        """Verilog of the top: the shell's AXI ports outside, the core inside."""
        ports = _ports(self.port)
        links = [f"      .{name}({name})," for name, *_ in ports if name not in _CONSTANT]
        return Template((RTL / f"{TOP}.v.in").read_text()).substitute(
            MODULE=module, NAME=file_name(self.name), CORE=self.core,
            CLOCK_AND_RESET=clock_and_reset(("s_axi_control", "m_axi")),
            PORTS=",\n".join(_declaration(*port) for port in ports), LINKS="\n".join(links),
            DATA_BITS=self.port.data_bits, ADDR_BITS=self.port.addr_bits,
            SIZE=self.beat_bytes.bit_length() - 1, MODEL=f"{self.model:016x}",
            IN_BYTES=self.in_bytes, IN_STRIDE=self.in_stride, IN_MSB=8 * self.in_bytes - 1,
            CONFIG=int(self.contexts > 0), NO_CONFIG="" if self.contexts else _NO_CONFIG,
            CORE_CONFIG=_core_config(self.contexts),
            OUT_BYTES=self.out_bytes, OUT_STRIDE=self.out_stride, OUT_MSB=8 * self.out_bytes - 1,
        )  # fmt: skip

    def sources(self, *, checks: bool = False) -> list[Path]:
        """The shell's files in compilation order, not the wrapper; with the protocol checker."""
        own = [RTL / f"{name}.sv" for name in MODULES]
        kernels = rtl_sources(*KERNELS, checks=checks)
        return [own[0], *kernels, *([CHECKER] if checks else []), *own[1:]]


_NO_CONFIG = """  assign cfg_ready = 1'b0;
  assign {cfg_status, cfg_loaded} = 64'd0;
"""


def _core_config(contexts: int) -> str:
    """Connections of a core's config port, where it has one."""
    if not contexts:
        return ""
    name = "      .s_axis_tuser(in_name),\n" if contexts > 1 else ""
    return (
        "      .s_axis_cfg_tdata(cfg_data), .s_axis_cfg_tvalid(cfg_valid),\n"
        "      .s_axis_cfg_tready(cfg_ready), .cfg_status(cfg_status), .cfg_context(cfg_context),\n"
        f"      .cfg_loaded(cfg_loaded),\n{name}"
    )


def _ports(port: Port) -> list[tuple[str, str, int]]:
    """(name, direction, bits) of the wrapper's AXI ports."""
    control = [
        ("awaddr", "input", 12), ("awvalid", "input", 1), ("awready", "output", 1),
        ("wdata", "input", 32), ("wstrb", "input", 4), ("wvalid", "input", 1),
        ("wready", "output", 1), ("bresp", "output", 2), ("bvalid", "output", 1),
        ("bready", "input", 1), ("araddr", "input", 12), ("arvalid", "input", 1),
        ("arready", "output", 1), ("rdata", "output", 32), ("rresp", "output", 2),
        ("rvalid", "output", 1), ("rready", "input", 1),
    ]  # fmt: skip
    address = [("id", 1), ("addr", port.addr_bits), ("len", 8), ("size", 3), ("burst", 2),
               ("lock", 1), ("cache", 4), ("prot", 3), ("qos", 4)]  # fmt: skip
    memory = []
    for channel in ("aw", "ar"):
        memory += [(f"{channel}{name}", "output", bits) for name, bits in address]
        memory += [(f"{channel}valid", "output", 1), (f"{channel}ready", "input", 1)]
    memory += [
        ("wdata", "output", port.data_bits), ("wstrb", "output", port.data_bits // 8),
        ("wlast", "output", 1), ("wvalid", "output", 1), ("wready", "input", 1),
        ("bid", "input", 1), ("bresp", "input", 2), ("bvalid", "input", 1), ("bready", "output", 1),
        ("rid", "input", 1), ("rdata", "input", port.data_bits), ("rresp", "input", 2),
        ("rlast", "input", 1), ("rvalid", "input", 1), ("rready", "output", 1),
    ]  # fmt: skip
    return [(f"s_axi_control_{n}", d, b) for n, d, b in control] + [
        (f"m_axi_{n}", d, b) for n, d, b in memory
    ]


_CONSTANT = {
    f"m_axi_{channel}{name}"
    for channel in ("aw", "ar")
    for name in ("id", "size", "burst", "lock", "cache", "prot", "qos")
} | {"m_axi_bid", "m_axi_rid"}
"""Ports that the wrapper itself drives, or leaves."""


def _declaration(name: str, direction: str, bits: int) -> str:
    bus, signal = name.rsplit("_", 1)
    port = tagged("aximm", bus, signal.upper(), direction, bits, name)
    if name in ("m_axi_bid", "m_axi_rid"):
        return (
            "    /* verilator lint_off UNUSEDSIGNAL */\n"
            f"{port}  // one identifier\n"
            "    /* verilator lint_on UNUSEDSIGNAL */"
        )
    return port


def cost(shell: Shell, family: str, place: Path) -> dict[str, float]:
    """Resources of the shell alone, by Yosys (see `hw_bnn.synth.resources`); `place` takes
    netlist and log.

    Raises:
        MissingTool: Yosys is not installed. CheckFailed: it fails.
    """
    from ..synth.synthesis import synthesise

    parameters = {
        "DATA_BITS": shell.port.data_bits, "ADDR_BITS": shell.port.addr_bits,
        "IN_BYTES": shell.in_bytes, "IN_STRIDE": shell.in_stride, "OUT_BYTES": shell.out_bytes,
        "OUT_STRIDE": shell.out_stride,
    }  # fmt: skip
    return synthesise(shell.sources(), "bnn_shell", family, place=place, parameters=parameters)[
        "total"
    ]
