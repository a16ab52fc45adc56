"""The simulated board's server, called as pynq calls it, without pynq."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest

from hw_bnn import cli
from hw_bnn.accelerator import Description
from hw_bnn.boards.processors import PROCESSORS
from hw_bnn.boards.registers import load
from hw_bnn.boards.remote.processor import BoardProcessor
from hw_bnn.boards.remote.protocol import SERVICES, messages
from hw_bnn.boards.remote.server import served
from hw_bnn.boards.shell import PORTS
from hw_bnn.boards.simboard import SimulatedBoard
from hw_bnn.errors import BadInput

pytestmark = pytest.mark.slow
BASE = PORTS["zynqmp"].control
KINDS = messages()


class Caller:
    """caller.mmio_read(offset=...): one call of a service; streams are lists."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)

    def __getattr__(self, name):
        package, call = name.rsplit("__", 1)
        service = next(s for s in SERVICES if s.startswith(package))
        message, many_in, many_out = SERVICES[service][call]
        kind = f"{'stream' if many_in else 'unary'}_{'stream' if many_out else 'unary'}"
        request = KINDS[f"{package}.{message}Request"]
        answer = KINDS[f"{package}.{message}Response"].FromString
        send = getattr(self.channel, kind)(
            f"/{service}/{call}", type(request()).SerializeToString, answer
        )

        def called(*given, **fields):
            parts = [request(**part) for part in given] or [request(**fields)]
            result = send(iter(parts) if many_in else parts[0], timeout=30)
            return list(result) if many_out else result

        return called


@pytest.fixture(scope="module")
def address(folder):
    with served(folder, "kv260", port=0) as address:
        yield address


@pytest.fixture
def caller(address):
    made = Caller(address)
    yield made
    made.channel.close()


def refused(call, *given, **fields):
    with pytest.raises(grpc.RpcError) as error:
        call(*given, **fields)
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    return error.value.details()


def test_registers(caller):
    window = caller.mmio__get_mmio(base_addr=BASE, length=4096)
    assert window.status and not window.msg
    shell = load()

    def read(offset, **more):
        return caller.mmio__read(
            **{"mmio_id": window.mmio_id, "offset": offset, "length": 4, **more}
        )

    assert read(shell["ID"].offset).data == shell.magic
    assert read(shell["ID"].offset, length=1).data == shell.magic & 0xFF
    words = (0x1234_5670).to_bytes(4, "little") + (0x89).to_bytes(4, "little")
    assert not caller.mmio__write(mmio_id=window.mmio_id, offset=0x10, data=words).msg
    assert (read(0x10).data, read(0x14).data) == (0x1234_5670, 0x89)
    assert "4 bytes at offset 0x1000 of 4096" in read(4096).msg
    assert "offset 0x2" in read(2).msg
    assert "no mapping 'x'" in read(0, mmio_id="x").msg
    assert "3 bytes" in caller.mmio__write(mmio_id=window.mmio_id, offset=0, data=b"abc").msg
    assert "nothing is at 0x1000" in caller.mmio__get_mmio(base_addr=0x1000, length=4).msg
    assert "nothing is at" in caller.mmio__get_mmio(base_addr=BASE, length=4097).msg


def test_bytes_reach_memory_by_flush_and_come_back_by_invalidate(caller):
    size = 5 << 20  # over one message
    name = caller.buffer__allocate(size=size, dtype="u1").buffer_id
    data = np.random.default_rng(1).integers(0, 256, size, np.uint8).tobytes()
    half = len(data) // 2

    def write(content):
        parts = [{"buffer_id": name, "data": content[a : a + half]} for a in range(0, size, half)]
        return caller.buffer__write(*parts)

    def content():
        return b"".join(part.data for part in caller.buffer__read(buffer_id=name))

    assert not write(data).msg and content() == data
    assert not caller.buffer__flush(buffer_id=name).msg
    write(bytes(size))
    assert content() == bytes(size)
    assert not caller.buffer__invalidate(buffer_id=name).msg
    assert content() == data
    over = [{"buffer_id": name, "data": part} for part in (data[:half], data[:half], b"12")]
    assert "more bytes than buffer" in caller.buffer__write(*over).msg
    assert caller.buffer__physical_address(buffer_id=name).address >= 1 << 32
    assert not caller.buffer__freebuffer(buffer_id=name).msg
    for call in (caller.buffer__flush, caller.buffer__invalidate, caller.buffer__freebuffer):
        assert f"no buffer '{name}'" in call(buffer_id=name).msg
    assert "no buffer" in refused(caller.buffer__physical_address, buffer_id=name)
    assert "no buffer" in refused(caller.buffer__read, buffer_id=name)


def test_freed_memory_is_given_out_again_and_full_memory_is_told(caller):
    held = caller.buffer__allocate(size=1 << 20, dtype="u1").buffer_id
    for _ in range(20):
        name = caller.buffer__allocate(size=64 << 20, dtype="u1").buffer_id
        caller.buffer__freebuffer(buffer_id=name)
    assert "no room in the simulated memory of 128 MiB" in refused(
        caller.buffer__allocate, size=128 << 20, dtype="u1"
    )
    assert "0 bytes" in refused(caller.buffer__allocate, size=0, dtype="u1")
    caller.buffer__freebuffer(buffer_id=held)


def test_files_and_a_download(caller):
    version = caller.remote_device__readfile(file_path="/proc/version")
    assert b"aarch64" in version[0].data
    assert not caller.remote_device__existsfile(file_path="/etc/passwd").exists
    assert "no file /etc/passwd" in refused(caller.remote_device__readfile, file_path="/etc/passwd")
    for path in ("/etc/passwd", "/lib/firmware/../x", "/lib/firmware/a/b", ""):
        assert "to write" in refused(
            caller.remote_device__writefile, {"file_path": path, "data": b"x"}
        )
    window = caller.mmio__get_mmio(base_addr=BASE, length=4096).mmio_id
    caller.mmio__write(mmio_id=window, offset=0x10, data=b"\1\2\3\4")
    firmware, manager = "/lib/firmware/n.bin", "/sys/class/fpga_manager/fpga0/"
    load_it = {"file_path": f"{manager}firmware", "data": b"n.bin"}
    assert "no firmware n.bin" in refused(caller.remote_device__writefile, load_it)
    caller.remote_device__writefile({"file_path": firmware, "data": b"12"})
    assert caller.remote_device__existsfile(file_path=firmware).exists
    caller.remote_device__writefile({"file_path": f"{manager}flags", "data": b"1"})
    assert "whole bitstreams" in refused(caller.remote_device__writefile, load_it)
    caller.remote_device__writefile({"file_path": f"{manager}flags", "data": b"0"})
    assert caller.mmio__read(mmio_id=window, offset=0x10, length=4).data == 0x04030201
    caller.remote_device__writefile(load_it)  # resets the logic, as a bitstream does
    assert caller.mmio__read(mmio_id=window, offset=0x10, length=4).data == 0


@pytest.mark.parametrize("kind", PROCESSORS)
def test_the_free_counter_runs_by_the_clock_registers(folder, kind):
    """At 50 MHz after the boot, then as set; idle time is counted and not simulated."""
    seconds = [0.0]
    ps, shell = PROCESSORS[kind], load()
    with SimulatedBoard.of(folder, Description.load(folder), PORTS[kind]) as board:
        seen = BoardProcessor(board, ps, "x", 1000, now=lambda: seconds[0])
        base = board.shell.port.control

        def free():
            low = seen.read32(base + shell["FREE_LO"].offset)
            return seen.read32(base + shell["FREE_HI"].offset) << 32 | low

        assert abs(seen.clock_mhz - 50) < 0.01
        seconds[0] += 200.0
        assert abs(free() / 200 - 50e6) < 0.01 * 1e6  # beyond 32 bits
        first, second = ps.nearest_divisors(100)
        low, high = ps.divisors
        keep = seen.read32(ps.clock_register) & ~(0x3F << low | 0x3F << high)
        seen.write32(ps.clock_register, keep | first << low | second << high)
        before = free()
        seconds[0] += 1.0
        assert abs(free() - before - 100e6) < 0.01 * 1e6
        assert board.cycle < 1000


def test_what_cannot_be_served(folder, address):
    for board in ("ulx3s", "nexys"):
        with (
            pytest.raises(BadInput, match="no board that runs pynq; use one of .*pynq-z2"),
            served(folder, board),
        ):
            pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f":{port} cannot be listened at"):  # noqa: SIM117
            with served(folder, "kv260", port=port):
                pass
    for port in (99999, -1, "80"):
        with pytest.raises(BadInput, match="is no port"), served(folder, "kv260", port=port):
            pass
    assert cli.run(["board", str(folder), "--board", "kv260"]) == 2


def test_the_command_serves_until_it_is_interrupted(folder):
    program = Path(sys.executable).with_name("hw-bnn")
    command = [program, "board", folder, "--board", "kv260", "--serve", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as run:
        made = Caller(run.stdout.readline().split()[-1])
        assert made.remote_device__existsfile(file_path="/proc/version").exists
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=30) == 0
        assert run.stderr.read() == ""
