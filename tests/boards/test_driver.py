"""The board's driver: its packing; whole sets through driver, registers, DMA and accelerator."""

import ast

import numpy as np
import pytest

from hw_bnn.accelerator import Input, Output
from hw_bnn.boards.shell import PORTS
from hw_bnn.boards.simboard import DRIVER, SimulatedBoard, driver, io_document
from hw_bnn.errors import BadInput
from hw_bnn.sim.packing import pack_input, pack_output, unpack_output

# ------------------------------------------------------------------------------ the file itself


def test_it_is_python_3_8_and_imports_numpy_and_pynq_alone():
    files = sorted(DRIVER.glob("*.py"))
    found = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 8))):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1 and (path.parent / f"{node.module}.py") in files
    assert found == {"collections", "json", "os", "time", "numpy", "pynq"}


# -------------------------------------------------------------------------- batches and patience


@pytest.mark.parametrize("in_stride, cycles, mhz, batch, timeout", [
    (8, 16, 100, 1024, 10),
    (8, 10**7, 100, 1024, 4 * 1024 * 10**7 / 100e6),
    (8, 10**7, 10, 1024, 4 * 1024 * 10**7 / 10e6),
    (1 << 20, 10**6, 100, 31, 10),
    (1 << 26, 10**10, 100, 1, 400),
])  # fmt: skip
def test_slow_and_large_networks_have_runs_that_end(in_stride, cycles, mhz, batch, timeout):
    """By default a batch lies in 32 MiB and has four times its cycles; what is asked for stands."""
    io = {"input": {"words": 1}, "output": {"words": 4}, "in_stride": in_stride, "out_stride": 2,
          "clock_mhz": mhz, "bound_cycles": cycles}  # fmt: skip
    board = driver().Board(io, None, check=False)
    assert (board.batch, board.timeout_s) == (batch, timeout)
    board = driver().Board(io, None, batch=7, timeout_s=1.5, check=False)
    assert (board.batch, board.timeout_s) == (7, 1.5)


# -------------------------------------------------------------------------------------- packing


def _input(rng):
    bits = int(rng.choice([1, 1, 2, 3, 4, 5, 8, 13]))
    signed = bool(rng.integers(2)) and bits > 1
    bipolar = bits == 1 and bool(rng.integers(2))
    shape = (
        [int(rng.integers(1, 40))]
        if rng.random() < 0.5
        else [int(n) for n in rng.integers(1, 6, 3)]
    )
    elements = int(np.prod(shape))
    word_bits = int(rng.choice([1, 3, 7, 8, 11, 64, 100]))
    low, high = (
        (-1, 1) if bipolar else (-(1 << bits - 1) if signed else 0, (1 << bits - signed) - 1)
    )
    name = "BIPOLAR" if bipolar else f"{'INT' if signed else 'UINT'}{bits}"
    transpose = [1, 2, 0] if len(shape) == 3 else None
    return Input(
        datatype=name, minimum=low, maximum=high, shape=shape, tensor="x", elements=elements,
        stream_shape=[shape[i] for i in transpose] if transpose else shape, transpose=transpose,
        element_bits=bits, words=-(-elements * bits // word_bits), word_bits=word_bits,
        tdata_bits=-(-word_bits // 8) * 8,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_packing_is_the_products_own(seed):
    """Any widths, signs, shapes and layouts; containers beyond the word are zero."""
    rng = np.random.default_rng(seed)
    contract = _input(rng)
    x = rng.integers(contract.minimum, contract.maximum + 1, (5, *contract.shape))
    if contract.datatype == "BIPOLAR":
        x[x == 0] = 1
    size = contract.tdata_bits // 8
    stride = size + int(rng.integers(0, 9))
    got = driver().pack(contract.model_dump(), x, stride)
    np.testing.assert_array_equal(got[:, :, :size], pack_input(contract, x))
    assert not got[:, :, size:].any()
    for wrong in (x + contract.maximum - contract.minimum + 1, x[:, :0], x.astype(float), x[0]):
        with pytest.raises(BadInput):
            pack_input(contract, wrong)
        with pytest.raises(ValueError):
            driver().pack(contract.model_dump(), wrong, stride)


@pytest.mark.parametrize("seed", range(60))
def test_unpacking_is_the_products_own(seed):
    rng = np.random.default_rng(seed)
    mode = ("scores", "label", "both")[seed % 3]
    lanes, bits, label_bits = (
        int(rng.integers(1, 5)),
        int(rng.integers(1, 34)),
        int(rng.integers(1, 11)),
    )
    kind = (
        "BIPOLAR"
        if bits == 1 and seed % 2
        else ("UINT", "INT")[int(rng.integers(2)) if bits > 1 else 0]
    )
    low, high = {
        "BIPOLAR": (-1, 1),
        "UINT": (0, (1 << bits) - 1),
        "INT": (-(1 << bits - 1), (1 << bits - 1) - 1),
    }[kind]
    scores = int(rng.integers(1, 20))
    words = 1 if mode == "label" else -(-scores // lanes)
    offset = 0 if mode == "label" else lanes * bits
    used = offset + (label_bits if mode != "scores" else 0)
    contract = Output(
        mode=mode, tensor="y", datatype=kind if kind == "BIPOLAR" else f"{kind}{bits}",
        minimum=low, maximum=high,
        scores=scores, lanes=lanes, score_bits=bits, label_bits=label_bits,
        label_offset=offset, words=words, tdata_bits=-(-used // 8) * 8,
    )  # fmt: skip
    y = rng.integers(low, high + 1, (4, scores)) if mode != "label" else None
    if y is not None and kind == "BIPOLAR":
        y[y == 0] = 1
    labels = rng.integers(0, 1 << label_bits, 4) if mode != "scores" else None
    packed = pack_output(contract, y, labels)
    got = driver().unpack(contract.model_dump(), np.pad(packed, ((0, 0), (0, 0), (0, 3))))
    for mine, theirs in zip(got, unpack_output(contract, packed), strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, theirs)


# ------------------------------------------------------------------------------------ whole sets


@pytest.fixture(scope="module", params=PORTS)
def port(digits, request):
    with SimulatedBoard.of(
        digits.folder, digits.accelerator, PORTS[request.param], checks=True
    ) as board:
        yield board


@pytest.fixture
def io(digits, port):
    return io_document(digits.accelerator, port.shell)


@pytest.mark.slow
def test_the_whole_digits_set(digits, port, io):
    """1,797 frames, in one run or in batches, stalls or none: golden's scores, full rate."""
    for batch, latency, stall in ((1797, 100, 0), (256, 20, 0.3), (1000, 1, 0.9)):
        port.behaviour.latency = latency
        port.set_stall(stall)
        board = driver().Board(io, port, batch=batch)
        scores, labels = board.run(digits.x)
        np.testing.assert_array_equal(scores, digits.scores)
        np.testing.assert_array_equal(labels, digits.labels)
        if not stall:
            assert board.read64("CYCLES") * 0.95 <= 1797 * digits.accelerator.bound_cycles
        board.close()
    port.set_stall(0)


@pytest.mark.slow
def test_finns_names(digits, port, io):
    board = driver().Board(io, port, batch=64)
    np.testing.assert_array_equal(board.predict(digits.x[:130]), digits.labels[:130])
    np.testing.assert_array_equal(board.execute(digits.x[:3]), digits.scores[:3])
    assert board.predict(digits.x[:0]).shape == (0,)
    shapes = board.io_shape_dict
    assert shapes["ishape_normal"] == [(1, 64)] and shapes["oshape_normal"] == [(1, 10)]
    told = board.throughput_test()
    assert told["N"] == 64 and told["cycles[frame]"] < 1.2 * digits.accelerator.bound_cycles
    board.close()


@pytest.mark.slow
def test_selftest(digits, port, io, tmp_path):
    np.savez(
        tmp_path / "golden.npz",
        x=digits.x[:20],
        scores=digits.scores[:20],
        labels=digits.labels[:20],
    )
    board = driver().Board(io, port, batch=16)
    told = board.selftest(tmp_path / "golden.npz")
    assert told["frames"] == 20 and abs(told["clock_mhz"] - 100) < 0.1
    board.clock_mhz = 110.0
    with pytest.raises(driver().BoardError, match="clock runs at 100.00 MHz, expected 110"):
        board.selftest()
    board.clock_mhz = None
    wrong = digits.scores[:20].copy()
    wrong[7, 3] += 1
    np.savez(tmp_path / "golden.npz", x=digits.x[:20], scores=wrong)
    with pytest.raises(driver().BoardError, match="1 of 20 golden frames differ; first frame 7"):
        board.selftest(tmp_path / "golden.npz")
    for key, value, name in (("model", "00ff", "accelerator"), ("in_stride", 3, "IN_STRIDE"),
                             ("address_bits", 33, "ADDRESS_BITS")):  # fmt: skip
        with pytest.raises(driver().WrongBitstream, match=name):
            driver().Board({**io, key: value}, port)
    board.close()


@pytest.mark.slow
@pytest.mark.parametrize("forgotten", ["flush", "invalidate"])
def test_a_driver_that_forgets_the_caches_is_caught(digits, port, io, forgotten, monkeypatch):
    monkeypatch.setattr(port, forgotten, lambda buffer: None)
    board = driver().Board(io, port)
    scores, _ = board.run(digits.x[:100])
    assert (scores != digits.scores[:100]).any()
    monkeypatch.undo()
    np.testing.assert_array_equal(board.run(digits.x[:100])[0], digits.scores[:100])
    board.close()


@pytest.mark.slow
def test_a_fault_of_memory_in_the_third_batch(digits, port, io):
    """The error is named, nothing is returned, and the next call is right."""
    board = driver().Board(io, port, batch=100, timeout_s=1e-3)
    board.run(digits.x[:200])
    how, real = port.behaviour, port.flush
    calls = []

    def flush(buffer):
        real(buffer)
        calls.append(buffer)
        how.dead = len(calls) == 3

    port.flush = flush
    try:
        with pytest.raises(driver().DeadPort, match="owes"):
            board.run(digits.x)
    finally:
        del port.flush
        how.dead = 0
    port.run(2000)
    np.testing.assert_array_equal(board.run(digits.x)[0], digits.scores)
    board.close()
