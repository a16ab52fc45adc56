"""The shell on the simulated board, with a core that passes bytes on: data, bandwidth,
errors, abort.

Both ports: 64 bits with 32-bit addresses (Zynq-7000) and 128 with 40 (UltraScale+, memory
beyond 4 GiB). Words narrower than the bus, as wide, and wider. bnn_axi_checker watches the memory
port in every run.
"""

import numpy as np
import pytest

from hw_bnn.boards.registers import load
from hw_bnn.boards.simboard import AFTER_DATA, ANY_TIME, DECERR, SLVERR, WITH_DATA, driver
from hw_bnn.errors import CheckFailed
from tests.boards.echo_board import EchoBoard

NARROW = [("zynq7000", 3, 1), ("zynqmp", 20, 4)]
FULL = [("zynq7000", 8, 8), ("zynqmp", 16, 16)]


@pytest.mark.parametrize("shape", NARROW + FULL, ids=str)
def test_stalls_latencies_odd_counts_and_offsets(boards, shape):
    """60 runs; buffers at any multiple of the bus, so that bursts meet 4 KiB in every way."""
    echo = boards(*shape)
    bus = echo.shell.beat_bytes
    rng = np.random.default_rng(5)
    for seed in range(60):
        how = echo.port.behaviour
        how.latency = int(rng.choice([1, 2, 20, 100, 200]))
        how.bursts = int(rng.choice([1, 4, 16]))
        how.address_after = int(rng.choice([ANY_TIME, WITH_DATA, AFTER_DATA]))
        stall = float(rng.choice([0, 0.1, 0.5, 0.9]))
        echo.port.set_stall([stall if rng.random() < 0.7 else 0 for _ in range(5)])
        frames = int(rng.choice([1, 2, 3, 7, 31, 64, 129, 333]))
        source = int(rng.integers(0, 1024)) * bus
        target = (1 << 20) + (4096 - int(rng.integers(0, 40)) * bus)
        echo.transfer(frames, source, target, seed)


@pytest.mark.parametrize("shape", NARROW, ids=str)
def test_every_offset_within_a_page_and_every_tail(boards, shape):
    """21 counts at offsets around a 4 KiB border: the last strobe takes all its values."""
    echo = boards(*shape)
    bus = echo.shell.beat_bytes
    for i in range(21):
        echo.transfer(1 + i, 4096 - i * bus, (1 << 16) - (20 - i) * bus, seed=i)


@pytest.mark.parametrize("shape", FULL, ids=str)
def test_bandwidth_at_a_latency_of_100_cycles(boards, shape):
    """Reads and writes both at 95 % of the bus or more, start and end of the run included."""
    echo = boards(*shape)
    echo.port.behaviour.latency = 100
    frames = 12_000
    echo.transfer(frames, 0, 1 << 20, seed=1)
    share = frames / echo.board.read64("CYCLES")
    assert share >= 0.95, f"{share:.3f} beats a cycle"


def test_a_narrow_core_takes_a_word_every_cycle(boards):
    echo = boards("zynq7000", 3, 1)
    echo.port.behaviour.latency = 100
    echo.transfer(9_000, 0, 1 << 20, seed=1)
    assert 3 * 9_000 / echo.board.read64("CYCLES") >= 0.95  # three words out for one in


def test_registers_are_those_of_the_yaml_file(boards):
    """Reset values, what can be written, and that the rest cannot; unknown offsets read 0."""
    echo = boards("zynqmp", 20, 4)
    registers, read, write = load(), echo.port.read32, echo.port.write32
    shell = echo.shell
    constant = {
        "ID": registers.magic, "VERSION": registers.version, "IN_STRIDE": 32, "OUT_STRIDE": 4,
        "PORT": 40 << 8 | 16, "MODEL_LO": shell.model & 0xFFFFFFFF, "MODEL_HI": shell.model >> 32,
    }  # fmt: skip
    known = {register.offset for register in registers}
    for register in registers:
        before = read(register.offset)
        if register.name.startswith("FREE"):
            continue
        assert before == constant.get(register.name, 0b1100 if register.name == "CTRL" else 0), (
            register.name
        )
        if register.name == "CTRL":
            continue
        write(register.offset, 0xFFFFFFFF)
        whole = sum(f.mask for f in register.fields.values()) or 0xFFFFFFFF
        if register.name in ("CONFIG", "CONTEXT"):  # of a core that has a config port
            whole = 0
        assert read(register.offset) == (whole if register.access == "rw" else before), (
            register.name
        )
        write(register.offset, 0)
    for offset in set(range(0, 0x200, 4)) - known:
        write(offset, 0xFFFFFFFF)
        assert read(offset) == 0, hex(offset)
    for register in registers:
        if register.access == "rw" and register.name != "CTRL":
            assert read(register.offset) == 0, register.name
    first = echo.board.read64("FREE")
    echo.port.run(1000)
    assert 1000 < echo.board.read64("FREE") - first < 1100


def test_interrupts(boards):
    echo = boards("zynq7000", 3, 1)
    board, port = echo.board, echo.port
    board.write("IER", 1)
    echo.transfer(3, 0, 4096, seed=1)
    assert board.read("ISR") == 1 and not port.irq  # not enabled globally
    board.write("GIER", 1)
    port.run(3)
    assert port.irq
    board.write("ISR", 1)
    port.run(3)
    assert not port.irq and board.read("ISR") == 0
    board.write("IER", 2)
    with pytest.raises(driver().BoardError, match="BAD_ADDRESS"):
        echo.transfer(3, 4, 4096, seed=1)  # not aligned
    assert port.irq and board.read("ISR") == 3


# ---------------------------------------------------------------------------------- refused runs


@pytest.mark.parametrize("shape", NARROW, ids=str)
def test_runs_that_are_refused_touch_no_memory(boards, shape):
    echo = boards(*shape)
    board, base = echo.board, echo.port.base
    top = 1 << echo.shell.port.addr_bits
    bus, out = echo.shell.beat_bytes, echo.frame_out * echo.shell.out_stride
    beats = echo.port.behaviour.beats_read
    for source, target, frames, name in (
        (base + 1, base, 1, "BAD_ADDRESS"),
        (base, base + bus // 2, 1, "BAD_ADDRESS"),
        (top, base, 1, "BAD_ADDRESS"),
        (base, top - bus, 2 * bus // out + 2, "BAD_ADDRESS"),
        (base, base, 0, "BAD_WORDS"),
    ):
        board.launch(source, target, frames)
        with pytest.raises(driver().BoardError, match=name):
            board.finish(frames)
    assert echo.port.behaviour.beats_read == beats
    echo.transfer(5, 0, 8192, seed=2)


# ------------------------------------------------------------------------------ faults of memory


@pytest.mark.parametrize("shape", NARROW, ids=str)
@pytest.mark.parametrize("code, name", [(SLVERR, "SLVERR"), (DECERR, "DECERR")])
@pytest.mark.parametrize("which", ["READ", "WRITE"])
def test_error_responses_are_told_and_the_next_run_is_right(boards, shape, which, code, name):
    echo = boards(*shape)
    how, at = echo.port.behaviour, echo.port.base + (0 if which == "READ" else 1 << 16)
    how.fault, how.fault_from, how.fault_to = code, at + 100, at + 101
    with pytest.raises(driver().MemoryFault, match=f"{which}_{name}"):
        echo.transfer(40, 0, 1 << 16, seed=3)
    assert echo.board.read("STATUS") == load()["STATUS"].fields[f"{which}_{name}"].mask
    how.fault_to = 0
    echo.transfer(40, 0, 1 << 16, seed=4)


@pytest.mark.parametrize("shape", NARROW + FULL, ids=str)
def test_an_abort_at_any_time_leaves_a_shell_that_works(boards, shape):
    echo = boards(*shape)
    board, rng = echo.board, np.random.default_rng(7)
    for wait in [0, 1, 2, 15, 16, 17, 18, 19, 20, *rng.integers(21, 900, 25)]:
        echo.port.behaviour.latency = int(rng.choice([1, 30, 120]))
        echo.port.set_stall(float(rng.choice([0, 0.4])))
        echo.port.behaviour.address_after = int(rng.choice([ANY_TIME, WITH_DATA, AFTER_DATA]))
        board.launch(echo.port.base, echo.port.base + (1 << 20), 2000)
        echo.port.run(int(wait))
        board.abort()
        assert (
            board.read("CTRL") == 0b1110
            and board.read("STATUS") == load()["STATUS"].fields["ABORTED"].mask
        )
        echo.transfer(9, 64, 1 << 19, seed=int(wait))


def test_short_input_is_a_named_time_out_and_the_next_run_is_right(boards):
    echo = boards("zynq7000", 3, 1)

    def short(frames):
        echo.board.finish(frames)

    echo.board.launch = lambda source, target, frames: _launch_with(
        echo.board, source, target, frames, -2
    )
    try:
        with pytest.raises(driver().RunTimeout, match="8 of 10 words in, 24 of 30 out"):
            echo.transfer(10, 0, 4096, seed=1, finish=short)
    finally:
        del echo.board.launch
    echo.transfer(10, 0, 4096, seed=2)


def _launch_with(board, source, target, frames, more):
    """As Board.launch, with another number of input words."""
    type(board).launch(board, source, target, frames)
    board.abort()
    board.write("SRC_WORDS", frames + more)
    board.write("CTRL", 1)


def test_memory_that_dies_and_comes_back(boards):
    echo = boards("zynqmp", 20, 4)
    board, how = echo.board, echo.port.behaviour
    board.launch(echo.port.base, echo.port.base + 65536, 500)
    echo.port.run(80)
    how.dead = 1
    with pytest.raises(driver().DeadPort, match="owes responses"):
        board.finish(500)
    how.dead = 0
    echo.port.run(2000)
    assert board.read("CTRL") == 0b1110
    echo.transfer(20, 0, 65536, seed=1)


def test_a_reset_in_mid_run(boards):
    echo = boards("zynq7000", 3, 1)
    echo.board.launch(echo.port.base, echo.port.base + 65536, 500)
    echo.port.run(200)
    echo.port.reset()
    assert echo.board.read("CTRL") == 0b1100
    echo.transfer(20, 0, 65536, seed=1)


def test_a_start_while_a_run_goes_on_is_ignored(boards):
    echo = boards("zynq7000", 8, 8)

    def hasty(frames):
        echo.board.write("DST_LO", 0)
        echo.board.write("CTRL", 1)
        echo.board.finish(frames)

    echo.transfer(300, 0, 65536, seed=1, finish=hasty)


# ---------------------------------------------------------------------------------------- mutants

MUTANTS = {  # file, expression, what stands there instead
    "a burst crosses 4 KiB": (
        "bnn_bursts.sv", "LENGTH_BITS'(BURST) - {1'b0, next[LENGTH_BITS-2:0]}",
        "LENGTH_BITS'(BURST)"),
    "the last strobe is whole": ("bnn_write_dma.sv", "last ? last_strobe : '1", "'1"),
    "the last strobe is a byte short": (
        "bnn_shell_control.sv", "i < int'(out_bytes[LOW_BITS-1:0])",
        "i + 1 < int'(out_bytes[LOW_BITS-1:0])"),
    "done before the responses": (
        "bnn_write_dma.sv", "none_left && idle", "none_left && !aw_valid && due == '0"),
    "an address of 32 bits": (
        "bnn_shell_control.sv", "to[ADDR_BITS-1:LOW_BITS]", "BEAT_BITS'(to[31:LOW_BITS])"),
    "no room reserved": ("bnn_read_dma.sv", "room >= COUNT_BITS'(length)", "1'b1"),
    "data that wait for their address": (
        "bnn_write_dma.sv", "due + (issue ? COUNT_BITS'(length) : '0)",
        "due + (aw_valid && aw_ready ? COUNT_BITS'(aw_len) + 1'b1 : '0)"),
    "an abort that does not wait": ("bnn_shell_control.sv", "read_idle && write_idle", "1'b1"),
    "an error that is forgotten": ("bnn_read_dma.sv", "(r_resp[0] ? 2'b10 : 2'b01)", "2'b00"),
}  # fmt: skip


def mutated():
    """The sources with every mutant in them; mutant.hex chooses one, so one build serves all."""
    changes = {}
    for i, (file, old, new) in enumerate(MUTANTS.values(), start=1):
        changes.setdefault(file, []).append((old, f"(mutant[0] == {i} ? ({new}) : ({old}))"))
    for file in changes:
        changes[file].append(
            ("\n);\n", '\n);\n  int mutant[1];\n  initial $readmemh("mutant.hex", mutant);\n')
        )
    return changes


@pytest.mark.parametrize("name", [None, *MUTANTS])
def test_mutants_are_caught(name, tmp_path):
    """Each is caught by an ordeal that the shell itself passes: a checker stops, a byte differs, or
    a word is missing."""
    number = 0 if name is None else 1 + list(MUTANTS).index(name)
    (tmp_path / "mutant.hex").write_text(f"{number:x}\n")
    echo = EchoBoard(tmp_path, "zynqmp", 20, 4, mutations=mutated())
    if name is None:
        return _ordeal(echo)
    with pytest.raises((AssertionError, CheckFailed, driver().BoardError)):
        _ordeal(echo)


def _ordeal(echo):
    how = echo.port.behaviour
    for i in range(12):
        how.latency = (1, 60, 200)[i % 3]
        how.address_after = i // 2 % 3
        echo.port.set_stall((0, 0.5)[i % 2])
        echo.transfer(
            50 + i, 4096 - 8 * echo.shell.beat_bytes, 65536 - 5 * echo.shell.beat_bytes, seed=i
        )
    echo.port.set_stall([0, 0, 0, 0.9, 0])  # a slow writer: read data pile up
    echo.transfer(2000, 0, 1 << 18, seed=1)
    echo.port.set_stall(0)
    for wait in (30, 60, 90):
        echo.board.launch(echo.port.base, echo.port.base + 65536, 400)
        echo.port.run(wait)
        echo.board.abort()
        echo.transfer(9, 0, 65536, seed=wait)
    how.fault, how.fault_from, how.fault_to = SLVERR, echo.port.base, echo.port.base + 1
    echo.board.launch(echo.port.base, echo.port.base + 65536, 9)
    echo.port.run(1000)
    assert echo.board.read("STATUS") == 1
