"""The board's registers and memory, by pynq."""

import time

import numpy as np


class PynqPort:
    """Registers by pynq's MMIO, buffers by its allocate."""

    window_s = 0.05  # to measure the clock in: long against the time of a register access

    def __init__(self, address, size=4096, device=None):
        import pynq

        self._pynq, self._device = pynq, device
        self._mmio = (
            pynq.MMIO(address, size) if device is None else pynq.MMIO(address, size, device=device)
        )

    def read32(self, offset):
        return int(self._mmio.read(offset)) & 0xFFFFFFFF  # PYNQ.remote 3.1 gives signed integers

    def write32(self, offset, value):
        self._mmio.write(offset, int(value))  # a numpy integer is refused

    def buffer(self, size):
        """A contiguous buffer of `size` bytes: an array with its physical address, `address`."""
        made = self._pynq.allocate(
            shape=(size,),
            dtype=np.uint8,
            **({} if self._device is None else {"target": self._device}),
        )
        return _PynqBuffer(made)

    def flush(self, buffer):
        buffer.made.flush()

    def invalidate(self, buffer):
        buffer.made.invalidate()

    def free(self, buffer):
        buffer.made.freebuffer()

    def now(self):
        """Seconds, of the clock that time-outs are counted by."""
        return time.monotonic()

    def pause(self):
        """Between two looks at a register."""


class _PynqBuffer:
    def __init__(self, made):
        self.made = made
        self.address = int(made.device_address)
        self.array = np.asarray(made)
