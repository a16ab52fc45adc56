"""The answers to pynq's calls: a class a service, a method a call, by the names of protocol.py.

A method takes a request (or an iterator of requests) and gives a response (or an iterator).
What cannot be done is told in the response's `msg` where pynq looks for one, else it is an
error of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...errors import BadInput, HwBnnError
from ..simboard import Buffer
from .processor import LARGEST_FIRMWARE, BoardProcessor
from .protocol import messages

_CHUNK = 2 << 20  # bytes of one message; pynq's own
_MESSAGES = messages()


def _reply(name: str, **fields):
    return _MESSAGES[f"{name}Response"](**fields)


def _told(name: str, action: Callable[[], object]):
    """A response without a message, or with what `action` raised."""
    try:
        action()
    except HwBnnError as error:
        return _reply(name, msg=str(error))
    return _reply(name)


class RemoteDevice:
    """Files of the board, and with them the loading of bitstreams."""

    def __init__(self, processor: BoardProcessor):
        self.processor = processor

    def existsfile(self, request):
        return _reply("remote_device.ExistsFile", exists=self.processor.exists(request.file_path))

    def readfile(self, request) -> Iterator:
        content = self.processor.read_file(request.file_path)
        yield _reply("remote_device.ReadFile", data=content)

    def writefile(self, requests):
        content, path = bytearray(), ""
        for request in requests:
            path = request.file_path
            content += request.data
            if len(content) > LARGEST_FIRMWARE:
                raise BadInput(f"{path} is larger than any bitstream")
        self.processor.write_file(path, bytes(content))
        return _reply("remote_device.WriteFile")

    def set_bitstream_attrs(self, request):
        return _reply("remote_device.SetBitstreamAttrs", status=not request.partial)


class Mmio:
    """Registers, in windows that were asked for."""

    def __init__(self, processor: BoardProcessor):
        self.processor = processor
        self._windows: dict[str, tuple[int, int]] = {}  # id -> address, bytes

    def get_mmio(self, request):
        try:
            self.processor.check(request.base_addr, request.length)
        except HwBnnError as error:
            return _reply("mmio.GetMmio", msg=str(error))
        name = f"{request.base_addr:#x}+{request.length}"
        self._windows[name] = (request.base_addr, request.length)
        return _reply("mmio.GetMmio", status=True, mmio_id=name)

    def read(self, request):
        try:
            value = self.processor.read32(self._address(request, 4))
        except HwBnnError as error:
            return _reply("mmio.Read", msg=str(error))
        return _reply("mmio.Read", status=True, data=value & (1 << 8 * min(request.length, 4)) - 1)

    def write(self, request):
        try:
            address = self._address(request, len(request.data))
            for at in range(0, len(request.data), 4):
                word = int.from_bytes(request.data[at : at + 4], "little")
                self.processor.write32(address + at, word)
        except HwBnnError as error:
            return _reply("mmio.Write", msg=str(error))
        return _reply("mmio.Write", status=True)

    def _address(self, request, size: int) -> int:
        if request.mmio_id not in self._windows:
            raise BadInput(f"there is no mapping {request.mmio_id!r}")
        base, length = self._windows[request.mmio_id]
        if request.offset % 4 or size % 4 or request.offset + size > length:
            raise BadInput(f"{size} bytes at offset {request.offset:#x} of {length} bytes")
        return base + request.offset


class RemoteBuffer:
    """Buffers: their bytes reach memory by a flush alone, and come from there by an invalidate."""

    def __init__(self, processor: BoardProcessor):
        self.board = processor.board
        self._buffers: dict[str, Buffer] = {}
        self._made = 0

    def allocate(self, request):
        if request.size < 1:
            raise BadInput(f"a buffer of {request.size} bytes")
        made = self.board.buffer(request.size)
        self._made += 1
        self._buffers[str(self._made)] = made
        return _reply("buffer.Allocate", buffer_id=str(self._made))

    def write(self, requests):
        def place() -> None:
            at = 0
            for request in requests:
                into = self._buffer(request).array[at : at + len(request.data)]
                if len(into) < len(request.data):
                    raise BadInput(f"more bytes than buffer {request.buffer_id} has")
                into[:] = np.frombuffer(request.data, np.uint8)
                at += len(request.data)

        return _told("buffer.BufferWrite", place)

    def read(self, request) -> Iterator:
        content = self._buffer(request).array.tobytes()
        for at in range(0, len(content), _CHUNK):
            yield _reply("buffer.BufferRead", data=content[at : at + _CHUNK])

    def flush(self, request):
        return _told("buffer.Flush", lambda: self.board.flush(self._buffer(request)))

    def invalidate(self, request):
        return _told("buffer.Invalidate", lambda: self.board.invalidate(self._buffer(request)))

    def freebuffer(self, request):
        def free() -> None:
            self.board.free(self._buffer(request))
            del self._buffers[request.buffer_id]

        return _told("buffer.FreeBuffer", free)

    def physical_address(self, request):
        return _reply("buffer.Address", address=self._buffer(request).address)

    virtual_address = physical_address

    def cacheable(self, request):
        return _reply("buffer.Cacheable", cacheable=True)

    def _buffer(self, request) -> Buffer:
        if request.buffer_id not in self._buffers:
            raise BadInput(f"there is no buffer {request.buffer_id!r}")
        return self._buffers[request.buffer_id]
