"""What each kernel is: its SystemVerilog module's parameters, the layout of its memories, its cost.

One file a kernel, found by name. What a kernel computes stands at the head of
hw_bnn/rtl/bnn_<kernel>.sv, and its bench (rtl_tests/<kernel>) holds it to that; compile/ops makes a
FINN op of it.

>>> KERNELS["xnor_mvau"].memories({"MW": 64, "MH": 8, "PE": 2, "SIMD": 16})[0]
Memory(parameter='WEIGHTS_FILE', rows=16, lanes=32, widths=(1,))
"""

from __future__ import annotations

import importlib
import pkgutil

from .base import Kernel, Memory, Parts, registered

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

KERNELS: dict[str, Kernel] = registered()
"""Kernel's name -> what it is; its SystemVerilog module is `hw_bnn.rtl.module_of` it."""

__all__ = ["KERNELS", "Kernel", "Memory", "Parts"]
