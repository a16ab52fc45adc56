"""A small reader of FST files, written from the format's description,
to check what the engine writes.

Reads what Verilator's writer makes: header, LZ4 hierarchy, geometry, value changes with aliases.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path


def lz4_block(data: bytes, size: int) -> bytes:
    out, at = bytearray(), 0

    def length(start: int) -> int:
        nonlocal at
        total = start
        while start == 15 or data[at - 1] == 255:
            total += data[at]
            at += 1
            start = 0
            if data[at - 1] != 255:
                break
        return total

    while at < len(data):
        token = data[at]
        at += 1
        count = token >> 4
        count = length(15) if count == 15 else count
        out += data[at : at + count]
        at += count
        if at >= len(data):
            break
        distance = data[at] | data[at + 1] << 8
        at += 2
        count = token & 15
        count = (length(15) if count == 15 else count) + 4
        assert 0 < distance <= len(out)
        for _ in range(count):
            out.append(out[-distance])
    assert len(out) == size
    return bytes(out)


class Bytes:
    def __init__(self, data: bytes, at: int = 0):
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def u64(self) -> int:
        return struct.unpack(">Q", self.take(8))[0]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value - (1 << shift) if byte & 64 else value

    def text(self) -> str:
        end = self.data.index(0, self.at)
        return self.take(end - self.at + 1)[:-1].decode()


def unpack(data: bytes, size: int) -> bytes:
    return data if len(data) == size else zlib.decompress(data)


class Fst:
    """signals: name -> (handle, bits); changes(name): [(time, value)], by time."""

    def __init__(self, path: Path):
        self.signals: dict[str, tuple[int, int]] = {}
        self._changes: dict[int, list[tuple[int, int]]] = {}
        blocks, at, data = {}, 0, Path(path).read_bytes()
        while at < len(data):
            size = struct.unpack(">Q", data[at + 1 : at + 9])[0]
            blocks.setdefault(data[at], []).append(data[at + 9 : at + 1 + size])
            at += 1 + size
        assert at == len(data) and len(blocks[0]) == len(blocks[3]) == len(blocks[6]) == 1
        geometry = Bytes(blocks[3][0])
        size, count = geometry.u64(), geometry.u64()
        lengths = Bytes(unpack(blocks[3][0][16:], size))
        self.bits = [lengths.varint() for _ in range(count)]
        self._hierarchy(lz4_block(blocks[6][0][8:], Bytes(blocks[6][0]).u64()))
        for block in blocks.get(8, []):
            self._block(block)

    def _hierarchy(self, data: bytes) -> None:
        source, scope, handle = Bytes(data), [], 0
        while source.at < len(data):
            tag = source.take(1)[0]
            if tag == 254:  # a scope begins
                source.take(1)
                scope.append(source.text())
                source.text()
            elif tag == 255:
                scope.pop()
            elif tag == 252:  # an attribute
                source.take(2)
                source.text()
                source.varint()
            elif tag == 253:
                pass
            else:
                source.take(1)
                name, bits, alias = source.text(), source.varint(), source.varint()
                handle += alias == 0
                name = ".".join([*scope, name.split(" ")[0]])
                self.signals[name] = ((alias or handle) - 1, bits)

    def _block(self, data: bytes) -> None:
        source = Bytes(data)
        begin, _, _ = source.u64(), source.u64(), source.u64()
        size, packed, _ = source.varint(), source.varint(), source.varint()
        bits = unpack(source.take(packed), size)
        at = 0
        for handle, width in enumerate(self.bits):
            if not self._changes.get(handle):
                value = bits[at : at + width]
                known = set(value) <= set(b"01")
                self._changes[handle] = [(begin, int(value, 2))] if known and width else []
            at += width
        source.varint()
        kind = source.take(1)
        start = source.at - 1  # positions count from the type's byte
        tail = Bytes(data, len(data) - 24)
        size, packed, count = tail.u64(), tail.u64(), tail.u64()
        times_at = len(data) - 24 - packed
        delta = Bytes(unpack(data[times_at : times_at + packed], size))
        times, now = [], 0
        for _ in range(count):
            now += delta.varint()
            times.append(now)
        table_size = Bytes(data, times_at - 8).u64()
        end = times_at - 8 - table_size
        positions = self._positions(Bytes(data[end : times_at - 8]), table_size)
        ends = sorted({p for p in positions.values() if p} | {end - start})
        for handle, position in positions.items():
            if position:
                stop = ends[ends.index(position) + 1]
                wave = Bytes(data, start + position)
                size = wave.varint()
                raw = data[wave.at : start + stop]
                assert kind == b"4"
                self._values(handle, lz4_block(raw, size) if size else raw, times)

    @staticmethod
    def _positions(source: Bytes, size: int) -> dict[int, int]:
        result, handle, position, alias = {}, 0, 0, 0
        while source.at < size:
            if source.data[source.at] & 1:
                value = source.signed() >> 1
                if value > 0:
                    position += value
                    result[handle] = position
                else:
                    alias = value or alias
                    result[handle] = result[-alias - 1]
                handle += 1
            else:
                handle += source.varint() >> 1
        return result

    def _values(self, handle: int, data: bytes, times: list[int]) -> None:
        source, index, width = Bytes(data), 0, self.bits[handle]
        while source.at < len(data):
            head = source.varint()
            if width == 1:
                assert not head & 1, "an unknown value"
                index += head >> 2
                value = head >> 1 & 1
            else:
                index += head >> 1
                assert not head & 1, "an unknown value"
                value = int.from_bytes(source.take((width + 7) // 8), "big") >> (-width % 8)
            self._changes[handle].append((times[index], value))

    def changes(self, name: str) -> list[tuple[int, int]]:
        return self._changes[self.signals[name][0]]

    def at(self, name: str, time: int) -> int:
        value = None
        for when, new in self.changes(name):
            if when > time:
                break
            value = new
        assert value is not None
        return value
