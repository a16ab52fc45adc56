"""The benches' data through the kernels' C++ twins: many shapes in one compilation.

    run([("stream_fork", {"BITS": 8, "N": 2}, data)])

Each case is a kernel, its parameters and the data that its bench draws (rtl_tests.bench.Data):
words in, words that must come out, memory words.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from hw_bnn.hardwired import Network
from hw_bnn.hls.compiler import library
from hw_bnn.hls.hardwired import core
from hw_bnn.hls.tables import limb_rows
from hw_bnn.hls.twins import TWINS, Twin
from rtl_tests.bench import Data, Memory, Stream

Case = tuple[str, dict[str, int] | Network, Data]
"""Kernel, its parameters (of a hard-wired layer: the network), its data."""

_HEAD = """\
#include "driver.hpp"
{includes}
using namespace hw_bnn;
using namespace hw_bnn::csim;

struct job {{
  const byte* in[2];
  byte* out[8];
  const limb_t* memory[4];
  unsigned long long in_words[2], out_words;
  unsigned units;
  unsigned long long steps;
}};
"""
_UNIT = """
{core}
static void unit_{index}(job& given) {{
{streams}
{fills}
  steps() = 0;
  {call}
  given.steps = steps();
{drains}
}}
"""
_TAIL = """
static void (*const units[])(job&) = {{{names}}};

extern "C" __attribute__((visibility("default"))) int hwb_unit(int index, job* given, char* error,
                                                               int room) {{
  try {{
    units[index](*given);
    return 0;
  }} catch (const std::exception& what) {{
    std::strncpy(error, what.what(), room - 1);
    return 1;
  }}
}}
"""


class _Job(ctypes.Structure):
    _fields_ = [
        ("inputs", ctypes.c_void_p * 2),
        ("outputs", ctypes.c_void_p * 8),
        ("memory", ctypes.c_void_p * 4),
        ("in_words", ctypes.c_uint64 * 2),
        ("out_words", ctypes.c_uint64),
        ("units", ctypes.c_uint32),
        ("steps", ctypes.c_uint64),
    ]


def source(cases: Sequence[Case]) -> str:
    """C++ with a function for each case."""
    kernels = sorted({kernel for kernel, _, _ in cases})
    includes = "\n".join(f'#include "hw_bnn/{kernel}.hpp"' for kernel in kernels)
    bodies = [_unit(i, *case) for i, case in enumerate(cases)]
    names = ", ".join(f"unit_{i}" for i in range(len(cases)))
    return _HEAD.format(includes=includes) + "".join(bodies) + _TAIL.format(names=names)


def _unit(index: int, kernel: str, parameters: dict[str, int] | Network, data: Data) -> str:
    streams, fills, drains, arguments = [], [], [], []
    for i, (port, stream) in enumerate(data.inputs.items()):
        streams.append(f'  hls::stream<ap_uint<{stream.bits}> > {port}("{port}");')
        fills.append(
            f"  {{ const byte* at = given.in[{i}]; fill({port}, at, given.in_words[{i}]); }}"
        )
        arguments.append(port)
    outputs = list(data.outputs.items())
    bits = outputs[0][1].bits
    names = [port for port, _ in outputs]
    streams += [f'  hls::stream<ap_uint<{bits}> > {name}("{name}");' for name in names]
    fork = kernel == "stream_fork"
    arguments += [] if fork else names
    for i, name in enumerate(names):
        drains.append(f"  {{ byte* at = given.out[{i}]; drain({name}, at, given.out_words); }}")
        drains.append(f'  leftovers("{name}", {name}.size());')
    drains += [f'  leftovers("{port}", {port}.size());' for port in data.inputs]
    text = ""
    if isinstance(parameters, Network):
        words = (next(iter(data.inputs.values())).bits, bits)
        text = core(f"core_{index}", parameters, bits // len(parameters.layers[0].weights))
        template = f"hardwired_flow<{words[0]}, {words[1]}, core_{index}>"
    else:
        template = TWINS[kernel].template(parameters)
        for i, memory in enumerate(TWINS[kernel].memories(parameters)):
            limbs = max(1, -(-memory.bits // 64))
            arguments.append(f"rows<{memory.rows}, {limbs}>(given.memory[{i}])")
    arguments += ["given.units", *(names if fork else [])]
    call = f"{template}({', '.join(arguments)});"
    return _UNIT.format(core=text, index=index, streams="\n".join(streams),
                        fills="\n".join(fills), call=call, drains="\n".join(drains))  # fmt: skip


def run(cases: Sequence[Case], **options) -> None:
    """Simulate all cases in one library; `options` go to hw_bnn.hls.compiler.library.

    Raises:
        AssertionError: a word differs, or a stream runs dry or keeps words.
    """
    wrong = results(cases, **{"optimise": "-O1", **options})
    assert not any(wrong), [(c[0], c[1], w) for c, w in zip(cases, wrong, strict=True) if w][:5]


def results(cases: Sequence[Case], **options) -> list[str]:
    """What is wrong with each case, "" where nothing is."""
    with library({"bench.cpp": source(cases)}, "bench.cpp", **options) as path:
        call = ctypes.CDLL(str(path)).hwb_unit
        return [_compare(call, i, *case) for i, case in enumerate(cases)]


def _compare(call, index: int, kernel: str, parameters, data: Data) -> str:
    job, kept = _Job(), [_bytes(stream) for stream in data.inputs.values()]
    for i, array in enumerate(kept):
        job.inputs[i], job.in_words[i] = array.ctypes.data, len(array)
    outputs = list(data.outputs.values())
    found = [np.zeros_like(_bytes(stream)) for stream in outputs]
    for i, array in enumerate(found):
        job.outputs[i] = array.ctypes.data
    job.out_words, job.units, interval = len(outputs[0].words), job.in_words[0], data.frames
    if not isinstance(parameters, Network):
        twin, words = TWINS[kernel], job.in_words[0] // data.frames
        for i, array in enumerate(_memories(twin, parameters, data)):
            kept.append(array)
            job.memory[i] = array.ctypes.data
        job.units = data.frames * twin.units(parameters, words)
        interval *= twin.interval(parameters, words)
    error = ctypes.create_string_buffer(500)
    if call(index, ctypes.byref(job), error, len(error)):
        return error.value.decode()
    for array, stream in zip(found, outputs, strict=True):
        different = np.flatnonzero((array != _bytes(stream)).any(axis=1))
        if len(different):
            return f"{len(different)} of {len(array)} words differ, the first is {different[0]}"
    return "" if job.steps == interval else f"{job.steps} steps, expected {interval}"


def _memories(twin: Twin, parameters: dict[str, int], data: Data) -> list[np.ndarray]:
    """Rows of limbs, zeros where the case has no such file."""
    arrays = []
    for memory in twin.memories(parameters):
        rows, bits = memory.rows, memory.bits
        given = data.files.get(memory.parameter, Memory(bits, [0] * rows))
        assert len(given.words) == rows and given.bits == bits, (twin.kernel, memory.parameter)
        arrays.append(limb_rows([f"{word:x}" for word in given.words], bits).copy())
    return arrays


def _bytes(stream: Stream) -> np.ndarray:
    size = stream.tdata_bits // 8
    raw = b"".join(word.to_bytes(size, "little") for word in stream.words)
    return np.frombuffer(raw, np.uint8).reshape(-1, size).copy()
