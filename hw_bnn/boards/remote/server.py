"""`board --serve`: the simulated board of an accelerator, for programs that use pynq.

with served("net", "pynq-z2") as address:
    ...                                     # PYNQ_REMOTE_DEVICES=127.0.0.1
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from ...accelerator.folder import open_accelerator
from ...compile.boards import BOARDS
from ...errors import BadInput, HwBnnError, MissingTool
from ..engine import LATENCY
from ..processors import PROCESSORS
from ..shell import PORTS
from ..simboard import SimulatedBoard
from .processor import LARGEST_FIRMWARE, BoardProcessor
from .protocol import MESSAGES, PORT, SERVICES, messages
from .service import Mmio, RemoteBuffer, RemoteDevice

HOST = "127.0.0.1"
LARGEST_STREAM = LARGEST_FIRMWARE + (1 << 20)  # bytes of a call's messages: firmware is the largest
MEMORY_BYTES = 128 << 20  # two pairs of the driver's largest buffers by default, twice
_BATCH = 1024  # frames of a run by default: see boards/pynq/driver/board.py
_CALLS = 4  # at a time; what they do to the board, they do one after another


@contextmanager
def served(
    folder: str | Path, board: str, *, host: str = HOST, port: int = PORT, trust: bool = False,
) -> Iterator[str]:  # fmt: skip
    """A server of the simulated board of an accelerator, while the context lasts.

    Args:
        folder: accelerator folder. board: one with a processor (pynq-z1, ...).
        host, port: to listen at; pynq connects to port 7967 of any address. Port 0 takes a free
        one. trust: take a folder that was not compiled by this user on this machine (see
        docs/trust.md).

    Yields:
        HOST:PORT.

    Raises:
        BadInput: no accelerator, a board without a processor, or an address that cannot be had.
        MissingTool: grpcio, or what the simulation needs, is not installed.
    """
    folder = Path(folder)
    known = BOARDS.get(board)
    if known is None or known.processor is None:
        fit = ", ".join(name for name, b in BOARDS.items() if b.processor)
        raise BadInput(f"{board} is no board that runs pynq", remedy=f"use one of {fit}")
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise BadInput(f"port={port!r} is no port", remedy="use 0 (any free one) to 65535")
    accelerator = open_accelerator(folder, trust=trust)
    with SimulatedBoard.of(
        folder, accelerator, PORTS[known.processor], latency=LATENCY, memory_bytes=MEMORY_BYTES
    ) as simulated:
        # One look at a register may wait for a whole batch: the program's clock goes on meanwhile.
        cycles = 4 * _BATCH * accelerator.bound_cycles
        processor = BoardProcessor(
            simulated, PROCESSORS[known.processor], f"simulated {known.title}", cycles
        )
        server = _server(processor)
        try:
            taken = server.add_insecure_port(f"{host}:{port}")
        except RuntimeError:
            taken = 0
        if not taken:
            raise BadInput(f"{host}:{port} cannot be listened at", remedy="give another --host")
        server.start()
        try:
            yield f"{host}:{taken}"
        finally:
            server.stop(grace=None).wait()


def board(
    folder: str | Path, board: str, *, serve: bool = False, host: str = HOST, port: int = PORT,
    trust: bool = False, ready: Callable[[str], None] = print,
) -> None:  # fmt: skip
    """A simulated board with an accelerator, for pynq to connect to.

    Args:
        folder ... trust: see :func:`served`.
        serve: until interrupted (by Ctrl-C, say); nothing else is to be had of it.
        ready: called with HOST:PORT once programs can connect.

    Raises:
        BadInput: not asked to serve; and see :func:`served`.
    """
    if not serve:
        raise BadInput("nothing is asked of the simulated board", remedy="give --serve")
    with (
        suppress(KeyboardInterrupt),
        served(folder, board, host=host, port=port, trust=trust) as at,
    ):
        ready(at)
        threading.Event().wait()


def _server(processor: BoardProcessor):
    grpc = _grpc()
    server = grpc.server(ThreadPoolExecutor(_CALLS), options=[("grpc.so_reuseport", 0)])
    lock = threading.Lock()
    kinds = messages()
    answers = {
        "remote_device.RemoteDevice": RemoteDevice(processor),
        "mmio.Mmio": Mmio(processor),
        "buffer.RemoteBuffer": RemoteBuffer(processor),
    }
    assert set(answers) == set(SERVICES) and len(MESSAGES) == len(answers)
    for service, calls in SERVICES.items():
        package = service.split(".")[0]
        handlers = {}
        for name, (message, many_in, many_out) in calls.items():
            make = getattr(
                grpc, f"{'stream' if many_in else 'unary'}_{'stream' if many_out else 'unary'}"
                "_rpc_method_handler"
            )  # fmt: skip
            handlers[name] = make(
                _guarded(getattr(answers[service], name), lock, many_in, many_out, grpc),
                kinds[f"{package}.{message}Request"].FromString,
                kinds[f"{package}.{message}Response"].SerializeToString,
            )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    return server


def _guarded(
    method: Callable, lock: threading.Lock, many_in: bool, many_out: bool, grpc
) -> Callable:
    """A call that has the board for itself; what it refuses ends the call with the reason."""

    def whole(request, context):
        if many_in:  # whole before the lock is taken: a slow sender holds nobody up
            parts, size = [], 0
            for part in request:
                parts.append(part)
                size += part.ByteSize()
                if size > LARGEST_STREAM:
                    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "the stream is too long")
            request = parts
        try:
            with lock:
                result = method(iter(request) if many_in else request)
                return list(result) if many_out else result
        except HwBnnError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    def each(request, context):
        yield from whole(request, context)

    return each if many_out else whole


def _grpc():
    # Its own lines about a port that is taken, say; what matters of them is our error's.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        import grpc
    except ImportError:
        raise MissingTool(
            "grpcio is not installed", remedy="install it: `pip install 'hw-bnn[boards]'`"
        ) from None
    return grpc
