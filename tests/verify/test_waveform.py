"""The word that the golden model expects, in the layout of the stream."""

import numpy as np
import pytest

from hw_bnn.accelerator import Stream
from hw_bnn.verify.locate import unpack
from hw_bnn.verify.waveform import word


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(("shape", "lanes", "bits"), [
    ((24,), 4, 1), ((6,), 1, 11), ((4, 5), 2, 3), ((6, 2, 3), 3, 1), ((2, 3, 2), 2, 8),
    ((10,), 5, 2),
])  # fmt: skip
def test_words_are_packed_as_they_are_unpacked(shape, lanes, bits, signed):
    count = int(np.prod(shape)) // lanes
    stream = Stream(name="s", producer="a", consumer="b", words=count, word_bits=lanes * bits,
                    tdata_bits=-(-lanes * bits // 8) * 8)  # fmt: skip
    numbers = np.random.default_rng(3).integers(0, 1 << lanes * bits, (2, count))
    raw = numbers.astype("<u4")[..., None].view(np.uint8)[:, :, : stream.tdata_bits // 8]
    values = unpack(np.ascontiguousarray(raw), stream, (2, *shape), signed)
    for frame in range(2):
        told = [word(values[frame], stream, beat, signed) for beat in range(count)]
        assert told == [f"{n:0{-(-lanes * bits // 4)}x}" for n in numbers[frame]]
