"""A kernel's description is that of its SystemVerilog module: parameters, defaults, memories."""

import re

import numpy as np
import pytest

from hw_bnn.kernels import KERNELS, Memory
from hw_bnn.rtl import FOLDER, PREFIX, module_of, rtl_path, rtl_texts

PARAMETER = re.compile(
    r"^ +parameter\s+(?:int|bit)?\s+(\w+)\s*=\s*([^,/\n]+?)\s*,?\s*(?://.*)?$", re.M
)
SIMULATED = {"SIM_DEPTH"}
"""Parameters that only simulations set."""


def module(kernel):
    """{parameter: default as text} of the module, in order, and the text above its ports."""
    path = rtl_path(kernel)
    text = rtl_texts(kernel)[path.name]
    head = text[: text.index(") (", text.index(f"module {module_of(kernel)}"))]
    return dict(PARAMETER.findall(head)), head


@pytest.mark.parametrize("kernel", KERNELS)
def test_parameters_are_the_modules_in_order(kernel):
    declared, _ = module(kernel)
    numbers = {
        name: int(value.replace("1'b", ""))
        for name, value in declared.items()
        if '"' not in value and name not in SIMULATED
    }
    assert list(KERNELS[kernel].defaults.items()) == list(numbers.items())


@pytest.mark.parametrize("kernel", KERNELS)
def test_memories_are_the_modules(kernel):
    """All files that the module reads, with the sets and negations that are off by default."""
    declared, _ = module(kernel)
    files = {name for name in declared if name.endswith("_FILE")}
    some = {"N_SETS": 2, "N_VECTORS": 3, "A_BITS": 4, "B_BITS": 5}
    used = {k: v for k, v in some.items() if k in KERNELS[kernel].defaults}
    memories = KERNELS[kernel].memories(used)
    assert {m.parameter for m in memories} == files
    assert all(m.rows > 0 and m.word_bits > 0 for m in memories)


def test_every_stream_kernel_is_described():
    sink = re.compile(r"^ +input .*\bs_axis\w*_tvalid\b", re.M)
    modules = {
        p.stem.removeprefix(PREFIX) for p in FOLDER.glob("*.sv") if sink.search(p.read_text())
    }
    inner = {"pool2d", "config_gate"}  # of max_pool and sum_pool, of the top
    assert modules - inner == set(KERNELS)


@pytest.mark.parametrize("seed", range(20))
def test_words_hold_the_fields_from_the_least_significant_bit(seed):
    rng = np.random.default_rng(seed)
    widths = tuple(int(w) for w in rng.integers(1, 40, int(rng.integers(1, 4))))
    rows, lanes = int(rng.integers(1, 9)), int(rng.integers(1, 20))
    memory = Memory("FILE", rows, lanes, widths)
    every = widths * lanes
    low = [-(2 ** (w - 1)) if w > 1 else 0 for w in every]
    values = rng.integers(
        low, [a + 2**w for a, w in zip(low, every, strict=True)], (rows, len(every))
    )
    words = memory.words(values)
    assert {len(w) for w in words} == {-(-memory.word_bits // 4)}
    for row, word in zip(values.tolist(), words, strict=True):
        expected = at = 0
        for value, width in zip(row, every, strict=True):
            expected |= (value % (1 << width)) << at
            at += width
        assert int(word, 16) == expected and at == memory.word_bits


def test_contents_of_another_shape_are_an_error():
    with pytest.raises(ValueError, match="FILE has 4 words of 6 fields, not"):
        Memory("FILE", 4, 3, (1, 2)).words(np.zeros((4, 3)))


def test_a_file_begins_with_its_modules_name():
    for path in FOLDER.glob("*.sv"):
        text = path.read_text()
        assert text.startswith(f"// {path.stem}: "), path.name
        assert re.findall(r"^module (\w+)", text, re.M) == [path.stem]
