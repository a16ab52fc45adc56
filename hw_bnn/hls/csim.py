"""C simulation of an accelerator's HLS code: the RTL's input bytes in, its output bytes out.

    with opened(folder) as model:
        words = model.run(pack_input(accelerator.input, x))

What is compiled are the files that `hls` wrote: top.cpp, roms.hpp and include/. They are a program,
so they are checked and trusted as an accelerator's RTL is (docs/trust.md).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import numpy as np

from ..accelerator import Description
from ..accelerator.folder import open_accelerator
from ..errors import BadInput, CheckFailed
from ..files.given import given_path
from ..sim.packing import Words
from . import HLS_FILES
from .compiler import Streams, library
from .design import Channel
from .files import open_files

_CHUNK_WORDS = 4_000_000
"""Words that the largest stream of a call may hold: what bounds the memory of a simulation."""

_ERROR_BYTES = 4096


class CSim(AbstractContextManager):
    """HLS code of an accelerator, compiled.

    Args:
        files: name -> text of what `hls` writes (hw_bnn.hls.files).
        streams: "stream" (sequential, fast) or "bounded" (a thread a kernel, streams of the
            design's depths).
        options: see `hw_bnn.hls.compiler.library`.

    Raises:
        MissingTool, CheckFailed: see there.
    """

    def __init__(
        self, files: Mapping[str, str], accelerator: Description, streams: Streams = "stream",
        **options,
    ):  # fmt: skip
        self.accelerator = accelerator
        self.bounded = streams == "bounded"
        defines = ["HW_BNN_BOUNDED"] if self.bounded else []
        sources = {name: text for name, text in files.items() if name.endswith((".cpp", ".hpp"))}
        sources["driver.cpp"] = (HLS_FILES / "csim/driver.cpp").read_text()
        self._stack = ExitStack()
        path = self._stack.enter_context(
            library(sources, "driver.cpp", streams, defines=defines, **options)
        )
        self._lib = ctypes.CDLL(str(path))
        widest = max(stream.words for stream in self.accelerator.streams)
        self._chunk = max(1, _CHUNK_WORDS // widest)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(
        self, words: Words, *, jobs: int = 1, progress: Callable[[int], None] | None = None,
        frame_by_frame: bool = False,
    ) -> Words:  # fmt: skip
        """Output words of frames.

        Args:
            words: (N, words, bytes) of s_axis.
            jobs: threads that share the frames.
            progress: called with the number of frames newly done.
            frame_by_frame: one call of the top function a frame, as in hardware.

        Returns:
            (N, words, bytes) of m_axis.

        Raises:
            CheckFailed: a stream is read while empty, or keeps words.
        """
        function = self._lib.hwb_calls if frame_by_frame else self._lib.hwb_csim
        out = self.accelerator.output
        found = np.zeros((len(words), out.words, out.tdata_bits // 8), np.uint8)
        size = max(1, min(self._chunk, -(-len(words) // max(jobs, 1))))

        def part(start: int) -> int:
            given, taken = _whole(words[start : start + size]), found[start : start + size]
            error = ctypes.create_string_buffer(_ERROR_BYTES)
            if function(given.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint32(len(given)),
                        taken.ctypes.data_as(ctypes.c_void_p), error, _ERROR_BYTES):  # fmt: skip
                raise CheckFailed(f"the C simulation stops: {error.value.decode()}")
            return len(given)

        with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
            for count in pool.map(part, range(0, len(words), size)):
                if progress is not None:
                    progress(count)
        return found

    def capture(self, words: Words, channels: Sequence[Channel]) -> dict[str, Words]:
        """The words of inner channels while frames run: name -> (N, words, bytes)."""
        names = (ctypes.c_char_p * len(channels))(*(c.name.encode() for c in channels))
        parts: dict[str, list[Words]] = {channel.name: [] for channel in channels}
        try:
            for start in range(0, len(words), self._chunk):
                chunk = words[start : start + self._chunk]
                self._lib.hwb_watch(names, len(channels))
                self.run(chunk)
                for channel in channels:
                    parts[channel.name].append(self._recorded(channel, len(chunk)))
        finally:
            self._lib.hwb_watch(None, 0)
        return {name: np.concatenate(found) for name, found in parts.items()}

    def _recorded(self, channel: Channel, frames: int) -> Words:
        array = np.zeros((frames, channel.words, channel.tdata_bits // 8), np.uint8)
        self._lib.hwb_recorded.restype = ctypes.c_uint64
        size = self._lib.hwb_recorded(
            channel.name.encode(), array.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_uint64(array.nbytes),
        )  # fmt: skip
        if size != array.nbytes:
            raise CheckFailed(f"channel {channel.name} carries {size} bytes, not {array.nbytes}")
        return array

    def run_bounded(self, words: Words, depths: Mapping[str, int] | None = None) -> Words:
        """Output words of frames, with a thread a kernel and streams of bounded depth.

        Args:
            depths: channel -> words, where another depth than the design's is tried.

        Raises:
            CheckFailed: a deadlock; the message names the streams that are waited at.
        """
        if not self.bounded:
            raise BadInput("the code is compiled with unbounded streams")
        out = self.accelerator.output
        given = _whole(words)
        found = np.zeros((len(words), out.words, out.tdata_bits // 8), np.uint8)
        changed = dict(depths or {})
        names = (ctypes.c_char_p * len(changed))(*(name.encode() for name in changed))
        sizes = (ctypes.c_uint32 * len(changed))(*changed.values())
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        code = self._lib.hwb_bounded(
            given.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint32(len(given)),
            found.ctypes.data_as(ctypes.c_void_p), names, sizes, len(changed), error, _ERROR_BYTES,
        )  # fmt: skip
        if code:
            text = error.value.decode()
            raise CheckFailed(
                f"deadlock: {text}" if code == 2 else f"the C simulation stops: {text}"
            )
        return found


def opened(folder: str | Path, streams: Streams = "stream", *, trust: bool = False) -> CSim:
    """The code in FOLDER/hls, compiled.

    Raises:
        BadInput: no accelerator, no HLS code or that of another one, a changed file, or nobody
            vouches for them. MissingTool, CheckFailed: as CSim.
    """
    folder = given_path(folder)
    accelerator = open_accelerator(folder, trust=trust)
    return CSim(open_files(folder, trust=trust), accelerator, streams)


def _whole(words: Words) -> Words:
    return np.ascontiguousarray(words, np.uint8)
