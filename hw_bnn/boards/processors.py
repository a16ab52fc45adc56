"""The processors of boards: what their overlays call them,
and how they clock the programmable logic.

    PROCESSORS["zynq7000"].clock_mhz({0xF800_0108: ..., 0xF800_0170: ...})

Register addresses, fields and PLLs are those of UG585 (Zynq-7000) and UG1085 (Zynq UltraScale+).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_DIVISORS = range(1, 64)


@dataclass(frozen=True)
class Processor:
    """A family of processors, as the boards here wire it.

    Attributes:
        kind: its IP; `version` of that. machine: what its Linux calls itself.
        control, memory, clock, reset, irq: pins that an overlay uses.
        pll: address of the PLL's register; clock_register: of clock 0's.
        divisors: lowest bits of clock 0's two divisors, six bits each.
        reference_mhz: of the crystal, as pynq counts it.
        boot: address -> what the register holds after the boot; clock 0 runs at 50 MHz then.
    """

    kind: str
    version: str
    machine: str
    control: str
    memory: str
    clock: str
    reset: str
    irq: str
    pll: int
    clock_register: int
    divisors: tuple[int, int]
    reference_mhz: float
    boot: Mapping[int, int]

    @property
    def vlnv(self) -> str:
        return f"xilinx.com:ip:{self.kind}:{self.version}"

    @property
    def pll_mhz(self) -> float:
        """Of the PLL that clock 0 comes from, after the boot."""
        return self._pll_mhz(self.boot[self.pll])

    def _pll_mhz(self, value: int) -> float:
        if self.kind == "processing_system7":
            return self.reference_mhz * (value >> 12 & 0x7F)
        return self.reference_mhz * (value >> 8 & 0x7F) / (1 + (value >> 16 & 1))

    def clock_mhz(self, registers: Mapping[int, int]) -> float:
        """Clock 0 by the values of registers; 0 where a divisor is 0, which stops it."""
        value = registers[self.clock_register]
        by = 1
        for low in self.divisors:
            by *= value >> low & 0x3F
        return self._pll_mhz(registers[self.pll]) / by if by else 0.0

    def nearest_divisors(self, mhz: float) -> tuple[int, int]:
        """The two divisors that come nearest to a clock, the larger one first."""
        pairs = [(a, b) for a in _DIVISORS for b in _DIVISORS if a >= b]
        return min(pairs, key=lambda pair: (abs(self.pll_mhz / (pair[0] * pair[1]) - mhz), pair))

    def parameters(self, mhz: float, data_bits: int) -> dict[str, str]:
        """Parameters of its IP that pynq reads, by Vivado's names."""
        found: dict[str, str] = {}
        for i in range(4):
            first, second = self.nearest_divisors(mhz if i == 0 else self.pll_mhz / 10)
            real = f"{self.pll_mhz / (first * second):.6f}"
            if self.kind == "processing_system7":
                found |= {
                    f"PCW_FPGA_FCLK{i}_ENABLE": str(int(i == 0)),
                    f"PCW_FCLK{i}_PERIPHERAL_DIVISOR0": str(first),
                    f"PCW_FCLK{i}_PERIPHERAL_DIVISOR1": str(second),
                    f"PCW_FCLK{i}_PERIPHERAL_CLKSRC": "IO PLL",
                    f"PCW_ACT_FPGA{i}_PERIPHERAL_FREQMHZ": real,
                }
            else:
                prefix = f"PSU__CRL_APB__PL{i}_REF_CTRL__"
                found |= {
                    f"PSU__FPGA_PL{i}_ENABLE": str(int(i == 0)),
                    f"{prefix}DIVISOR0": str(first),
                    f"{prefix}DIVISOR1": str(second),
                    f"{prefix}SRCSEL": "IOPLL",
                    f"{prefix}ACT_FREQMHZ": real,
                }
        if self.kind == "processing_system7":
            return found | {"PCW_S_AXI_HP0_DATA_WIDTH": str(data_bits)}
        # From these pynq sets the ports' widths.
        return found | {"C_MAXIGP0_DATA_WIDTH": "128", "C_SAXIGP2_DATA_WIDTH": str(data_bits)}


PROCESSORS = {
    "zynq7000": Processor(
        kind="processing_system7", version="5.5", machine="armv7l", control="M_AXI_GP0",
        memory="S_AXI_HP0", clock="FCLK_CLK0", reset="FCLK_RESET0_N", irq="IRQ_F2P",
        pll=0xF800_0108, clock_register=0xF800_0170, divisors=(8, 20), reference_mhz=50.0,
        boot={
            0xF800_0100: 26 << 12, 0xF800_0104: 21 << 12, 0xF800_0108: 20 << 12,
            0xF800_0120: 2 << 8,
            **{0xF800_0170 + 16 * i: 10 << 8 | 2 << 20 for i in range(4)},
        },
    ),
    "zynqmp": Processor(
        kind="zynq_ultra_ps_e", version="3.5", machine="aarch64", control="M_AXI_HPM0_FPD",
        memory="S_AXI_HP0_FPD", clock="pl_clk0", reset="pl_resetn0", irq="pl_ps_irq0",
        pll=0xFF5E_0020, clock_register=0xFF5E_00C0, divisors=(8, 16), reference_mhz=33.333,
        boot={
            0xFF5E_0020: 1 << 16 | 90 << 8, 0xFF5E_0030: 1 << 16 | 63 << 8,
            0xFD1A_0020: 1 << 16 | 72 << 8, 0xFD1A_002C: 1 << 16 | 64 << 8,
            0xFD1A_0038: 1 << 16 | 90 << 8, 0xFD1A_0060: 1 << 8,
            **{0xFF5E_00C0 + 4 * i: 1 << 24 | 30 << 8 | 1 << 16 for i in range(4)},
            # Widths of the ports: AXI_FS, and AFIFM2's read and write side.
            0xFD61_5000: 0, 0xFD38_0000: 0, 0xFD38_0014: 0,
        },
    ),
}  # fmt: skip
"""Family -> processor; `Port` (shell.py) says how it is seen from the shell."""
